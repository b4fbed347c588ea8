/**
 * The license file as the License Server finds it: read whole and bounded, twice a second.
 *
 * It is read and compared rather than watched. A folder watch would wake for every commit of the store beside it, is
 * silent on some network and overlay mounts, and a comparison of times and sizes misses a rewrite within one tick of
 * the file system's clock; a few kilobytes twice a second cost nothing.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { JWS_BYTES_MAX } from "../../crypto/jws.ts";
import { writeFileDurably } from "../../data-directory.ts";
import { Fault } from "../../fault.ts";

export type LicenseFile = { readonly kind: "found"; readonly bytes: Buffer } | { readonly kind: "absent" } | { readonly kind: "unreadable" };

/** One byte more than a file may have, with its line end, so that a larger one is refused for its size. */
const READ_BYTES_MAX = JWS_BYTES_MAX + 3;

export function readLicenseFile(path: string): LicenseFile {
  if (!existsSync(path)) return { kind: "absent" };
  try {
    const file = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(READ_BYTES_MAX);
      return { kind: "found", bytes: buffer.subarray(0, readSync(file, buffer, 0, READ_BYTES_MAX, 0)) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // A directory, a file of somebody else, a broken mount: the operator is told, and the license in force stays.
    if (error instanceof Error && "syscall" in error) return { kind: "unreadable" };
    throw error;
  }
}

/** Replaces the file durably. Throws Fault `unavailable` where it cannot be written, such as on a read-only mount. */
export function writeLicenseFile(path: string, bytes: Uint8Array): void {
  try {
    writeFileDurably(path, bytes);
  } catch (cause) {
    throw new Fault("unavailable", "The license file cannot be written.", {
      hint: "Replace the file where it is mounted from, or point CYBERUN_LICENSE_FILE at a path that the License Server may write.",
      cause,
    });
  }
}
