/** The timer by which the issuer's keys change on schedule. Any number of processes may run one. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import { type KeySchedule, rotateDueKeys } from "./key-rotation.ts";

/** The schedule is kept to this; keys are published long enough before they sign for many checks to fail. */
const CHECK_MS = 60_000;
/** Part of the interval by which processes that started together drift apart. */
const JITTER = 0.1;

export interface KeyRotation {
  /** As of the last check that succeeded; empty before. */
  schedule(): readonly KeySchedule[];
  /** Waits for a check that runs. */
  stop(): Promise<void>;
}

/** Checks at once and then every minute, until it is stopped. A check that fails is logged and the next one tries again. */
export function startKeyRotation(gate: Gate, log: Log): KeyRotation {
  const { clock, random } = gate.services;
  let schedule: readonly KeySchedule[] = [];
  let isStopped = false;
  let cancel = () => {};

  const check = async () => {
    try {
      const report = await rotateDueKeys(gate, system, undefined);
      ({ schedule } = report);
      for (const { alg, kid, active_from, retires } of report.changes) log.write("info", "signing_key.changes", { alg, kid, active_from, retires });
    } catch (error) {
      log.write("error", "signing_key.rotation_failed", { error });
    }
    if (!isStopped) cancel = clock.after(Math.round(CHECK_MS * (1 - JITTER * random.fraction())), () => void (running = check()));
  };
  let running = check();

  return {
    schedule: () => schedule,
    async stop() {
      isStopped = true;
      cancel();
      await running;
    },
  };
}
