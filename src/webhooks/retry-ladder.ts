/**
 * When a delivery is tried again: the documented ladder, with jitter, and what the receiver asks for.
 *
 * Rule: pure.
 */
/** Before the first attempt, the second, the third and the last. */
const LADDER_MS = [0, 5_000, 30_000, 120_000] as const;
/** A try comes up to so much later than the ladder says, so that what failed together is not repeated together. */
const JITTER = 0.2;
/** A receiver cannot ask for more quiet. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

export interface Tried {
  /** With the one that just failed. */
  readonly attempts: number;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs: number | undefined;
  /** In [0, 1). */
  readonly jitter: number;
}

/** How long to wait before the next attempt; undefined when there is none. */
export function nextTryMs({ attempts, retryAfterMs, jitter }: Tried): number | undefined {
  const step = LADDER_MS[attempts];
  return step === undefined ? undefined : Math.max(Math.ceil(step * (1 + JITTER * jitter)), retryAfterMs ?? 0);
}

/** What the header `Retry-After` asks for (RFC 9110 section 10.2.3), bounded; undefined without one that can be read. */
export function findRetryAfterMs(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d{1,10}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}
