/**
 * Puts a backup in place of a data directory, as a whole or not at all.
 *
 *     lock → DATA/restore/new: every file, checked and flushed → schema brought up to date → what was ended since the
 *     backup carried over from the old store → audit row → commit → the names moved (`restoration.ts`)
 *
 * Rule: nothing of the old deployment is touched before the commit, and it is kept in `before-restore-ID` after it.
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { openAuditedStore } from "../audit/audited-store.ts";
import { createSealer } from "../crypto/sealing.ts";
import { dataDirectory, findFile, flushDirectory, prepareDataDirectory, secretBytes } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { operator } from "../gate/caller.ts";
import { command, type Gate } from "../gate/operation.ts";
import { without } from "../license/entitlements.ts";
import { commitRestoration, finishRestoration, restorationFolders, type StepHook } from "../restoration.ts";
import type { Random, Services } from "../services.ts";
import { defaultSettings } from "../settings.ts";
import { type CarriedOver, carryOver } from "../store/sqlite-carry-over.ts";
import { schemaOfBuild } from "../store/sqlite-snapshot.ts";
import { takeProcessLock } from "../store/sqlite-connection.ts";
import { readArchive, type ReadArchive, type Sink } from "./archive-reader.ts";
import type { Entry, Manifest } from "./format.ts";
import { type Opener, signerOf } from "./keys.ts";
import { backupFault } from "./refusals.ts";
import { backupFiles, isRestorable, restoredNames } from "./sources.ts";

export interface RestoreRequest {
  readonly file: string;
  readonly dataDir: string;
  readonly opener: Opener;
  /** Whether a directory that holds something may be replaced. */
  readonly mayReplace: boolean;
  /** The signer to be trusted; undefined: that of the directory, if it has one. */
  readonly signer: string | undefined;
}

export interface Restored {
  readonly id: string;
  readonly created_at: number;
  readonly signer: string;
  readonly files: number;
  readonly replaced: boolean;
  readonly carried_over: CarriedOver | null;
}

/** What may lie in a directory that is still empty. */
const nothing: readonly string[] = ["restore", "backups", "backup-work", "cyberun.db.lock"];

function isInUse(dataDir: string): boolean {
  return readdirSync(dataDir).some((name) => !nothing.includes(name) && !name.startsWith("before-restore-"));
}

/** The signer that a data directory's own backups have. */
export function findSigner(dataDir: string, random: Random): string | undefined {
  const path = backupFiles({ root: dataDir }).signingKey;
  return findFile(path) === undefined ? undefined : signerOf(secretBytes(path, random));
}

/** Throws Fault `forbidden` with the refusal `unknown_signer`. */
export function requireSigner({ signer }: Pick<Manifest, "signer">, expected: string | undefined): void {
  if (expected !== undefined && expected !== signer) throw backupFault("unknown_signer", `It is signed by ${signer}.`);
}

export function requireSchema({ schema }: Pick<Manifest, "schema">): void {
  if (schema !== null && schema > schemaOfBuild) throw backupFault("newer_schema", `It has schema ${schema}; this build knows up to ${schemaOfBuild}.`);
}

function sinkAt(root: string, { path }: Entry): Sink {
  if (!isRestorable(path)) throw backupFault("tampered", "It holds a file that no backup holds.");
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  const file = openSync(place, "wx", 0o600);
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    },
    end() {
      fsyncSync(file);
      closeSync(file);
    },
  };
}

function orNoRoom<T>(deed: () => T): T {
  try {
    return deed();
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Fault("unavailable", "What is in the backup cannot be written.", { hint: "Nothing was changed. Check free space and permissions of the data directory.", cause });
  }
}

/** Takes all files out of a backup into `root`, an empty folder. Throws as `readArchive` does. */
export function extract(file: string, root: string, opener: Opener): ReadArchive {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const archive = orNoRoom(() => readArchive(file, { opener, sinkFor: (entry) => sinkAt(root, entry) }));
  requireSchema(archive.manifest);
  return archive;
}

function flushFolders(root: string): void {
  for (const entry of readdirSync(root, { withFileTypes: true })) if (entry.isDirectory()) flushFolders(join(root, entry.name));
  flushDirectory(root);
}

