/**
 * Sign-in with a passkey alone: no name is typed, the passkey says whose it is, and it has verified the person.
 *
 * The challenge belongs to the browser that was shown the page. Unknown passkeys, disabled people and answers that are
 * not good are refused in the same words; credential ids are random and told to nobody, so there are no names to try.
 */
import { and, eq, isNull } from "drizzle-orm";
import { type CommandAct, procedure, query, Refused } from "../../gate/operation.ts";
import { type HeldSession, insertSession, type SessionKind } from "../sessions.ts";
import { findAnswerProblem, passkeyFault, verifyAnswer } from "./assertion-check.ts";
import { type ChallengeUse, createChallenge } from "./challenges.ts";
import { requestOptions, type RequestOptions } from "./options.ts";
import { findRelyingParty } from "./relying-party.ts";

function useOf(browser: string): ChallengeUse {
  return { purpose: "sign_in", holder: browser };
}

export interface BeginPasskeySignIn {
  /** The secret of the browser that the answer has to come from. */
  readonly browser: string;
}

/** What a browser is to ask; undefined where this deployment cannot use passkeys. */
export const beginPasskeySignIn = query("passkey.begin_sign_in", async (act, { browser }: BeginPasskeySignIn): Promise<RequestOptions | undefined> => {
  const party = findRelyingParty(act.settings);
  return party === undefined ? undefined : requestOptions(party, { challenge: createChallenge(act, useOf(browser)), allowCredentials: [], userVerification: "required" });
});

export interface PasskeySignIn extends BeginPasskeySignIn {
  readonly passkey: unknown;
  readonly kind: SessionKind;
}

async function mayEnter({ writer }: CommandAct, userId: string): Promise<boolean> {
  const { users } = writer.tables;
  const [found] = await writer.select({ id: users.id }).from(users).where(and(eq(users.id, userId), isNull(users.disabled_at), isNull(users.pending_until)));
  return found !== undefined;
}

/** Signs in. Throws Fault `unauthenticated` for an answer that is not good. */
export const createSessionByPasskey = procedure("session.create_by_passkey", async (act, { passkey, browser, kind }: PasskeySignIn): Promise<HeldSession> => {
  const answer = await verifyAnswer(act, passkey, useOf(browser));
  return await act.write<HeldSession>(async (commandAct) => {
    const problem = await findAnswerProblem(commandAct, answer);
    if (problem !== undefined) return new Refused(passkeyFault(problem, "unauthenticated"));
    if (!(await mayEnter(commandAct, answer.userId))) return new Refused(passkeyFault("wrong", "unauthenticated"));
    return await insertSession(commandAct, { userId: answer.userId, kind, amr: ["swk", "user", "mfa"] });
  });
});
