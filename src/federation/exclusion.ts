/**
 * What ends when a site, or one of its people, is shut out: everything that stands here on that site's word.
 *
 *     sessions that its word began, and grants given in them ── ended
 *     accounts that have no other way in ── disabled, and with them their devices, tokens and refresh tokens
 *
 * Rule: in the transaction of the deed that shuts out, so that it is true when the call returns. An account with a way in
 * of its own keeps that way.
 */
import { and, eq, exists, inArray, isNotNull, isNull, like, ne, not, or } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import { UPSTREAM_AMR } from "../identity/upstream/admission.ts";

/** Ids in one statement; both engines take more. */
const BATCH = 500;

export interface Exclusion {
  readonly issuer: string;
  /** Undefined: all of the site's people. */
  readonly subjects?: readonly string[];
}

export interface Excluded {
  readonly sessions: number;
  readonly accounts: number;
}

async function peopleOf({ writer }: CommandAct, { issuer, subjects }: Exclusion): Promise<readonly string[]> {
  const { upstreamIdentities: identities } = writer.tables;
  const which = subjects === undefined ? undefined : inArray(identities.subject, [...subjects]);
  const rows = await writer.selectDistinct({ id: identities.user_id }).from(identities).where(and(eq(identities.issuer, issuer), which));
  return rows.map(({ id }) => id);
}

async function endVouched({ writer, services }: CommandAct, userIds: readonly string[]): Promise<number> {
  const { sessions, oidcGrants: grants } = writer.tables;
  const now = services.clock.now();
  const isVouched = and(inArray(sessions.user_id, [...userIds]), like(sessions.amr, `%"${UPSTREAM_AMR}"%`));
  const ended = await writer.update(sessions).set({ ended_at: now, end_reason: "site_excluded" }).where(and(isVouched, isNull(sessions.ended_at))).returning({ id: sessions.id });
  // Also of sign-ins that ended before: a grant for offline access outlives its own.
  const within = writer.select({ id: sessions.id }).from(sessions).where(isVouched);
  await writer
    .update(grants)
    .set({ ended_at: now, end_reason: "revoked" })
    .where(and(isNull(grants.ended_at), or(inArray(grants.session_id, within), inArray(grants.login_session_id, within))));
  return ended.length;
}

/** Disables the accounts of which the site's word is the only way in. */
async function disableBound({ writer, services }: CommandAct, issuer: string, userIds: readonly string[]): Promise<number> {
  const { users, sessions, passkeys, upstreamIdentities: identities } = writer.tables;
  const now = services.clock.now();
  const hasOther = or(
    isNotNull(users.password_hash),
    exists(writer.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.user_id, users.id))),
    exists(writer.select({ id: identities.id }).from(identities).where(and(eq(identities.user_id, users.id), ne(identities.issuer, issuer)))),
  );
  const isBound = and(inArray(users.id, [...userIds]), isNull(users.disabled_at), eq(users.is_administrator, false), hasOther === undefined ? undefined : not(hasOther));
  const disabled = await writer.update(users).set({ disabled_at: now, credentials_changed_at: now }).where(isBound).returning({ id: users.id });
  const ids = disabled.map(({ id }) => id);
  if (ids.length > 0) await writer.update(sessions).set({ ended_at: now, end_reason: "disabled" }).where(and(inArray(sessions.user_id, ids), isNull(sessions.ended_at)));
  return ids.length;
}

/** Ends what stands on the site's word. Doing it again changes nothing. */
export async function exclude(act: CommandAct, exclusion: Exclusion): Promise<Excluded> {
  const people = await peopleOf(act, exclusion);
  let [sessions, accounts] = [0, 0];
  for (let from = 0; from < people.length; from += BATCH) {
    const some = people.slice(from, from + BATCH);
    sessions += await endVouched(act, some);
    accounts += await disableBound(act, exclusion.issuer, some);
  }
  return { sessions, accounts };
}
