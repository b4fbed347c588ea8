/**
 * The data directory: what lies where, made 0700, its secret files 0600, and written so that a power cut leaves the
 * old content or the new one.
 *
 *     DATA/cyberun.db                 the store (SQLite)
 *     DATA/master.key                 32 bytes, base64url: seals secrets in the store; keep a copy with the backup
 *     DATA/license.lic                the license file, unless CYBERUN_LICENSE_FILE names another
 *     DATA/license/instance.key       the License Server's Ed25519 seed
 *     DATA/license/enrol.secret       by which roles of the same directory enrol themselves
 *     DATA/license/marks.json         second copy of the marks that must never go back
 *     DATA/roles/ROLE/client.key      a role's Ed25519 seed
 *     DATA/roles/ROLE/lease.json      its last good lease and marks
 *     DATA/audit/NAME.anchor          where the audit's chains ended last
 *     DATA/tls/                       the site's own authority and certificates, where `cyberun tls init` made them
 *     DATA/files/                     what people and agents have sent (`files/shelf.ts`)
 *     DATA/backup/                    key that signs backups, and how the last one went (`backup/sources.ts`)
 *     DATA/backups/                   backups, unless they go elsewhere
 *     DATA/restore/                   a restore that is under way (`restoration.ts`)
 *     DATA/operator.sock              door for the CLI on this host while a server runs
 *
 * Rule: only this file knows the paths and how files are written. It must not know what the content means.
 */
import { accessSync, chmodSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { decodeBase64url, encodeBase64url } from "./crypto/base64url.ts";
import { Fault } from "./fault.ts";
import { codeOf, refusedByHost } from "./host-refusal.ts";
import { Secret } from "./secret.ts";
import { finishRestoration } from "./restoration.ts";
import type { Random } from "./services.ts";

export interface DataDirectory {
  readonly root: string;
  readonly database: string;
  readonly masterKey: string;
  readonly licenseFile: string;
  readonly instanceKey: string;
  readonly enrolSecret: string;
  readonly licenseMarks: string;
  readonly operatorSocket: string;
  readonly auditAnchors: string;
  readonly files: string;
  clientKey(role: string): string;
  leaseState(role: string): string;
}

/** The paths below `root`; creates nothing. */
export function dataDirectory(root: string): DataDirectory {
  return {
    root,
    database: join(root, "cyberun.db"),
    masterKey: join(root, "master.key"),
    licenseFile: join(root, "license.lic"),
    instanceKey: join(root, "license", "instance.key"),
    enrolSecret: join(root, "license", "enrol.secret"),
    licenseMarks: join(root, "license", "marks.json"),
    operatorSocket: join(root, "operator.sock"),
    auditAnchors: join(root, "audit"),
    files: join(root, "files"),
    clientKey: (role) => join(root, "roles", role, "client.key"),
    leaseState: (role) => join(root, "roles", role, "lease.json"),
  };
}

/** Makes the directory 0700 if it is absent, and ends a restore that was cut short. Throws a Fault when this user cannot use it. */
export function prepareDataDirectory(root: string): DataDirectory {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    if ((statSync(root).mode & 0o077) !== 0) chmodSync(root, 0o700);
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    finishRestoration(root);
  } catch (cause) {
    throw refusedByHost(`The data directory ${root} cannot be used`, cause, "Choose a directory that this user may write to with --data-dir or CYBERUN_DATA_DIR.");
  }
  return dataDirectory(root);
}

/** What the file system refuses (no permission, a full disk, a directory in the way) as one sentence with the path. */
function orUnavailable<T>(path: string, deed: () => T): T {
  try {
    return deed();
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw refusedByHost(`The file ${path} cannot be read or written`, cause, "Check its owner and permissions, those of its directory, and the disk.");
  }
}

