/**
 * What a drill tells, and how all of them are shown. Pure.
 *
 * A drill is a file of this folder that exports `drill(rounds)`: it tries to break one promise so many times and says how
 * often the promise broke. Its short form is an ordinary test; the long form is run by `npm run drill`.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Machine, Versions } from "../bench/machine.ts";
import { machineTable } from "../bench/report.ts";
import { cell, table } from "../bench/table.ts";

/** The least that a drill's report has; other members are kept as facts. */
const ReportShape = Compile(
  Type.Object({
    name: Type.String({ minLength: 1 }),
    rounds: Type.Integer({ minimum: 1 }),
    /** How often the promise broke, or one sentence for each time. */
    violations: Type.Union([Type.Integer({ minimum: 0 }), Type.Array(Type.String())]),
    facts: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
);

export interface DrillReport {
  readonly name: string;
  readonly rounds: number;
  readonly violations: number | readonly string[];
  /** What was counted on the way: how many were refused why, how long it took, from which seed. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `held`: no violation. `failed`: the drill itself threw. `late`: it was not done when its time was over. */
export type DrillEnd = "held" | "violated" | "failed" | "late";

export interface DrillResult extends DrillReport {
  readonly end: DrillEnd;
  readonly tookSeconds: number;
}

export interface DrillRun {
  /** ISO 8601, handed in. */
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly drills: readonly DrillResult[];
}

/** The report that `value` is. Throws when it is none: a drill whose result cannot be read has shown nothing. */
export function readReport(value: unknown): DrillReport {
  if (!ReportShape.Check(value)) throw new Error("the drill gave no report of the form {name, rounds, violations, facts}");
  const { name, rounds, violations, facts = {} } = value;
  return { name, rounds, violations, facts };
}

export function violationCount({ violations }: Pick<DrillReport, "violations">): number {
  return typeof violations === "number" ? violations : violations.length;
}

/** True when every drill ran to its end and nothing broke. */
export function isClean({ drills }: DrillRun): boolean {
  return drills.length > 0 && drills.every(({ end }) => end === "held");
}

const FACT_CHARACTERS_MAX = 200;

function factText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > FACT_CHARACTERS_MAX ? `${text.slice(0, FACT_CHARACTERS_MAX)}…` : text;
}

function details(result: DrillResult): readonly string[] {
  const { name, violations, facts } = result;
  const broken = typeof violations === "number" ? [] : violations.map((sentence) => `- VIOLATION: ${cell(sentence)}`);
  const told = Object.entries(facts).map(([fact, value]) => `- ${fact}: ${cell(factText(value))}`);
  return broken.length + told.length === 0 ? [] : [`**${name}**`, "", ...broken, ...told, ""];
}

/** One line for each drill, for the terminal. */
export function resultLine(result: DrillResult): string {
  const { name, rounds, end, tookSeconds } = result;
  return `${name}: ${rounds.toLocaleString("en-US")} rounds, ${violationCount(result)} violations, ${end}, ${tookSeconds.toFixed(1)} s`;
}

/** The whole report as Markdown. */
export function drillMarkdown({ date, machine, versions, drills }: DrillRun): string {
  const lines = drills.map((result) => {
    const { name, rounds, end, tookSeconds } = result;
    return [name, rounds.toLocaleString("en-US"), String(violationCount(result)), end, `${tookSeconds.toFixed(1)} s`];
  });
  return [
    "# Drills",
    "",
    "Each drill tries to break one promise, again and again, from a fixed seed. A violation is a broken promise.",
    "",
    machineTable(date, machine, versions),
    "",
    table(["drill", "rounds", "violations", "end", "time"], lines),
    "",
    "## What was seen",
    "",
    ...drills.flatMap(details),
  ].join("\n");
}
