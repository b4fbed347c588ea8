/**
 * Passwords: what is accepted as one, how it is kept, how it is checked.
 *
 * Kept as argon2id (RFC 9106) with 19 MiB and two passes: the smallest setting that OWASP's password storage page
 * recommends. More memory would buy less than it costs here: four at once have to fit into a small appliance beside
 * everything else, and guessing through the door is slowed by buckets, not by the hash.
 * A password is compared in NFC, as RFC 8265 section 4.2 asks, so that two keyboards that compose letters differently
 * agree; nothing else about it is changed, not even spaces at its ends.
 */
import { availableParallelism } from "node:os";
import { Fault, invalidField } from "../fault.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { createLimiter } from "./limiter.ts";

const CHARACTERS_MIN = 8;
const CHARACTERS_MAX = 128;
/** Looked at before anything is hashed: long input is the cheapest way to make a server work. */
const BYTES_MAX = 512;

export const argon2id = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Of nobody's password, made with the parameters above: an unknown name costs what a known one costs. */
export const nobodysHash = 
  "$argon2id$v=19$m=19456,t=2,p=1$f26hz5Akae7EHAZ0dPQ9+ZCfIxCLoo8R1e2HrLOs88o$W6n6ZVnk8BBcYKd65HhF43Cf8kffKjKxarUAwbSDQw0";

const RUNNING_MAX = 4;

/**
 * Each hash holds 19 MiB and a thread for some 30 ms; the process has one memory, so it has one limit. One processor, and one
 * of the threads that the runtime has for such work, is left for everybody else: tokens are signed there.
 */
const hashing = createLimiter({
  runningMax: Math.min(RUNNING_MAX, Math.max(1, availableParallelism() - 1)),
  waitingMax: 128,
  refusal: () =>
    new Fault("rate_limited", "Too many people are signing in at this moment.", { hint: "Try again in a few seconds.", retryAfterSeconds: 2 }),
});

function bounded(field: string, text: string): string {
  const password = text.length > BYTES_MAX ? "" : text.normalize("NFC");
  if (password === "" || !password.isWellFormed() || Buffer.byteLength(password) > BYTES_MAX || [...password].length > CHARACTERS_MAX) {
    throw invalidField(field, `has 1 to ${CHARACTERS_MAX} characters and at most ${BYTES_MAX} bytes`);
  }
  return password;
}

/** What somebody signs in with: anything of bearable size. Throws Fault `invalid_request`. */
export function requirePassword(field: string, text: string): string {
  return bounded(field, text);
}

/** What somebody wants as a new password. Throws Fault `invalid_request`. */
export function requireNewPassword(field: string, text: string): string {
  const password = bounded(field, text);
  if ([...password].length < CHARACTERS_MIN) throw invalidField(field, `has ${CHARACTERS_MIN} to ${CHARACTERS_MAX} characters`);
  if (isCommonPassword(password)) throw invalidField(field, "is among the passwords that are guessed first; choose one that nobody else has, such as four words that do not belong together", "common_password");
  return password;
}

/** The hash in PHC form. Throws Fault `rate_limited` when too many are waiting. */
export async function hashPassword(password: string): Promise<string> {
  return await hashing.run(() => Bun.password.hash(password, argon2id));
}

/** Whether `password` is the one that `hash` was made of. Without a hash it is not, and takes as long to say so. */
export async function isPassword(password: string, hash: string | null | undefined): Promise<boolean> {
  const isRight = await hashing.run(() => Bun.password.verify(password, hash ?? nobodysHash));
  return isRight && typeof hash === "string";
}
