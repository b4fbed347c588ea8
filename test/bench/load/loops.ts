/**
 * The two ways to load a server: as fast as it answers, and at a pace that does not care how fast it answers.
 *
 * A closed loop finds the throughput; its latencies belong to that throughput only. At a pace each call counts from the
 * moment it was due, so that a server which stalls for a second is charged with all the calls that waited.
 */

/** One call. Throws when it did not do what it was for. */
export type Call = () => Promise<void>;

export interface Samples {
  readonly latenciesMs: readonly number[];
  readonly failures: ReadonlyMap<string, number>;
  readonly seconds: number;
}

class Recorder {
  readonly latenciesMs: number[] = [];
  readonly failures = new Map<string, number>();

  async of(call: Call, sinceMs: number): Promise<void> {
    try {
      await call();
      this.latenciesMs.push(performance.now() - sinceMs);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
    }
  }

  samples(sinceMs: number, untilMs: number): Samples {
    return { latenciesMs: this.latenciesMs, failures: this.failures, seconds: (untilMs - sinceMs) / 1_000 };
  }
}

/** Each caller calls again as soon as it is answered, for `seconds`. */
export async function closedLoop(callers: readonly Call[], seconds: number): Promise<Samples> {
  const record = new Recorder();
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1_000;
  const loop = async (call: Call) => {
    for (let nowMs = startedAtMs; nowMs < endsAtMs; nowMs = performance.now()) await record.of(call, nowMs);
  };
  await Promise.all(callers.map(loop));
  return record.samples(startedAtMs, performance.now());
}

const TICK_MS = 1;

export interface Pace {
  readonly perSecond: number;
  /** Ends the loop; calls that are due by then are still made. */
  readonly stopped: AbortSignal;
}

/** `perSecond` calls are due every second; each is made by the first caller that is free. */
export async function pacedLoop(callers: readonly Call[], { perSecond, stopped }: Pace): Promise<Samples> {
  const record = new Recorder();
  const free = [...callers];
  const dueAtMs: number[] = [];
  const running = new Set<Promise<void>>();
  const serve = async (call: Call) => {
    for (let dueAt = dueAtMs.shift(); dueAt !== undefined; dueAt = dueAtMs.shift()) await record.of(call, dueAt);
    free.push(call);
  };
  const startedAtMs = performance.now();
  for (let calls = 0; !stopped.aborted; ) {
    const nowMs = performance.now();
    for (; startedAtMs + (calls * 1_000) / perSecond <= nowMs; calls++) dueAtMs.push(startedAtMs + (calls * 1_000) / perSecond);
    while (dueAtMs.length > 0 && free.length > 0) {
      const call = free.shift();
      if (call === undefined) break;
      const served = serve(call);
      running.add(served);
      void served.then(() => running.delete(served));
    }
    await Bun.sleep(TICK_MS);
  }
  const stoppedAtMs = performance.now();
  await Promise.all(running);
  return record.samples(startedAtMs, stoppedAtMs);
}
