/**
 * The second step of a sign-in: step token and code, or a passkey's answer, make the session.
 *
 * The token names the person and the kind of session, so that one begun in the browser does not end as a program's;
 * it is used up by what is right alone, and wrong ones count against the person, not against the token, so that a
 * new sign-in does not start the count anew.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Fault, invalidField } from "../fault.ts";
import { type CommandAct, procedure, type ProcedureAct, Refused } from "../gate/operation.ts";
import { checkFactor, factorFault } from "./factor-check.ts";
import { findAnswerProblem, passkeyFault, verifyAnswer } from "./passkeys/assertion-check.ts";
import { findSecondStepOptions, secondStepUse } from "./passkeys/second-step.ts";
import { type HeldSession, insertSession, type SessionKind } from "./sessions.ts";
import { findStep, takeStep } from "./step-tokens.ts";
import { UPSTREAM_AMR } from "./upstream/admission.ts";
import { getUsableProvider } from "./upstream/providers.ts";

/** With a code or a passkey. */
export interface SecondStep {
  readonly step_token: string;
  /** Of the authenticator, or a recovery code. */
  readonly code?: string | undefined;
  /** What the browser made of a passkey's answer. */
  readonly passkey?: unknown;
  /** What the door makes; the sign-in has to have begun at the same. */
  readonly kind: SessionKind;
}

/** How sessions say it (RFC 8176), beside what came first. Without attestation nobody knows whether a passkey's key is in hardware, so the lesser is claimed. */
const amrOf = { otp: ["otp", "mfa"], recovery: ["mfa"], passkey: ["swk", "mfa"] } as const;
type Method = keyof typeof amrOf;

/** Judges the second proof in the transaction that makes the session: the method, or the refusal to remember. */
type Judge = (act: CommandAct, userId: string) => Promise<Method | Fault>;

function goneFault(): Fault {
  return new Fault("unauthenticated", "This sign-in is over: it was completed, or took too long.", { hint: "Sign in again with email address and password.", details: { reason: "step_over" } });
}

async function isEnabled({ writer }: CommandAct, userId: string): Promise<boolean> {
  const { users } = writer.tables;
  const [found] = await writer.select({ id: users.id }).from(users).where(and(eq(users.id, userId), isNull(users.disabled_at)));
  return found !== undefined;
}

/** Looks at what was sent. Throws Fault `invalid_request` when it is neither or both. */
async function prepare(act: ProcedureAct, { step_token, code, passkey }: SecondStep): Promise<Judge> {
  if ((code === undefined) === (passkey === undefined)) throw invalidField("code", "is needed, or in its place passkey");
  if (code !== undefined) {
    return async (commandAct, userId) => {
      const checked = await checkFactor(commandAct, userId, code);
      return checked === "wrong" || checked === "locked" ? factorFault(checked, "unauthenticated") : checked;
    };
  }
  const answer = await verifyAnswer(act, passkey, secondStepUse(step_token));
  return async (commandAct, userId) => {
    const problem = await findAnswerProblem(commandAct, answer);
    if (problem !== undefined) return passkeyFault(problem, "unauthenticated");
    return answer.userId === userId ? "passkey" : passkeyFault("wrong", "unauthenticated");
  };
}

/** A refusal after which the step is still open: with a new question to the person's passkeys, because each is good once. */
async function withOptions(act: CommandAct, { code, message, hint, details }: Fault, { userId, stepToken }: { readonly userId: string; readonly stepToken: string }): Promise<Fault> {
  const passkey_options = await findSecondStepOptions(act, userId, stepToken);
  return new Fault(code, message, { ...(hint === undefined ? {} : { hint }), details: { ...details, ...(passkey_options === undefined ? {} : { passkey_options }) } });
}

/** Signs in. Throws Fault `unauthenticated` for a token, a code or a passkey that is not good. */
export const completeSession = procedure("session.complete", async (act, input: SecondStep): Promise<HeldSession> => {
  const shown = { purpose: "second_factor", token: input.step_token } as const;
  const judge = await prepare(act, input);
  return await act.write<HeldSession>(async (commandAct) => {
    const step = await findStep(commandAct, commandAct.writer, shown);
    const [kind, providerId] = step?.context.split("/") ?? [];
    if (step === undefined || kind !== input.kind || !(await isEnabled(commandAct, step.userId))) throw goneFault();
    // What the first step was vouched for by may have been disabled since.
    if (providerId !== undefined) await getUsableProvider(commandAct, commandAct.writer, { id: providerId });
    const { userId } = step;
    const method = await judge(commandAct, userId);
    commandAct.note({ subject: `user:${userId}` });
    if (method instanceof Fault) return new Refused(await withOptions(commandAct, method, { userId, stepToken: input.step_token }));
    if ((await takeStep(commandAct, shown)) === undefined) throw goneFault();
    commandAct.note({ details: { method } });
    return await insertSession(commandAct, { userId, kind: input.kind, amr: [providerId === undefined ? "pwd" : UPSTREAM_AMR, ...amrOf[method]] });
  });
});
