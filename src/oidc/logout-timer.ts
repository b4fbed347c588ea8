/** The timer by which clients are told that sign-ins ended. Any number of processes may run one. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Keyring } from "./keyring.ts";
import { deliverLogoutNotices } from "./logout-delivery.ts";

/** An end of a sign-in is told after about that long. */
const LOOK_MS = 1_000;

export interface LogoutNotices {
  /** Gives up notices that are on their way; the next process tells them. */
  stop(): Promise<void>;
}

/** Looks every second, until it is stopped. What goes wrong is logged, and the next look tries again. */
export function startLogoutNotices(gate: Gate, keyring: Keyring, log: Log): LogoutNotices {
  const { clock } = gate.services;
  const stopping = new AbortController();
  let cancel = () => {};
  let running: Promise<void> = Promise.resolve();

  const look = async () => {
    try {
      const { failures } = await deliverLogoutNotices(gate, system, { keyring, signal: stopping.signal });
      for (const { client_id, attempts, isDropped, cause } of failures) log.write("warn", isDropped ? "logout_notice.dropped" : "logout_notice.failed", { client_id, attempts, cause });
    } catch (error) {
      log.write("error", "logout_notice.broken", { error });
    }
    arm();
  };
  const arm = () => {
    if (!stopping.signal.aborted) cancel = clock.after(LOOK_MS, () => void (running = look()));
  };
  arm();

  return {
    async stop() {
      stopping.abort();
      cancel();
      await running;
    },
  };
}
