/**
 * What the host refuses, in words that say what would mend it: a full disk, a file system that can only be read, lost
 * permissions. Pure; it must not know what was read or written, nor who asked.
 */
import { Fault, type FaultCode } from "./fault.ts";

interface Reason {
  readonly codes: RegExp;
  readonly code: FaultCode;
  readonly why: string;
  readonly hint: string;
}

/** By the codes of the operating system and of SQLite. */
const reasons: readonly Reason[] = [
  { codes: /^(ENOSPC|EDQUOT|SQLITE_FULL)/, code: "unavailable", why: "the disk is full", hint: "Make room on the disk that holds it. What was acknowledged before is kept." },
  { codes: /^(EROFS|SQLITE_READONLY)/, code: "unavailable", why: "its file system can only be read", hint: "Mount it for writing, or name another data directory with --data-dir or CYBERUN_DATA_DIR." },
  { codes: /^(EACCES|EPERM)/, code: "forbidden", why: "this user has no permission", hint: "Give it, and all of the data directory, back to the user that the server runs as (chown), or run this as that user." },
];

/** The `code` of an error of SQLite or of the operating system. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function reasonOf(cause: unknown): Reason | undefined {
  const code = codeOf(cause) ?? "";
  return reasons.find(({ codes }) => codes.test(code));
}

/** `sentence` (without its full stop) with the reason, if people know that one. */
export function withReason(sentence: string, cause: unknown): string {
  const reason = reasonOf(cause);
  return reason === undefined ? `${sentence}.` : `${sentence}: ${reason.why}.`;
}

/** The Fault that tells of it; `hint` is for reasons that have none of their own. */
export function refusedByHost(sentence: string, cause: unknown, hint: string): Fault {
  const { code = "unavailable", hint: own = hint } = reasonOf(cause) ?? {};
  return new Fault(code, withReason(sentence, cause), { hint: own, cause });
}
