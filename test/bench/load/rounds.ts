/** Rounds of load on two servers in turn, with the processor time that each took. */
import { processorSeconds } from "../processes.ts";
import { column, contest, type Pair } from "../rounds.ts";
import { median, type Percentiles } from "../statistics.ts";
import type { LoadResult } from "./jobs.ts";

/** A server and the load that it is to bear. */
export interface Target {
  readonly pid: number;
  run(): Promise<LoadResult>;
}

export interface LoadRound extends LoadResult {
  readonly perSecond: number;
  /** Processor time of the server for one call, in microseconds. */
  readonly serverMicroseconds: number;
}

async function oneRound({ pid, run }: Target): Promise<LoadRound> {
  const before = processorSeconds(pid);
  const result = await run();
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.calls} calls failed: ${Object.keys(result.failures).join("; ")}`);
  const serverMicroseconds = ((processorSeconds(pid) - before) * 1_000_000) / result.calls;
  return { ...result, perSecond: result.calls / result.seconds, serverMicroseconds };
}

export interface LoadPlan {
  readonly rounds: number;
  readonly warmUps: number;
  readonly ours: Target;
  readonly raw: Target;
}

/** Throws when a single call fails: a rate of refusals is no figure. */
export async function loadRounds({ ours, raw, ...plan }: LoadPlan): Promise<readonly Pair<LoadRound>[]> {
  return await contest({ ...plan, ours: () => oneRound(ours), raw: () => oneRound(raw) });
}

function medianOf(rounds: readonly LoadRound[]): Percentiles {
  const middle = (key: "p50" | "p95" | "p99" | "max") => median(rounds.map(({ latencyMs }) => latencyMs[key]));
  const n = rounds.reduce((sum, { latencyMs }) => sum + latencyMs.n, 0);
  return { n, p50: middle("p50"), p95: middle("p95"), p99: middle("p99"), max: middle("max") };
}

/** Percentiles of the single call, each the median of the rounds. */
export function medianLatency(pairs: readonly Pair<LoadRound>[]): Pair<Percentiles> {
  return { ours: medianOf(pairs.map(({ ours }) => ours)), raw: medianOf(pairs.map(({ raw }) => raw)) };
}

/** What the calls cost, and whether the server or the generator set the pace. */
export function processorNotes(pairs: readonly Pair<LoadRound>[], call: string): readonly string[] {
  const server = column(pairs, ({ serverMicroseconds }) => serverMicroseconds);
  const generator = column(pairs, ({ generatorSeconds, seconds }) => (100 * generatorSeconds) / seconds);
  const whole = (values: readonly number[]) => Math.round(median(values)).toLocaleString("en-US");
  return [
    `Processor time of the server for one ${call}: ours ${whole(server.ours)} µs, raw ${whole(server.raw)} µs (median; ticks of 10 ms).`,
    `The load generator used ${whole(generator.ours)} % of a core against ours and ${whole(generator.raw)} % against raw; near 100 % it is the generator that sets the pace.`,
  ];
}
