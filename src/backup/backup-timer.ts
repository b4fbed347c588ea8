/** The timer of the daily backup: it is made, drilled at once, and the oldest beyond those to be kept is removed. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { Fault } from "../fault.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { createBackup, drillBackup } from "./backups.ts";
import type { BackupSite } from "./site.ts";

/** One daily backup. What goes wrong is kept for the status, and thrown. */
export async function backUpAndDrill(gate: Gate, site: BackupSite, log: Log): Promise<void> {
  try {
    const { to, passphrase } = site.nightly();
    const key = passphrase === undefined ? undefined : { passphrase };
    const made = await createBackup(gate, system, { site, to, lock: key });
    const { passed, problems } = await drillBackup(gate, system, { site, file: made.path, opener: key });
    log.write(passed ? "info" : "error", passed ? "backup.made" : "backup.drill_failed", { backup_id: made.id, bytes: made.bytes, problems });
    // A backup that is no good takes no good one's place.
    if (passed) site.forgetOld();
  } catch (error) {
    site.noteFailure(error instanceof Fault ? error.message : "A fault in the program; the log has it.");
    throw error;
  }
}

/** Waits for each day's time until it is stopped; a stop waits for the backup that is under way. */
export function startBackups(gate: Gate, site: BackupSite, log: Log): { stop(): Promise<void> } {
  let isStopped = false;
  let cancel: Cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await backUpAndDrill(gate, site, log);
    } catch (error) {
      log.write("error", "backup.failed", { error });
    }
    arm();
  };
  const arm = () => {
    const due = site.nextDue();
    if (!isStopped && due !== undefined) cancel = gate.services.clock.after(due - gate.services.clock.now(), () => void (running = run()));
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
