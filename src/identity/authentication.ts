/**
 * From a session to a caller: one indexed read for each request, so that a disabled person and an ended session are
 * refused at once, not when a token runs out.
 */
import { and, eq, gt, isNull, type SQL } from "drizzle-orm";
import type { UserCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { isCookieForm, sessionDigest } from "./session-secrets.ts";
import type { SessionKind } from "./sessions.ts";

/** What else the request says. */
export interface RequestFacts {
  /** From `X-Team-ID`, in the form of an id; whether the person belongs to it is the operation's to check. */
  readonly teamId: string | undefined;
  readonly address: string | undefined;
}

/** Which session, and of which kind it has to be. */
interface Wanted {
  readonly kind: SessionKind;
  where(sessions: Reader["tables"]["sessions"]): SQL | undefined;
}

async function findCaller({ store, services }: Gate, wanted: Wanted, facts: RequestFacts): Promise<UserCaller | undefined> {
  const now = services.clock.now();
  const [found] = await store.read(async (reader) => {
    const { sessions, users } = reader.tables;
    return await reader
      .select({ userId: users.id, sessionId: sessions.id, isAdministrator: users.is_administrator })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.user_id))
      .where(and(wanted.where(sessions), eq(sessions.kind, wanted.kind), isNull(sessions.ended_at), gt(sessions.expires_at, now), isNull(users.disabled_at)));
  });
  return found === undefined ? undefined : { kind: "user", ...found, ...facts };
}

/** The person whose live `token` session this is: the ids come out of a verified access token. */
export async function findUserBySession(
  gate: Gate,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
  facts: RequestFacts,
): Promise<UserCaller | undefined> {
  return await findCaller(gate, { kind: "token", where: (sessions) => and(eq(sessions.id, sessionId), eq(sessions.user_id, userId)) }, facts);
}

/** The person who holds the dashboard cookie, or undefined when it is good for nothing. */
export async function findUserByCookie(gate: Gate, cookie: string, facts: RequestFacts): Promise<UserCaller | undefined> {
  if (!isCookieForm(cookie)) return undefined;
  return await findCaller(gate, { kind: "cookie", where: (sessions) => eq(sessions.digest, sessionDigest(gate.sealer, cookie)) }, facts);
}
