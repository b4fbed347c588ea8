/**
 * The check of a passkey's answer: verified outside of the transaction, judged and remembered inside.
 *
 *     answer ── signature, origin, flags ── challenge taken, once ── counted ── counter moved on ── the person
 *
 * Every answer of a known passkey counts before it is judged; ten wrong ones in a row lock it, as they lock an
 * authenticator app, until a recovery code is used. A counter that runs backwards means that there are two of it
 * (section 7.2 step 22): it is refused from then on and shown as a copy to its owner.
 */
import { and, eq, isNull, lt, sql } from "drizzle-orm";
import { Fault } from "../../fault.ts";
import type { CommandAct, ProcedureAct } from "../../gate/operation.ts";
import type { Reader } from "../../store/store.ts";
import { type AssertionAnswer, requireAssertion } from "./answers.ts";
import { type ChallengeUse, takeChallenge } from "./challenges.ts";
import { requireRelyingParty } from "./relying-party.ts";
import { findChallenge, type Signed, verifyAssertion } from "./verification.ts";

export const PASSKEY_FAILURES_MAX = 10;

/** An answer that was verified and not judged yet. */
export interface Assertion {
  readonly use: ChallengeUse;
  readonly challenge: string | undefined;
  /** The row that it names; undefined for an unknown passkey. */
  readonly passkeyId: string | undefined;
  readonly publicKey: string;
  readonly userId: string;
  /** Undefined when anything about it is wrong. */
  readonly signed: Signed | undefined;
}

export type PasskeyProblem = "wrong" | "locked" | "copied";

const sayings: Readonly<Record<PasskeyProblem, { readonly message: string; readonly hint: string }>> = {
  wrong: { message: "The passkey's answer is not good: unknown, too late, used before, or given for something else.", hint: "Load the page again and use the passkey once more." },
  locked: { message: `The passkey is locked after ${PASSKEY_FAILURES_MAX} wrong answers.`, hint: "Sign in with a recovery code, which unlocks it, or ask an administrator to reset the second factor." },
  copied: { message: "There seems to be a copy of this passkey, so it opens nothing any more.", hint: "Use another way to sign in, remove the passkey, and add it anew." },
};

/** The refusal with `code` as its code: at sign-in nobody is known yet, elsewhere it is a field that is wrong. */
export function passkeyFault(problem: PasskeyProblem, code: "unauthenticated" | "invalid_request"): Fault {
  const { message, hint } = sayings[problem];
  return new Fault(code, message, { hint, details: { reason: `passkey_${problem}` } });
}

async function findPasskey(reader: Reader, credentialId: string) {
  const { passkeys } = reader.tables;
  const [found] = await reader
    .select({ id: passkeys.id, userId: passkeys.user_id, publicKey: passkeys.public_key, algorithm: passkeys.algorithm })
    .from(passkeys)
    .where(eq(passkeys.credential_id, credentialId));
  return found;
}

/** Section 7.2 step 6: an answer to a request that named no passkey says whose it is, and that has to be so. */
function namesOwner({ response: { userHandle } }: AssertionAnswer, purpose: ChallengeUse["purpose"], userId: string): boolean {
  const isNamed = typeof userHandle === "string" && userHandle !== "";
  return isNamed ? userHandle === Buffer.from(userId).toString("base64url") : purpose !== "sign_in";
}

/**
 * Verifies an answer, in the field `passkey`. Alone, without a password before it, a passkey has to have verified the
 * person: only so it stands for two factors. Says nothing of what is wrong yet.
 */
export async function verifyAnswer(act: ProcedureAct, given: unknown, use: ChallengeUse): Promise<Assertion> {
  const party = requireRelyingParty(act.settings);
  const answer = requireAssertion("passkey", given);
  const challenge = findChallenge(answer.response.clientDataJSON, "webauthn.get", party);
  const found = await act.read((reader) => findPasskey(reader, answer.id));
  if (found === undefined) return { use, challenge, passkeyId: undefined, publicKey: "", userId: "", signed: undefined };
  const { id, userId, publicKey, algorithm } = found;
  const isVerificationNeeded = use.purpose !== "second_step";
  const signed = namesOwner(answer, use.purpose, userId) ? await verifyAssertion(answer, { credentialId: answer.id, publicKey, algorithm }, { party, isVerificationNeeded }) : undefined;
  return { use, challenge, passkeyId: id, publicKey, userId, signed };
}

/** Counts the answer; false when the passkey is locked or gone. */
async function countTry({ writer }: CommandAct, passkeyId: string): Promise<boolean> {
  const { passkeys } = writer.tables;
  const [counted] = await writer
    .update(passkeys)
    .set({ failures: sql`${passkeys.failures} + 1` })
    .where(and(eq(passkeys.id, passkeyId), lt(passkeys.failures, PASSKEY_FAILURES_MAX)))
    .returning({ id: passkeys.id });
  return counted !== undefined;
}

/** Moves the counter on and forgets the failures. */
async function moveOn({ writer, services }: CommandAct, { passkeyId, publicKey }: Assertion, counter: number): Promise<boolean> {
  const { passkeys } = writer.tables;
  // Many keep none and always say 0.
  const isAhead = counter === 0 ? eq(passkeys.counter, 0) : lt(passkeys.counter, counter);
  const [moved] = await writer
    .update(passkeys)
    .set({ counter, failures: 0, last_used_at: services.clock.now() })
    .where(and(eq(passkeys.id, passkeyId ?? ""), eq(passkeys.public_key, publicKey), isNull(passkeys.clone_seen_at), isAhead))
    .returning({ id: passkeys.id });
  return moved !== undefined;
}

async function markCopied({ writer, services }: CommandAct, passkeyId: string): Promise<void> {
  const { passkeys } = writer.tables;
  await writer.update(passkeys).set({ clone_seen_at: services.clock.now() }).where(and(eq(passkeys.id, passkeyId), isNull(passkeys.clone_seen_at)));
}

/** Judges the answer, and remembers it. Undefined when it is good; else the problem, whose refusal has to be committed and then thrown. */
export async function findAnswerProblem(act: CommandAct, assertion: Assertion): Promise<PasskeyProblem | undefined> {
  const { challenge, use, passkeyId, userId, signed } = assertion;
  const isFresh = challenge !== undefined && (await takeChallenge(act, challenge, use));
  if (passkeyId === undefined) return "wrong";
  act.note({ subject: `user:${userId}`, details: { passkey_id: passkeyId } });
  if (!(await countTry(act, passkeyId))) return "locked";
  if (!isFresh || signed === undefined) return "wrong";
  if (await moveOn(act, assertion, signed.counter)) return undefined;
  act.note({ details: { passkey_id: passkeyId, copied: true } });
  await markCopied(act, passkeyId);
  return "copied";
}
