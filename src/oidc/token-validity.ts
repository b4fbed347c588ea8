/**
 * Whether what a token was made for still stands: asked of the store at every use, so that a disabled person or client, an
 * ended session, a revoked token or consent bites at once and not when the token runs out.
 */
import { and, eq, gt, isNull } from "drizzle-orm";
import type { Reader } from "../store/store.ts";
import { findActiveClient } from "./clients/client.ts";
import type { GrantTokenClaims } from "./grant-tokens.ts";
import { findLiveGrant } from "./live-grants.ts";

async function isRevoked(reader: Reader, jti: string): Promise<boolean> {
  const { oidcRevokedTokens: revoked } = reader.tables;
  const found = await reader.select({ jti: revoked.jti }).from(revoked).where(eq(revoked.jti, jti));
  return found.length > 0;
}

/** A session of the platform's own, for tokens that hang on one alone. */
async function isOwnSessionLive(reader: Reader, { sid, sub }: { readonly sid: string; readonly sub: string }, now: number): Promise<boolean> {
  const { sessions, users } = reader.tables;
  const found = await reader
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(users, and(eq(users.id, sessions.user_id), isNull(users.disabled_at)))
    .where(and(eq(sessions.id, sid), eq(sessions.user_id, sub), isNull(sessions.ended_at), gt(sessions.expires_at, now)));
  return found.length > 0;
}

/** What of a token's claims says on what it hangs. */
export type LiveClaims = Pick<GrantTokenClaims, "jti" | "client_id" | "grant_id" | "sid" | "sub">;

/** Whether the token with these claims, which were verified, still opens what it says. `now` in epoch milliseconds. */
export async function isTokenLive(reader: Reader, claims: LiveClaims, now: number): Promise<boolean> {
  const { jti, client_id, grant_id, sid, sub } = claims;
  if (await isRevoked(reader, jti)) return false;
  if ((await findActiveClient(reader, client_id)) === undefined) return false;
  if (grant_id !== undefined) return (await findLiveGrant(reader, grant_id, now))?.clientId === client_id;
  return sid === undefined || (await isOwnSessionLive(reader, { sid, sub }, now));
}
