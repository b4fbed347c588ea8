/**
 * The License Server's one source of time: the guard of `clock-guard.ts` over the service's two clocks.
 *
 * Rule: everything the License Server decides or signs takes its time from here, never from the wall clock.
 */
import type { Clock } from "../../services.ts";
import { type ClockGuard, observe, type Observation, startGuard, witness } from "../clock-guard.ts";


export interface GuardedReading extends Observation {
  readonly wallMs: number;
}

export class GuardedClock {
  readonly #clock: Clock;
  #guard: ClockGuard;
  /**
   * Without bound until a license names one: an anomaly stays until time has caught up, so at a start nothing may be
   * called one before the license that tolerates it has been read. There is nothing to prolong until then.
   */
  #toleranceMs = Infinity;

  /** `floorsMs`: persisted marks and times that no honest clock can stand before. */
  constructor(clock: Clock, floorsMs: readonly number[]) {
    this.#clock = clock;
    this.#guard = startGuard(floorsMs, clock.monotonic());
  }

  /** Takes a reading; the guarded time in it never goes back but by {@link reset}. */
  read(): GuardedReading {
    const wallMs = this.#clock.now();
    const seen = observe(this.#guard, { wallMs, monotonicMs: this.#clock.monotonic(), toleranceMs: this.#toleranceMs });
    this.#guard = seen.guard;
    return { ...seen, wallMs };
  }

  /** Takes the tolerance from the license in force. */
  tolerate(seconds: number): void {
    this.#toleranceMs = seconds * 1_000;
  }

  /** Raises the mark to a time that was seen elsewhere. */
  witness(timeMs: number): void {
    this.#guard = witness(this.#guard, timeMs, this.#clock.monotonic());
  }

  /** Sets the mark anew, as the vendor allowed; gives the new mark. */
  reset(floorsMs: readonly number[]): number {
    this.#guard = startGuard([...floorsMs, this.#clock.now()], this.#clock.monotonic());
    return this.#guard.highWallMs;
  }
}
