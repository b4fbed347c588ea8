/**
 * Bearer secrets: the text of the keys we hand out once and never store.
 *
 *     sk-AbCd1234_<43 characters><6 characters>
 *     ││ │        │               └ CRC-32 of everything before it, base62: a slip of the hand is found without a look-up
 *     ││ │        └ 256 bits, base62
 *     ││ └ public id: may be shown and logged, so that people can tell keys apart
 *     └┴ family
 *
 * Rule: knows form and randomness only. What a key opens, and that a digest is stored in its place, is `credentials/`.
 */
import { assert } from "../fault.ts";
import type { Random } from "../services.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** The largest multiple of 62 that a byte can hold: bytes above would make the first characters more likely. */
const UNBIASED_BELOW = 248;
const DRAWS_MAX = 16;

/** 62^43 is just above 2^256. */
const SECRET_CHARACTERS = 43;
const PUBLIC_ID_CHARACTERS = 8;
const CHECKSUM_CHARACTERS = 6;

/** `sk` integration, `dk` device, `ak` agent. */
export const keyFamilies = ["sk", "dk", "ak"] as const;
export type KeyFamily = (typeof keyFamilies)[number];

/** How much of a key is stored in clear: family, public id and the mark after it; nothing of the secret. */
const KEY_PREFIX_CHARACTERS = 12;
export const KEY_CHARACTERS = 3 + PUBLIC_ID_CHARACTERS + 1 + SECRET_CHARACTERS + CHECKSUM_CHARACTERS;
const KEY = /^(sk|dk|ak)-[0-9A-Za-z]{8}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/;

/** `length` characters of base62, each equally likely. */
export function randomText(random: Random, length: number): string {
  let text = "";
  for (let draw = 0; draw < DRAWS_MAX && text.length < length; draw += 1) {
    for (const byte of random.bytes(2 * length)) if (byte < UNBIASED_BELOW) text += ALPHABET.charAt(byte % ALPHABET.length);
  }
  assert(text.length >= length, "the random source gives bytes below 248");
  return text.slice(0, length);
}

/** A secret of 256 bits for links, cookies and the like. */
export function randomSecret(random: Random): string {
  return randomText(random, SECRET_CHARACTERS);
}

function checksum(text: string): string {
  let rest = Bun.hash.crc32(text);
  let characters = "";
  for (let index = 0; index < CHECKSUM_CHARACTERS; index += 1) {
    characters = ALPHABET.charAt(rest % ALPHABET.length) + characters;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return characters;
}

/** A new key of the family, in clear: it is shown once and forgotten. */
export function createKey(family: KeyFamily, random: Random): string {
  const body = `${family}-${randomText(random, PUBLIC_ID_CHARACTERS)}_${randomSecret(random)}`;
  return body + checksum(body);
}

/** The part of `key` by which people recognise it. */
export function keyPrefix(key: string): string {
  return key.slice(0, KEY_PREFIX_CHARACTERS);
}

/**
 * The family of `text`, or undefined when it cannot be a key of ours: wrong length, form or checksum.
 * Costs no hash and no look-up, so that guesses and slips are refused for nothing.
 */
export function keyFamilyOf(text: string): KeyFamily | undefined {
  if (text.length !== KEY_CHARACTERS || !KEY.test(text)) return undefined;
  if (checksum(text.slice(0, -CHECKSUM_CHARACTERS)) !== text.slice(-CHECKSUM_CHARACTERS)) return undefined;
  return keyFamilies.find((family) => text.startsWith(family));
}
