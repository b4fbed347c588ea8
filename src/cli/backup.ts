/** `cyberun backup …`: make, check, restore and drill backups. */
import { resolve } from "node:path";
import { readArchive } from "../backup/archive-reader.ts";
import { createIdentity, type Lock, type Opener, requireRecipient } from "../backup/keys.ts";
import { findSigner, requireSchema, requireSigner, restoreBackup } from "../backup/restore.ts";
import { hasDataDirectory, readSecretLine } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { createBackup, drillBackup, readBackupStatus } from "../roles/operator/backup-calls.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_CONFLICT, EXIT_OK } from "./exit-codes.ts";
import { becomeOwner, isServerRunning, openOperator } from "./operator.ts";
import { requireOption } from "./required.ts";
import { findSecretFile } from "./secret-file.ts";
import { textMembers } from "./text-table.ts";

function lockOf({ options }: Context): Lock {
  const file = options.get("passphraseFile");
  const recipient = options.get("recipient");
  if (file !== undefined && recipient !== undefined) throw new Fault("invalid_request", "A backup is encrypted to a passphrase or to a recipient, not to both.", { hint: "Give one of --passphrase-file and --recipient." });
  if (recipient !== undefined) return { recipient: requireRecipient(recipient) };
  return file === undefined ? undefined : { passphrase: readSecretLine(resolve(file)).reveal() };
}

function openerOf({ options }: Context): Opener {
  const file = options.get("passphraseFile");
  const identity = options.get("identityFile");
  if (file !== undefined && identity !== undefined) throw new Fault("invalid_request", "A backup is opened with a passphrase or with a key, not with both.", { hint: "Give one of --passphrase-file and --identity-file." });
  if (identity !== undefined) return { identity: readSecretLine(resolve(identity)).reveal() };
  return file === undefined ? undefined : { passphrase: readSecretLine(resolve(file)).reveal() };
}

function operandOf({ operands }: Context): string {
  return resolve(operands[0] ?? "");
}

export async function backupCreate(context: Context): Promise<Result> {
  const lock = lockOf(context);
  const to = context.options.get("to");
  await using way = await openOperator(context);
  const made = await way.ask(createBackup, { to: to === undefined ? null : resolve(to), lock: lock ?? null });
  const lines = [
    `The backup ${made.path} is made: ${made.files} files, ${made.bytes} bytes.`,
    `Signed by ${made.signer}; note it down to check the backup elsewhere (--signer).`,
    ...(made.is_encrypted ? [] : ["It is not encrypted and holds the master key: whoever reads it can read every secret of the deployment."]),
    ...(made.database === "elsewhere" ? ["The database is NOT in it: PostgreSQL backs it up by its own means, such as pg_dump."] : []),
  ];
  return { data: made, text: lines.join("\n") };
}

export async function backupVerify(context: Context): Promise<Result> {
  const { config, options, services } = context;
  const { manifest, isEncrypted, bytes } = readArchive(operandOf(context), { opener: openerOf(context) });
  requireSchema(manifest);
  const expected = options.get("signer") ?? (hasDataDirectory(config) ? findSigner(config.dataDir, services.random) : undefined);
  requireSigner(manifest, expected);
  const { id, created_at, version, schema, engine, files, signer } = manifest;
  const data = { id, created_at, version, schema, engine, files: files.length, bytes, is_encrypted: isEncrypted, signer, is_signer_known: expected !== undefined };
  const said = expected === undefined ? `It is signed by ${signer}. Nothing on this host says whether that is your deployment: compare it, or name it with --signer.` : `It is signed by ${signer}, as expected.`;
  return { data, text: [`The backup is whole: ${files.length} files, ${bytes} bytes, made ${new Date(created_at).toISOString()} by ${version}.`, said].join("\n") };
}

export async function backupRestore(context: Context): Promise<Result> {
  const { config, options, services } = context;
  const request = { file: operandOf(context), dataDir: config.dataDir, opener: openerOf(context), mayReplace: options.has("replace"), signer: options.get("signer") };
  if (await isServerRunning(context)) throw new Fault("conflict", `A server runs on the data directory ${config.dataDir}.`, { hint: "Stop it, and run this again." });
  becomeOwner(config.dataDir);
  const restored = await restoreBackup(request, services);
  const { carried_over: carried, files, created_at, signer, replaced } = restored;
  const changed = Object.entries(carried?.changed ?? {}).map(([table, rows]) => `${table} ${rows}`);
  const lines = [
    `Restored: ${files} files of ${new Date(created_at).toISOString()}, signed by ${signer}.`,
    ...(replaced ? ["What lay there is kept in before-restore-* in the data directory; remove it when it is not needed any more."] : []),
    ...(carried === null ? ["There was no store to compare with: revoke by hand what has been revoked since the backup (backup.md says how)."] : [`Carried over from the store that was replaced: ${changed.length === 0 ? "nothing had been ended since" : changed.join(", ")}.`]),
    ...(carried !== null && carried.audit_rows_lost > 0 ? [`${carried.audit_rows_lost} rows of the audit were written after the backup and are in the kept store only.`] : []),
  ];
  return { data: { ...restored, data_dir: config.dataDir }, text: lines.join("\n") };
}

export async function backupDrill(context: Context): Promise<Result> {
  const file = operandOf(context);
  const opener = openerOf(context);
  await using way = await openOperator(context);
  const drilled = await way.ask(drillBackup, { file, opener: opener ?? null });
  const { passed, problems, files, rows, audit_rows, schema } = drilled;
  const text = passed ? `The backup is good: ${files} files, ${rows} rows, schema ${schema ?? "none"}, an audit of ${audit_rows} rows that is whole.` : ["The backup is NOT good.", ...problems].join("\n");
  return { data: drilled, text, exit: passed ? EXIT_OK : EXIT_CONFLICT };
}

export async function backupSchedule(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const status = await way.ask(readBackupStatus, null);
  const { backup_at, backup_dir, backup_keep, next_due_at, last_backup, last_drill, last_failure } = status;
  const text = textMembers({
    "Backups": backup_at === null ? "none are made by themselves; set backup_at" : `daily at ${backup_at} UTC, ${backup_keep} are kept`,
    "Directory": backup_dir,
    "Next": next_due_at ?? "-",
    "Last backup": last_backup === null ? "none" : `${last_backup.created_at}, ${last_backup.bytes} bytes, ${last_backup.path}`,
    "Last drill": last_drill === null ? "none" : `${last_drill.drilled_at}, ${last_drill.passed ? "passed" : `FAILED: ${last_drill.problems.join(" ")}`}`,
    ...(last_failure === null ? {} : { "Failed": `${last_failure.failed_at}: ${last_failure.problem}` }),
  });
  return { data: status, text, exit: last_failure === null && last_drill?.passed !== false ? EXIT_OK : EXIT_CONFLICT };
}

export async function backupKey(context: Context): Promise<Result> {
  requireOption(context, "out");
  using file = findSecretFile(context);
  const { identity, recipient } = createIdentity(context.services.random);
  file?.keep(identity);
  const path = file?.path ?? "";
  return { data: { recipient, identity_file: path }, text: `The secret key is in ${path}; keep it away from the host.\nRecipient: ${recipient}` };
}
