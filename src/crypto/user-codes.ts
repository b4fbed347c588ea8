/**
 * Codes that people carry from a device to a browser: eight characters, shown as `AB7K-PNQ3` (RFC 8628 section 6.1).
 *
 * Rule: knows form and randomness only. What a code opens, and how often it may be guessed, is `identity/`'s.
 */
import type { Random } from "../services.ts";

/** Without 0, O, 1 and I, which people take for each other. 32 divides 256, so that every byte picks fairly. */
const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CHARACTERS = 8;
/** Looked at before the case is changed: in upper case some letters of other scripts become two of ours. */
const USER_CODE = /^[2-9A-HJ-NP-Za-hj-np-z]{8}$/;
/** Nobody types more dashes and spaces than that. */
const TYPED_CHARACTERS_MAX = 32;

/** A new code: 40 random bits. */
export function createUserCode(random: Random): string {
  return [...random.bytes(CHARACTERS)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join("");
}

/** The code that was typed, in any case and with any dashes and spaces; undefined when it cannot be one. */
export function findUserCode(typed: string): string | undefined {
  if (typed.length > TYPED_CHARACTERS_MAX) return undefined;
  const code = typed.replace(/[\s-]/g, "");
  return USER_CODE.test(code) ? code.toUpperCase() : undefined;
}

/** As people read it. */
export function shownUserCode(code: string): string {
  return `${code.slice(0, CHARACTERS / 2)}-${code.slice(CHARACTERS / 2)}`;
}
