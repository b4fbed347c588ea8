/**
 * Files of the signing desk: read with a limit, written only where nothing is yet.
 *
 * Rule: a file that exists is never overwritten, whatever it is; the one exception is the list of public keys, which is
 * replaced as a whole. What could not be written completely is not left behind. It must not know what the files hold.
 */
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, readSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../fault.ts";

/** Larger than anything this tool reads; a mistaken path to something huge stays harmless. */
const FILE_BYTES_MAX = 1_048_576;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function fileFault(path: string, error: unknown): Fault {
  const code = codeOf(error);
  if (code === "ENOENT") return new Fault("not_found", `There is no ${path}.`, { hint: "Check the path.", cause: error });
  if (code === "EEXIST") {
    return new Fault("conflict", `${path} exists already and is left as it is.`, { hint: "Choose another name or move the file away.", cause: error });
  }
  return new Fault("unavailable", `${path} cannot be used (${code ?? "unknown reason"}).`, {
    hint: "Check what it is, its permissions and the free space.",
    cause: error,
  });
}

/** Runs `act` and turns what the operating system refuses into a Fault that names `path`. */
export function onFile<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Fault || codeOf(error) === undefined) throw error;
    throw fileFault(path, error);
  }
}

function readUpTo(file: number, limit: number): Buffer {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const count = readSync(file, buffer, length, limit - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/** The file's bytes; a pipe will do, so that a passphrase need not touch a disk. Throws a Fault: not_found, too_large, unavailable. */
export function readFile(path: string): Buffer {
  return onFile(path, () => {
    const file = openSync(path, "r");
    try {
      const bytes = readUpTo(file, FILE_BYTES_MAX + 1);
      if (bytes.length > FILE_BYTES_MAX) throw new Fault("too_large", `${path} is larger than ${FILE_BYTES_MAX} bytes.`);
      return bytes;
    } finally {
      closeSync(file);
    }
  });
}

export function removeFile(path: string): void {
  onFile(path, () => unlinkSync(path));
}

function fill(file: number, content: string, mode: number): void {
  try {
    // The umask may have taken bits away: what is asked for is what the file has.
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Writes a new file and waits until the disk has it. Throws a Fault: conflict when there is one already, not_found without its folder. */
export function writeNewFile(path: string, content: string, mode: number): void {
  if (!existsSync(dirname(path))) throw new Fault("not_found", `There is no folder ${dirname(path)}.`, { hint: "Make it first." });
  onFile(path, () => {
    const file = openSync(path, "wx", mode);
    try {
      fill(file, content, mode);
    } catch (error) {
      removeFile(path);
      throw error;
    }
  });
}

/**
 * Replaces a file as a whole, never half. The new content stands in `path.new` first; that name doubles as the lock, so
 * two that replace at once cannot lose each other's change. `content` is asked for while the lock is held.
 */
export function replaceFile(path: string, content: () => string): void {
  const next = `${path}.new`;
  writeNewFile(next, "", 0o644);
  try {
    const text = content();
    onFile(next, () => fill(openSync(next, "w"), text, 0o644));
    onFile(path, () => renameSync(next, path));
  } catch (error) {
    removeFile(next);
    throw error;
  }
}
