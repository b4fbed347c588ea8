/**
 * Refresh: the current token is exchanged for the next one by one conditional update, so that of any number of
 * callers with the same token one succeeds. A token that was used before ends the session, and that is remembered:
 * either its holder or the one before is a thief (RFC 9700 section 4.14.2).
 */
import { and, eq, exists, gt, isNull, ne, sql } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { type CommandAct, procedure, Refused } from "../gate/operation.ts";
import { createRefreshToken, sessionDigest, sessionIdOf } from "./session-secrets.ts";
import type { HeldSession } from "./sessions.ts";

function refusedFault(): Fault {
  return new Fault("unauthenticated", "The refresh token is not good any more.", { hint: "Sign in again." });
}

async function rotate({ writer, services, sealer, settings }: CommandAct, sessionId: string, digest: string): Promise<HeldSession | undefined> {
  const { sessions, users } = writer.tables;
  const now = services.clock.now();
  const secret = createRefreshToken(sealer, services.random, sessionId);
  const [idleEnd, absoluteMs] = [now + settings.refreshTokenSeconds * 1_000, settings.refreshTokenAbsoluteSeconds * 1_000];
  // However much it is used, it ends so long after sign-in.
  const expires_at = sql<number>`case when ${sessions.created_at} + ${absoluteMs} < ${idleEnd} then ${sessions.created_at} + ${absoluteMs} else ${idleEnd} end`;
  const isEnabled = writer.select({ id: users.id }).from(users).where(and(eq(users.id, sessions.user_id), isNull(users.disabled_at)));
  const [rotated] = await writer
    .update(sessions)
    .set({ digest: sessionDigest(sealer, secret), rotated_at: now, expires_at })
    .where(
      and(
        eq(sessions.id, sessionId),
        eq(sessions.kind, "token"),
        eq(sessions.digest, digest),
        isNull(sessions.ended_at),
        gt(sessions.expires_at, now),
        exists(isEnabled),
      ),
    )
    .returning({ userId: sessions.user_id, expiresAtMs: sessions.expires_at });
  return rotated === undefined ? undefined : { sessionId, secret, ...rotated };
}

/** True when the session was live and another token is its current one. */
async function endReplayed({ writer, services }: CommandAct, sessionId: string, digest: string): Promise<boolean> {
  const { sessions } = writer.tables;
  const [ended] = await writer
    .update(sessions)
    .set({ ended_at: services.clock.now(), end_reason: "replayed" })
    .where(and(eq(sessions.id, sessionId), eq(sessions.kind, "token"), ne(sessions.digest, digest), isNull(sessions.ended_at)))
    .returning({ id: sessions.id });
  return ended !== undefined;
}

/** Throws Fault `unauthenticated` in one wording, whatever the reason. */
export const refreshSession = procedure("session.refresh", async (act, input: { readonly refresh_token: string }): Promise<HeldSession> => {
  const sessionId = sessionIdOf(act.sealer, input.refresh_token);
  if (sessionId === undefined) throw refusedFault();
  const digest = sessionDigest(act.sealer, input.refresh_token);
  return await act.write<HeldSession>(async (commandAct) => {
    commandAct.note({ subject: `session:${sessionId}` });
    const rotated = await rotate(commandAct, sessionId, digest);
    if (rotated !== undefined) return rotated;
    if (!(await endReplayed(commandAct, sessionId, digest))) throw refusedFault();
    commandAct.note({ details: { replayed: true } });
    return new Refused(refusedFault());
  });
});
