/**
 * Sign-in and sign-out.
 *
 * A session is a row; whoever holds its refresh token or cookie is the person, until the row says otherwise.
 * Unknown address, wrong password and disabled account answer alike, in words, status and time.
 */
import { and, eq, isNull } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct, procedure, Refused } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { requireEmailAddress } from "./email-address.ts";
import { isPassword, requirePassword } from "./passwords.ts";
import { createCookie, createRefreshToken, sessionDigest } from "./session-secrets.ts";
import { bucketOf, countGuess, refuseBlocked } from "./sign-in-buckets.ts";

/** `token`: access and refresh tokens, for programs. `cookie`: the dashboard's, for browsers. */
export type SessionKind = "token" | "cookie";

export interface SignIn {
  readonly email_address: string;
  readonly user_password: string;
  readonly kind: SessionKind;
}

/** A live session with the secret that holds it, which is shown once. */
export interface HeldSession {
  readonly sessionId: string;
  readonly userId: string;
  /** The refresh token, or the cookie's value. */
  readonly secret: string;
  readonly expiresAtMs: number;
}

function wrongFault(): Fault {
  return new Fault("unauthenticated", "invalid email or password", { hint: "Check both; after several failures an address has to wait." });
}

interface Candidate {
  readonly id: string;
  readonly passwordHash: string | null;
}

/** Somebody who may sign in with a password; undefined for the unknown and the disabled. */
async function findCandidate(reader: Reader, emailKey: string): Promise<Candidate | undefined> {
  const { users } = reader.tables;
  const [found] = await reader
    .select({ id: users.id, passwordHash: users.password_hash })
    .from(users)
    .where(and(eq(users.email_key, emailKey), isNull(users.disabled_at)));
  return found;
}

async function insertSession(act: CommandAct, userId: string, kind: SessionKind): Promise<HeldSession> {
  const { writer, services, sealer, settings } = act;
  const sessionId = services.random.uuid();
  const secret = kind === "token" ? createRefreshToken(sealer, services.random, sessionId) : createCookie(services.random);
  const now = services.clock.now();
  const expiresAtMs = now + 1_000 * (kind === "token" ? settings.refreshTokenSeconds : settings.cookieSeconds);
  await writer
    .insert(writer.tables.sessions)
    .values({ id: sessionId, user_id: userId, kind, digest: sessionDigest(sealer, secret), created_at: now, expires_at: expiresAtMs });
  return { sessionId, userId, secret, expiresAtMs };
}

/**
 * Signs in. Throws Fault `unauthenticated`, or `rate_limited` with the seconds to wait; both are counted and audited.
 * The hash is computed between the transactions, so that signing in does not hold up the store.
 */
export const createSession = procedure("session.create", async (act, input: SignIn): Promise<HeldSession> => {
  const email = requireEmailAddress(input.email_address);
  const password = requirePassword("user_password", input.user_password);
  const bucket = bucketOf(act, email);
  const candidate = await act.read(async (reader) => {
    await refuseBlocked(reader, bucket, act.services.clock.now());
    return await findCandidate(reader, email.key);
  });
  const isRight = await isPassword(password, candidate?.passwordHash);
  return await act.write<HeldSession>(async (commandAct) => {
    if (candidate !== undefined) commandAct.note({ subject: `user:${candidate.id}` });
    const guess = await countGuess(commandAct, bucket);
    const current = isRight && !guess.isBlocked ? await findCandidate(commandAct.writer, email.key) : undefined;
    // Disabled, or given another password, while the hash was computed: as wrong as any.
    if (current === undefined || current.passwordHash !== candidate?.passwordHash) return new Refused(await guess.refuse(wrongFault()));
    await guess.forgive();
    return await insertSession(commandAct, current.id, input.kind);
  });
});

/** Ends the caller's session; what hangs on it is refused from then on. Ending it again changes nothing. */
export const endSession = command("session.end", async ({ caller, writer, services, note }, _input: undefined): Promise<void> => {
  assert(caller.kind === "user", "the row admits users only");
  const { sessions } = writer.tables;
  note({ subject: `session:${caller.sessionId}` });
  await writer
    .update(sessions)
    .set({ ended_at: services.clock.now(), end_reason: "signed_out" })
    .where(and(eq(sessions.id, caller.sessionId), isNull(sessions.ended_at)));
});
