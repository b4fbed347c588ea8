/**
 * Standard output to its last byte. The runtime's own stream forgets what a full pipe has not taken when the process ends, so a
 * long answer would arrive cut off.
 */
import { writeSync } from "node:fs";
import { Fault } from "../fault.ts";

const STDOUT = 1;
const WAIT_MS = 2;

const waiter = new Int32Array(new SharedArrayBuffer(4));

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Writes all of `text` before it returns, however slowly it is read. False when nobody reads any more, as behind `| head`: that is
 * the reader's choice and no failure. Throws Fault `unavailable` when it cannot be written, as on a full disk.
 */
export function writeOut(text: string, write: (bytes: Uint8Array) => number = (bytes) => writeSync(STDOUT, bytes)): boolean {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(write(rest));
    } catch (error) {
      if (codeOf(error) === "EPIPE") return false;
      if (codeOf(error) !== "EAGAIN") throw new Fault("unavailable", "What was asked for cannot be written to standard output.", { hint: `The system says ${codeOf(error) ?? "nothing more"}; the command itself is done.` });
      Atomics.wait(waiter, 0, 0, WAIT_MS);
    }
  }
  return true;
}
