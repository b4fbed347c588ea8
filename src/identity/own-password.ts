/**
 * The own password, asked again before somebody's ways in are changed: an open browser or a stolen token must not be
 * enough to keep the owner out.
 *
 * Guesses here have a bucket of their own for each person, so that strangers who fail to sign in do not hinder the
 * owner, and a thief with a session cannot guess any faster than a stranger.
 */
import { and, eq, isNull } from "drizzle-orm";
import { assert, type Fault, invalidField } from "../fault.ts";
import type { Caller, UserCaller } from "../gate/caller.ts";
import type { CommandAct, ProcedureAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { isPassword, requirePassword } from "./passwords.ts";
import { countGuess, refuseBlocked } from "./sign-in-buckets.ts";

/** Narrows the caller. The row of the operation admits people only. */
export function requireUser(caller: Caller): UserCaller {
  assert(caller.kind === "user", "the row admits users only");
  return caller;
}

/** A guess of the own password that was hashed and not counted yet. */
export interface Proof {
  readonly userId: string;
  readonly field: string;
  readonly bucket: string;
  readonly isRight: boolean;
  readonly passwordHash: string | null;
}

async function findPasswordHash(reader: Reader, userId: string): Promise<string | null> {
  const { users } = reader.tables;
  const [found] = await reader.select({ hash: users.password_hash }).from(users).where(and(eq(users.id, userId), isNull(users.disabled_at)));
  return found?.hash ?? null;
}

/** What somebody says their password is. */
export interface PasswordGuess {
  readonly userId: string;
  readonly field: string;
  readonly password: string;
}

/** Hashes the guess. Throws Fault `rate_limited` while the person has to wait; says nothing else yet. */
export async function provePasswordOf(act: ProcedureAct, { userId, field, password }: PasswordGuess): Promise<Proof> {
  const guess = requirePassword(field, password);
  const bucket = act.sealer.digest("address-bucket", `own:${userId}`);
  const passwordHash = await act.read(async (reader) => {
    await refuseBlocked(reader, bucket, act.services.clock.now());
    return await findPasswordHash(reader, userId);
  });
  return { userId, field, bucket, passwordHash, isRight: await isPassword(guess, passwordHash) };
}

/** The caller's own, in the field `current_password`. */
export async function provePassword(act: ProcedureAct, currentPassword: string): Promise<Proof> {
  return await provePasswordOf(act, { userId: requireUser(act.caller).userId, field: "current_password", password: currentPassword });
}

/** Counts the guess in the transaction of the deed. The refusal to remember, or undefined when it was right and still is. */
export async function findProofProblem(act: CommandAct, { userId, field, bucket, isRight, passwordHash }: Proof): Promise<Fault | undefined> {
  act.note({ subject: `user:${userId}` });
  const guess = await countGuess(act, bucket);
  const isCurrent = isRight && !guess.isBlocked && (await findPasswordHash(act.writer, userId)) === passwordHash;
  if (!isCurrent) return await guess.refuse(invalidField(field, "is not the password of this account"));
  await guess.forgive();
  return undefined;
}
