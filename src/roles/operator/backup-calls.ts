/** What the operator on the host may ask for about backups. */
import { Type } from "typebox";
import { createBackup as createBackupOperation, drillBackup as drillBackupOperation, readBackupStatus as readBackupStatusOperation } from "../../backup/backups.ts";
import { operator } from "../../gate/caller.ts";
import { call, type OperatorCall } from "./call.ts";

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 4_096 });
const MaybeText = Type.Union([Text, Type.Null()]);
const MaybeWhole = Type.Union([Type.Integer(), Type.Null()]);

const Passphrase = Type.Object({ passphrase: Text }, closed);
const Lock = Type.Union([Passphrase, Type.Object({ recipient: Text }, closed), Type.Null()]);
const Opener = Type.Union([Passphrase, Type.Object({ identity: Text }, closed), Type.Null()]);

export const createBackup = call(
  "backup.create",
  {
    input: Type.Object({ to: MaybeText, lock: Lock }, closed),
    output: Type.Object({ id: Text, path: Text, bytes: Type.Integer(), created_at: Type.Integer(), files: Type.Integer(), is_encrypted: Type.Boolean(), database: Text, signer: Text }),
  },
  async ({ gate, backups }, { to, lock }) => await createBackupOperation(gate, operator, { site: backups, to: to ?? undefined, lock: lock ?? undefined }),
);

export const drillBackup = call(
  "backup.drill",
  {
    input: Type.Object({ file: Text, opener: Opener }, closed),
    output: Type.Object({ backup_id: MaybeText, at: Type.Integer(), passed: Type.Boolean(), problems: Type.Array(Type.String()), files: Type.Integer(), schema: MaybeWhole, rows: Type.Integer(), audit_rows: Type.Integer() }),
  },
  async ({ gate, backups }, { file, opener }) => {
    const { problems, ...rest } = await drillBackupOperation(gate, operator, { site: backups, file, opener: opener ?? undefined });
    return { ...rest, problems: [...problems] };
  },
);

const Backup = Type.Object({ id: Text, path: Text, bytes: Type.Integer(), created_at: Text, files: Type.Integer(), is_encrypted: Type.Boolean(), database: Text, signer: Text });
const Drill = Type.Object({ backup_id: MaybeText, drilled_at: Text, passed: Type.Boolean(), problems: Type.Array(Type.String()) });

export const readBackupStatus = call(
  "backup.read_status",
  {
    input: Type.Null(),
    output: Type.Object({
      backup_at: MaybeText,
      backup_dir: Text,
      backup_keep: Type.Integer(),
      next_due_at: MaybeText,
      last_backup: Type.Union([Backup, Type.Null()]),
      last_drill: Type.Union([Drill, Type.Null()]),
      last_failure: Type.Union([Type.Object({ failed_at: Text, problem: Type.String() }), Type.Null()]),
    }),
  },
  async ({ gate, backups }) => {
    const { last_drill, ...rest } = await readBackupStatusOperation(gate, operator, { site: backups });
    return { ...rest, last_drill: last_drill === null ? null : { ...last_drill, problems: [...last_drill.problems] } };
  },
);

export const backupCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [createBackup, drillBackup, readBackupStatus];
