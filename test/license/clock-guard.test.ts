import { describe, expect, test } from "bun:test";
import { type ClockGuard, FORGIVEN_MS_MAX, observe, startGuard, witness } from "../../src/license/clock-guard.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = 1_750_000_000_000;

/** A host: two clocks, a guard, and the time that really passes. */
class Host {
  wallMs = START;
  monotonicMs = 5_000;
  readonly toleranceMs: number;
  guard: ClockGuard;
  isAnomalous = false;
  nowMs = START;

  constructor(toleranceMs: number) {
    this.toleranceMs = toleranceMs;
    this.guard = startGuard([START], this.monotonicMs);
    this.read();
  }

  read(): void {
    const seen = observe(this.guard, { wallMs: this.wallMs, monotonicMs: this.monotonicMs, toleranceMs: this.toleranceMs });
    this.guard = seen.guard;
    this.isAnomalous = seen.isAnomalous;
    expect(seen.nowMs).toBeGreaterThanOrEqual(this.nowMs);
    this.nowMs = seen.nowMs;
  }

  pass(ms: number, stepMs = Math.min(ms, HOUR)): void {
    for (let left = ms; left > 0; left -= stepMs) {
      this.wallMs += Math.min(stepMs, left);
      this.monotonicMs += Math.min(stepMs, left);
      this.read();
    }
  }

  step(ms: number): void {
    this.wallMs += ms;
    this.read();
  }

  /** Stops the process, sets the clock, starts again with nothing but the persisted mark. */
  restart(stepMs: number, floorsMs: readonly number[] = [this.guard.highWallMs]): void {
    this.wallMs += stepMs;
    this.monotonicMs = 1;
    this.guard = startGuard(floorsMs, this.monotonicMs);
    this.nowMs = 0;
    this.read();
  }
}

const steps = [
  ["2 minutes", 2 * MINUTE],
  ["1 hour", HOUR],
  ["30 days", 30 * DAY],
  ["2 years", 730 * DAY],
] as const;
const tolerances = [60 * SECOND, 300 * SECOND, 3_600 * SECOND] as const;

/** Every situation of the published matrix: does `backMs`, says whether the guard raised an anomaly. */
const situations = {
  live: (host: Host, backMs: number) => host.step(-backMs),
  restart: (host: Host, backMs: number) => host.restart(-backMs),
  "state wiped while a client lives": (host: Host, backMs: number) => {
    const witnessedMs = host.nowMs;
    host.restart(-backMs, [0]);
    host.guard = witness(host.guard, witnessedMs, host.monotonicMs);
    host.read();
  },
  "forward, then back by the same": (host: Host, backMs: number) => {
    host.step(backMs);
    expect(host.isAnomalous).toBe(false);
    host.step(-backMs);
  },
  "forward, then back over a restart": (host: Host, backMs: number) => {
    host.step(backMs);
    host.restart(-backMs);
  },
} satisfies Record<string, (host: Host, backMs: number) => void>;

for (const [situation, run] of Object.entries(situations)) {
  describe(`a step back, ${situation}`, () => {
    for (const toleranceMs of tolerances) {
      for (const [name, backMs] of steps) {
        const flagged = backMs > toleranceMs;
        test(`of ${name} at a tolerance of ${toleranceMs / SECOND} s is ${flagged ? "flagged" : "within it"}`, () => {
          const host = new Host(toleranceMs);
          host.pass(3 * HOUR);
          run(host, backMs);
          expect(host.isAnomalous).toBe(flagged);
        });
      }
      for (const offMs of [-1, 1]) {
        test(`of the tolerance of ${toleranceMs / SECOND} s ${offMs < 0 ? "less" : "and"} 1 ms is ${offMs < 0 ? "not flagged" : "flagged"}`, () => {
          const host = new Host(toleranceMs);
          host.pass(3 * HOUR);
          run(host, toleranceMs + offMs);
          expect(host.isAnomalous).toBe(offMs > 0);
        });
      }
    }
  });
}

