/**
 * `npm run drill`: runs the long form of every drill, each in a process of its own, and writes
 * `test-output/drill.json` and `test-output/drill.md`.
 *
 *     --rounds N      so many rounds of each (default: what the drill exports as `rounds`, else 1000)
 *     --scale X       multiplies the rounds, such as 0.1 for a quick look
 *     --only NAME,…   only the files with these names
 *     --minutes N     the time for all of them together (default 30)
 *     --date DATE     the date in the report (default: now)
 *
 * Rule: exit code 0 only when every drill ran to its end without a violation; a drill that is killed for its time, or
 * that throws, has shown nothing and counts as a failure.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { readMachine, readVersions } from "../bench/machine.ts";
import { drillMarkdown, type DrillResult, type DrillRun, isClean, readReport, resultLine, violationCount } from "./report.ts";

const ROUNDS_DEFAULT = 1_000;
const MINUTES_DEFAULT = 30;

const root = dirname(dirname(import.meta.dir));
const output = join(root, "test-output");

interface Drill {
  readonly name: string;
  readonly rounds: number;
  run(rounds: number): unknown;
}

/** The drill in a file of this folder; undefined for a file that only helps. */
async function findDrill(file: string): Promise<Drill | undefined> {
  const module: Readonly<Record<string, unknown>> = await import(join(import.meta.dir, file));
  const { drill, rounds } = module;
  if (typeof drill !== "function") return undefined;
  return { name: basename(file, ".ts"), rounds: typeof rounds === "number" ? rounds : ROUNDS_DEFAULT, run: (count) => drill(count) };
}

function isCandidate(file: string): boolean {
  return !file.endsWith(".test.ts") && file !== "run.ts" && file !== "report.ts";
}

function candidates(only: string | undefined): readonly string[] {
  const files = [...new Bun.Glob("*.ts").scanSync({ cwd: import.meta.dir })].filter(isCandidate).toSorted();
  if (only === undefined) return files;
  const names = only.split(",");
  const unknown = names.filter((name) => !files.includes(`${name}.ts`));
  if (unknown.length > 0) throw new Error(`there is no drill ${unknown.join(", ")}; there are ${files.map((file) => basename(file, ".ts")).join(", ")}`);
  return files.filter((file) => names.includes(basename(file, ".ts")));
}

/** What the child tells the parent: a report, that the file is no drill, or why the drill itself failed. */
const toldShape = Compile(Type.Union([Type.Object({ report: Type.Unknown() }), Type.Object({ error: Type.String() }), Type.Object({ isDrill: Type.Literal(false) })]));
type Told = { readonly report: unknown } | { readonly error: string } | { readonly isDrill: false };

/** In the child: runs the file's drill. */
async function runHere(file: string, { rounds, scale }: Pick<Plan, "rounds" | "scale">): Promise<Told> {
  try {
    const drill = await findDrill(file);
    if (drill === undefined) return { isDrill: false };
    return { report: readReport(await drill.run(Math.max(1, Math.round((rounds ?? drill.rounds) * scale)))) };
  } catch (error) {
    console.error(error);
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

interface Plan {
  readonly rounds: number | undefined;
  readonly scale: number;
  /** When all of them have to be done, on the monotonic clock. */
  readonly endsAtMs: number;
}

function failed(name: string, end: "failed" | "late", sentence: string): Omit<DrillResult, "tookSeconds"> {
  return { name, rounds: 0, violations: [sentence], facts: {}, end };
}

function resultOf(name: string, told: Told | undefined): Omit<DrillResult, "tookSeconds"> | undefined {
  if (told === undefined) return failed(name, "failed", "The drill's process ended without a report.");
  if ("isDrill" in told) return undefined;
  if ("error" in told) return failed(name, "failed", `The drill itself failed: ${told.error}`);
  const report = readReport(told.report);
  return { ...report, end: violationCount(report) === 0 ? "held" : "violated" };
}

/** Runs one file in a child process; undefined when it is no drill. */
async function runApart(file: string, { rounds, scale, endsAtMs }: Plan): Promise<DrillResult | undefined> {
  const startedAtMs = performance.now();
  let told: Told | undefined;
  const options = [...(rounds === undefined ? [] : ["--rounds", String(rounds)]), "--scale", String(scale)];
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), "--file", file, ...options], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    ipc(message: unknown) {
      if (toldShape.Check(message)) told = message;
    },
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, Math.max(0, endsAtMs - startedAtMs));
  await child.exited;
  clearTimeout(timer);
  const name = basename(file, ".ts");
  const result = isLate ? failed(name, "late", "The time for all drills was over before this one was done.") : resultOf(name, told);
  return result === undefined ? undefined : { ...result, tookSeconds: (performance.now() - startedAtMs) / 1_000 };
}

async function runAll(files: readonly string[], plan: Plan): Promise<readonly DrillResult[]> {
  const results: DrillResult[] = [];
  for (const file of files) {
    const result = await runApart(file, plan);
    if (result === undefined) continue;
    console.log(`cyberun: ${resultLine(result)}`);
    results.push(result);
  }
  return results;
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} is a number above 0, not "${text}"`);
}

const { values } = parseArgs({
  options: { rounds: { type: "string" }, scale: { type: "string" }, only: { type: "string" }, minutes: { type: "string" }, date: { type: "string" }, file: { type: "string" } },
});
const size = { rounds: positive("rounds", values.rounds), scale: positive("scale", values.scale) ?? 1 };
if (values.file !== undefined) {
  process.send?.(await runHere(values.file, size));
  // A drill may leave a server or a timer behind; its report is all that was wanted of it.
  process.disconnect?.();
  process.exit(0);
}
mkdirSync(output, { recursive: true });
const endsAtMs = performance.now() + (positive("minutes", values.minutes) ?? MINUTES_DEFAULT) * 60_000;
const made: DrillRun = {
  date: values.date ?? new Date().toISOString(),
  machine: readMachine(output),
  versions: readVersions(join(root, "dist", "cyberun")),
  drills: await runAll(candidates(values.only), { ...size, endsAtMs }),
};
writeFileSync(join(output, "drill.json"), `${JSON.stringify(made, null, 2)}\n`);
writeFileSync(join(output, "drill.md"), drillMarkdown(made));
console.log("cyberun: wrote test-output/drill.json and test-output/drill.md");
process.exitCode = isClean(made) ? 0 : 1;
