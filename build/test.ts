/**
 * `bun run test`: everything, as a stranger and the build machine run it.
 *
 *     get tools → build → types → all tests on SQLite → the tests that touch the store again on PostgreSQL → one line
 *
 * The last line is `N passed, N failed, N skipped`. A step that fails counts as one failure; under CI=true a skip is one too.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../test/support/postgres.ts";
import { importsOf, reachableFrom } from "../test/tidy/imports.ts";
import { readSource } from "../test/tidy/source-text.ts";
import { root } from "./executables.ts";
import { provision } from "./provision.ts";
import { add, type Counts, countRun, failedNames, nothingCounted, oneFailure, skippedNames, summaryLine } from "./test-report.ts";
import { tools } from "./tools.ts";

/** Told once more at the end: what came before may be lost by then. */
const failures: string[] = [];

const reports = join(root, "test-output", "junit");
/** Generous, since two cores may be shared; a test that hangs is still ended. */
const TEST_TIMEOUT_MS = 60_000;
/** Test files at once. More would need more of PostgreSQL's connections and the machine's memory than is sure to be there. */
const FILES_AT_ONCE_MAX = 4;

/** What a developer's shell, a git hook or a proxy would change about the tests. */
const foreign = /^(?:GIT_|CYBERUN_|TEST_|npm_|BUN_(?:BE_BUN|OPTIONS|INSPECT|CONFIG_VERBOSE|JSC)|NODE_OPTIONS$|NODE_ENV$|(?:https?|all|no)_proxy$)/i;

function environment(added: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(own), TEST_EXECUTABLES: join(root, "dist"), ...added };
}

function isPassed(what: string, command: readonly string[]): boolean {
  const { exitCode } = Bun.spawnSync([process.execPath, ...command], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (exitCode !== 0) console.log(`cyberun: ${what} failed`);
  return exitCode === 0;
}

function testFiles(): readonly string[] {
  return [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].toSorted();
}

/**
 * Not again on the second engine: what a browser shows, since the doors behind it are asked without one as well, and the
 * compiled executables, whose tests say themselves which engine they run on.
 */
const once = ["test/support/chromium.ts", "test/support/executable.ts"];

/** The test files that reach the support for the store, by whatever way: all of them must hold on both engines. */
function storeTests(): readonly string[] {
  const paths = [...new Bun.Glob("test/**/*.ts").scanSync({ cwd: root })];
  const imports = (path: string) => importsOf(path, readSource(readFileSync(join(root, path), "utf8"))).flatMap((each) => each.path ?? []);
  const graph = new Map(paths.map((path) => [path, imports(path)]));
  return testFiles().filter((file) => {
    const reached = reachableFrom(graph, [file]);
    return reached.has("test/support/store.ts") && !once.some((path) => reached.has(path));
  });
}

/** A folder for whatever the tests leave behind, also those that were killed; other accounts may pass through it. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(process.env["TMPDIR"] ?? (isRoomy(MEMORY) ? MEMORY : tmpdir()), "cyberun-test-"));
  chmodSync(folder, 0o711);
  return folder;
}

/** Linux's file system in memory. The tests open thousands of stores, and most of their time would be flushes of the disk. */
const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 4_000_000_000;

/** Whether there is room for what the tests write there, and programs may be run from it: containers often forbid both. */
function isRoomy(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < MEMORY_BYTES_MIN) return false;
    const script = join(folder, `cyberun-probe-${process.pid}`);
    writeFileSync(script, "#!/bin/sh\n", { mode: 0o700 });
    const isRun = Bun.spawnSync([script]).success;
    rmSync(script);
    return isRun;
  } catch {
    return false;
  }
}

async function runTests(name: string, files: readonly string[], added: Readonly<Record<string, string>>): Promise<Counts> {
  const output = join(reports, `${name}.xml`);
  const workers = Math.min(availableParallelism(), FILES_AT_ONCE_MAX);
  // A process takes many files without a fresh global for each, since loading the product anew for each costs more than most files do.
  const spread = [`--parallel=${workers}`, "--no-isolate"];
  const command = [process.execPath, "test", ...spread, `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${output}`];
  const paths = files.map((file) => `./${file}`);
  const child = Bun.spawn([...command, ...paths], { cwd: root, env: environment(added), stdio: ["ignore", "inherit", "inherit"] });
  const exitCode = await child.exited;
  const report = existsSync(output) ? readFileSync(output, "utf8") : undefined;
  for (const failed of failedNames(report ?? "")) failures.push(`${name}: ${failed}`);
  for (const skipped of skippedNames(report ?? "")) console.log(`cyberun: skipped on ${name}: ${skipped}`);
  return countRun({ exitCode, report, files });
}

/** Without PostgreSQL each of the files is told as one skip, so that the numbers show what was not proved. */
function withoutPostgres(files: readonly string[]): Counts {
  console.log(`cyberun: skipped on postgres: ${files.length} test files; install ${tools.postgres.packages.join(", ")} to run them on PostgreSQL`);
  return { ...nothingCounted, skipped: files.length };
}

async function runOnBothEngines(temporary: string): Promise<Counts> {
  const server = tools.postgres.find() === undefined ? undefined : await startPostgres(temporary);
  const shared = { TMPDIR: temporary, ...(server === undefined ? {} : { TEST_POSTGRES_URL: server.url }) };
  try {
    const sqlite = await runTests("sqlite", testFiles(), { TEST_ENGINE: "sqlite", ...shared });
    const postgres = server === undefined ? withoutPostgres(storeTests()) : await runTests("postgres", storeTests(), { TEST_ENGINE: "postgres", ...shared });
    return add(sqlite, postgres);
  } finally {
    await server?.stop();
  }
}

async function runAll(): Promise<Counts> {
  provision();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  if (!isPassed("the build", ["build/build.ts"])) return oneFailure;
  const types = isPassed("the type check", ["check", "--no-script"]) ? nothingCounted : oneFailure;
  const temporary = temporaryFolder();
  try {
    return add(types, await runOnBothEngines(temporary));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    rmSync(join(root, "test-output", "executables"), { recursive: true, force: true });
  }
}

const counts = await runAll();
const skipsCount = process.env["CI"] === "true" && counts.skipped > 0;
if (skipsCount) console.log("cyberun: under CI=true a skipped test is a failure");
for (const failed of failures) console.log(`cyberun: failed on ${failed}`);
console.log(summaryLine(counts));
process.exitCode = counts.failed > 0 || counts.passed === 0 || skipsCount ? 1 : 0;
