/**
 * The chain of the audit: what makes a row continue the one before it.
 *
 *     chain(0) = ""                   chain(n) = base64url(SHA-256(chain(n-1) + "\n" + canonical(row n)))
 *     seal(n)  = base64url(HMAC-SHA-256(key, chain(n)))      under a key that comes from the master key
 *
 * Anybody can check the chain of an export; the seals show besides that nobody wrote a row, or the whole chain anew,
 * who had the database and not the master key. `docs/audit.md` says the same for others.
 *
 * Rule: pure. What a row means it must not know.
 */
import type { Sealer } from "../crypto/sealing.ts";
import type { Tables } from "../store/schema.ts";

export type AuditRow = Tables["audit"]["$inferSelect"];

/** A row before it stands in a chain. */
export type UnchainedRow = Omit<AuditRow, "chain" | "seal">;

/** The one text of a row: a JSON array of its values, in the order of the columns, without spaces. */
export function canonical(row: UnchainedRow): string {
  const { stream, sequence, id, at, operation, outcome, actor, team_id, subject, address, details } = row;
  return JSON.stringify([stream, sequence, id, at, operation, outcome, actor, team_id, subject, address, details]);
}

/** The chain of `row` after a row whose chain is `before`; `""` for the first of a stream. */
export function chainAfter(before: string, row: UnchainedRow): string {
  return new Bun.CryptoHasher("sha256").update(`${before}\n${canonical(row)}`).digest("base64url");
}

export function sealOf(sealer: Sealer, chain: string): string {
  return sealer.digest("audit-row", chain);
}
