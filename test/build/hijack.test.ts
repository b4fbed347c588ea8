/**
 * An executable is not to be taken over by the folder it is started in, nor by a switch of its runtime in the environment.
 * Every attempt is made on a program that is compiled without our switches as well, and must succeed there: an attempt
 * that can no longer succeed anywhere proves nothing.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, root } from "../../build/executables.ts";
import { silence, writeHardenedRuntime } from "../../build/hardened-runtime.ts";
import { cyberunExecutable } from "../support/executable.ts";

/** Building and starting takes seconds on a busy machine. */
setDefaultTimeout(60_000);

let folder = "";
let hostile = "";
let ours = "";
let plain = "";

beforeAll(async () => {
  mkdirSync(join(root, "test-output"), { recursive: true });
  folder = mkdtempSync(join(root, "test-output", "hijack-"));
  hostile = hostileFolder();
  [ours, plain] = [join(folder, "ours"), join(folder, "plain")];
  const [entry, runtime] = [join(import.meta.dir, "hijack-probe.ts"), join(folder, "runtime")];
  writeHardenedRuntime({ target: undefined, cacheFolder: folder, outfile: runtime });
  await compile({ entry, outfile: ours, runtime, keys: join(root, "embedded-keys") });
  await Bun.build({ entrypoints: [entry], target: "bun", compile: { outfile: plain } });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder somebody prepared: a preload that leaves a trace, settings that ask for it, and a `curl` of their own. */
function hostileFolder(): string {
  const path = mkdtempSync(join(folder, "hostile-"));
  writeFileSync(join(path, "evil.js"), `require("node:fs").appendFileSync(${JSON.stringify(join(path, "trace"))}, "evil ran");`);
  writeFileSync(join(path, "curl"), `#!/bin/sh\necho "$@" >> ${join(path, "trace")}\n`, { mode: 0o755 });
  return path;
}

interface Attempt {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Crash the program from outside once it has spoken. */
  readonly crash?: boolean;
  /** True when what the program left behind shows that the attempt succeeded. */
  succeeded(outcome: Outcome): boolean;
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** What evil.js or the false curl wrote. */
  readonly trace: string;
}

const isTraced = ({ trace }: Outcome) => trace !== "";

const attempts: readonly (readonly [string, Attempt])[] = [
  [".env in the folder", { files: { ".env": "FROM_DOT_ENV=yes" }, succeeded: ({ stdout }) => stdout.includes('"fromDotEnv":"yes"') }],
  ["a preload in the folder's bunfig.toml", { files: { "bunfig.toml": 'preload = ["./evil.js"]' }, succeeded: isTraced }],
  ["BUN_OPTIONS", { env: { BUN_OPTIONS: "--preload=./evil.js" }, succeeded: isTraced }],
  ["BUN_BE_BUN", { env: { BUN_BE_BUN: "1" }, args: ["run", "./evil.js"], succeeded: isTraced }],
  ["BUN_CONFIG_VERBOSE_FETCH", { env: { BUN_CONFIG_VERBOSE_FETCH: "curl" }, succeeded: ({ stderr }) => stderr.includes("planted-token") }],
  ["BUN_ENABLE_CRASH_REPORTING", { env: { BUN_ENABLE_CRASH_REPORTING: "1" }, args: ["stay"], crash: true, succeeded: isTraced }],
];

/** Everything from `stream`, telling when the first of it is here. */
async function textOf(stream: ReadableStream<Uint8Array>, onFirst: () => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    if (chunks.push(chunk) === 1) onFirst();
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function attempt(executable: string, { files = {}, env = {}, args = [], crash = false }: Attempt): Promise<Outcome> {
  const traceFile = join(hostile, "trace");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(hostile, name), text);
  const path = `${hostile}:${process.env["PATH"] ?? ""}`;
  const child = Bun.spawn([executable, ...args], {
    cwd: hostile,
    env: { PATH: path, HOME: hostile, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  // Whatever the program starts inherits the fourth pipe, so its end means that all of them have ended.
  const [inherited] = child.stdio.slice(3);
  const allEnded = typeof inherited === "number" ? Bun.file(inherited).text() : Promise.reject(new Error("no fourth pipe"));
  const stdoutText = textOf(child.stdout, () => crash && child.kill("SIGSEGV"));
  const [stdout, stderr] = await Promise.all([stdoutText, child.stderr.text(), allEnded, child.exited]);
  const trace = existsSync(traceFile) ? readFileSync(traceFile, "utf8") : "";
  for (const name of ["trace", ...Object.keys(files)]) rmSync(join(hostile, name), { force: true });
  return { stdout, stderr, trace };
}

test.each(attempts)("%s takes over a plain executable, and not ours", async (_name, each) => {
  expect(each.succeeded(await attempt(plain, each))).toBe(true);
  expect(each.succeeded(await attempt(ours, each))).toBe(false);
});

test("switches that Bun ignores today stay ignored", async () => {
  const env = { BUN_INSPECT_PRELOAD: "./evil.js", BUN_INSPECT: "ws://127.0.0.1:1/x", NODE_OPTIONS: "--require ./evil.js" };
  const { stdout, trace } = await attempt(ours, { env, args: ["--preload", "./evil.js", "--inspect"], succeeded: isTraced });
  expect(trace).toBe("");
  expect(JSON.parse(stdout)).toEqual({ fromDotEnv: null, nodeEnv: "production", execArgv: [] });
});

test("cyberun itself runs nothing of a hostile folder and environment", async () => {
  const executable = await cyberunExecutable();
  const files = { ".env": "NODE_TLS_REJECT_UNAUTHORIZED=0", "bunfig.toml": 'preload = ["./evil.js"]', "tsconfig.json": "{", "package.json": "{" };
  const env = { BUN_BE_BUN: "1", BUN_OPTIONS: "--preload=./evil.js", BUN_INSPECT_PRELOAD: "./evil.js", NODE_OPTIONS: "--require ./evil.js" };
  const [quiet, attacked] = [await attempt(executable, { args: ["version"], succeeded: isTraced }), await attempt(executable, { files, env, args: ["version"], succeeded: isTraced })];
  expect(quiet.stdout).toMatch(/\d+\.\d+\.\d+/);
  expect(attacked).toEqual(quiet);
});

const refused: readonly (readonly [name: string, value: string])[] = [
  ["NODE_TLS_REJECT_UNAUTHORIZED", "0"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "1"],
  ["BUN_CONFIG_VERBOSE_FETCH", "curl"],
  ["BUN_JSC_useJIT", "0"],
];

test.each(refused)("cyberun refuses to start while %s=%s is set, and says so", async (name, value) => {
  const { stdout, stderr } = await attempt(await cyberunExecutable(), { env: { [name]: value }, args: ["version"], succeeded: isTraced });
  expect(stdout).toBe("");
  expect(stderr).toContain(`The variable ${name} is set`);
});

test("a runtime without one of the names is refused, so that a renamed switch cannot come back unnoticed", () => {
  expect(() => silence(Buffer.from("BUN_BE_BUN BUN_OPTIONS BUN_INSPECT BUN_CONFIG_VERBOSE_FETCH"))).toThrow("BUN_ENABLE_CRASH_REPORTING");
});

test("every occurrence of a name is silenced, and nothing else", () => {
  const names = "BUN_BE_BUN BUN_OPTIONS BUN_OPTIONS BUN_INSPECT BUN_INSPECT_PRELOAD BUN_ENABLE_CRASH_REPORTING BUN_CONFIG_VERBOSE_FETCH BUN_TMPDIR";
  const runtime = Buffer.from(names);
  silence(runtime);
  expect(runtime.toString("latin1")).toBe(names.replaceAll(/BUN_(?!TMPDIR)/g, "\0\0\0\0"));
});
