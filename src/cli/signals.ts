/**
 * Being told to stop: the first signal asks, a second one insists.
 *
 * Rule: the only place that listens to signals.
 */
import { EXIT_INTERRUPTED } from "./exit-codes.ts";

/** Not SIGHUP: listening to it would undo `nohup`. */
const stopping = ["SIGTERM", "SIGINT"] as const;

/** Resolves with the first signal to stop; from then on another one ends the process at once. */
export function firstSignal(): Promise<(typeof stopping)[number]> {
  const { promise, resolve } = Promise.withResolvers<(typeof stopping)[number]>();
  let isAsked = false;
  for (const signal of stopping) {
    process.on(signal, () => {
      if (isAsked) process.exit(EXIT_INTERRUPTED);
      isAsked = true;
      resolve(signal);
    });
  }
  return promise;
}
