import { expect, test } from "bun:test";
import { compared } from "./figure.ts";
import { column, contest } from "./rounds.ts";
import { median, percentiles, summary } from "./statistics.ts";

test("the median of an even number of values is the mean of the middle two, whatever their order", () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
});

test("values are ordered as numbers, not as texts", () => {
  expect(summary([10, 9, 100])).toEqual({ n: 3, median: 10, min: 9, max: 100 });
});

test("a percentile is a value that was measured, by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(percentiles(hundred)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  expect(percentiles([5])).toEqual({ n: 1, p50: 5, p95: 5, p99: 5, max: 5 });
});

test("nothing measured is an error, not a zero", () => {
  for (const describe of [median, summary, percentiles]) expect(() => describe([])).toThrow("no value was measured");
});

test("rounds take turns, change their order, and leave the warm-ups out", async () => {
  const order: string[] = [];
  const pairs = await contest({ rounds: 3, warmUps: 1, ours: () => order.push("ours"), raw: () => order.push("raw") });
  expect(order).toEqual(["ours", "raw", "ours", "raw", "raw", "ours", "ours", "raw"]);
  expect(pairs).toHaveLength(3);
});

test("a ratio is formed within each round, so that a slow minute does not show in it", () => {
  const pairs = [{ ours: 10, raw: 20 }, { ours: 100, raw: 200 }, { ours: 60, raw: 100 }];
  expect(compared(column(pairs, (value) => value)).ratio).toEqual({ n: 3, median: 0.5, min: 0.5, max: 0.6 });
});
