/**
 * Whether what a token was made for still stands: asked of the store at every use, so that a disabled person or client, an
 * ended session, a revoked token or consent bites at once and not when the token runs out.
 */
import { and, eq, gt, isNotNull, isNull, or, type SQL } from "drizzle-orm";
import type { Reader } from "../store/store.ts";
import { findActiveClient } from "./clients/client.ts";
import type { GrantTokenClaims } from "./grant-tokens.ts";

/** True for an enabled person, and for a grant without one. */
function isPersonEnabled({ oidcGrants, users }: Reader["tables"]): SQL | undefined {
  return or(isNull(oidcGrants.user_id), and(isNotNull(users.id), isNull(users.disabled_at)));
}

/** True for a session that goes on, and for a grant that outlives its session. */
function isSessionLive({ oidcGrants, sessions }: Reader["tables"], now: number): SQL | undefined {
  return or(isNull(oidcGrants.session_id), and(isNull(sessions.ended_at), gt(sessions.expires_at, now)));
}

export interface LiveGrant {
  readonly id: string;
  readonly client_id: string;
  readonly user_id: string | null;
  readonly scope: string;
}

/** The grant, when it stands: not ended, its person enabled, its client active, its session live. `now` in epoch milliseconds. */
export async function findLiveGrant(reader: Reader, grantId: string, now: number): Promise<LiveGrant | undefined> {
  const { tables } = reader;
  const { oidcGrants: grants, oidcClients: clients, users, sessions } = tables;
  const [found] = await reader
    .select({ id: grants.id, client_id: grants.client_id, user_id: grants.user_id, scope: grants.scope })
    .from(grants)
    .innerJoin(clients, and(eq(clients.client_id, grants.client_id), isNull(clients.disabled_at)))
    .leftJoin(users, eq(users.id, grants.user_id))
    .leftJoin(sessions, eq(sessions.id, grants.session_id))
    .where(and(eq(grants.id, grantId), isNull(grants.ended_at), isPersonEnabled(tables), isSessionLive(tables, now)));
  return found;
}

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

/** Whether the token with these claims, which were verified, still opens what it says. `now` in epoch milliseconds. */
export async function isTokenLive(reader: Reader, claims: GrantTokenClaims, now: number): Promise<boolean> {
  const { jti, client_id, grant_id, sid, sub } = claims;
  if (await isRevoked(reader, jti)) return false;
  if ((await findActiveClient(reader, client_id)) === undefined) return false;
  if (grant_id !== undefined) return (await findLiveGrant(reader, grant_id, now))?.client_id === client_id;
  return sid === undefined || (await isOwnSessionLive(reader, { sid, sub }, now));
}
