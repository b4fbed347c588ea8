/**
 * The few numbers that describe many measurements. Pure.
 *
 * Medians and extremes only: a mean hides the one slow round, a standard deviation means little over a handful of rounds.
 */

/** What is left of the measurements of one thing. */
export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Latencies of one run, in one unit. */
export interface Percentiles {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

function ascending(values: Iterable<number>): Float64Array {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) throw new Error("there is nothing to describe: no value was measured");
  return sorted;
}

function at(sorted: Float64Array, index: number): number {
  return sorted[Math.max(0, Math.min(sorted.length - 1, index))] ?? Number.NaN;
}

/** The smallest value that at least `share` (0 to 1) of all values do not exceed: nearest rank, never interpolated. */
function ranked(sorted: Float64Array, share: number): number {
  return at(sorted, Math.ceil(share * sorted.length) - 1);
}

/** The middle value; of an even number the mean of the middle two. Throws without a value. */
export function median(values: Iterable<number>): number {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  return (at(sorted, Math.ceil(middle) - 1) + at(sorted, Math.floor(middle))) / 2;
}

/** Throws without a value. */
export function summary(values: Iterable<number>): Summary {
  const sorted = ascending(values);
  return { n: sorted.length, median: median(sorted), min: at(sorted, 0), max: at(sorted, sorted.length - 1) };
}

/** Throws without a value. */
export function percentiles(values: Iterable<number>): Percentiles {
  const sorted = ascending(values);
  return {
    n: sorted.length,
    p50: ranked(sorted, 0.5),
    p95: ranked(sorted, 0.95),
    p99: ranked(sorted, 0.99),
    max: at(sorted, sorted.length - 1),
  };
}
