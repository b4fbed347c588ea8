/**
 * The authenticator app of a person, and the recovery codes that stand in for it and for passkeys.
 *
 *     none ── enrol (password) ── waiting for a first code ── confirm ── asked for at every sign-in ── remove (password, code)
 *
 * An enrolment that was not confirmed asks nobody for anything, so a slip of the phone locks nobody out. Whoever has a
 * session alone cannot change any of it.
 */
import { and, eq, gt, isNotNull, isNull, sql } from "drizzle-orm";
import { Fault, notFound } from "../fault.ts";
import { command, type CommandAct, procedure, type ProcedureAct, query, Refused } from "../gate/operation.ts";
import { requireAdministrator } from "./administrators.ts";
import { findDeployment } from "./deployment.ts";
import { requireEmailAddress } from "./email-address.ts";
import { checkFactor, FACTOR_FAILURES_MAX, factorFault, hasSecondFactor, openFactorSecret } from "./factor-check.ts";
import { findProofProblem, provePassword, requireUser } from "./own-password.ts";
import { countRecoveryCodes, deleteRecoveryCodes, replaceRecoveryCodes } from "./recovery-codes.ts";
import { endStepTokens } from "./step-tokens.ts";
import { encodeBase32, findTotpStep, otpauthUrl, TOTP_SECRET_BYTES } from "./totp.ts";

export interface SecondFactor {
  readonly is_enrolled: boolean;
  /** After too many wrong codes; a recovery code unlocks it. */
  readonly is_locked: boolean;
  readonly recovery_codes_left: number;
}

export interface Enrolment {
  /** For the authenticator, in base32. Shown once. */
  readonly secret: string;
  readonly otpauth_url: string;
}

export interface RecoveryCodes {
  /** Shown once. */
  readonly recovery_codes: readonly string[];
}

export interface ProvenCode {
  readonly current_password: string;
  readonly code: string;
}

export const readSecondFactor = query("second_factor.read", async ({ caller, reader }, _input: undefined): Promise<SecondFactor> => {
  const { userId } = requireUser(caller);
  const { secondFactors: factors } = reader.tables;
  const [found] = await reader.select({ failures: factors.failures }).from(factors).where(and(eq(factors.user_id, userId), isNotNull(factors.confirmed_at)));
  const left = await countRecoveryCodes(reader, userId);
  return { is_enrolled: found !== undefined, is_locked: (found?.failures ?? 0) >= FACTOR_FAILURES_MAX, recovery_codes_left: left };
});

/** Begins anew, whatever was begun and not confirmed; false when there is a confirmed one. */
async function begin(act: CommandAct, userId: string, secret: Uint8Array): Promise<boolean> {
  const { writer, services, sealer } = act;
  const { secondFactors: factors } = writer.tables;
  const fresh = { secret: sealer.seal("second-factor", userId, secret), created_at: services.clock.now(), confirmed_at: null, last_step: -1, failures: 0 };
  const [begun] = await writer
    .insert(factors)
    .values({ user_id: userId, ...fresh })
    .onConflictDoUpdate({ target: factors.user_id, set: fresh, setWhere: isNull(factors.confirmed_at) })
    .returning({ id: factors.user_id });
  return begun !== undefined;
}

async function describe({ writer }: CommandAct, userId: string, secret: Uint8Array): Promise<Enrolment> {
  const { users } = writer.tables;
  const [user] = await writer.select({ address: users.email_address }).from(users).where(eq(users.id, userId));
  const deployment = await findDeployment(writer);
  return { secret: encodeBase32(secret), otpauth_url: otpauthUrl(secret, deployment?.display_name ?? "Cyberun", user?.address ?? userId) };
}

/** Begins an enrolment. Throws Fault `conflict` when the person has a second factor. */
export const enrolSecondFactor = procedure("second_factor.enrol", async (act, input: { readonly current_password: string }): Promise<Enrolment> => {
  const proof = await provePassword(act, input.current_password);
  const secret = act.services.random.bytes(TOTP_SECRET_BYTES);
  return await act.write<Enrolment>(async (commandAct) => {
    const problem = await findProofProblem(commandAct, proof);
    if (problem !== undefined) return new Refused(problem);
    const { userId } = proof;
    if (await begin(commandAct, userId, secret)) return await describe(commandAct, userId, secret);
    throw new Fault("conflict", "There is a second factor already.", { hint: "Remove it first; that takes the password and a code." });
  });
});

