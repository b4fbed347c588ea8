/**
 * Being told to stop: the first signal asks, a second one insists.
 *
 * Rule: the only place that listens to signals.
 */
import type { Clock } from "../services.ts";
import { EXIT_INTERRUPTED } from "./exit-codes.ts";

/** One Ctrl-C may arrive twice, from the terminal's process group and from the program that started this one. */
const ECHO_MS = 300;
/** Not SIGHUP: listening to it would undo `nohup`. */
const stopping = ["SIGTERM", "SIGINT"] as const;

/** Resolves with the first signal to stop; from then on another one ends the process at once. */
export function firstSignal({ monotonic }: Clock): Promise<(typeof stopping)[number]> {
  const { promise, resolve } = Promise.withResolvers<(typeof stopping)[number]>();
  let askedAtMs = Infinity;
  for (const signal of stopping) {
    process.on(signal, () => {
      const isEcho = signal === "SIGINT" && monotonic() - askedAtMs < ECHO_MS;
      if (askedAtMs !== Infinity && !isEcho) process.exit(EXIT_INTERRUPTED);
      askedAtMs = monotonic();
      resolve(signal);
    });
  }
  return promise;
}
