/**
 * Where somebody is signed in: the own sessions, seen and ended one by one or all but the one at hand.
 *
 * Every request and every refresh asks the session's row, so an ended one is refused at the next of either.
 */
import { and, desc, eq, gt, isNull, ne } from "drizzle-orm";
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert, notFound } from "../fault.ts";
import { command, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import { requireUser } from "./own-password.ts";

/** The newest; whoever has more ends the others at once. */
const SESSIONS_MAX = 200;

export interface OwnSession {
  readonly id: string;
  /** `token` for programs, `cookie` for browsers. */
  readonly kind: string;
  readonly created_at: string;
  /** When its refresh token was last exchanged; null for browsers and before the first time. */
  readonly refreshed_at: string | null;
  readonly expires_at: string;
  /** Where the sign-in came from; null when that is not known. */
  readonly address: string | null;
  /** How the person proved who they are (RFC 8176); empty when that is not known. */
  readonly amr: readonly string[];
  readonly is_current: boolean;
}

const textsShape = shapeOf(Type.Array(Type.String()));

function textsOf(json: string | null): readonly string[] {
  const texts: unknown = JSON.parse(json ?? "[]");
  assert(textsShape.Check(texts), "a stored amr is a list of texts");
  return texts;
}

/** The caller's sessions that are good now, the newest first. */
export const listSessions = query("session.list", async ({ caller, reader, services }, _input: undefined): Promise<{ readonly session_list: readonly OwnSession[] }> => {
  const { userId, sessionId } = requireUser(caller);
  const { sessions } = reader.tables;
  const rows = await reader
    .select()
    .from(sessions)
    .where(and(eq(sessions.user_id, userId), isNull(sessions.ended_at), gt(sessions.expires_at, services.clock.now())))
    .orderBy(desc(sessions.created_at), desc(sessions.id))
    .limit(SESSIONS_MAX);
  return {
    session_list: rows.map(({ id, kind, created_at, rotated_at, expires_at, address, amr }) => ({
      id,
      kind,
      created_at: isoTime(created_at),
      refreshed_at: rotated_at === null ? null : isoTime(rotated_at),
      expires_at: isoTime(expires_at),
      address,
      amr: textsOf(amr),
      is_current: id === sessionId,
    })),
  };
});

/** Ends one of the caller's sessions, also the one at hand. Throws Fault `not_found` for one that is over or not theirs. */
export const endOwnSession = command("session.end_own", async ({ caller, writer, services, note }, { session_id }: { readonly session_id: string }): Promise<void> => {
  const { userId } = requireUser(caller);
  const { sessions } = writer.tables;
  const now = services.clock.now();
  const [ended] = await writer
    .update(sessions)
    .set({ ended_at: now, end_reason: "ended" })
    .where(and(eq(sessions.id, session_id), eq(sessions.user_id, userId), isNull(sessions.ended_at), gt(sessions.expires_at, now)))
    .returning({ id: sessions.id });
  if (ended === undefined) throw notFound();
  note({ subject: `session:${ended.id}` });
});

/** Ends all of the caller's sessions but the one at hand, and says how many. */
export const endOtherSessions = command("session.end_others", async ({ caller, writer, services, note }, _input: undefined): Promise<{ readonly ended: number }> => {
  const { userId, sessionId } = requireUser(caller);
  const { sessions } = writer.tables;
  const now = services.clock.now();
  const ended = await writer
    .update(sessions)
    .set({ ended_at: now, end_reason: "ended" })
    .where(and(eq(sessions.user_id, userId), ne(sessions.id, sessionId), isNull(sessions.ended_at), gt(sessions.expires_at, now)))
    .returning({ id: sessions.id });
  note({ subject: `user:${userId}`, details: { ended: ended.length } });
  return { ended: ended.length };
});
