/**
 * Mutation drill of the corpus: puts each known flaw back into a copy of the checkout and runs the tests of its advisory. A flaw
 * that no test notices is a violation, and so is one whose place in the source is gone.
 *
 * Rule: never in place. The copy has everything but `node_modules`, which it shares.
 */
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { type Edit, type Flaw, flaws } from "./flaws.ts";
import type { DrillReport } from "./report.ts";

export interface MutationReport extends DrillReport {
  readonly violations: readonly string[];
  readonly facts: { readonly flaws: number; readonly noticed: number; readonly advisories: number };
}

/** All of them. */
export const rounds = flaws.length;

const root = join(import.meta.dir, "..", "..");
const copied = ["src", "test", "build", "docs", "embedded-keys", "package.json", "bunfig.toml", "tsconfig.json", "CHANGELOG.md", "README.md", "install.sh"];
const TEST_TIMEOUT_MS = 60_000;
/** A flaw may make a test hang; the rest of its advisory has shown enough by then. */
const RUN_MS_MAX = 180_000;

function copyCheckout(folder: string): void {
  for (const name of copied) if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

/** The text with the flaw in it; undefined when the place is not there exactly once. */
function flawed(text: string, { from, to }: Edit): string | undefined {
  return text.split(from).length === 2 ? text.replace(from, () => to) : undefined;
}

/** Writes the flaw into the copy; gives what takes it out again, or the edit that has no place any more. */
function put(folder: string, edits: readonly Edit[]): { readonly undo: () => void; readonly misplaced: Edit | undefined } {
  const before = new Map<string, string>();
  let misplaced: Edit | undefined;
  for (const edit of edits) {
    const path = join(folder, edit.file);
    const text = readFileSync(path, "utf8");
    if (!before.has(path)) before.set(path, text);
    const changed = flawed(text, edit);
    if (changed === undefined) misplaced = edit;
    else writeFileSync(path, changed);
  }
  return { misplaced, undo: () => before.forEach((text, path) => writeFileSync(path, text)) };
}

interface Ran {
  readonly passed: number;
  readonly failed: number;
}

/** How the tests of the advisory end. A file that cannot even be loaded proves nothing about the flaw. */
async function run(folder: string, { advisory, test }: Pick<Flaw, "advisory" | "test">): Promise<Ran> {
  const output = join(folder, "run.xml");
  rmSync(output, { force: true });
  const command = [process.execPath, "test", `--timeout=${TEST_TIMEOUT_MS}`, `--test-name-pattern=^advisory ${advisory}:`, "--reporter=junit", `--reporter-outfile=${output}`, `./test/oidc/corpus/${test}.test.ts`];
  const child = Bun.spawn(command, { cwd: folder, env: { ...process.env, TEST_ENGINE: "sqlite" }, stdio: ["ignore", "ignore", "ignore"], timeout: RUN_MS_MAX, killSignal: "SIGKILL" });
  await child.exited;
  const report = existsSync(output) ? readFileSync(output, "utf8") : "";
  const [tests, failed, skipped] = ["tests", "failures", "skipped"].map((name) => Number(new RegExp(`<testsuites [^>]* ${name}="(\\d+)"`).exec(report)?.[1] ?? 0));
  return { passed: (tests ?? 0) - (failed ?? 0) - (skipped ?? 0), failed: failed ?? 0 };
}

async function problemOf(folder: string, flaw: Flaw): Promise<string | undefined> {
  const named = `advisory ${flaw.advisory}, ${flaw.name}`;
  const { undo, misplaced } = put(folder, flaw.edits);
  try {
    if (misplaced !== undefined) return `${named}: its place in ${misplaced.file} is gone`;
    return (await run(folder, flaw)).failed > 0 ? undefined : `${named}: no test turned red`;
  } finally {
    undo();
  }
}

/** Without a flaw the tests are there and green; else a red one would prove nothing. */
async function redWithoutFlaw(folder: string, chosen: readonly Flaw[]): Promise<readonly string[]> {
  const problems: string[] = [];
  const pairs = new Map(chosen.map(({ advisory, test }) => [`${advisory} ${test}`, { advisory, test }]));
  for (const pair of pairs.values()) {
    const { passed, failed } = await run(folder, pair);
    if (passed === 0 || failed > 0) problems.push(`without a flaw, of advisory ${pair.advisory} in ${pair.test} ${passed} tests pass and ${failed} fail`);
  }
  return problems;
}

export async function drill(count: number): Promise<MutationReport> {
  using folder = temporaryFolder();
  copyCheckout(folder.path);
  const violations: string[] = [];
  const chosen = flaws.slice(0, count);
  violations.push(...(await redWithoutFlaw(folder.path, chosen)));
  for (const flaw of chosen) {
    const problem = await problemOf(folder.path, flaw);
    if (problem !== undefined) violations.push(problem);
  }
  const facts = { flaws: chosen.length, noticed: chosen.length - violations.length, advisories: new Set(chosen.map(({ advisory }) => advisory)).size };
  return { name: "flaws put back", rounds: chosen.length, violations, facts };
}
