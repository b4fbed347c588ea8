import { expect, test } from "bun:test";
import { createKey, KEY_CHARACTERS, keyFamilies, keyFamilyOf, keyPrefix, randomSecret, randomText } from "../../src/crypto/tokens.ts";
import { realServices } from "../../src/services.ts";
import { testServices } from "../support/services.ts";

const { random } = realServices();

test("a key has family, public id, 256 bits and a checksum, and is recognised", () => {
  for (const family of keyFamilies) {
    const key = createKey(family, random);
    expect(key).toMatch(new RegExp(`^${family}-[0-9A-Za-z]{8}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$`));
    expect(key).toHaveLength(KEY_CHARACTERS);
    expect(keyFamilyOf(key)).toBe(family);
    expect(keyPrefix(key)).toBe(key.slice(0, 12));
  }
});

test("the checksum is the CRC-32 of everything before it, in base62 with leading zeros", () => {
  // Computed apart from the code: CRC-32/ISO-HDLC of the 55 characters, written in base 62.
  const body = `sk-00000000_${"0".repeat(43)}`;
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let crc = 0xffffffff;
  for (const byte of Buffer.from(body)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  let rest = BigInt((crc ^ 0xffffffff) >>> 0);
  let written = "";
  while (written.length < 6) {
    written = alphabet.charAt(Number(rest % 62n)) + written;
    rest /= 62n;
  }
  expect(keyFamilyOf(body + written)).toBe("sk");
});

test("every change of one character is refused", () => {
  const key = createKey("sk", random);
  for (let index = 0; index < key.length; index += 1) {
    for (const other of ["0", "Z", "k", "-", "_", " ", "é"]) {
      if (key.charAt(index) === other) continue;
      expect(keyFamilyOf(key.slice(0, index) + other + key.slice(index + 1))).toBeUndefined();
    }
  }
});

test("what only looks like a key is refused", () => {
  const key = createKey("sk", random);
  const agent = createKey("ak", random);
  const lookAlikes = [
    "",
    "sk-",
    key.slice(0, -1),
    `${key}0`,
    ` ${key}`,
    `${key}\n`,
    key.toUpperCase(),
    `xk${key.slice(2)}`,
    `ak${key.slice(2)}`,
    `sk${agent.slice(2)}`,
    key.replace("_", "-"),
    [...key].reverse().join(""),
    "sk-".padEnd(KEY_CHARACTERS, "0"),
    "x".repeat(1_000_000),
  ];
  for (const text of lookAlikes) expect(keyFamilyOf(text)).toBeUndefined();
});

test("neighbouring characters that changed places are refused", () => {
  const key = createKey("ak", random);
  for (let index = 0; index + 1 < key.length; index += 1) {
    const swapped = key.slice(0, index) + key.charAt(index + 1) + key.charAt(index) + key.slice(index + 2);
    if (swapped !== key) expect(keyFamilyOf(swapped)).toBeUndefined();
  }
});

test("every character of base62 is equally likely", () => {
  const { random: repeatable } = testServices({ seed: "characters" });
  const counts = new Map<string, number>();
  const characters = 62 * 1_000;
  for (const character of randomText(repeatable, characters)) counts.set(character, (counts.get(character) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // Chi-square with 61 degrees of freedom: 110 is beyond one in ten thousand. A plain modulo would reach several hundred.
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  expect(chiSquare).toBeLessThan(110);
});

test("a source that gives only biased bytes is a bug, not a weak key", () => {
  const stuck = { ...random, bytes: (count: number) => new Uint8Array(count).fill(255) };
  expect(() => randomSecret(stuck)).toThrow("assertion failed");
});
