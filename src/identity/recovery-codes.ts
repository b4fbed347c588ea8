/**
 * Recovery codes: ten ways in for whoever lost the authenticator, each good once.
 *
 *     4k7pw-0m3xq-zt95h-8bd2c        100 bits in an alphabet without look-alikes
 *
 * Kept as keyed digests bound to the person; with so many bits they need no count of wrong guesses.
 */
import { and, count, eq, isNull } from "drizzle-orm";
import type { Act, CommandAct } from "../gate/operation.ts";
import type { Random } from "../services.ts";
import type { Reader } from "../store/store.ts";

const CODES = 10;
const CHARACTERS = 20;
/** 32 signs, so that a random byte gives each equally often. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const CODE = /^[0-9a-hjkmnp-tv-z]{20}$/;
/** Longer text is no code, however it is written. */
const TYPED_CHARACTERS_MAX = 64;

function createCode(random: Random): string {
  const signs = [...random.bytes(CHARACTERS)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join("");
  return signs.replace(/.{5}(?!$)/g, "$&-");
}

/** The code without what people add or mistake when they copy it from paper; undefined when it can be none. */
export function findRecoveryCode(typed: string): string | undefined {
  if (typed.length > TYPED_CHARACTERS_MAX) return undefined;
  const text = typed.toLowerCase().replace(/[\s-]/g, "").replaceAll("o", "0").replace(/[il]/g, "1");
  return CODE.test(text) ? text : undefined;
}

function digestOf({ sealer }: Pick<Act, "sealer">, userId: string, code: string): string {
  return sealer.digest("recovery-code", `${userId}:${findRecoveryCode(code) ?? ""}`);
}

/** Makes ten codes and ends those before. They are shown once. */
export async function replaceRecoveryCodes(act: CommandAct, userId: string): Promise<readonly string[]> {
  const { writer, services } = act;
  const { recoveryCodes } = writer.tables;
  const codes = Array.from({ length: CODES }, () => createCode(services.random));
  await writer.delete(recoveryCodes).where(eq(recoveryCodes.user_id, userId));
  await writer.insert(recoveryCodes).values(codes.map((code) => ({ digest: digestOf(act, userId, code), user_id: userId, created_at: services.clock.now() })));
  return codes;
}

/** Uses up the code; false when it is not a good one of this person. */
export async function takeRecoveryCode(act: CommandAct, userId: string, code: string): Promise<boolean> {
  const { writer, services } = act;
  const { recoveryCodes } = writer.tables;
  const [taken] = await writer
    .update(recoveryCodes)
    .set({ used_at: services.clock.now() })
    .where(and(eq(recoveryCodes.digest, digestOf(act, userId, code)), eq(recoveryCodes.user_id, userId), isNull(recoveryCodes.used_at)))
    .returning({ digest: recoveryCodes.digest });
  return taken !== undefined;
}

/** How many are left. */
export async function countRecoveryCodes(reader: Reader, userId: string): Promise<number> {
  const { recoveryCodes } = reader.tables;
  const [found] = await reader.select({ left: count() }).from(recoveryCodes).where(and(eq(recoveryCodes.user_id, userId), isNull(recoveryCodes.used_at)));
  return found?.left ?? 0;
}

/** Ends all codes, once there is nothing left that they would stand in for. */
export async function deleteRecoveryCodes({ writer }: CommandAct, userId: string): Promise<void> {
  const { recoveryCodes } = writer.tables;
  await writer.delete(recoveryCodes).where(eq(recoveryCodes.user_id, userId));
}
