/**
 * The check of a second factor: a code of the authenticator, or a recovery code.
 *
 * Every try counts before it is judged, in the transaction that answers it: after ten wrong ones in a row the
 * authenticator's codes are not looked at any more, on any door, however the tries arrive (CVE-2025-64102,
 * CVE-2024-32868). A code of a step that was taken before is as wrong as any. A recovery code still opens, and unlocks.
 */
import { and, eq, isNotNull, lt, sql } from "drizzle-orm";
import { Fault } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { hasPasskey } from "./passkeys/known-passkeys.ts";
import { findRecoveryCode, takeRecoveryCode } from "./recovery-codes.ts";
import { findTotpStep } from "./totp.ts";

export const FACTOR_FAILURES_MAX = 10;
const TOTP_CODE = /^\d{6}$/;

/** How sessions say it (RFC 8176). */
export type FactorMethod = "otp" | "recovery";

/** Why a code was not taken. */
export type FactorProblem = "wrong" | "locked";

/** The refusal with `code` as its code: at sign-in nobody is known yet, elsewhere it is a field that is wrong. */
export function factorFault(problem: FactorProblem, code: "unauthenticated" | "invalid_request"): Fault {
  const field = { field: "code", problem: problem === "wrong" ? "is not right, or was used before" : "cannot be checked while the authenticator is locked", reason: problem };
  const details = code === "invalid_request" ? { details: { fields: [field] } } : {};
  if (problem === "wrong") {
    return new Fault(code, "The code is not right, or was used before.", { hint: "Wait for the next code of the authenticator, or use a recovery code.", ...details });
  }
  return new Fault(code, `The authenticator is locked after ${FACTOR_FAILURES_MAX} wrong codes.`, {
    hint: "Use a recovery code, or ask an administrator to reset the second factor.",
    ...(code === "unauthenticated" ? { details: { reason: "authenticator_locked" } } : details),
  });
}

/** Whether the person has an authenticator app. */
export async function hasAuthenticator(reader: Reader, userId: string): Promise<boolean> {
  const { secondFactors } = reader.tables;
  const [found] = await reader.select({ id: secondFactors.user_id }).from(secondFactors).where(and(eq(secondFactors.user_id, userId), isNotNull(secondFactors.confirmed_at)));
  return found !== undefined;
}

/** Whether anything more than the password is asked for when the person signs in. */
export async function hasSecondFactor(reader: Reader, userId: string): Promise<boolean> {
  return (await hasAuthenticator(reader, userId)) || (await hasPasskey(reader, userId));
}

/** The shared secret. */
export function openFactorSecret({ sealer }: Pick<CommandAct, "sealer">, userId: string, sealed: string): Buffer {
  return sealer.open("second-factor", userId, sealed);
}

/** Counts a try of the authenticator; undefined when there is none or it is locked. */
async function countTry({ writer }: CommandAct, userId: string): Promise<{ readonly secret: string } | undefined> {
  const { secondFactors: factors } = writer.tables;
  const [counted] = await writer
    .update(factors)
    .set({ failures: sql`${factors.failures} + 1` })
    .where(and(eq(factors.user_id, userId), isNotNull(factors.confirmed_at), lt(factors.failures, FACTOR_FAILURES_MAX)))
    .returning({ secret: factors.secret });
  return counted;
}

/** Takes the step's code and forgets the failures; false when that step or a later one was taken before. */
async function takeTotpStep({ writer }: CommandAct, userId: string, step: number): Promise<boolean> {
  const { secondFactors: factors } = writer.tables;
  const [taken] = await writer
    .update(factors)
    .set({ last_step: step, failures: 0 })
    .where(and(eq(factors.user_id, userId), lt(factors.last_step, step)))
    .returning({ id: factors.user_id });
  return taken !== undefined;
}

async function tryRecoveryCode(act: CommandAct, userId: string, code: string): Promise<FactorMethod | FactorProblem> {
  const { secondFactors: factors, passkeys } = act.writer.tables;
  if (!(await takeRecoveryCode(act, userId, code))) return "wrong";
  await act.writer.update(factors).set({ failures: 0 }).where(eq(factors.user_id, userId));
  await act.writer.update(passkeys).set({ failures: 0 }).where(eq(passkeys.user_id, userId));
  return "recovery";
}

/** Judges what was typed, and remembers it. The method, or the problem, whose refusal has to be committed and then thrown. */
export async function checkFactor(act: CommandAct, userId: string, typed: string): Promise<FactorMethod | FactorProblem> {
  const recoveryCode = findRecoveryCode(typed);
  if (recoveryCode !== undefined) return await tryRecoveryCode(act, userId, recoveryCode);
  const counted = await countTry(act, userId);
  if (counted === undefined) return (await hasAuthenticator(act.writer, userId)) ? "locked" : "wrong";
  const code = typed.slice(0, 16).replace(/\s/g, "");
  const secret = openFactorSecret(act, userId, counted.secret);
  const step = TOTP_CODE.test(code) ? findTotpStep(secret, code, act.services.clock.now()) : undefined;
  return step !== undefined && (await takeTotpStep(act, userId, step)) ? "otp" : "wrong";
}
