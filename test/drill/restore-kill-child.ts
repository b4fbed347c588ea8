/**
 * The process that the restore drill kills: restores a backup over a data directory and kills itself, as SIGKILL does,
 * at the step of the number it is given.
 *
 *     bun restore-kill-child.ts BACKUP DATA_DIR STEP
 *
 * With a step beyond the last it ends by itself and prints how many there are.
 */
import { restoreBackup } from "../../src/backup/restore.ts";
import { realServices } from "../../src/services.ts";

const [file, dataDir, step] = process.argv.slice(2);
if (file === undefined || dataDir === undefined || step === undefined) throw new Error("usage: restore-kill-child.ts BACKUP DATA_DIR STEP");

let steps = 0;
await restoreBackup({ file, dataDir, opener: undefined, mayReplace: true, signer: undefined }, realServices(), () => {
  steps += 1;
  if (steps === Number(step)) process.kill(process.pid, "SIGKILL");
});
console.log(steps);
