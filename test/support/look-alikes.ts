/** Texts that look like keys of ours to people and to careless patterns, and are none. */
import { createKey } from "../../src/crypto/tokens.ts";
import type { Random } from "../../src/services.ts";

/** Forms of others' secrets, and ours as documents and samples spell them. */
export const lookAlikes: readonly string[] = [
  "sk-abcd1234",
  "sk-AbCd1234_<43 characters><6 characters>",
  `sk-AbCd1234_${"x".repeat(49)}`,
  `sk-AbCd1234_${"0".repeat(49)}`,
  `ak-00000000_${"A".repeat(49)}`,
  `dk-deadbeef_${"0123456789abcdef".repeat(4).slice(0, 49)}`,
  `sk_live_${"4eC39HqLyjWDarjtT1zdp7dc".repeat(2)}`,
  `sk-proj-${"T3BlbkFJ".repeat(8)}`,
  `sk-ant-api03-${"a1B2c3D4".repeat(11)}`,
  `ghp_${"R2D2c3po".repeat(5)}`,
  `task-AbCd1234_${"q".repeat(49)}`,
  `risk-${"desk-mask-".repeat(10)}`,
  `disk-AbCd1234_${"9aZ".repeat(16)}Q`,
];

/** Keys with one character changed, in every place; a changed family letter too. */
export function slipsOf(key: string): readonly string[] {
  return [...key].flatMap((character, at) => {
    const others = at === 0 ? ["s", "a", "d", "x"] : ["7", "q", "-", "_"];
    return others.filter((other) => other !== character).map((other) => key.slice(0, at) + other + key.slice(at + 1));
  });
}

/** A key cut short, stretched, in another case, or with two neighbours swapped. */
export function damagesOf(key: string): readonly string[] {
  const swapped = [...key].flatMap((character, at) => {
    const next = key.charAt(at + 1);
    return next === "" || next === character ? [] : key.slice(0, at) + next + character + key.slice(at + 2);
  });
  return [key.slice(1), key.slice(0, -1), key.toUpperCase(), key.toLowerCase(), key.replace("-", "_"), key.replace("_", "-"), `${key.slice(0, 30)}\n${key.slice(30)}`, ...swapped].filter((text) => text !== key);
}

/** So many new keys, of each family in turn. */
export function manyKeys(random: Random, count: number): readonly string[] {
  const families = ["sk", "ak", "dk"] as const;
  return Array.from({ length: count }, (_, index) => createKey(families[index % 3] ?? "sk", random));
}
