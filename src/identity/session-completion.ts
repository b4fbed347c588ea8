/**
 * The second step of a sign-in: step token and code make the session.
 *
 * The token names the person and the kind of session, so that one begun in the browser does not end as a program's;
 * it is used up by the right code alone, and wrong ones count against the person, not against the token, so that a
 * new sign-in does not start the count anew.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command, type CommandAct, Refused } from "../gate/operation.ts";
import { checkFactor, factorFault } from "./factor-check.ts";
import { type HeldSession, insertSession, type SessionKind } from "./sessions.ts";
import { findStep, takeStep } from "./step-tokens.ts";

export interface SecondStep {
  readonly step_token: string;
  readonly code: string;
  /** What the door makes; the sign-in has to have begun at the same. */
  readonly kind: SessionKind;
}

function goneFault(): Fault {
  return new Fault("unauthenticated", "This sign-in is over: it was completed, or took too long.", { hint: "Sign in again with email address and password." });
}

async function isEnabled({ writer }: CommandAct, userId: string): Promise<boolean> {
  const { users } = writer.tables;
  const [found] = await writer.select({ id: users.id }).from(users).where(and(eq(users.id, userId), isNull(users.disabled_at)));
  return found !== undefined;
}

/** Signs in. Throws Fault `unauthenticated` for a token or a code that is not good. */
export const completeSession = command("session.complete", async (act, input: SecondStep): Promise<HeldSession | Refused> => {
  const shown = { purpose: "second_factor", token: input.step_token } as const;
  const step = await findStep(act, act.writer, shown);
  if (step === undefined || step.context !== input.kind || !(await isEnabled(act, step.userId))) throw goneFault();
  const { userId } = step;
  act.note({ subject: `user:${userId}` });
  const checked = await checkFactor(act, userId, input.code);
  if (checked === "wrong" || checked === "locked") return new Refused(factorFault(checked, "unauthenticated"));
  if ((await takeStep(act, shown)) === undefined) throw goneFault();
  act.note({ details: { method: checked } });
  return await insertSession(act, { userId, kind: input.kind, amr: checked === "otp" ? ["pwd", "otp", "mfa"] : ["pwd", "mfa"] });
});
