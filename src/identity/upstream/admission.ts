/**
 * Letting somebody in whom a provider vouched for: to where they came from, and by the own second factor where there is one.
 *
 *     at the issuer's own pages ──► second factor? ──► session
 *     at the dashboard ──► code, once, as short as the issuer's ──exchange──► second factor? ──► session
 *
 * Rule: what a provider vouches for stands in the place of a password and no higher. The provider is looked at again at
 * each of the steps.
 */
import { and, eq, isNull } from "drizzle-orm";
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { isSameSecret } from "../../crypto/sealing.ts";
import { Fault } from "../../fault.ts";
import { command, type CommandAct, Refused } from "../../gate/operation.ts";
import type { Reader } from "../../store/store.ts";
import { hasSecondFactor } from "../factor-check.ts";
import { beginSecondStep, type HeldSession, insertSession, type SessionKind } from "../sessions.ts";
import { findStep, insertStepToken, takeStep } from "../step-tokens.ts";
import { getUsableProvider } from "./providers.ts";
import { challengeOf } from "./start.ts";

/** How sessions say that somebody else vouched for the person; RFC 8176 has no word for it. */
export const UPSTREAM_AMR = "fed";

/** Somebody who was vouched for. */
export interface Vouched {
  readonly userId: string;
  readonly providerId: string;
  readonly issuer: string;
  /** What they have shown, with {@link UPSTREAM_AMR} where the provider alone was asked. */
  readonly amr: readonly string[];
}

/** Whether the account may be used at all. */
export async function isUsableAccount(reader: Reader, userId: string): Promise<boolean> {
  const { users } = reader.tables;
  const [found] = await reader.select({ id: users.id }).from(users).where(and(eq(users.id, userId), isNull(users.disabled_at), isNull(users.pending_until)));
  return found !== undefined;
}

export function disabledFault(): Fault {
  return new Fault("forbidden", "The account behind this sign-in is disabled.", { hint: "Ask an administrator." });
}

/** A session; or the refusal that carries the token of the second step, where the account has one and it was not shown yet. */
export async function admit(act: CommandAct, { userId, providerId, amr }: Vouched, kind: SessionKind): Promise<HeldSession | Refused> {
  if (!(await isUsableAccount(act.writer, userId))) return new Refused(disabledFault());
  if (!amr.includes("mfa") && (await hasSecondFactor(act.writer, userId))) return await beginSecondStep(act, userId, `${kind}/${providerId}`);
  return await insertSession(act, { userId, kind, amr });
}

const ContextSchema = Type.Object({ provider: Type.String(), issuer: Type.String(), amr: Type.Array(Type.String()), challenge: Type.Optional(Type.String()) });
const contextShape = shapeOf(ContextSchema);

function contextOf(json: string): Static<typeof ContextSchema> {
  const context: unknown = JSON.parse(json);
  if (!contextShape.Check(context)) throw new Error("a stored code is one of ours");
  return context;
}

/** Makes the code that the dashboard exchanges for a session. */
export async function insertCode(act: CommandAct, { userId, providerId, issuer, amr }: Vouched, challenge: string | undefined): Promise<string> {
  const context = JSON.stringify({ provider: providerId, issuer, amr, ...(challenge === undefined ? {} : { challenge }) });
  return (await insertStepToken(act, { purpose: "upstream_code", userId, context })).token;
}

export interface Exchange {
  readonly code: string;
  /** Of the challenge that the sign-in was begun with, if it was. */
  readonly code_verifier?: string | undefined;
  /** What the door makes. */
  readonly kind: SessionKind;
}

function codeFault(): Fault {
  return new Fault("unauthenticated", "The code is not good: unknown, used before, or too old.", { hint: "Sign in again." });
}

function isBound(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined) return verifier === undefined;
  return verifier !== undefined && isSameSecret(challenge, challengeOf(verifier));
}

/**
 * Exchanges the code that followed a sign-in at a provider. Throws Fault `unauthenticated` for a code that is not good,
 * `second_factor_required` as the sign-in with a password does.
 */
export const exchangeUpstreamCode = command("upstream_sign_in.exchange", async (act, input: Exchange): Promise<HeldSession | Refused> => {
  const shown = { purpose: "upstream_code", token: input.code } as const;
  const step = (await findStep(act, act.writer, shown)) === undefined ? undefined : await takeStep(act, shown);
  if (step === undefined) throw codeFault();
  const { provider, issuer, amr, challenge } = contextOf(step.context);
  act.note({ subject: `user:${step.userId}`, details: { provider } });
  // A code that somebody else showed is over, whoever made it.
  if (!isBound(challenge, input.code_verifier)) return new Refused(codeFault());
  await getUsableProvider(act, act.writer, { id: provider, issuer });
  return await admit(act, { userId: step.userId, providerId: provider, issuer, amr }, input.kind);
});
