/**
 * The runtime that goes into our executables: Bun, with the environment variables that would turn it against us made deaf.
 *
 * `BUN_BE_BUN=1` turns any compiled executable into a plain bun that runs whatever it is given; `BUN_OPTIONS` and
 * `BUN_INSPECT*` load foreign code; `BUN_CONFIG_VERBOSE_FETCH` prints bearer tokens to stderr; `BUN_ENABLE_CRASH_REPORTING`
 * makes a crash call a host on the internet. No flag switches them off, so their names are overwritten in a copy of the
 * runtime. A name that begins with NUL can never stand in an environment, so nothing can bring the switch back.
 *
 * Rule: a name that is not found fails the build; `test/build/hijack.test.ts` proves on the result that the variables do nothing.
 * It must not know what is compiled with the runtime.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const silencedNames = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT", "BUN_ENABLE_CRASH_REPORTING", "BUN_CONFIG_VERBOSE_FETCH"] as const;
const OVERWRITTEN_BYTES = 4;

/** The foreign platforms we build for, by Bun's names. */
export const targets = [
  "bun-linux-x64",
  "bun-linux-arm64",
  "bun-linux-x64-musl",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
] as const satisfies readonly Bun.Build.CompileTarget[];
export type Target = (typeof targets)[number];

/** As people and releases name it: `linux-x64`. */
export function shortTarget(target: Target): string {
  return target.slice("bun-".length);
}

/** Overwrites the head of every silenced name in `runtime`, in place. Throws when a name is not there. */
export function silence(runtime: Buffer): void {
  for (const name of silencedNames) {
    let at = runtime.indexOf(name);
    if (at < 0) throw new Error(`the runtime does not contain the name ${name}: look for its new name before building with this version of Bun`);
    for (; at >= 0; at = runtime.indexOf(name, at + OVERWRITTEN_BYTES)) runtime.fill(0, at, at + OVERWRITTEN_BYTES);
  }
}

/**
 * The path of Bun's own executable for a foreign `target`, fetched from the npm registry at first use.
 * Bun fetches it while it compiles for that target, so a program of one empty line is compiled.
 */
function foreignRuntime(target: Target, folder: string): string {
  const cache = join(folder, target);
  const find = () => (existsSync(cache) ? readdirSync(cache).find((name) => name.startsWith("bun-")) : undefined);
  if (find() === undefined) {
    mkdirSync(cache, { recursive: true });
    const program = join(cache, "empty.ts");
    writeFileSync(program, "\n");
    const command = [process.execPath, "build", "--compile", `--target=${target}`, program, `--outfile=${join(cache, "empty")}`];
    const { exitCode, stderr } = Bun.spawnSync(command, { env: { ...process.env, BUN_INSTALL_CACHE_DIR: cache } });
    if (exitCode !== 0) throw new Error(`the runtime for ${target} could not be fetched: ${stderr.toString().trim()}`);
  }
  const found = find();
  // It fetches nothing when it is itself what was asked for.
  return found === undefined ? process.execPath : join(cache, found);
}

export interface RuntimeRequest {
  /** Undefined for the host. */
  readonly target: Target | undefined;
  /** Where fetched foreign runtimes are kept. */
  readonly cacheFolder: string;
  /** Where the hardened copy is written. */
  readonly outfile: string;
}

/** Writes a hardened copy of the runtime to `outfile`. */
export function writeHardenedRuntime({ target, cacheFolder, outfile }: RuntimeRequest): void {
  const runtime = readFileSync(target === undefined ? process.execPath : foreignRuntime(target, cacheFolder));
  silence(runtime);
  writeFileSync(outfile, runtime, { mode: 0o755 });
}
