/**
 * When a role asks for its next lease.
 *
 * Rule: pure; delays in whole milliseconds from a lease or a count of failures. `fraction` is a random number in [0, 1): without
 * it all roles of a site would ask at the same moment after each restart of the License Server.
 */
import type { Lease } from "../lease.ts";

/** Near the end of a license its leases grow short; no role asks more often than this. */
const REFRESH_MS_MIN = 1_000;
/** While another than the preferred License Server answers, or one refuses, the role asks at least so often. */
const PREFERRED_MS_MAX = 60_000;
const REFUSED_MS_MAX = 30_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
/** While operations are refused for want of a lease, a License Server that returns is to be found within seconds. */
const RETRY_SHUT_MS_MAX = 4_000;
/** A push reaches all roles at once; they answer it spread over this. */
const PUSH_SPREAD_MS = 250;
/** However many pushes come, one refresh in this time. */
export const PUSH_SPACING_MS = 1_000;

export interface Circumstances {
  readonly fraction: number;
  /** Whether the first address of the list gave the lease. */
  readonly isPreferred: boolean;
  readonly isDenied: boolean;
}

/** Delay after an answer: half of the lease's life, give or take a tenth. */
export function refreshDelayMs({ issued_at, expires_at }: Lease, { fraction, isPreferred, isDenied }: Circumstances): number {
  const halfLifeMs = (expires_at - issued_at) * 500 * (0.9 + 0.2 * fraction);
  const limitMs = isDenied ? REFUSED_MS_MAX : isPreferred ? Infinity : PREFERRED_MS_MAX;
  return Math.ceil(Math.min(Math.max(halfLifeMs, REFRESH_MS_MIN), limitMs));
}

/** Delay after the `failures`-th round in a row without an answer: doubling, spread evenly over its upper half. */
export function retryDelayMs(failures: number, { fraction, isShut }: { readonly fraction: number; readonly isShut: boolean }): number {
  const limitMs = isShut ? RETRY_SHUT_MS_MAX : RETRY_MS_MAX;
  const delayMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(failures - 1, 16), limitMs);
  return Math.ceil(delayMs * (0.5 + fraction / 2));
}

/** Delay after a push, when the last refresh for one was `sinceMs` ago: spread, and not for every one of a flood. */
export function pushDelayMs(sinceMs: number, fraction: number): number {
  return Math.ceil(Math.max(fraction * PUSH_SPREAD_MS, PUSH_SPACING_MS - sinceMs));
}
