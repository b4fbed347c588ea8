/**
 * A figure: one thing that was measured, beside the raw loop of the same primitives, and the bars it is held to.
 *
 * Rule: plain values, ready for JSON. How they came about stands in `figures/`, how they are shown in `report.ts`.
 */
import type { Pair } from "./rounds.ts";
import { type Percentiles, type Summary, summary } from "./statistics.ts";

/** A demand on a figure. It is told, never asserted: a bench that fails on a busy machine proves nothing. */
export interface Bar {
  /** `median ≤ 400 ms`. */
  readonly demand: string;
  readonly measured: number;
  readonly held: boolean;
}

export interface Figure {
  /** Stable name, for whoever compares two reports. */
  readonly name: string;
  readonly title: string;
  /** `ms`, `renewals/s`, … */
  readonly unit: string;
  /** What the raw loop is made of; undefined when the figure has none. */
  readonly rawLoop: string | undefined;
  readonly ours: Summary;
  readonly raw: Summary | undefined;
  /** ours / raw, round by round. */
  readonly ratio: Summary | undefined;
  /** Latency of the single call, in milliseconds: medians of the rounds' percentiles. */
  readonly latencyMs?: { readonly ours: Percentiles; readonly raw?: Percentiles };
  readonly bars: readonly Bar[];
  /** Facts the reader needs: what limits the figure, what it contains. One sentence each. */
  readonly notes: readonly string[];
}

/** A figure that could not be taken, with the reason. */
export interface Missing {
  readonly name: string;
  readonly title: string;
  readonly missing: string;
}

export type Outcome = Figure | Missing;

export function isMissing(outcome: Outcome): outcome is Missing {
  return "missing" in outcome;
}

export function isTaken(outcome: Outcome): outcome is Figure {
  return !isMissing(outcome);
}

/** A figure with its name and title: `npm run bench -- --only NAME` chooses it. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** Takes the figure, or several that share their set-up. */
  measure(place: Place): Promise<readonly Outcome[]>;
}

/** Where a bench works. */
export interface Place {
  /** Folder of the executables under test. */
  readonly dist: string;
  /** An empty folder on the disk that is measured, removed at the end. */
  readonly scratch: string;
  /** Says on the terminal what goes on. */
  say(line: string): void;
}

export function atMost(what: string, limit: number, measured: number): Bar {
  return { demand: `${what} ≤ ${limit}`, measured, held: measured <= limit };
}

export function atLeast(what: string, limit: number, measured: number): Bar {
  return { demand: `${what} ≥ ${limit}`, measured, held: measured >= limit };
}

/** Ours, raw and the ratio of each round, from the rounds' numbers. */
export function compared({ ours, raw }: Pair<readonly number[]>): Pick<Figure, "ours" | "raw"> & { readonly ratio: Summary } {
  const ratios = ours.map((value, round) => value / (raw[round] ?? Number.NaN));
  return { ours: summary(ours), raw: summary(raw), ratio: summary(ratios) };
}
