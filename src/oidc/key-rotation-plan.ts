/**
 * When keys change: what has to be done now, given the keys there are. Pure.
 *
 *     interval − lead          interval
 *     next key is published    next key signs, the one before retires
 *
 * Rule: a key signs only after every verifier that keeps the keys for the cache time has had to read it, unless
 * nothing else can sign, or the operator says that failures do not matter.
 */
import type { SigningAlgorithm } from "./jwk.ts";
import { findNextKey, findSigningKey, JWKS_CACHE_SECONDS, type StoredKey } from "./signing-keys.ts";

/** For the commit that publishes, the answer on its way, and clocks that differ a little. */
const PUBLISH_MARGIN_SECONDS = 60;
/** From publication to first use, at least. */
export const PUBLISH_LEAD_MS = (JWKS_CACHE_SECONDS + PUBLISH_MARGIN_SECONDS) * 1_000;
/** A scheduled key is published a day ahead, for verifiers that keep keys longer than they were told. */
const SCHEDULED_LEAD_MS = 86_400_000;

/** `due`: by schedule. `soon`: as soon as verifiers know the next key. `now`: whether they know it or not. */
export type RotationTime = "due" | "soon" | "now";

export interface RotationWish {
  readonly alg: SigningAlgorithm;
  readonly time: RotationTime;
  /** How long a key signs. Infinity: until somebody says otherwise. */
  readonly intervalMs: number;
}

/** A key begins to sign, and the one before ends with it. */
export interface RotationStep {
  readonly alg: SigningAlgorithm;
  /** The published key that is to sign from then on; undefined: a new one has to be made. */
  readonly next: StoredKey | undefined;
  /** Epoch milliseconds. */
  readonly activeFrom: number;
  /** Signs until then; undefined where none signs. */
  readonly retires: StoredKey | undefined;
}

function isDue(signing: StoredKey, { time, intervalMs }: RotationWish, now: number): boolean {
  const leadMs = Math.max(PUBLISH_LEAD_MS, Math.min(SCHEDULED_LEAD_MS, intervalMs / 2));
  return time !== "due" || now >= signing.activeFrom + intervalMs - leadMs;
}

/** The moment of the change to a key that is published since `publishedAt`. */
function changeTime({ activeFrom, publishedAt }: { readonly activeFrom: number; readonly publishedAt: number }, { time, intervalMs }: RotationWish, now: number): number {
  if (time === "now") return now;
  // A key that was made while the clock ran ahead has not been seen for any time that can be told.
  const earliest = Math.max(now, Math.min(publishedAt, now) + PUBLISH_LEAD_MS);
  return time === "soon" ? earliest : Math.max(earliest, activeFrom + intervalMs);
}

/** What has to change at `now`, or undefined. `keys` as `listPublishedKeys` gives them. */
export function planRotation(keys: readonly StoredKey[], wish: RotationWish, now: number): RotationStep | undefined {
  const { alg } = wish;
  const signing = findSigningKey(keys, alg, now);
  const next = findNextKey(keys, alg, now);
  if (signing === undefined) return { alg, next, activeFrom: now, retires: undefined };
  const activeFrom = changeTime({ activeFrom: signing.activeFrom, publishedAt: next?.createdAt ?? now }, wish, now);
  const step = { alg, next, activeFrom, retires: signing };
  // A change that is under way is brought forward where it can be, and never put off.
  if (next !== undefined) return activeFrom < next.activeFrom ? step : undefined;
  return isDue(signing, wish, now) ? step : undefined;
}

/** When the next change of `alg` comes, epoch milliseconds; undefined while no key signs. */
export function nextChangeOf(keys: readonly StoredKey[], { alg, intervalMs }: RotationWish, now: number): number | undefined {
  const signing = findSigningKey(keys, alg, now);
  return findNextKey(keys, alg, now)?.activeFrom ?? (signing === undefined ? undefined : signing.activeFrom + intervalMs);
}
