/**
 * The world outside, handed in: time, randomness and network.
 *
 * Rule: only this file touches the real clock, the real random source and the real network; everything else
 * receives a `Services`. A test hands in its own, so time can be moved and the network cut without a sleep.
 * It must not know any domain.
 */
import { type Network, realNetwork } from "./network.ts";

/** Cancels a timer made by {@link Clock.after}. Calling it twice does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall clock, epoch milliseconds. It may step in both directions. */
  now(): number;
  /** Monotonic clock, milliseconds since an arbitrary start. It never steps back. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`; the timer does not keep the process alive. */
  after(delayMs: number, task: () => void): Cancel;
}

export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
  /** A UUIDv7 whose time part is the service's wall clock (RFC 9562 section 5.7). */
  uuid(): string;
  /** A number in [0, 1), for jitter only, never for secrets. */
  fraction(): number;
}

export type Fetch = (url: string, init?: BunFetchRequestInit) => Promise<Response>;

export interface Services {
  readonly clock: Clock;
  readonly random: Random;
  /** For addresses that the operator configured. */
  readonly fetch: Fetch;
  /** For addresses that somebody else supplied; only `dialler.ts` uses it. */
  readonly network: Network;
}

/** Node caps a timer at 2^31-1 ms and fires a longer one at once; longer waits are taken in steps of this size. */
const TIMER_MS_MAX = 0x7fffffff;

function after(delayMs: number, task: () => void): Cancel {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = (leftMs: number) => {
    const stepMs = Math.min(Math.max(leftMs, 0), TIMER_MS_MAX);
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : task()), stepMs);
    timer.unref();
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}

/** The real world. */
export function realServices(): Services {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now(), after },
    random: {
      bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      uuid: () => Bun.randomUUIDv7(),
      fraction: () => Math.random(),
    },
    fetch: (url, init) => fetch(url, init),
    network: realNetwork,
  };
}
