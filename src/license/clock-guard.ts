/**
 * The clock guard: notices a wall clock that was set back, and gives a time that never goes back.
 *
 * It holds one mark, the highest guarded time, and the monotonic reading at which it stood. The time that should be
 * now is the mark plus what the monotonic clock has counted since; a wall clock behind that lags.
 *
 *     lag ≤ 0                wall clock is ahead: the mark follows it (a forward jump counts, so that expiry bites)
 *     lag ≤ tolerance        the guarded time goes on by the monotonic clock, so a small step back gains nothing
 *     lag > tolerance        anomaly: the guarded time stands still until the wall clock has reached the mark again
 *
 * An honest clock may be corrected a little every day, for years. Therefore a lag is forgiven, slowly: at most
 * {@link FORGIVEN_MS_MAX} or the tolerance, whichever is less, in a day. Steps that are each within the tolerance
 * but come faster than that add up to an anomaly, and cannot be used to buy time. Since the forgiven part is taken
 * off the guarded time itself there is no second account that a restart could empty.
 *
 * Rule: pure; readings go in, a new guard comes out. It must not know where the mark is kept or what hangs on it.
 */

/** Lag that is forgiven in one day at most: 700 ppm, well above the drift of a bad quartz (100 ppm). */
export const FORGIVEN_MS_MAX = 60_000;
const DAY_MS = 86_400_000;

export interface ClockGuard {
  /** Highest guarded time, epoch milliseconds: the mark. */
  readonly highWallMs: number;
  /** Monotonic reading at which the guarded time was `highWallMs`. */
  readonly highMonotonicMs: number;
  readonly isAnomalous: boolean;
}

export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** From the vendor-signed license, never from the operator. */
  readonly toleranceMs: number;
}

export interface Observation {
  readonly guard: ClockGuard;
  /** The guarded time, epoch milliseconds: never less than in any observation before. */
  readonly nowMs: number;
  /** How far the wall clock is behind; 0 when it is not. */
  readonly stepBackMs: number;
  readonly isAnomalous: boolean;
}

/**
 * A guard whose mark is the highest of `floorsMs`: persisted marks, build time, issue time of the license, times that
 * clients have witnessed. Also the way to set the mark anew once the vendor has signed a way out.
 */
export function startGuard(floorsMs: readonly number[], monotonicMs: number): ClockGuard {
  return { highWallMs: Math.max(0, ...floorsMs), highMonotonicMs: monotonicMs, isAnomalous: false };
}

function standing(guard: ClockGuard, stepBackMs: number): Observation {
  return { guard, nowMs: guard.highWallMs, stepBackMs, isAnomalous: guard.isAnomalous };
}

/** Whether the wall clock has caught up with a guard that stands still. */
function observeAnomaly(guard: ClockGuard, { wallMs, monotonicMs }: ClockReading): Observation {
  if (wallMs < guard.highWallMs) return standing(guard, guard.highWallMs - wallMs);
  return standing({ highWallMs: wallMs, highMonotonicMs: monotonicMs, isAnomalous: false }, 0);
}

/** Takes one reading of both clocks. */
export function observe(guard: ClockGuard, reading: ClockReading): Observation {
  if (guard.isAnomalous) return observeAnomaly(guard, reading);
  const { wallMs, monotonicMs, toleranceMs } = reading;
  const elapsedMs = Math.max(0, monotonicMs - guard.highMonotonicMs);
  const expectedMs = guard.highWallMs + elapsedMs;
  const lagMs = expectedMs - wallMs;
  if (lagMs <= 0) return standing({ highWallMs: wallMs, highMonotonicMs: monotonicMs, isAnomalous: false }, 0);
  if (lagMs > toleranceMs) return standing({ highWallMs: expectedMs, highMonotonicMs: monotonicMs, isAnomalous: true }, lagMs);
  const forgivenMs = Math.min(lagMs, (elapsedMs * Math.min(toleranceMs, FORGIVEN_MS_MAX)) / DAY_MS);
  return standing({ highWallMs: expectedMs - forgivenMs, highMonotonicMs: monotonicMs, isAnomalous: false }, lagMs);
}

/**
 * Raises the mark to a time that somebody trustworthy has seen. Whether that is an anomaly shows at the next reading.
 * A time at or below the guarded one changes nothing.
 */
export function witness(guard: ClockGuard, timeMs: number, monotonicMs: number): ClockGuard {
  const elapsedMs = guard.isAnomalous ? 0 : Math.max(0, monotonicMs - guard.highMonotonicMs);
  if (timeMs <= guard.highWallMs + elapsedMs) return guard;
  return { highWallMs: timeMs, highMonotonicMs: monotonicMs, isAnomalous: guard.isAnomalous };
}
