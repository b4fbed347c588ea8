/** The question to a person's passkeys after the right password. Its challenge belongs to the step token, and dies with it. */
import type { Fault } from "../../fault.ts";
import type { CommandAct } from "../../gate/operation.ts";
import { type ChallengeUse, createChallenge } from "./challenges.ts";
import { listDescriptors } from "./known-passkeys.ts";
import { requestOptions, type RequestOptions } from "./options.ts";
import { findRelyingParty } from "./relying-party.ts";

/** What the answer of a second step has to be given for. */
export function secondStepUse(stepToken: string): ChallengeUse {
  return { purpose: "second_step", holder: stepToken };
}

/** Undefined when the person has no passkey that may answer, or this deployment cannot use any. */
export async function findSecondStepOptions(act: CommandAct, userId: string, stepToken: string): Promise<RequestOptions | undefined> {
  const party = findRelyingParty(act.settings);
  const known = party === undefined ? [] : await listDescriptors(act.writer, userId);
  if (party === undefined || known.length === 0) return undefined;
  // The password came before, so presence is enough.
  return requestOptions(party, { challenge: createChallenge(act, secondStepUse(stepToken)), allowCredentials: known, userVerification: "preferred" });
}

export interface SecondStepAsked {
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined when they have none that may answer. */
  readonly passkey: RequestOptions | undefined;
}

function isRequestOptions(value: unknown): value is RequestOptions {
  return typeof value === "object" && value !== null && "challenge" in value && "allowCredentials" in value;
}

/** The second step that a right password leads to; undefined for any other refusal. */
export function secondStepOf(fault: Fault | undefined): SecondStepAsked | undefined {
  const token = fault?.code === "second_factor_required" ? fault.details?.["step_token"] : undefined;
  return typeof token === "string" ? { stepToken: token, passkey: optionsAgainOf(fault) } : undefined;
}

/** What passkeys may be asked after a proof of the second step was refused; undefined when none may answer or the step is over. */
export function optionsAgainOf(fault: Fault | undefined): RequestOptions | undefined {
  const options = fault?.details?.["passkey_options"];
  return isRequestOptions(options) ? options : undefined;
}
