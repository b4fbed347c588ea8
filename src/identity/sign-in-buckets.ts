/**
 * Failed sign-ins: one bucket for each folded address, known or not, and a delay that doubles. Other things that can be
 * guessed have buckets of their own here, with a policy of their own.
 *
 *     1-4 failures   no delay
 *     5, 6, 7 …      1 s, 2 s, 4 s … up to 15 minutes
 *     a day without  forgotten; a good sign-in forgets at once
 *
 * Every guess counts inside the transaction that answers it, and one that finds the bucket shut is refused whether it
 * was right or not. So guesses sent side by side gain nothing over guesses sent in a row (CVE-2024-4629).
 */
import { eq, inArray, lt, sql } from "drizzle-orm";
import type { EmailAddress } from "./email-address.ts";
import { Fault } from "../fault.ts";
import type { Act, CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";

/** How a bucket shuts. */
export interface GuessPolicy {
  /** So many failures cost nothing. */
  readonly freeFailures: number;
  readonly delayMsMax: number;
  /** The sentence of the refusal while it is shut. */
  readonly refusal: string;
}

const signIns: GuessPolicy = { freeFailures: 4, delayMsMax: 15 * 60_000, refusal: "There were too many failed sign-ins for this address." };
const MEMORY_MS = 86_400_000;
/** Each failure sweeps out so many forgotten buckets, so that strangers' guesses cannot fill the store. */
const SWEEP_MAX = 20;

/** The delay after the last of `failures`. */
export function delayMs(failures: number, { freeFailures, delayMsMax }: GuessPolicy = signIns): number {
  return failures <= freeFailures ? 0 : Math.min(1_000 * 2 ** (failures - freeFailures - 1), delayMsMax);
}

/** Milliseconds that a bucket stays shut. An end beyond the longest delay was set by a clock that ran ahead, and is void. */
function shutMs({ delayMsMax }: GuessPolicy, blockedUntil: number, now: number): number {
  const leftMs = blockedUntil - now;
  return leftMs > 0 && leftMs <= delayMsMax ? leftMs : 0;
}

function blockedFault({ refusal }: GuessPolicy, leftMs: number): Fault {
  const seconds = Math.ceil(leftMs / 1_000);
  return new Fault("rate_limited", refusal, {
    hint: `Try again in ${seconds} seconds.`,
    retryAfterSeconds: seconds,
  });
}

/** The bucket of an address: a keyed digest, the same for all its spellings. */
export function bucketOf({ sealer }: Pick<Act, "sealer">, { key }: EmailAddress): string {
  return sealer.digest("address-bucket", key);
}

/** Throws Fault `rate_limited` while the bucket is shut: before a hash is spent on the guess. */
export async function refuseBlocked(reader: Reader, bucket: string, now: number): Promise<void> {
  const { signInBuckets } = reader.tables;
  const [found] = await reader.select({ blocked_until: signInBuckets.blocked_until }).from(signInBuckets).where(eq(signInBuckets.key, bucket));
  const leftMs = found === undefined ? 0 : shutMs(signIns, found.blocked_until, now);
  if (leftMs > 0) throw blockedFault(signIns, leftMs);
}

/** A guess that was counted and not judged yet. */
export interface Guess {
  readonly isBlocked: boolean;
  /** It was right and the bucket open: the failures are forgotten. */
  forgive(): Promise<void>;
  /** It was right, but says nothing about those before: whoever has one right answer may still be guessing others. */
  uncount(): Promise<void>;
  /** The refusal to remember: shuts the bucket for the next delay. `wrong` is thrown unless the bucket was shut already. */
  refuse(wrong: Fault): Promise<Fault>;
}

/** Forgets the failures: the owner has shown who they are in another way. */
export async function forgetFailures({ writer }: CommandAct, bucket: string): Promise<void> {
  const { signInBuckets: buckets } = writer.tables;
  await writer.delete(buckets).where(eq(buckets.key, bucket));
}

/** Counts one guess. The bucket's row is held until the command ends, so that guesses queue up behind each other. */
export async function countGuess(act: CommandAct, bucket: string, policy: GuessPolicy = signIns): Promise<Guess> {
  const { writer, services } = act;
  const { signInBuckets: buckets } = writer.tables;
  const now = services.clock.now();
  const [row] = await writer
    .insert(buckets)
    .values({ key: bucket, failures: 1, last_failed_at: now, blocked_until: 0 })
    .onConflictDoUpdate({
      target: buckets.key,
      set: { failures: sql`case when ${buckets.last_failed_at} < ${now - MEMORY_MS} then 1 else ${buckets.failures} + 1 end`, last_failed_at: now },
    })
    .returning({ failures: buckets.failures, blocked_until: buckets.blocked_until });
  const leftMs = row === undefined ? 0 : shutMs(policy, row.blocked_until, now);
  return {
    isBlocked: leftMs > 0,
    forgive: () => forgetFailures(act, bucket),
    async uncount() {
      await writer.update(buckets).set({ failures: sql`${buckets.failures} - 1` }).where(eq(buckets.key, bucket));
    },
    async refuse(wrong) {
      const blockedUntil = now + Math.max(leftMs, delayMs(row?.failures ?? 1, policy));
      await writer.update(buckets).set({ blocked_until: blockedUntil }).where(eq(buckets.key, bucket));
      const forgotten = writer.select({ key: buckets.key }).from(buckets).where(lt(buckets.last_failed_at, now - MEMORY_MS)).limit(SWEEP_MAX);
      await writer.delete(buckets).where(inArray(buckets.key, forgotten));
      return leftMs > 0 ? blockedFault(policy, blockedUntil - now) : wrong;
    },
  };
}