describe("the guarded time", () => {
  test("follows an honest clock to the millisecond", () => {
    const host = new Host(MINUTE);
    host.pass(400 * DAY, DAY);
    expect(host.nowMs).toBe(host.wallMs);
  });

  test("goes on by the monotonic clock after a step within the tolerance, so that the step gains nothing", () => {
    const host = new Host(300 * SECOND);
    host.pass(HOUR);
    const beforeMs = host.nowMs;
    host.step(-4 * MINUTE);
    expect(host.nowMs).toBe(beforeMs);
    host.pass(MINUTE);
    expect(host.nowMs - beforeMs).toBeGreaterThan(MINUTE - 100);
  });

  test("follows a forward jump at once, so that expiry bites", () => {
    const host = new Host(MINUTE);
    host.step(40 * DAY);
    expect(host.nowMs).toBe(START + 40 * DAY);
    expect(host.isAnomalous).toBe(false);
  });

  test("stands still during an anomaly and heals when the wall clock has reached the mark again", () => {
    const host = new Host(MINUTE);
    host.step(HOUR);
    host.step(-HOUR);
    expect(host.isAnomalous).toBe(true);
    host.pass(HOUR - SECOND, MINUTE);
    expect(host.isAnomalous).toBe(true);
    expect(host.nowMs).toBe(START + HOUR);
    host.pass(SECOND);
    expect(host.isAnomalous).toBe(false);
    expect(host.nowMs).toBe(host.wallMs);
  });

  test("heals at once when the clock is set right", () => {
    const host = new Host(MINUTE);
    host.step(-30 * DAY);
    host.pass(10 * MINUTE);
    expect(host.isAnomalous).toBe(true);
    host.step(30 * DAY);
    expect(host.isAnomalous).toBe(false);
    expect(host.nowMs).toBe(host.wallMs);
  });

  test("never goes back over a long random life, and loses at most the forgiven part of running time", () => {
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const host = new Host(300 * SECOND);
    let ranMs = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const ms = Math.floor(random() * 10 * MINUTE);
      const shiftMs = Math.floor((random() - 0.5) * 4 * MINUTE);
      const wasAnomalous = host.isAnomalous;
      host.wallMs += shiftMs;
      host.pass(ms, Math.max(ms, 1));
      if (!wasAnomalous && !host.isAnomalous) ranMs += ms;
    }
    const forgivenMs = (ranMs / DAY) * FORGIVEN_MS_MAX + FORGIVEN_MS_MAX;
    expect(host.nowMs - START).toBeGreaterThanOrEqual(ranMs - forgivenMs);
  });
});

describe("a slow attack", () => {
  for (const toleranceMs of tolerances) {
    test(`of steps of 59 s every 10 minutes at a tolerance of ${toleranceMs / SECOND} s is flagged before it has gained two tolerances`, () => {
      const host = new Host(toleranceMs);
      let stolenMs = 0;
      while (!host.isAnomalous && stolenMs <= 2 * toleranceMs) {
        host.pass(10 * MINUTE, MINUTE);
        host.step(-59 * SECOND);
        stolenMs += 59 * SECOND;
      }
      expect(host.isAnomalous).toBe(true);
      expect(stolenMs).toBeLessThanOrEqual(2 * toleranceMs);
    });
  }

  test("that waits for every anomaly to heal buys no open time in 30 days", () => {
    const host = new Host(MINUTE);
    let openMs = 0;
    for (let minute = 0; minute < 30 * 24 * 60; minute += 1) {
      if (minute % 10 === 0) host.step(-59 * SECOND);
      const wasAnomalous = host.isAnomalous;
      host.pass(MINUTE);
      if (!wasAnomalous && !host.isAnomalous) openMs += MINUTE;
    }
    expect(host.nowMs - START).toBeGreaterThanOrEqual(openMs - 31 * FORGIVEN_MS_MAX);
  });

  test("by a frozen wall clock is flagged once the monotonic clock is ahead by more than the tolerance", () => {
    const host = new Host(MINUTE);
    host.monotonicMs += MINUTE;
    host.read();
    expect(host.isAnomalous).toBe(false);
    host.monotonicMs += SECOND;
    host.read();
    expect(host.isAnomalous).toBe(true);
  });

  test("that restarts between its steps is flagged as well", () => {
    const host = new Host(MINUTE);
    host.pass(HOUR);
    host.restart(-59 * SECOND);
    expect(host.isAnomalous).toBe(false);
    host.restart(-59 * SECOND);
    expect(host.isAnomalous).toBe(true);
  });
});

describe("an honest clock", () => {
  test("that is corrected back by 30 s every night raises no alarm in five years", () => {
    const host = new Host(MINUTE);
    for (let day = 0; day < 5 * 365; day += 1) {
      host.pass(DAY, 6 * HOUR);
      host.step(-30 * SECOND);
      expect(host.isAnomalous).toBe(false);
    }
  });

  test("that drifts by 100 ppm against the monotonic one raises no alarm in a year", () => {
    const host = new Host(10 * SECOND);
    for (let hour = 0; hour < 365 * 24; hour += 1) {
      host.monotonicMs += HOUR;
      host.wallMs += HOUR - 360;
      host.read();
    }
    expect(host.isAnomalous).toBe(false);
  });

  test("on a host that sleeps for a month raises no alarm: only the wall clock has gone on", () => {
    const host = new Host(MINUTE);
    host.step(30 * DAY);
    expect(host.isAnomalous).toBe(false);
    host.pass(HOUR);
    expect(host.nowMs).toBe(host.wallMs);
  });
});

describe("floors and witnesses", () => {
  test("the highest floor is the mark: build time alone flags a clock before it", () => {
    const host = new Host(MINUTE);
    host.restart(-10 * DAY, [START - DAY, 0]);
    expect(host.isAnomalous).toBe(true);
  });

  test("a witness below the guarded time changes nothing", () => {
    const guard = startGuard([START], 0);
    expect(witness(guard, START + MINUTE, MINUTE)).toBe(guard);
  });

  test("a witness during an anomaly raises the mark that has to be reached", () => {
    const host = new Host(MINUTE);
    host.step(-HOUR);
    host.guard = witness(host.guard, START + DAY, host.monotonicMs);
    host.step(2 * HOUR);
    expect(host.isAnomalous).toBe(true);
    host.step(DAY);
    expect(host.isAnomalous).toBe(false);
  });
});
