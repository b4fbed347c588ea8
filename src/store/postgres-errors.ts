/** What an error of PostgreSQL or of the connection to it means. SQLSTATE codes: PostgreSQL manual, appendix A. */
import { DrizzleQueryError } from "drizzle-orm";
import { Fault } from "../fault.ts";

/** A connection that was there is gone: codes of driver and socket; connection exceptions and the server going down. */
const lost = /^(CONNECTION_CLOSED|ECONNRESET|EPIPE|ETIMEDOUT|08...|57P0[125])$/;
/** There is no connection to be had; 57P03: the server is starting or stopping. */
const unreachable =
  /^(CONNECTION_DESTROYED|CONNECTION_ENDED|CONNECT_TIMEOUT|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOENT|ENOTFOUND|EAI_AGAIN|57P03)$/;
/** Wrong password or user, no such database. */
const refused = /^(28...|3D000)$/;
/** Out of memory, disk or connections; time limits of statements, locks and idle transactions; read-only standby. */
const overloaded = /^(53...|57014|55P03|25P0[34]|25006)$/;

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Serialization failure or deadlock: nothing was changed, and a repeat can succeed. */
export function isOutOfOrder(error: unknown): boolean {
  return ["40001", "40P01"].includes(codeOf(error));
}

/** The connection broke. Whether a commit that was under way counts is unknown; before it nothing was changed. */
export function isConnectionLoss(error: unknown): boolean {
  return lost.test(codeOf(error));
}

/** Failures of server and connection as Fault `unavailable`; everything else as it is, without drizzle's wrapping. */
export function asFault(error: unknown): unknown {
  // drizzle's own message repeats the parameters of the statement, which may be digests or sealed secrets.
  if (error instanceof DrizzleQueryError) return asFault(error.cause);
  if (isConnectionLoss(error) || unreachable.test(codeOf(error))) return unavailable("The database cannot be reached.", error);
  if (isOutOfOrder(error)) return unavailable("The database is busy with changes to the same things.", error);
  if (overloaded.test(codeOf(error))) return unavailable("The database could not do this in time or is out of resources.", error);
  if (refused.test(codeOf(error))) {
    return new Fault("unavailable", "The database refused the connection: wrong user, password or database name.", {
      hint: "Check CYBERUN_DATABASE_URL and the server's pg_hba.conf.",
      cause: error,
    });
  }
  return error;
}

function unavailable(sentence: string, cause: unknown): Fault {
  return new Fault("unavailable", sentence, { hint: "Try again in a moment.", retryAfterSeconds: 1, cause });
}
