/** Backups as operations: for the operator on the host, for the daily job, and their state for administrators. */
import { procedure, query } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { isoTime } from "../page.ts";
import type { CreatedBackup } from "./create.ts";
import type { Drilled } from "./drill.ts";
import type { Lock, Opener } from "./keys.ts";
import type { BackupSite } from "./site.ts";

export const createBackup = procedure("backup.create", async (act, { site, to, lock }: { readonly site: BackupSite; readonly to: string | undefined; readonly lock: Lock }): Promise<CreatedBackup> => {
  const made = await site.create(to, lock);
  await act.write(async ({ note }) => note({ subject: `backup:${made.id}`, details: { bytes: made.bytes, files: made.files, is_encrypted: made.is_encrypted } }));
  return made;
});

export const drillBackup = procedure("backup.drill", async (act, { site, file, opener }: { readonly site: BackupSite; readonly file: string; readonly opener: Opener }): Promise<Drilled> => {
  const drilled = await site.drill(file, opener);
  await act.write(async ({ note }) => note({ subject: `backup:${drilled.backup_id ?? "unknown"}`, details: { passed: drilled.passed } }));
  return drilled;
});

export interface BackupRecord {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  readonly created_at: string;
  readonly files: number;
  readonly is_encrypted: boolean;
  /** `included`, or `elsewhere` when PostgreSQL holds it. */
  readonly database: string;
  readonly signer: string;
}

export interface DrillRecord {
  readonly backup_id: string | null;
  readonly drilled_at: string;
  readonly passed: boolean;
  readonly problems: readonly string[];
}

export interface BackupStatus {
  /** `HH:MM` in UTC; null when no backup is made by itself. */
  readonly backup_at: string | null;
  readonly backup_dir: string;
  readonly backup_keep: number;
  readonly next_due_at: string | null;
  readonly last_backup: BackupRecord | null;
  readonly last_drill: DrillRecord | null;
  readonly last_failure: { readonly failed_at: string; readonly problem: string } | null;
}

export const readBackupStatus = query("backup.read_status", async ({ caller }, { site }: { readonly site: BackupSite }): Promise<BackupStatus> => {
  requireAdministrator(caller);
  const { schedule } = site;
  const { last_backup, last_drill, last_failure } = site.status();
  const due = site.nextDue();
  return {
    backup_at: schedule.at ?? null,
    backup_dir: schedule.directory,
    backup_keep: schedule.keep,
    next_due_at: due === undefined ? null : isoTime(due),
    last_backup: last_backup === null ? null : { ...last_backup, created_at: isoTime(last_backup.created_at) },
    last_drill: last_drill === null ? null : { backup_id: last_drill.backup_id, drilled_at: isoTime(last_drill.at), passed: last_drill.passed, problems: last_drill.problems },
    last_failure: last_failure === null ? null : { failed_at: isoTime(last_failure.at), problem: last_failure.problem },
  };
});
