/** A world under the test's control: a clock that is moved by hand, repeatable randomness, a network that can be cut. */
import { type Network, realNetwork } from "../../src/network.ts";
import type { Cancel, Clock, Fetch, Random, Services } from "../../src/services.ts";

export interface TestClock extends Clock {
  /** Moves both clocks on and runs, in order of time, every timer that falls due, those armed meanwhile too. */
  advance(ms: number): void;
  /** Moves the wall clock alone, in either direction, as an administrator or NTP would. No timer notices. */
  stepWall(ms: number): void;
  /** Timers that are armed. */
  timers(): number;
}

export interface TestServices extends Services {
  readonly clock: TestClock;
  /** Every later call of `fetch` goes to `handler`; without one, to the real network again. */
  replaceFetch(handler?: Fetch): void;
  /** The same for the network under the guarded dialler; what is left out stays real. */
  replaceNetwork(parts: Partial<Network>): void;
}

export interface TestServicesOptions {
  /** Wall clock at the start, epoch milliseconds; 2026-01-01T00:00:00Z unless told. */
  readonly startAtMs?: number;
  /** Makes bytes, ids and fractions repeatable; without it they are real. Never use it where a test needs real secrets. */
  readonly seed?: string;
}

const START_AT_MS = Date.UTC(2026, 0, 1);
/** A timer that arms itself again without waiting would keep `advance` busy for ever. */
const TIMERS_RUN_MAX = 1_000_000;

export function testServices(options: TestServicesOptions = {}): TestServices {
  const clock = testClock(options.startAtMs ?? START_AT_MS);
  const real: Fetch = (url, init) => fetch(url, init);
  let current = real;
  let network = realNetwork;
  return {
    clock,
    random: testRandom(clock, options.seed === undefined ? realBytes : seededBytes(options.seed)),
    fetch: (url, init) => current(url, init),
    network: { resolve: (hostname) => network.resolve(hostname), exchange: (exchange) => network.exchange(exchange) },
    replaceNetwork: (parts) => {
      network = { ...realNetwork, ...parts };
    },
    replaceFetch: (handler = real) => {
      current = handler;
    },
  };
}

interface Timer {
  readonly dueAtMs: number;
  readonly task: () => void;
}

/** Monotonic time starts at an odd number, so that code which mistakes one clock for the other fails. */
export function testClock(startAtMs: number = START_AT_MS): TestClock {
  let wallMs = startAtMs;
  let monotonicMs = 777_000;
  const timers = new Set<Timer>();

  const after = (delayMs: number, task: () => void): Cancel => {
    const timer = { dueAtMs: monotonicMs + Math.max(delayMs, 0), task };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  const moveTo = (targetMs: number) => {
    wallMs += targetMs - monotonicMs;
    monotonicMs = targetMs;
  };

  const advance = (ms: number) => {
    if (ms < 0) throw new Error("time cannot be advanced by a negative amount; use stepWall");
    const endMs = monotonicMs + ms;
    // What ticks each second may do so for years; without a limit is only what never lets time go on.
    for (let runsNow = 0; runsNow < TIMERS_RUN_MAX; runsNow++) {
      const next = earliest(timers, endMs);
      if (next === undefined) return moveTo(endMs);
      timers.delete(next);
      if (next.dueAtMs > monotonicMs) runsNow = 0;
      moveTo(Math.max(next.dueAtMs, monotonicMs));
      next.task();
    }
    throw new Error(`${TIMERS_RUN_MAX} timers ran at one instant; one of them arms itself again at once`);
  };

  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    after,
    advance,
    stepWall: (ms) => {
      wallMs += ms;
    },
    timers: () => timers.size,
  };
}

/** Of timers due at the same time the one armed first. */
function earliest(timers: ReadonlySet<Timer>, untilMs: number): Timer | undefined {
  let found: Timer | undefined;
  for (const timer of timers) {
    if (timer.dueAtMs <= untilMs && (found === undefined || timer.dueAtMs < found.dueAtMs)) found = timer;
  }
  return found;
}

type Bytes = (count: number) => Uint8Array<ArrayBuffer>;

const realBytes: Bytes = (count) => crypto.getRandomValues(new Uint8Array(count));

/** SHA-256 over seed and counter: not secret, the same in every run. */
function seededBytes(seed: string): Bytes {
  let counter = 0;
  return (count) => {
    const bytes = new Uint8Array(count);
    for (let offset = 0; offset < count; offset += 32) {
      const block = new Bun.CryptoHasher("sha256").update(`${seed}/${counter++}`).digest();
      bytes.set(block.subarray(0, Math.min(32, count - offset)), offset);
    }
    return bytes;
  };
}

function testRandom(clock: Clock, bytes: Bytes): Random {
  let lastMs = 0;
  let sequence = 0;
  const uuid = () => {
    const nowMs = clock.now();
    sequence = nowMs === lastMs ? sequence + 1 : 0;
    lastMs = nowMs;
    return uuidV7(nowMs, sequence, bytes(8));
  };
  return { bytes, uuid, fraction: () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32 };
}

/**
 * RFC 9562 section 5.7, with a counter in `rand_a` so that ids of one millisecond keep their order. Time stands still
 * in many tests, so a counter that runs over goes on in the time part (section 6.2).
 */
function uuidV7(atMs: number, sequence: number, random: Uint8Array): string {
  const time = (atMs + Math.floor(sequence / 0x1000)).toString(16).padStart(12, "0");
  const tail = Buffer.from(random).toString("hex");
  const variant = "89ab".charAt(parseInt(tail.charAt(0), 16) & 3);
  return [
    time.slice(0, 8),
    time.slice(8, 12),
    `7${(sequence % 0x1000).toString(16).padStart(3, "0")}`,
    `${variant}${tail.slice(1, 4)}`,
    tail.slice(4, 16),
  ].join("-");
}
