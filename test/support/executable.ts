/**
 * The compiled executables, as an operator runs them: a process of its own, a fresh data directory, every port 0.
 *
 *     await using running = await start(["trial"]);
 *     await fetch(`${running.urls.api}/healthz`);
 *
 * Nothing of the developer's environment reaches them but PATH. Waiting is for the ready file, never for a time.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProgramName, root } from "../../build/executables.ts";

const builds = join(root, "test-output", "executables");
const STALE_BUILD_MS = 3_600_000;
const built = new Map<string, Promise<string>>();

/** Builds with other keys are as many as there are keys, and large. */
function removeStaleBuilds(): void {
  for (const name of existsSync(builds) ? readdirSync(builds) : []) {
    const path = join(builds, name);
    if (Date.now() - statSync(path).mtimeMs > STALE_BUILD_MS) rmSync(path, { recursive: true, force: true });
  }
}

async function build(name: string, options: readonly string[], variables: Readonly<Record<string, string>>): Promise<string> {
  removeStaleBuilds();
  const outdir = join(builds, name);
  mkdirSync(outdir, { recursive: true });
  const child = Bun.spawn([process.execPath, join(root, "build", "build.ts"), "--outdir", outdir, ...options], { cwd: root, env: { ...process.env, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
  const said = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(said);
  return outdir;
}

/** The folder of a build, made once for each process. */
function buildOnce(name: string, options: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<string> {
  const known = built.get(name) ?? build(name, options, variables);
  built.set(name, known);
  return known;
}

/** The path of the executable of this checkout: the one of the test run, or one that is built now. */
export async function cyberunExecutable(name: ProgramName = "cyberun"): Promise<string> {
  const given = process.env["TEST_EXECUTABLES"];
  return join(given === undefined || given === "" ? await buildOnce("default", []) : given, name);
}

/** An executable that trusts the keys in `folder` (`license-keys.json`, `dev.lic` if any) instead of the embedded ones. */
export async function executableWithKeys(folder: string, name: ProgramName = "cyberun"): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["license-keys.json", "dev.lic", "release-roots.json"]) {
    const path = join(folder, file);
    hash.update(`${file}\n`).update(existsSync(path) ? readFileSync(path) : "");
  }
  return join(await buildOnce(`keys-${hash.digest("hex").slice(0, 16)}`, ["--keys", folder]), name);
}

/** An executable that says it was built then. */
export async function executableBuiltAt(epochSeconds: number): Promise<string> {
  return join(await buildOnce(`built-at-${epochSeconds}`, [], { SOURCE_DATE_EPOCH: String(epochSeconds) }), "cyberun");
}

export interface StartOptions {
  /** Default: `cyberunExecutable()`. */
  readonly executable?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A data directory to start on again; default a fresh one, which is removed at the end. */
  readonly dataDir?: string;
  readonly cwd?: string;
}

/** Base URLs of the roles that serve; the others are undefined. */
export interface RoleUrls {
  readonly license: string | undefined;
  readonly api: string | undefined;
  readonly gateway: string | undefined;
  readonly issuer: string | undefined;
}

const ports = { CYBERUN_LICENSE_PORT: "0", CYBERUN_API_PORT: "0", CYBERUN_GATEWAY_PORT: "0", CYBERUN_ISSUER_PORT: "0" };

function environment(home: string, added: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home, ...ports, ...added };
}

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. `stdin` is empty. */
export async function run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const home = mkdtempSync(join(tmpdir(), "cyberun-run-"));
  try {
    const command = [options.executable ?? (await cyberunExecutable()), ...args];
    const env = environment(home, { CYBERUN_DATA_DIR: options.dataDir ?? join(home, "data"), ...options.env });
    const child = Bun.spawn(command, { env, cwd: options.cwd ?? home, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { exitCode, stdout, stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export interface Running extends AsyncDisposable {
  readonly urls: RoleUrls;
  readonly dataDir: string;
  readonly pid: number;
  /** Everything written so far. */
  stdout(): string;
  stderr(): string;
  /** SIGTERM, then the exit code once it has ended and all of its output is here. */
  stop(): Promise<number>;
  /** SIGKILL, then the end. The data directory stays until disposal. */
  kill(): Promise<void>;
  /** The exit code, whenever it comes. */
  readonly exited: Promise<number>;
}

interface Output {
  text(): string;
  readonly ended: Promise<void>;
}

function collect(stream: ReadableStream<Uint8Array>): Output {
  const chunks: Uint8Array[] = [];
  const ended = stream.pipeTo(new WritableStream({ write: (chunk) => void chunks.push(chunk) }));
  return { text: () => Buffer.concat(chunks).toString("utf8"), ended };
}

function textMember(value: object, name: string): string | undefined {
  const found = new Map<string, unknown>(Object.entries(value)).get(name);
  return typeof found === "string" ? found : undefined;
}

function readUrls(file: string): RoleUrls {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof value !== "object" || value === null) throw new Error(`${file} does not hold an object`);
  const of = (role: string) => textMember(value, role);
  return { license: of("license"), api: of("api"), gateway: of("gateway"), issuer: of("issuer") };
}

/** Resolves once `file` is there; the folder is watched before the look, so that no moment is missed. */
async function appears(file: string, folder: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => void (existsSync(file) && resolve());
  const watcher = watch(folder, { signal }, look);
  look();
  await promise;
  watcher.close();
}

/** Starts a command that serves, with `--data-dir` and `--ready-file` added, and waits until it does. Throws with its output when it ends before. */
export async function start(args: readonly string[], options: StartOptions = {}): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), "cyberun-run-"));
  const [dataDir, readyFile] = [options.dataDir ?? join(home, "data"), join(home, "ready.json")];
  const command = [options.executable ?? (await cyberunExecutable()), ...args, "--data-dir", dataDir, "--ready-file", readyFile];
  const child = Bun.spawn(command, { env: environment(home, options.env), cwd: options.cwd ?? home, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const exited = Promise.all([child.exited, stdout.ended, stderr.ended]).then(([exitCode]) => exitCode);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return await exited;
  };
  const dispose = async () => {
    await end("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  };
  const abort = new AbortController();
  const ended = await Promise.race([exited, appears(readyFile, home, abort.signal)]);
  if (ended !== undefined) {
    abort.abort();
    await dispose();
    throw new Error(`cyberun ${args.join(" ")} ended with ${ended} before it served:\n${stdout.text()}${stderr.text()}`);
  }
  return {
    urls: readUrls(readyFile),
    dataDir,
    pid: child.pid,
    stdout: stdout.text,
    stderr: stderr.text,
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
    exited,
    [Symbol.asyncDispose]: dispose,
  };
}
