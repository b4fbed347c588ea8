/** The timer by which people are notified. Any number of processes may run one: nothing is told twice. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { produceNotifications } from "./producing.ts";

/** An invitation is seen after about that long. */
export const LOOK_MS = 15_000;

/** Looks every few seconds, until it is stopped. What goes wrong is logged, and the next look tries again. */
export function startNotifications(gate: Gate, log: Log): { stop(): Promise<void> } {
  const { clock } = gate.services;
  let isStopped = false;
  let cancel: Cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  const look = async () => {
    try {
      await produceNotifications(gate, system, undefined);
    } catch (error) {
      log.write("error", "notifications.broken", { error });
    }
    arm();
  };
  const arm = () => {
    if (!isStopped) cancel = clock.after(LOOK_MS, () => void (running = look()));
  };
  arm();
  return {
    async stop() {
      isStopped = true;
      cancel();
      await running;
    },
  };
}
