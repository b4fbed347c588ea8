import { expect, test } from "bun:test";
import { type DrillResult, drillMarkdown, type DrillRun, isClean, readReport, violationCount } from "./report.ts";

const held: DrillResult = { name: "a", rounds: 10, violations: 0, facts: { seed: 1 }, end: "held", tookSeconds: 1 };
const flushMs = { n: 1, median: 1, min: 1, max: 1 };
const machine = { cpu: "A processor", cores: 2, memoryMegabytes: 1, kernel: "Linux", fileSystem: "ext4", flushMs };
const versions = { product: "cyberun 1", bun: "1", sqlite: "3", crypto: "B", openssl: undefined };
const runOf = (...drills: readonly DrillResult[]): DrillRun => ({ date: "2026-01-01T00:00:00Z", machine, versions, drills });

test("a run is clean only when every drill ran to its end and nothing broke", () => {
  expect(isClean(runOf(held, held))).toBe(true);
  for (const end of ["violated", "failed", "late"] as const) expect(isClean(runOf(held, { ...held, end }))).toBe(false);
  expect(isClean(runOf())).toBe(false);
});

test("violations are a count or sentences", () => {
  expect([violationCount({ violations: 3 }), violationCount({ violations: ["x", "y"] })]).toEqual([3, 2]);
});

const noReports: readonly (readonly [string, unknown])[] = [
  ["nothing", undefined],
  ["no name", { rounds: 1, violations: 0 }],
  ["no rounds run", { name: "a", rounds: 0, violations: 0 }],
  ["no violations told", { name: "a", rounds: 1 }],
  ["a negative count", { name: "a", rounds: 1, violations: -1 }],
  ["a promise", Promise.resolve({ name: "a", rounds: 1, violations: 0 })],
];

test.each(noReports)("%s is no report", (_name, value) => {
  expect(() => readReport(value)).toThrow("gave no report");
});

test("a report may leave its facts out, and what else it carries is left out", () => {
  expect(readReport({ name: "a", rounds: 1, violations: [], obeyed: [] })).toEqual({ name: "a", rounds: 1, violations: [], facts: {} });
});

test("every violation stands in the report", () => {
  const text = drillMarkdown(runOf({ ...held, violations: ["a lease | was obeyed"], end: "violated" }));
  expect(text).toContain("| a | 10 | 1 | violated | 1.0 s |");
  expect(text).toContain("VIOLATION: a lease \\| was obeyed");
});
