/**
 * Throws mutated keys and look-alikes at the verifier, from a fixed seed. The long form tries a million, a test some
 * ten thousand. Each has to be refused by form and checksum alone: the store is never asked, and nobody gets in.
 */
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createKey, keyFamilyOf } from "../../src/crypto/tokens.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { Refusals } from "../../src/gate/refusals.ts";
import type { Random } from "../../src/services.ts";
import { testServices } from "../support/services.ts";
import { damagesOf, lookAlikes, slipsOf } from "../support/look-alikes.ts";
import { seeded } from "./license-fuzz.ts";
import type { DrillReport } from "./report.ts";

/** The long form. */
export const rounds = 1_000_000;
const VIOLATIONS_KEPT = 20;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

type Chance = () => number;

function below(chance: Chance, limit: number): number {
  return Math.floor(chance() * limit);
}

/** Bytes, ids and fractions of a seed. */
function seededRandom(chance: Chance): Random {
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => below(chance, 256)),
    uuid: () => "00000000-0000-7000-8000-000000000000",
    fraction: chance,
  };
}

function base62(chance: Chance, length: number): string {
  return Array.from({ length }, () => BASE62.charAt(below(chance, BASE62.length))).join("");
}

/** One to four characters in random places replaced by others of the alphabet: the form holds, the checksum must not. */
function replaced(chance: Chance, key: string): string {
  const characters = [...key];
  for (let left = 1 + below(chance, 4); left > 0; left -= 1) {
    const at = 3 + below(chance, key.length - 3);
    if (at !== 11) characters[at] = BASE62.charAt(below(chance, BASE62.length));
  }
  return characters.join("");
}

/** A stranger's guess in the right form, checksum and all. */
function guessed(chance: Chance): string {
  return `${["sk", "ak", "dk"][below(chance, 3)] ?? "sk"}-${base62(chance, 8)}_${base62(chance, 49)}`;
}

/** The parts of two good keys put together. */
function spliced(chance: Chance, left: string, right: string): string {
  const at = 1 + below(chance, left.length - 1);
  return left.slice(0, at) + right.slice(at);
}

type Maker = (chance: Chance, keys: readonly string[]) => string;

const pick = (chance: Chance, texts: readonly string[]) => texts[below(chance, texts.length)] ?? "";

const makers: Readonly<Record<string, Maker>> = {
  replaced: (chance, keys) => replaced(chance, pick(chance, keys)),
  guessed,
  spliced: (chance, keys) => spliced(chance, pick(chance, keys), pick(chance, keys)),
  slip: (chance, keys) => pick(chance, slipsOf(pick(chance, keys))),
  damaged: (chance, keys) => pick(chance, damagesOf(pick(chance, keys))),
  look_alike: (chance) => pick(chance, lookAlikes),
  other_family: (chance, keys) => `${pick(chance, ["sk", "ak", "dk", "xk", "SK", "s", ""])}${pick(chance, keys).slice(2)}`,
};

interface Watch {
  reads: number;
  digests: number;
}

/** A gate that only counts who asks it. */
function watchedGate(watch: Watch): Gate {
  const read = () => {
    watch.reads += 1;
    return Promise.reject(new Error("the store was asked"));
  };
  const digest = () => {
    watch.digests += 1;
    return "digest";
  };
  const unused = () => {
    throw new Error("nothing else is asked");
  };
  const services = testServices();
  const store: Gate["store"] = { engine: "sqlite", read, write: read, close: async () => {} };
  const sealer = { digest, seal: unused, open: unused };
  return {
    services,
    store,
    sealer,
    refusals: new Refusals({ services, sealer, store }),
    entitled: { entitlements: unused },
    get settings() {
      return unused();
    },
  };
}

async function isRefused(gate: Gate, text: string): Promise<boolean> {
  try {
    return (await findCallerByKey(gate, text, undefined)) === undefined;
  } catch {
    return false;
  }
}

/** Tries `count` texts. The same seed gives the same run. */
export async function drill(count: number, seed = 20_260_101): Promise<DrillReport> {
  const chance = seeded(seed);
  const random = seededRandom(chance);
  const keys = Array.from({ length: 300 }, (_, index) => createKey((["sk", "ak", "dk"] as const)[index % 3] ?? "sk", random));
  const known = new Set(keys);
  const watch: Watch = { reads: 0, digests: 0 };
  const gate = watchedGate(watch);
  const violations: string[] = [];
  const tried: Record<string, number> = {};
  const kinds = Object.entries(makers);
  for (let round = 0, done = 0; done < count; round += 1) {
    const [kind, make] = kinds[round % kinds.length] ?? ["guessed", guessed];
    const text = make(chance, keys);
    // Two halves of one key, or a character replaced by itself, are that key: not a mutation.
    if (known.has(text)) continue;
    tried[kind] = (tried[kind] ?? 0) + 1;
    done += 1;
    if (!(await isRefused(gate, text)) && violations.length < VIOLATIONS_KEPT) violations.push(`round ${round}: a text of the kind ${kind} was not refused at once`);
    if (round % 10_000 === 9_999) await new Promise(setImmediate);
  }
  if (watch.reads + watch.digests > 0) violations.push(`the store was asked ${watch.reads} times and ${watch.digests} digests were made`);
  if (!keys.every((key) => keyFamilyOf(key) !== undefined)) violations.push("a good key is not good");
  return { name: "key-fuzz", rounds: count, violations, facts: { seed, tried, reads: watch.reads, digests: watch.digests } };
}
