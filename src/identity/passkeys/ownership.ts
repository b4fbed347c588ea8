/**
 * Proof that the owner of a session is there before ways in are changed: the current password, or a fresh answer of one
 * of their passkeys that verified them. An open browser or a stolen token has neither.
 */
import { Fault, invalidField } from "../../fault.ts";
import type { UserCaller } from "../../gate/caller.ts";
import { type CommandAct, type ProcedureAct, query } from "../../gate/operation.ts";
import { findProofProblem, provePassword, requireUser } from "../own-password.ts";
import { findAnswerProblem, passkeyFault, verifyAnswer } from "./assertion-check.ts";
import { createChallenge } from "./challenges.ts";
import { listDescriptors } from "./known-passkeys.ts";
import { requestOptions, type RequestOptions } from "./options.ts";
import { requireRelyingParty } from "./relying-party.ts";

/** One of the two. */
export interface OwnershipProof {
  readonly current_password?: string | undefined;
  /** What the browser made of a passkey's answer to `passkey.begin_proof`. */
  readonly passkey?: unknown;
}

/** Judges, in the transaction of the deed. The refusal to remember, or undefined when the owner is there. */
export type Judge = (act: CommandAct) => Promise<Fault | undefined>;

/** The challenge belongs to the session, so that what was answered in one proves nothing in another. */
function useOf({ sessionId }: UserCaller) {
  return { purpose: "prove", holder: sessionId } as const;
}

/** Looks at the proof. Throws Fault `invalid_request` when there is none, or both. */
export async function proveOwnership(act: ProcedureAct, { current_password, passkey }: OwnershipProof): Promise<Judge> {
  const caller = requireUser(act.caller);
  if ((current_password === undefined) === (passkey === undefined)) throw invalidField("current_password", "is needed, or in its place passkey");
  if (current_password !== undefined) {
    const proof = await provePassword(act, current_password);
    return async (commandAct) => await findProofProblem(commandAct, proof);
  }
  const answer = await verifyAnswer(act, passkey, useOf(caller));
  return async (commandAct) => {
    commandAct.note({ subject: `user:${caller.userId}` });
    const problem = await findAnswerProblem(commandAct, answer);
    if (problem !== undefined) return passkeyFault(problem, "invalid_request");
    return answer.userId === caller.userId ? undefined : passkeyFault("wrong", "invalid_request");
  };
}

/** What a browser is to ask one of the caller's passkeys. Throws Fault `conflict` when there is none. */
export const beginPasskeyProof = query("passkey.begin_proof", async (act, _input: undefined): Promise<RequestOptions> => {
  const caller = requireUser(act.caller);
  const party = requireRelyingParty(act.settings);
  const known = await listDescriptors(act.reader, caller.userId);
  if (known.length === 0) throw new Fault("conflict", "There is no passkey to prove anything with.", { hint: "Prove it with the current password." });
  return requestOptions(party, { challenge: createChallenge(act, useOf(caller)), allowCredentials: known, userVerification: "required" });
});
