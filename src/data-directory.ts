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
 *     DATA/operator.sock              door for the CLI on this host while a server runs
 *
 * Rule: only this file knows the paths and how files are written. It must not know what the content means.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decodeBase64url, encodeBase64url } from "./crypto/base64url.ts";
import { Fault } from "./fault.ts";
import { Secret } from "./secret.ts";
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
    clientKey: (role) => join(root, "roles", role, "client.key"),
    leaseState: (role) => join(root, "roles", role, "lease.json"),
  };
}

/** Makes the directory 0700 if it is absent. Throws Fault `unavailable` when it cannot be made or is open to others. */
export function prepareDataDirectory(root: string): DataDirectory {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    if ((statSync(root).mode & 0o077) !== 0) chmodSync(root, 0o700);
  } catch (cause) {
    throw new Fault("unavailable", `The data directory ${root} cannot be used.`, {
      hint: "Choose a directory that this user may write to with --data-dir or CYBERUN_DATA_DIR.",
      cause,
    });
  }
  return dataDirectory(root);
}

/** What the file system refuses (no permission, a full disk, a directory in the way) as one sentence with the path. */
function orUnavailable<T>(path: string, deed: () => T): T {
  try {
    return deed();
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Fault("unavailable", `The file ${path} cannot be read or written.`, { hint: "Check its owner and permissions, those of its directory, and the disk.", cause });
  }
}

function flushDirectory(folder: string): void {
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
