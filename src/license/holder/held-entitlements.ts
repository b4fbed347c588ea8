/**
 * The entitlements a role obeys at this very moment, from what it last accepted and its guarded time.
 *
 * Rule: in memory only; no file, no socket, no timer. `entitlements()` is on every request's path: on the usual path it
 * reads two clocks, compares four numbers and returns the value that was worked out before. The comparison holds the
 * value to account against both clocks, so that no instant at which it could change is passed, timers or not.
 */
import type { Clock } from "../../services.ts";
import { buildTime } from "../../version.ts";
import { type ClockGuard, observe, startGuard, witness } from "../clock-guard.ts";
import type { Entitled, Entitlements } from "../entitlements.ts";
import { judgeStanding, type Standing } from "./standing.ts";

/** While there is no license that names one; there is nothing to prolong then. */
const TOLERANCE_MS_WITHOUT_LICENSE = 300_000;
/** The clocks may drift apart so far before both are looked at anew. Less than the least tolerance a license may have. */
const DRIFT_MS_MAX = 500;

function toleranceMsOf(standing: Standing): number {
  const license = standing.kind === "none" ? undefined : standing.license;
  return license === undefined ? TOLERANCE_MS_WITHOUT_LICENSE : license.clock_tolerance_seconds * 1_000;
}

/**
 * Times that cannot lie ahead of an honest clock: of the build, of the vendor's signature, and of a lease whose server's
 * clock was found to agree with this host's. A refusal counts for nothing here: its server's clock may be the fault.
 */
function floorsMs(standing: Standing): number[] {
  const licensedAt = standing.kind === "none" ? 0 : (standing.license?.issued_at ?? 0);
  const leasedAt = standing.kind === "granted" ? standing.lease.issued_at : 0;
  return [buildTime, licensedAt, leasedAt].map((seconds) => seconds * 1_000);
}

export class HeldEntitlements implements Entitled {
  readonly #clock: Clock;
  #guard: ClockGuard;
  #standing: Standing;
  #failure: string | undefined;
  #anomalousSince: number | undefined;
  #current: Entitlements;
  #changesAtMs = 0;
  // The window in which `#current` holds: below both instants, and with the two clocks apart as they were.
  #wallUntilMs = 0;
  #monotonicUntilMs = 0;
  #apartMinMs = 0;
  #apartMaxMs = 0;

  /** Begins with what was stored; `highWaterMs` is the highest guarded time of earlier runs. */
  constructor(clock: Clock, standing: Standing, highWaterMs: number) {
    this.#clock = clock;
    this.#standing = standing;
    this.#guard = startGuard([highWaterMs, ...floorsMs(standing)], clock.monotonic());
    this.#current = this.#judge(clock.now(), clock.monotonic());
  }

  entitlements(): Entitlements {
    const wallMs = this.#clock.now();
    const monotonicMs = this.#clock.monotonic();
    const apartMs = wallMs - monotonicMs;
    const isHeld =
      wallMs < this.#wallUntilMs && monotonicMs < this.#monotonicUntilMs && apartMs > this.#apartMinMs && apartMs < this.#apartMaxMs;
    return isHeld ? this.#current : this.#judge(wallMs, monotonicMs);
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Guarded time, epoch milliseconds: what the mark has to be raised to. */
  nowMs(): number {
    this.#judge(this.#clock.now(), this.#clock.monotonic());
    return this.#guard.highWallMs;
  }

  /** Guarded time, epoch seconds. */
  now(): number {
    return Math.floor(this.nowMs() / 1_000);
  }

  get isAnomalous(): boolean {
    return this.#anomalousSince !== undefined;
  }

  /** Epoch seconds of the wall clock while it is known to be behind; undefined while it is sound. */
  anomalousWall(): number | undefined {
    this.nowMs();
    return this.isAnomalous ? Math.floor(this.#clock.now() / 1_000) : undefined;
  }

  /** Milliseconds until the next instant at which the value may change by itself; Infinity when there is none. */
  untilChangeMs(): number {
    return this.#changesAtMs - this.nowMs();
  }

  /** Obeys `standing` from now on. When its license lifts the clock, the mark is set anew from it and the wall clock. */
  accept(standing: Exclude<Standing, { kind: "none" }>): void {
    const monotonicMs = this.#clock.monotonic();
    const isLifted = standing.kind === "granted" && standing.liftsClock;
    this.#standing = standing;
    this.#failure = undefined;
    this.#guard = isLifted
      ? startGuard([this.#clock.now(), ...floorsMs(standing)], monotonicMs)
      : witness(this.#guard, Math.max(...floorsMs(standing)), monotonicMs);
    this.nowMs();
  }

  /** Remembers why no License Server gave an answer, one sentence. It changes what is said, never what is granted. */
  explain(failure: string): void {
    this.#failure = failure;
    this.nowMs();
  }

  #judge(wallMs: number, monotonicMs: number): Entitlements {
    const { guard, nowMs, isAnomalous } = observe(this.#guard, { wallMs, monotonicMs, toleranceMs: toleranceMsOf(this.#standing) });
    const now = Math.floor(nowMs / 1_000);
    this.#guard = guard;
    this.#anomalousSince = isAnomalous ? (this.#anomalousSince ?? now) : undefined;
    const judged = judgeStanding(this.#standing, { now, anomalousSince: this.#anomalousSince, failure: this.#failure });
    this.#changesAtMs = judged.changesAt * 1_000;
    this.#hold({ wallMs, monotonicMs, leftMs: isAnomalous ? 0 : this.#changesAtMs - nowMs });
    this.#current = judged.entitlements;
    return judged.entitlements;
  }

  #hold({ wallMs, monotonicMs, leftMs }: { readonly wallMs: number; readonly monotonicMs: number; readonly leftMs: number }): void {
    this.#wallUntilMs = leftMs === 0 ? 0 : this.#changesAtMs;
    this.#monotonicUntilMs = monotonicMs + leftMs;
    this.#apartMinMs = wallMs - monotonicMs - DRIFT_MS_MAX;
    this.#apartMaxMs = wallMs - monotonicMs + DRIFT_MS_MAX;
  }
}
