/** The timer by which files that are over are forgotten. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { sweepFiles } from "./files.ts";
import type { Shelf } from "./shelf.ts";

const LOOK_MS = 60_000;

/** Looks every minute, until it is stopped. What goes wrong is logged, and the next look tries again. */
export function startFileSweep(gate: Gate, shelf: Shelf, log: Log): { stop(): Promise<void> } {
  let isStopped = false;
  let cancel: Cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  const look = async () => {
    try {
      await sweepFiles(gate, system, { shelf });
    } catch (error) {
      log.write("error", "files.sweep_failed", { error });
    }
    arm();
  };
  const arm = () => {
    if (!isStopped) cancel = gate.services.clock.after(LOOK_MS, () => void (running = look()));
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
