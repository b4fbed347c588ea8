/**
 * Makes the two executables. The same sources give the same bytes, in whatever folder and at whatever time.
 *
 * Rule: every switch that matters is set here, none is taken from the environment or from a configuration file.
 * Identifiers are never renamed: Elysia reads the text of handlers, and a parameter of one letter changes how bodies are parsed.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildApp } from "../src/dashboard/app-build.ts";
import { embeddedApp } from "./embedded-app.ts";
import { embeddedHandbook } from "./embedded-handbook.ts";
import { checkEmbeddedKeys, embeddedKeys } from "./embedded-keys.ts";
import { leftOut } from "./left-out.ts";
import { type Target, writeHardenedRuntime } from "./hardened-runtime.ts";

export const root = dirname(import.meta.dir);

const programs = { cyberun: "src/main.ts", "cyberun-vendor": "src/vendor/main.ts" } as const;
export type ProgramName = keyof typeof programs;
export const programNames: readonly ProgramName[] = ["cyberun", "cyberun-vendor"];

export interface BuildRequest {
  /** Absolute path of the folder that gets the executables. */
  readonly outdir: string;
  /** Absolute path of a folder with `license-keys.json` and, if it has one, `dev.lic`. */
  readonly keys?: string | undefined;
  /** Undefined for the host. */
  readonly target?: Target | undefined;
  readonly programs?: readonly ProgramName[];
  /** Default: that of package.json. */
  readonly version?: string | undefined;
}

export interface Executable {
  readonly name: ProgramName;
  readonly path: string;
  readonly bytes: number;
}

function git(...args: readonly string[]): string | undefined {
  const { success, stdout } = Bun.spawnSync(["git", "-C", root, ...args], { stderr: "ignore" });
  return success ? stdout.toString().trim() : undefined;
}

/** The commit that the sources are at; undefined outside of a repository of ours. */
export function sourceCommit(): string | undefined {
  return Bun.which("git") !== null && git("rev-parse", "--show-prefix") === "" ? git("rev-parse", "HEAD") : undefined;
}

/**
 * Epoch seconds of the release: SOURCE_DATE_EPOCH, else the last commit. 0 without either, as after unpacking an
 * archive: a file's time is not reproducible, and the commit of a repository around ours says nothing.
 */
export function buildTime(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d{1,12}$/.test(given)) return Number(given);
  if (Bun.which("git") === null || git("rev-parse", "--show-prefix") !== "") return 0;
  return Number(git("log", "-1", "--format=%ct") ?? 0);
}

export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest && typeof manifest.version === "string") return manifest.version;
  throw new Error("package.json has no version");
}

export interface CompileRequest {
  readonly entry: string;
  /** The base name is embedded in the file, so it is the final name. */
  readonly outfile: string;
  readonly runtime: string;
  readonly keys: string;
  readonly target?: Target | undefined;
  readonly version?: string | undefined;
}

/** Compiles one program. Throws an AggregateError with the bundler's messages when its sources do not build. */
export async function compile({ entry, outfile, runtime, keys, target, version = packageVersion() }: CompileRequest): Promise<void> {
  const app = await buildApp();
  await Bun.build({
    entrypoints: [entry],
    root,
    target: "bun",
    format: "esm",
    bytecode: true,
    minify: { syntax: true, whitespace: true, identifiers: false },
    define: {
      "process.env.NODE_ENV": '"production"',
      __CYBERUN_VERSION__: JSON.stringify(version),
      __CYBERUN_BUILD_TIME__: String(buildTime()),
    },
    plugins: [embeddedKeys(keys), embeddedApp(app), embeddedHandbook(), leftOut()],
    compile: {
      outfile,
      ...(target === undefined ? {} : { target }),
      executablePath: runtime,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
}

/**
 * Builds the executables into `outdir`. Each takes its place by a rename, so a running one is not disturbed and a
 * failed build leaves the old ones. Throws with every message of the bundler when the sources do not build.
 */
export async function buildExecutables(request: BuildRequest): Promise<readonly Executable[]> {
  const { outdir, target, keys = join(root, "embedded-keys"), programs: wanted = programNames, version } = request;
  checkEmbeddedKeys(keys);
  mkdirSync(outdir, { recursive: true });
  const beside = mkdtempSync(join(outdir, ".new-"));
  try {
    const runtime = join(beside, "runtime");
    writeHardenedRuntime({ target, cacheFolder: join(root, "node_modules", ".runtimes"), outfile: runtime });
    const suffix = target?.includes("windows") === true ? ".exe" : "";
    const built: Executable[] = [];
    for (const name of wanted) {
      const fresh = join(beside, `${name}${suffix}`);
      await compile({ entry: join(root, programs[name]), outfile: fresh, runtime, keys, target, version });
      const path = join(outdir, `${name}${suffix}`);
      renameSync(fresh, path);
      built.push({ name, path, bytes: statSync(path).size });
    }
    return built;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