/** Waits until the names in the directory are on the disk. */
export function flushDirectory(folder: string): void {
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function replaceFile(path: string, content: string | Uint8Array): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}.new`;
  const file = openSync(beside, "w", 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
    renameSync(beside, path);
  } finally {
    closeSync(file);
    rmSync(beside, { force: true });
  }
  flushDirectory(folder);
}

/** Replaces `path` as a whole: written beside it, flushed, renamed, and the directory flushed. Mode 0600. Throws Fault `unavailable`. */
export function writeFileDurably(path: string, content: string | Uint8Array): void {
  orUnavailable(path, () => replaceFile(path, content));
}

/** The file's bytes, or undefined when there is no such file. Throws Fault `unavailable` when it cannot be read. */
export function findFile(path: string): Buffer | undefined {
  return orUnavailable(path, () => (existsSync(path) ? readFileSync(path) : undefined));
}

/** 32 secret bytes kept at `path`: read, or made at first use. Throws Fault `unavailable` when the file is damaged. */
export function secretBytes(path: string, random: Random): Buffer {
  const found = findFile(path);
  if (found === undefined) {
    writeFileDurably(path, `${encodeBase64url(random.bytes(32))}\n`);
    return secretBytes(path, random);
  }
  const bytes = decodeBase64url(found.toString("latin1").trim());
  if (bytes?.length === 32) return bytes;
  throw new Fault("unavailable", `The file ${path} is damaged: it does not hold 32 bytes in base64url.`, {
    hint: "Restore it from the backup; what it protects cannot be read without it.",
  });
}

/** The first line of a file that holds a secret of the operator's. Throws Fault `unavailable` when there is none. */
export function readSecretLine(path: string): Secret {
  const line = findFile(path)?.toString("utf8").split(/\r?\n/, 1)[0] ?? "";
  if (line !== "") return new Secret(line);
  throw new Fault("unavailable", `The file ${path} is missing or its first line is empty.`, { hint: "Write the secret into its first line, or name another file." });
}

/** Bytes from one slot of a {@link SlotFile} to the next. */
const SLOT_BYTES = 65_536;
/** The length of what stands in a slot, before it. */
const LENGTH_DIGITS = 8;

/**
 * A small file that is overwritten often: two slots in turn, so that a write which is cut short leaves the one before.
 * What is written survives the end of the process at once, and a power cut after the operating system's own flush.
 */
export interface SlotFile {
  write(text: string): void;
  /** Flushes it to the disk. */
  close(): void;
}

/** Opens or makes it, mode 0600. Throws Fault `unavailable`. */
export function openSlotFile(path: string): SlotFile {
  const file = orUnavailable(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  });
  let slot = 0;
  return {
    write(text) {
      const content = Buffer.from(`${String(Buffer.byteLength(text)).padStart(LENGTH_DIGITS, "0")}${text}`);
      if (content.length > SLOT_BYTES) throw new Error(`a slot of ${path} holds ${SLOT_BYTES} bytes at most`);
      orUnavailable(path, () => writeSync(file, content, 0, content.length, slot * SLOT_BYTES));
      slot = 1 - slot;
    },
    close() {
      fsyncSync(file);
      closeSync(file);
    },
  };
}

/** What stands in the slots of the file, whole or damaged; none when there is no such file. Throws Fault `unavailable`. */
export function readSlots(path: string): readonly string[] {
  const bytes = findFile(path);
  if (bytes === undefined) return [];
  return [0, SLOT_BYTES].map((from) => {
    const length = Number(bytes.subarray(from, from + LENGTH_DIGITS).toString("latin1"));
    return bytes.subarray(from + LENGTH_DIGITS, from + LENGTH_DIGITS + (Number.isInteger(length) ? length : 0)).toString("utf8");
  });
}

/** Names of the files in `folder`, in order; none when it is not there. Throws Fault `unavailable`. */
export function listFiles(folder: string): readonly string[] {
  return orUnavailable(folder, () => (existsSync(folder) ? readdirSync(folder).toSorted() : []));
}

/** Whether there is a data directory. Throws Fault `forbidden` when it is not for this user, who would see it empty. */
export function hasDataDirectory({ dataDir }: { readonly dataDir: string }): boolean {
  if (!existsSync(dataDir)) return false;
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EROFS") throw refusedByHost(`The data directory ${dataDir} cannot be used`, cause, "");
    throw new Fault("forbidden", `This user may not open the data directory ${dataDir}.`, { hint: "Run this as the user that the server runs as, or as root.", cause });
  }
}
