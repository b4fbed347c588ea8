/**
 * Notices that a sign-in ended, one for each client that relies on it (OpenID Connect Back-Channel Logout 1.0).
 *
 *     the sign-in's row says that it ended ── noted: a row for each client ── due ── taken (next try is set first)
 *       ── told, or tried too often, or too old: gone
 *
 * Rule: the only owner of the table. The row that ends a sign-in is what notices are made from, so every way in which one
 * ends is told, whoever ended it and however, and nothing is lost between the end and the notice.
 */
import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, lte, notInArray, or, sql } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { scopesOf } from "./scope.ts";

/** Sign-ins of one call; the next one has the rest. */
const SESSIONS_MAX = 50;
/** Tries grow apart with their square: half a minute after the first, half an hour after the eighth, some two hours in all. */
const RETRY_MS = 30_000;
export const NOTICE_ATTEMPTS_MAX = 8;
/** A notice that could not even be tried for so long, because others were before it, says nothing to anybody any more. */
const NOTICE_LIFE_MS = 86_400_000;
const SWEEP_MAX = 200;
/** Whoever was disabled longer ago has been told of. */
const DISABLED_LOOK_MS = 86_400_000;

export interface LogoutNotice {
  readonly id: string;
  readonly client_id: string;
  readonly user_id: string;
  readonly session_id: string;
  /** With the one under way. */
  readonly attempts: number;
}

/** Sign-ins that are over and not noted yet: ended, or their person was disabled. */
async function listUnnoted(reader: Reader, now: number): Promise<readonly string[]> {
  const { sessions, users } = reader.tables;
  const ended = reader.select({ id: sessions.id }).from(sessions).where(and(isNotNull(sessions.ended_at), isNull(sessions.logout_noted_at))).limit(SESSIONS_MAX);
  const disabled = reader
    .select({ id: sessions.id })
    .from(users)
    .innerJoin(sessions, eq(sessions.user_id, users.id))
    .where(and(isNotNull(users.disabled_at), gt(users.disabled_at, now - DISABLED_LOOK_MS), isNull(sessions.logout_noted_at)))
    .limit(SESSIONS_MAX);
  return [...new Set([...(await ended), ...(await disabled)].map(({ id }) => id))].slice(0, SESSIONS_MAX);
}

/** Whether there is anything to note or to tell, without a write. */
export async function hasLogoutWork(reader: Reader, now: number): Promise<boolean> {
  if ((await listUnnoted(reader, now)).length > 0) return true;
  const { oidcLogoutNotices: notices } = reader.tables;
  const due = await reader.select({ id: notices.id }).from(notices).where(lte(notices.due_at, now)).limit(1);
  return due.length > 0;
}

/** Clients that got an ID token in the sign-in and want to be told; with the person it was. */
async function listRelying(reader: Reader, sessionIds: readonly string[]) {
  const { oidcGrants: grants, oidcClients: clients } = reader.tables;
  const rows = await reader
    .selectDistinct({ client_id: grants.client_id, user_id: grants.user_id, session_id: grants.login_session_id, scope: grants.scope })
    .from(grants)
    .innerJoin(clients, and(eq(clients.client_id, grants.client_id), isNull(clients.disabled_at), isNotNull(clients.backchannel_logout_uri)))
    .where(inArray(grants.login_session_id, [...sessionIds]));
  return rows.flatMap(({ client_id, user_id, session_id, scope }) =>
    user_id === null || session_id === null || !scopesOf(scope).includes("openid") ? [] : [{ id: `${session_id}/${client_id}`, client_id, user_id, session_id }],
  );
}

/** Notes who has to be told of sign-ins that are over. Of any number of processes one notes each of them. */
export async function noteLogouts({ writer, services }: CommandAct): Promise<void> {
  const { sessions, oidcLogoutNotices: notices } = writer.tables;
  const now = services.clock.now();
  const unnoted = await listUnnoted(writer, now);
  if (unnoted.length === 0) return;
  const noted = await writer
    .update(sessions)
    .set({ logout_noted_at: now })
    .where(and(inArray(sessions.id, [...unnoted]), isNull(sessions.logout_noted_at)))
    .returning({ id: sessions.id });
  const relying = noted.length === 0 ? [] : await listRelying(writer, noted.map(({ id }) => id));
  if (relying.length === 0) return;
  await writer
    .insert(notices)
    .values(relying.map((each) => ({ ...each, attempts: 0, created_at: now, due_at: now })))
    .onConflictDoNothing();
}

/** Takes one notice that is due, after its next try is set, so that two processes never send the same and a kill loses none. */
export async function takeDueNotice({ writer, services }: CommandAct, otherThan: readonly string[]): Promise<LogoutNotice | undefined> {
  const { oidcLogoutNotices: notices } = writer.tables;
  const now = services.clock.now();
  const isOther = otherThan.length === 0 ? undefined : notInArray(notices.client_id, [...otherThan]);
  const [next] = await writer
    .select({ id: notices.id })
    .from(notices)
    .where(and(lte(notices.due_at, now), isOther))
    .orderBy(asc(notices.due_at), asc(notices.id))
    .limit(1);
  if (next === undefined) return undefined;
  const [taken] = await writer
    .update(notices)
    .set({ attempts: sql`${notices.attempts} + 1`, due_at: sql`${now} + ${RETRY_MS} * (${notices.attempts} + 1) * (${notices.attempts} + 1)` })
    .where(and(eq(notices.id, next.id), lte(notices.due_at, now)))
    .returning();
  return taken;
}

/** Nothing more is to be done for the notice. */
export async function settleNotice({ writer }: CommandAct, id: string): Promise<void> {
  const { oidcLogoutNotices: notices } = writer.tables;
  await writer.delete(notices).where(eq(notices.id, id));
}

/** Gives up notices that are too old or were tried too often; gives those that were. */
export async function dropLateNotices({ writer, services }: CommandAct): Promise<readonly LogoutNotice[]> {
  const { oidcLogoutNotices: notices } = writer.tables;
  const now = services.clock.now();
  const isLate = or(lt(notices.created_at, now - NOTICE_LIFE_MS), and(sql`${notices.attempts} >= ${NOTICE_ATTEMPTS_MAX}`, lte(notices.due_at, now)));
  const late = writer.select({ id: notices.id }).from(notices).where(and(lte(notices.due_at, now), isLate)).limit(SWEEP_MAX);
  return await writer.delete(notices).where(inArray(notices.id, late)).returning();
}
