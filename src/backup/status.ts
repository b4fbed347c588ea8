/** How the last backup and the last drill went, kept in a file of the data directory: it outlives the process, and no restore takes it back. */
import { Type, type Static } from "typebox";
import { findFile, writeFileDurably } from "../data-directory.ts";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";

const MaybeText = Type.Union([Type.String(), Type.Null()]);
const BackupSchema = Type.Object({
  id: Type.String(),
  path: Type.String(),
  bytes: Type.Integer(),
  created_at: Type.Integer(),
  files: Type.Integer(),
  is_encrypted: Type.Boolean(),
  database: Type.String(),
  signer: Type.String(),
});
const DrillSchema = Type.Object({
  backup_id: MaybeText,
  at: Type.Integer(),
  passed: Type.Boolean(),
  problems: Type.Array(Type.String()),
  files: Type.Integer(),
  schema: Type.Union([Type.Integer(), Type.Null()]),
  rows: Type.Integer(),
  audit_rows: Type.Integer(),
});
const StatusSchema = Type.Object({
  last_backup: Type.Union([BackupSchema, Type.Null()]),
  last_drill: Type.Union([DrillSchema, Type.Null()]),
  /** The last time that a backup or drill could not be made at all, unless a later one could. */
  last_failure: Type.Union([Type.Object({ at: Type.Integer(), problem: Type.String() }), Type.Null()]),
});

export type StoredStatus = Static<typeof StatusSchema>;
const shape = shapeOf(StatusSchema);

const none: StoredStatus = { last_backup: null, last_drill: null, last_failure: null };

/** A damaged file counts as none: it decides nothing. */
export function readStatus(path: string): StoredStatus {
  const value = findJson(findFile(path)?.toString("utf8") ?? "");
  return shape.Check(value) ? value : none;
}

export function writeStatus(path: string, status: StoredStatus): void {
  writeFileDurably(path, `${JSON.stringify(status)}\n`);
}
