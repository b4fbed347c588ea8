/**
 * Throws mutated license files at the reader, from a fixed seed. The long form runs a million, a test a few thousand.
 *
 * Three kinds take turns: a good file with bytes mutated (must be refused), a mutated content signed by a stranger (must
 * be refused), and a mutated content signed by a trusted key (may be good by chance; then it must be what `JSON.parse`
 * sees). Whatever is thrown has to be a LicenseError.
 */
import { LICENSE_TYP, LicenseError, readLicense, type TrustedKey } from "../../src/license/document.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { goodHeader, license, licenseKey, partsOf, reference, referenceTrial, sealed, strangeKey, trialKey, trusted } from "../vectors/license-builder.ts";
import type { DrillReport } from "./report.ts";

/** The long form. */
export const rounds = 1_000_000;
const VIOLATIONS_KEPT = 20;

export type Random = () => number;

/** Mulberry32: small, fast, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[below(random, items.length)] ?? items[0];
}

/** Pieces that parsers stumble over. */
const pieces = [
  "", ".", "..", "=", "\n", "\r\n", "\0", "\ufeff", "\ud800", "{", "}", "[", "]", '"', ",", ":", "\\", "\\u0000", "\\ud800", "null", "true", "-1", "-0", "0.0",
  "1e5", "9007199254740993", "1".repeat(400), '"__proto__":{}', '"format":1', '"critical":["x"]', '"kind":"host"', "[".repeat(50), "é", "😀", "/*", "//", " ",
] as const;

function mutatedBytes(random: Random, bytes: Buffer): Buffer {
  const at = below(random, bytes.length + 1);
  const piece = Buffer.from(pick(random, pieces));
  switch (below(random, 7)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy.writeUInt8((copy.readUInt8(at) ^ (1 << below(random, 8))) & 0xff, at);
      return copy;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([below(random, 256)]), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 40))]);
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(random, bytes.length), at), bytes.subarray(at)]);
  }
}

export function mutated(random: Random, text: string): Buffer {
  let bytes: Buffer = Buffer.from(text);
  for (let left = 1 + below(random, 4); left > 0; left--) bytes = mutatedBytes(random, bytes);
  return bytes;
}

export interface Attempt {
  readonly file: Uint8Array;
  /** The content, when a trusted key signed it. */
  readonly content: Uint8Array | undefined;
}

const good = license();
const texts = [JSON.stringify(reference), JSON.stringify(referenceTrial)] as const;
const headers = [goodHeader(), goodHeader(trialKey), `{"typ":"${LICENSE_TYP}"}`] as const;

/** One mutated file of the three kinds. */
export function attempt(random: Random): Attempt {
  const kind = below(random, 3);
  if (kind === 0) {
    const [header] = partsOf(good);
    // Mutations in the payload end at the signature check; more than half go where a parser works before it.
    const front = random() < 0.5 ? Buffer.concat([mutated(random, header), Buffer.from(good.slice(header.length))]) : mutated(random, good);
    return { file: front, content: undefined };
  }
  const content = mutated(random, pick(random, texts));
  if (kind === 1) return { file: Buffer.from(sealed(pick(random, headers), content, strangeKey)), content: undefined };
  const key = pick(random, [licenseKey, trialKey]);
  return { file: Buffer.from(sealed(goodHeader(key), content, key)), content };
}

/** The same file still: nothing changed, or one line end was added. */
function isSame(file: Uint8Array): boolean {
  const text = Buffer.from(file).toString("latin1");
  return text === good || text === `${good}\n` || text === `${good}\r\n`;
}

interface Tally {
  readonly violations: string[];
  readonly refusals: Map<string, number>;
  /** Contents by a trusted key that were good in spite of their mutations. */
  stillGood: number;
}

/** The broken promise when `read` came out of an attempt, or undefined when that is as it should be. */
function breach({ file, content }: Attempt, read: unknown): string | undefined {
  if (content === undefined) return isSame(file) ? undefined : "a file that had to be refused was accepted";
  const seen: unknown = JSON.parse(Buffer.from(content).toString("utf8"));
  return Bun.deepEquals(read, seen, true) ? undefined : "a license was read otherwise than JSON.parse reads it";
}

function tryOne(tried: Attempt, keys: readonly TrustedKey[], tally: Tally): string | undefined {
  try {
    const read = readLicense(tried.file, keys);
    if (tried.content !== undefined) tally.stillGood++;
    return breach(tried, read);
  } catch (error) {
    if (!(error instanceof LicenseError)) return `the reader broke: ${String(error)}`;
    tally.refusals.set(error.refusal, (tally.refusals.get(error.refusal) ?? 0) + 1);
    return undefined;
  }
}

/** Runs `count` mutated files through the reader. The same seed gives the same run. */
export async function drill(count: number, seed = 20_260_101): Promise<DrillReport> {
  const random = seeded(seed);
  const keys = readTrustedKeys({ keys: trusted });
  const tally: Tally = { violations: [], refusals: new Map(), stillGood: 0 };
  for (let round = 0; round < count; round++) {
    const broken = tryOne(attempt(random), keys, tally);
    if (broken !== undefined && tally.violations.length < VIOLATIONS_KEPT) tally.violations.push(`round ${round}: ${broken}`);
    // Lets the runner's timers and output through: a million rounds take a minute or two.
    if (round % 10_000 === 9_999) await new Promise(setImmediate);
  }
  const facts = { seed, still_good: tally.stillGood, refusals: Object.fromEntries(tally.refusals) };
  return { name: "license-fuzz", rounds: count, violations: tally.violations, facts };
}
