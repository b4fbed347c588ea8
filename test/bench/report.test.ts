import { expect, test } from "bun:test";
import { atLeast, atMost, type Figure } from "./figure.ts";
import { markdown, published, type Report } from "./report.ts";
import { cell, shown, spread } from "./table.ts";

const one = { n: 3, median: 12.345, min: 9, max: 20 };
const latency = { n: 12_000, p50: 1, p95: 2, p99: 3, max: 4 };

const figure: Figure = {
  name: "a.figure",
  title: "A figure",
  unit: "ms",
  rawLoop: "a loop",
  ours: one,
  raw: { ...one, median: 24.69 },
  ratio: { n: 3, median: 0.5, min: 0.4, max: 0.6 },
  latencyMs: { ours: latency },
  bars: [atMost("median", 10, 12.345), atLeast("ratio", 0.4, 0.5)],
  notes: ["A note."],
};

const report: Report = {
  date: "2026-01-01T00:00:00Z",
  tookSeconds: 61,
  othersShare: 0.04,
  machine: { cpu: "A processor", cores: 2, memoryMegabytes: 2_048, kernel: "Linux 6", fileSystem: "ext4", flushMs: one },
  versions: { product: "cyberun 1", bun: "1", sqlite: "3", crypto: "B", openssl: undefined },
  figures: [figure, { name: "b", title: "Another", missing: "it would not start" }],
};

test("a bar that is not held is told as such, beside one that is", () => {
  const text = markdown(report);
  expect(text).toContain("2 bars: 1 held, 1 not held. 1 figures were not taken.");
  expect(text).toContain("median ≤ 10: 12.3, NOT HELD; ratio ≥ 0.4: 0.5, held");
  expect(text).toContain("| A figure | ms | 3 | 12.3 (9 to 20) | 24.7 (9 to 20) | 0.5 (0.4 to 0.6) |");
  expect(text).toContain("| A figure | ours | 12,000 | 1 | 2 | 3 | 4 |");
});

test("a figure that could not be taken is named with the reason", () => {
  expect(markdown(report)).toContain("**Another** was not taken: it would not start");
});

test("a busy machine is told, with the advice to run again", () => {
  expect(markdown(report)).toContain("Other programs took 4 % of the processors during the run.\n");
  expect(markdown({ ...report, othersShare: 0.4 })).toContain("took 40 % of the processors during the run. That is much");
});

test("without a latency there is no table of latencies", () => {
  const { latencyMs: _none, ...silent } = figure;
  expect(markdown({ ...report, figures: [silent] })).not.toContain("| p50 |");
  expect(markdown(report)).toContain("| p50 |");
});

test("bars hold at their very limit", () => {
  expect([atMost("x", 5, 5).held, atMost("x", 5, 5.01).held, atLeast("x", 5, 5).held, atLeast("x", 5, 4.99).held]).toEqual([true, false, true, false]);
});

test("numbers have three significant digits, and what was not measured a dash", () => {
  expect([shown(4_283.7), shown(16.44), shown(0.031249), shown(0), shown(Number.NaN)]).toEqual(["4,280", "16.4", "0.0312", "0", "–"]);
  expect(spread(undefined)).toBe("–");
});

test("no text can end a cell or a row", () => {
  expect(cell("a | b\n  c")).toBe("a \\| b c");
});

test("figures are published in their place, and only when all were taken", () => {
  const page = "before\n<!-- figures: npm run bench -- --publish -->\nold\n<!-- end of figures -->\nafter\n";
  const whole = { ...report, figures: [figure] };
  const text = published(page, whole);
  expect(text).toStartWith("before\n");
  expect(text).toEndWith("<!-- end of figures -->\nafter\n");
  expect(text).toContain("| A figure |");
  expect(text).not.toContain("old");
  expect(published(text, whole)).toBe(text);
  expect(() => published(page, report)).toThrow("not published");
  expect(() => published("no place", whole)).toThrow("no place");
});