/** The enrolment that waits, with this try counted. */
async function findWaiting({ writer, services, settings }: CommandAct, userId: string): Promise<{ readonly secret: string } | undefined> {
  const { secondFactors: factors } = writer.tables;
  const isWaiting = and(isNull(factors.confirmed_at), gt(factors.created_at, services.clock.now() - settings.factorEnrolmentSeconds * 1_000));
  const [found] = await writer
    .update(factors)
    .set({ failures: sql`${factors.failures} + 1` })
    .where(and(eq(factors.user_id, userId), isWaiting, sql`${factors.failures} < ${FACTOR_FAILURES_MAX}`))
    .returning({ secret: factors.secret });
  return found;
}

/** Ends an enrolment with its first code, and gives the recovery codes. */
export const confirmSecondFactor = command("second_factor.confirm", async (act, input: { readonly code: string }): Promise<RecoveryCodes | Refused> => {
  const { userId } = requireUser(act.caller);
  const { secondFactors: factors } = act.writer.tables;
  const now = act.services.clock.now();
  act.note({ subject: `user:${userId}` });
  const waiting = await findWaiting(act, userId);
  if (waiting === undefined) throw new Fault("conflict", "No enrolment waits for a code.", { hint: "Begin it again, and type the code within a quarter of an hour." });
  const step = findTotpStep(openFactorSecret(act, userId, waiting.secret), input.code.slice(0, 16).replace(/\s/g, ""), now);
  if (step === undefined) {
    const details = { fields: [{ field: "code", problem: "is not the authenticator's", reason: "wrong" }] };
    return new Refused(new Fault("invalid_request", "The code is not the authenticator's.", { hint: "Check the clock of the phone, and type the code that is shown now.", details }));
  }
  await act.writer.update(factors).set({ confirmed_at: now, last_step: step, failures: 0 }).where(eq(factors.user_id, userId));
  await endStepTokens(act, userId);
  return { recovery_codes: await replaceRecoveryCodes(act, userId) };
});

/** What a person changes about a second factor takes the password and a code, both counted. */
async function withProof<Output>(act: ProcedureAct, input: ProvenCode, deed: (act: CommandAct, userId: string) => Promise<Output>): Promise<Output> {
  const proof = await provePassword(act, input.current_password);
  return await act.write<Output>(async (commandAct) => {
    const problem = await findProofProblem(commandAct, proof);
    if (problem !== undefined) return new Refused(problem);
    const { userId } = proof;
    const checked = await checkFactor(commandAct, userId, input.code);
    if (checked === "wrong" || checked === "locked") return new Refused(factorFault(checked, "invalid_request"));
    commandAct.note({ details: { method: checked } });
    return await deed(commandAct, userId);
  });
}

async function deleteAuthenticator(act: CommandAct, userId: string): Promise<void> {
  const { secondFactors } = act.writer.tables;
  await act.writer.delete(secondFactors).where(eq(secondFactors.user_id, userId));
  if (!(await hasSecondFactor(act.writer, userId))) await deleteRecoveryCodes(act, userId);
  await endStepTokens(act, userId);
}

/** Everything beside the password. */
async function deleteFactors(act: CommandAct, userId: string): Promise<void> {
  const { passkeys } = act.writer.tables;
  await act.writer.delete(passkeys).where(eq(passkeys.user_id, userId));
  await deleteAuthenticator(act, userId);
}

/** Ten new recovery codes; the old ones end. */
export const renewRecoveryCodes = procedure("second_factor.renew_codes", async (act, input: ProvenCode): Promise<RecoveryCodes> => {
  return await withProof(act, input, async (commandAct, userId) => ({ recovery_codes: await replaceRecoveryCodes(commandAct, userId) }));
});

export const removeSecondFactor = procedure("second_factor.remove", async (act, input: ProvenCode): Promise<void> => {
  await withProof(act, input, deleteAuthenticator);
});

/** An account by its id, as programs know it, or by its address, as people do. */
export type NamedAccount = { readonly user_id: string } | { readonly email_address: string };

async function getUserId({ writer }: CommandAct, account: NamedAccount): Promise<string> {
  if ("user_id" in account) return account.user_id;
  const { users } = writer.tables;
  const [user] = await writer.select({ id: users.id }).from(users).where(eq(users.email_key, requireEmailAddress(account.email_address).key));
  if (user === undefined) throw notFound();
  return user.id;
}

/** For somebody who has lost everything, authenticator and passkeys: by an administrator, but not for themselves, or by the operator on the host. */
export const resetSecondFactor = command("second_factor.reset", async (act, input: NamedAccount): Promise<void> => {
  requireAdministrator(act.caller);
  const userId = await getUserId(act, input);
  if (act.caller.kind === "user" && act.caller.userId === userId) {
    throw new Fault("forbidden", "Nobody resets the own second factor.", { hint: "Remove it with your password and a code, or ask another administrator." });
  }
  act.note({ subject: `user:${userId}` });
  if (!(await hasSecondFactor(act.writer, userId))) throw notFound();
  await deleteFactors(act, userId);
});
