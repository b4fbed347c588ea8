/**
 * How a command ends, as a number that scripts can rely on. A failure never ends in 0.
 *
 * Rule: the numbers come from the table of faults; this file says what they mean. `docs/cli.md` is printed from it.
 */
import { type FaultCode, faultCodes } from "../fault.ts";

export const exitCodes = {
  0: "Done.",
  1: "A bug: please report what the message says.",
  2: "Wrong use: a flag, a setting or input that cannot be right. Nothing was done.",
  3: "Not possible right now: a port, a disk, a database, a server. Repeating it later can work.",
  4: "Not allowed for this caller or this file's permissions.",
  5: "There is no such thing.",
  6: "In conflict with how things are.",
  7: "The license does not allow it, or the license file is no good.",
  8: "Found: what was looked for and should not be there, such as a leaked key.",
  9: "The task that was waited for failed or was cancelled.",
  10: "Still good, and it ends within the days of --warn-days.",
  130: "Interrupted.",
} as const;

export type ExitCode = keyof typeof exitCodes;

export const EXIT_OK = 0;
export const EXIT_BUG = 1;
export const EXIT_TRANSIENT = 3;
export const EXIT_DENIED = 4;
export const EXIT_CONFLICT = 6;
export const EXIT_LICENSE = 7;
export const EXIT_FOUND = 8;
export const EXIT_UNDONE = 9;
export const EXIT_ENDS_SOON = 10;
export const EXIT_INTERRUPTED = 130;

/** Whether the same call can succeed later without anything being corrected. */
export function isRetryable(code: FaultCode): boolean {
  return faultCodes[code].exit === EXIT_TRANSIENT;
}