/** Files that the old directory has newer, and that must not go back: anchors, marks, license, and leases of the same clients. */
function keepNewer(old: string, fresh: string): void {
  const keep = (path: string) => {
    if (!existsSync(join(old, path))) return;
    mkdirSync(dirname(join(fresh, path)), { recursive: true, mode: 0o700 });
    copyFileSync(join(old, path), join(fresh, path));
  };
  keep("license/marks.json");
  keep("license.lic");
  keep("backup/status.json");
  for (const name of listed(join(old, "audit"))) keep(`audit/${name}`);
  for (const role of listed(join(old, "roles"))) {
    const key = `roles/${role}/client.key`;
    const isSame = existsSync(join(fresh, key)) && findFile(join(old, key))?.equals(findFile(join(fresh, key)) ?? Buffer.alloc(0));
    if (isSame === true) keep(`roles/${role}/lease.json`);
  }
}

function listed(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The audit row of a restore, in the restored store. */
export const noteRestore = command("backup.restore", async ({ note }, { id, carried }: { readonly id: string; readonly carried: CarriedOver | null }): Promise<void> => {
  note({ subject: `backup:${id}`, details: { audit_rows_lost: carried?.audit_rows_lost ?? 0, carried_over: Object.entries(carried?.changed ?? {}).map(([table, rows]) => `${table} ${rows}`).join(", ") } });
});

/** A gate over a store that nobody serves: for the rows that are written before it is in place, and for drills. */
export async function openStagedGate(dataDir: string, services: Services): Promise<Gate & { close(): Promise<void> }> {
  const sealer = createSealer(secretBytes(dataDirectory(dataDir).masterKey, services.random), services.random);
  const { store, refusals, close } = await openAuditedStore({ databaseUrl: undefined, dataDir, services, sealer });
  return { services, store, sealer, refusals, settings: defaultSettings, entitled: { entitlements: () => without("missing") }, close };
}

async function settleStore(fresh: string, { old, id }: { readonly old: string; readonly id: string }, services: Services): Promise<CarriedOver | null> {
  const { database } = dataDirectory(fresh);
  // Opening it once brings it to the schema of this build.
  await (await openStagedGate(fresh, services)).close();
  const before = dataDirectory(old).database;
  const carried = existsSync(before) && statSync(before).size > 0 ? carryOver(database, before, services.clock.now()) : null;
  const gate = await openStagedGate(fresh, services);
  try {
    await noteRestore(gate, operator, { id, carried });
  } finally {
    await gate.close();
  }
  return carried;
}

interface Staging {
  readonly request: RestoreRequest;
  readonly services: Services;
  readonly onStep: StepHook;
}

async function stage({ request, services, onStep }: Staging): Promise<Restored> {
  const { file, dataDir, opener, signer } = request;
  const { root, fresh } = restorationFolders(dataDir);
  const replaced = isInUse(dataDir);
  rmSync(root, { recursive: true, force: true });
  onStep?.("began");
  const { manifest } = extract(file, fresh, opener);
  onStep?.("took the files out");
  requireSigner(manifest, signer ?? findSigner(dataDir, services.random));
  keepNewer(dataDir, fresh);
  onStep?.("kept what is newer");
  const hasStore = manifest.files.some(({ path }) => path === "cyberun.db");
  const carried_over = hasStore ? await settleStoreIn({ request, services, onStep }, manifest.id) : null;
  rmSync(`${dataDirectory(fresh).database}.lock`, { force: true });
  flushFolders(fresh);
  onStep?.("settled the store");
  return { id: manifest.id, created_at: manifest.created_at, signer: manifest.signer, files: manifest.files.length, replaced, carried_over };
}

function settleStoreIn({ request: { dataDir }, services }: Staging, id: string): Promise<CarriedOver | null> {
  return settleStore(restorationFolders(dataDir).fresh, { old: dataDir, id }, services);
}

/**
 * Restores the backup. Throws Fault `conflict` when the directory is in use or not empty, and the Fault of `refusals.ts` that
 * fits the file; then nothing was changed.
 */
export async function restoreBackup(request: RestoreRequest, services: Services, onStep?: StepHook): Promise<Restored> {
  const { dataDir } = request;
  prepareDataDirectory(dataDir);
  if (!request.mayReplace && isInUse(dataDir)) {
    throw new Fault("conflict", `The data directory ${dataDir} is not empty.`, { hint: "Name an empty one, or say with --replace that what it holds is to be replaced. It is kept beside." });
  }
  const lock = takeProcessLock(dataDirectory(dataDir).database);
  try {
    const restored = await stage({ request, services, onStep });
    commitRestoration(dataDir, { id: services.random.uuid(), names: restoredNames });
    onStep?.("committed");
    finishRestoration(dataDir, onStep);
    return restored;
  } catch (error) {
    if (!existsSync(restorationFolders(dataDir).commit)) rmSync(restorationFolders(dataDir).root, { recursive: true, force: true });
    throw error;
  } finally {
    lock.release();
  }
}
