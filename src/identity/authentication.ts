/**
 * From a session to a caller: one indexed read for each request, so that a disabled person and an ended session are
 * refused at once, not when a token runs out.
 */
import { and, eq, gt, isNull, type Placeholder, type SQL } from "drizzle-orm";
import type { UserCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { ReadBuilders } from "../store/store.ts";
import { isCookieForm, sessionDigest } from "./session-secrets.ts";
import type { SessionKind } from "./sessions.ts";

/** What else the request says. */
export interface RequestFacts {
  /** From `X-Team-ID`, in the form of an id; whether the person belongs to it is the operation's to check. */
  readonly teamId: string | undefined;
  readonly address: string | undefined;
}

interface TokenSession {
  readonly sessionId: string;
  readonly userId: string;
}

interface Now {
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The caller of the session that meets `which`, while it lives. */
function callerOf(reader: ReadBuilders, which: SQL | undefined, now: Placeholder) {
  const { sessions, users } = reader.tables;
  return reader
    .select({ userId: users.id, sessionId: sessions.id, isAdministrator: users.is_administrator })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .where(and(which, isNull(sessions.ended_at), gt(sessions.expires_at, now), isNull(users.disabled_at)));
}

const TOKEN: SessionKind = "token";
const findByToken = planRead((reader, given: Given<TokenSession & Now>) => {
  const { sessions } = reader.tables;
  const which = and(eq(sessions.id, given("sessionId")), eq(sessions.user_id, given("userId")), eq(sessions.kind, TOKEN));
  return callerOf(reader, which, given("now"));
});

const findByGrantSession = planRead((reader, given: Given<TokenSession & Now>) => {
  const { sessions } = reader.tables;
  return callerOf(reader, and(eq(sessions.id, given("sessionId")), eq(sessions.user_id, given("userId"))), given("now"));
});

const COOKIE: SessionKind = "cookie";
const findByCookie = planRead((reader, given: Given<{ readonly digest: string } & Now>) => {
  const { sessions } = reader.tables;
  return callerOf(reader, and(eq(sessions.digest, given("digest")), eq(sessions.kind, COOKIE)), given("now"));
});

/** The person whose live `token` session this is: the ids come out of a verified access token. */
export async function findUserBySession({ store, services }: Gate, { sessionId, userId }: TokenSession, facts: RequestFacts): Promise<UserCaller | undefined> {
  const now = services.clock.now();
  const [found] = await store.read((reader) => findByToken(reader, { sessionId, userId, now }));
  return found === undefined ? undefined : { kind: "user", ...found, ...facts };
}

/** The same for a grant that was given in a session, of whatever kind; whether the grant stands is the caller's to have asked. */
export async function findUserByGrantSession({ store, services }: Gate, { sessionId, userId }: TokenSession, facts: RequestFacts): Promise<UserCaller | undefined> {
  const now = services.clock.now();
  const [found] = await store.read((reader) => findByGrantSession(reader, { sessionId, userId, now }));
  return found === undefined ? undefined : { kind: "user", ...found, ...facts };
}

/** The person who holds the dashboard cookie, or undefined when it is good for nothing. */
export async function findUserByCookie({ store, services, sealer }: Gate, rawCookie: string, facts: RequestFacts): Promise<UserCaller | undefined> {
  if (!isCookieForm(rawCookie)) return undefined;
  const now = services.clock.now();
  const digest = sessionDigest(sealer, rawCookie);
  const [found] = await store.read((reader) => findByCookie(reader, { digest, now }));
  return found === undefined ? undefined : { kind: "user", ...found, ...facts };
}
