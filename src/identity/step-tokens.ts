/**
 * Tokens for the next step of something begun: the second factor of a sign-in, a password reset, the proof of an address,
 * a sign-in at an upstream provider that the dashboard ends.
 *
 * A token is 256 random bits, kept as a keyed digest over its purpose, so that one made for this opens nothing else
 * (CVE-2026-37982). It is bound to one person, good once and for a short time, and dies with the password.
 * Used, expired, foreign and unknown ones are the same nothing.
 */
import { and, eq, gt, inArray, isNull, lt } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import type { Act, CommandAct } from "../gate/operation.ts";
import type { Lifetimes } from "../lifetimes.ts";
import type { Reader } from "../store/store.ts";

/** Which of the lifetimes a token has. */
const lives = { second_factor: "secondStepSeconds", reset_password: "passwordLinkSeconds", verify_email: "emailLinkSeconds", upstream_code: "authorizationCodeSeconds" } as const satisfies Readonly<Record<string, keyof Lifetimes>>;
export type StepPurpose = keyof typeof lives;

/** Each new token sweeps out so many expired ones. */
const SWEEP_MAX = 20;
/** Open tokens of one person and purpose; the oldest give way. */
const OPEN_MAX = 10;

export interface Step {
  readonly userId: string;
  /** What it was begun with. */
  readonly context: string;
}

export interface NewStep extends Step {
  readonly purpose: StepPurpose;
}

export interface HeldStep {
  /** Shown once. */
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A token as it was shown, with what it has to have been made for. */
export interface ShownStep {
  readonly purpose: StepPurpose;
  readonly token: string;
}

function digestOf({ sealer }: Pick<Act, "sealer">, { purpose, token }: ShownStep): string {
  return sealer.digest("step-token", `${purpose}:${token}`);
}

async function sweep({ writer, services }: CommandAct, { userId, purpose }: NewStep): Promise<void> {
  const { stepTokens } = writer.tables;
  const expired = writer.select({ digest: stepTokens.digest }).from(stepTokens).where(lt(stepTokens.expires_at, services.clock.now())).limit(SWEEP_MAX);
  await writer.delete(stepTokens).where(inArray(stepTokens.digest, expired));
  const open = await writer
    .select({ digest: stepTokens.digest, created_at: stepTokens.created_at })
    .from(stepTokens)
    .where(and(eq(stepTokens.user_id, userId), eq(stepTokens.purpose, purpose)))
    .limit(OPEN_MAX);
  const oldest = open.toSorted((a, b) => a.created_at - b.created_at)[0];
  if (open.length >= OPEN_MAX && oldest !== undefined) await writer.delete(stepTokens).where(eq(stepTokens.digest, oldest.digest));
}

/** Makes a token. */
export async function insertStepToken(act: CommandAct, step: NewStep): Promise<HeldStep> {
  const { writer, services, settings } = act;
  await sweep(act, step);
  const token = randomSecret(services.random);
  const now = services.clock.now();
  const expiresAtMs = now + settings[lives[step.purpose]] * 1_000;
  const digest = digestOf(act, { purpose: step.purpose, token });
  const { purpose, userId, context } = step;
  await writer.insert(writer.tables.stepTokens).values({ digest, purpose, user_id: userId, context, created_at: now, expires_at: expiresAtMs });
  return { token, expiresAtMs };
}

function isLive(act: Pick<Act, "sealer" | "services">, { tables }: Reader, shown: ShownStep) {
  const { stepTokens } = tables;
  const now = act.services.clock.now();
  return and(eq(stepTokens.digest, digestOf(act, shown)), eq(stepTokens.purpose, shown.purpose), isNull(stepTokens.used_at), gt(stepTokens.expires_at, now));
}

/** What the token stands for while it is good, without using it. It may still be taken by another. */
export async function findStep(act: Pick<Act, "sealer" | "services">, reader: Reader, shown: ShownStep): Promise<Step | undefined> {
  const { stepTokens } = reader.tables;
  const [found] = await reader.select({ userId: stepTokens.user_id, context: stepTokens.context }).from(stepTokens).where(isLive(act, reader, shown));
  return found;
}

/** Uses up the token. Of any number of callers one gets the step, all others undefined. */
export async function takeStep(act: CommandAct, shown: ShownStep): Promise<Step | undefined> {
  const { writer, services } = act;
  const { stepTokens } = writer.tables;
  const [taken] = await writer
    .update(stepTokens)
    .set({ used_at: services.clock.now() })
    .where(isLive(act, writer, shown))
    .returning({ userId: stepTokens.user_id, context: stepTokens.context });
  return taken;
}

/** Ends everything that the person has begun. */
export async function endStepTokens({ writer }: CommandAct, userId: string): Promise<void> {
  const { stepTokens } = writer.tables;
  await writer.delete(stepTokens).where(eq(stepTokens.user_id, userId));
}
