/** `/deployment/backups`: how the last backup and the last drill went. */
import { readBackupStatus } from "../../backup/backups.ts";
import type { BackupSite } from "../../backup/site.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";

export function addBackupDoors(app: App, gate: Gate, site: BackupSite): void {
  app.get("/api/v1/deployment/backups", async ({ caller }) => await readBackupStatus(gate, caller, { site }), door("backup.read_status"));
}
