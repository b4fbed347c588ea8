/**
 * Sign-in and sign-out.
 *
 * A session is a row; whoever holds its refresh token or cookie is the person, until the row says otherwise.
 * Unknown address, wrong password and disabled account answer alike, in words, status and time.
 */
import { and, eq, isNull } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct, procedure, Refused } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { requireEmailAddress } from "./email-address.ts";
import { hasAuthenticator, hasSecondFactor } from "./factor-check.ts";
import { findSecondStepOptions } from "./passkeys/second-step.ts";
import { isPassword, requirePassword } from "./passwords.ts";
import { createCookie, createRefreshToken, sessionDigest } from "./session-secrets.ts";
import { insertStepToken } from "./step-tokens.ts";
import { bucketOf, countGuess, refuseBlocked } from "./sign-in-buckets.ts";

/** `token`: access and refresh tokens, for programs. `cookie`: the dashboard's, for browsers. */
export const sessionKinds = ["token", "cookie"] as const;
export type SessionKind = (typeof sessionKinds)[number];

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

/** Somebody who may sign in with a password; undefined for the unknown, the disabled and those whose address is not proven yet. */
async function findCandidate(reader: Reader, emailKey: string): Promise<Candidate | undefined> {
  const { users } = reader.tables;
  const [found] = await reader
    .select({ id: users.id, passwordHash: users.password_hash })
    .from(users)
    .where(and(eq(users.email_key, emailKey), isNull(users.disabled_at), isNull(users.pending_until)));
  return found;
}

/** A session to be made. */
export interface NewSession {
  readonly userId: string;
  readonly kind: SessionKind;
  /** How the person proved who they are (RFC 8176). */
  readonly amr: readonly string[];
}

/** Makes the session. Whoever calls this has seen every proof that the account asks for. */
export async function insertSession(act: CommandAct, { userId, kind, amr }: NewSession): Promise<HeldSession> {
  const { writer, services, sealer, settings } = act;
  const id = services.random.uuid();
  const secret = kind === "token" ? createRefreshToken(sealer, services.random, id) : createCookie(services.random);
  const now = services.clock.now();
  const expiresAtMs = now + 1_000 * (kind === "token" ? Math.min(settings.refreshTokenSeconds, settings.refreshTokenAbsoluteSeconds) : settings.cookieSeconds);
  const digest = sessionDigest(sealer, secret);
  await writer
    .insert(writer.tables.sessions)
    .values({ id, user_id: userId, kind, digest, created_at: now, expires_at: expiresAtMs, amr: JSON.stringify(amr), address: act.caller.address ?? null });
  return { sessionId: id, userId, secret, expiresAtMs };
}

/** What a second step was begun with: the kind of session to make and, after a sign-in at an upstream provider, its id. */
export type StepContext = SessionKind | `${SessionKind}/${string}`;

/** The refusal that carries the token of the second step. There is no session yet: the token alone opens nothing. */
export async function beginSecondStep(act: CommandAct, userId: string, context: StepContext): Promise<Refused> {
  const step = await insertStepToken(act, { purpose: "second_factor", userId, context });
  act.note({ details: { second_factor: true } });
  const passkey_options = await findSecondStepOptions(act, userId, step.token);
  const methods = [...((await hasAuthenticator(act.writer, userId)) ? ["totp"] : []), ...(passkey_options === undefined ? [] : ["passkey"]), "recovery_code"];
  return new Refused(
    new Fault("second_factor_required", "A code of the second factor is needed, or a passkey.", {
      hint: "Send the step token with a code of the authenticator, with a passkey's answer, or with a recovery code.",
      details: { step_token: step.token, expires_at: isoTime(step.expiresAtMs), methods, ...(passkey_options === undefined ? {} : { passkey_options }) },
    }),
  );
}

/**
 * Signs in. Throws Fault `unauthenticated`, or `rate_limited` with the seconds to wait; both are counted and audited.
 * Where the account has a second factor, throws Fault `second_factor_required` with `step_token` in its details, for
 * `session.complete`: no session exists before that.
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
    if (await hasSecondFactor(commandAct.writer, current.id)) return await beginSecondStep(commandAct, current.id, input.kind);
    return await insertSession(commandAct, { userId: current.id, kind: input.kind, amr: ["pwd"] });
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
