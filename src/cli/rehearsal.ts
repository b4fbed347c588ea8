/**
 * Whether the executable of another release serves this deployment: on a copy of it, and on itself while nobody else serves it.
 *
 * Rule: what the other release does wrong is a sentence and no exception. Its ports are free ones of this host alone.
 */
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findJson } from "../json.ts";
import { type Owner, ownerOf, textIn } from "./as-owner.ts";
import type { Context } from "./context.ts";
import { pause } from "./pause.ts";
import { roundTripProblem } from "./round-trip.ts";

const READY_MS = 30_000;
const LOOK_MS = 50;
const ENDED_MS = 15_000;
const ports = ["--license-port", "0", "--api-port", "0", "--gateway-port", "0", "--issuer-port", "0", "--bind", "127.0.0.1"];

/** A sentence when the executable does not run, or is of another version than its manifest says. */
export async function tellsVersion(executable: string, version: string): Promise<string | undefined> {
  const { stdout, success } = Bun.spawnSync([executable, "version", "--json"], { stdio: ["ignore", "pipe", "ignore"], timeout: READY_MS });
  return success && textIn(findJson(stdout.toString()), "version") === version ? undefined : `its executable does not run here, or says another version than ${version}.`;
}

interface Trial {
  readonly executable: string;
  readonly dataDir: string;
  readonly owner: Owner;
  readonly flags: readonly string[];
  /** Default: this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Looked at while it serves. */
  readonly problemThere?: (urls: ReadonlyMap<string, string>) => string | undefined;
}

/** Role → address; none before everything serves. */
function urlsIn(file: string): ReadonlyMap<string, string> {
  const urls = existsSync(file) ? findJson(readFileSync(file, "utf8")) : undefined;
  const entries: readonly (readonly [string, unknown])[] = typeof urls === "object" && urls !== null ? Object.entries(urls) : [];
  return new Map(entries.flatMap(([role, url]): [string, string][] => (typeof url === "string" ? [[role, url]] : [])));
}

async function isReady({ services }: Context, url: string): Promise<boolean> {
  try {
    return (await services.fetch(`${url}/readyz`, {})).ok;
  } catch {
    return false;
  }
}

async function isServing(context: Context, urls: ReadonlyMap<string, string>): Promise<boolean> {
  const answers = await Promise.all([...urls.values()].map((url) => isReady(context, url)));
  return urls.size > 0 && answers.every(Boolean);
}

/** Waits until each of its roles is ready, looks at it, and stops it. */
async function problemOf(context: Context, child: Bun.Subprocess, { ready, problemThere }: { readonly ready: string } & Pick<Trial, "problemThere">): Promise<string | undefined> {
  for (let waited = 0; waited < READY_MS && child.exitCode === null; waited += LOOK_MS) {
    const urls = urlsIn(ready);
    if (await isServing(context, urls)) {
      const problem = problemThere?.(urls);
      child.kill("SIGTERM");
      const exit = await Promise.race([child.exited, pause(context.services.clock, ENDED_MS)]);
      return problem ?? (exit === 0 ? undefined : "it serves and does not stop when it is told to.");
    }
    await pause(context.services.clock, LOOK_MS);
  }
  return child.exitCode === null ? "its roles are not ready after 30 seconds." : `it ended with ${child.exitCode} at its start.`;
}

/** Starts it and stops it again, whatever it does between. */
async function servingProblem(context: Context, { executable, dataDir, owner, flags, environment, problemThere }: Trial): Promise<string | undefined> {
  const ready = join(dataDir, ".upgrade-ready");
  rmSync(ready, { force: true });
  const child = Bun.spawn([executable, "serve", "--data-dir", dataDir, "--ready-file", ready, ...ports, ...flags], { ...owner, ...(environment === undefined ? {} : { env: { ...environment } }), stdio: ["ignore", "ignore", "ignore"] });
  try {
    return await problemOf(context, child, { ready, ...(problemThere === undefined ? {} : { problemThere }) });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(ready, { force: true });
  }
}

/** Restores the backup into a folder of its own with the other release, and lets it serve there, with a task from its submission to its result. */
export async function rehearse(context: Context, executable: string, backup: string): Promise<string | undefined> {
  const { config } = context;
  if (config.databaseUrl !== undefined) return undefined;
  const owner = ownerOf(config.dataDir);
  const folder = mkdtempSync(join(config.dataDir, ".rehearsal-"));
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
    const dataDir = join(folder, "d");
    const environment = { HOME: folder };
    const restored = Bun.spawnSync([executable, "backup", "restore", backup, "--data-dir", dataDir], { ...owner, env: environment, stdio: ["ignore", "ignore", "pipe"] });
    if (!restored.success) return `it does not restore the backup: ${restored.stderr.toString().trim()}`;
    const problemThere = (urls: ReadonlyMap<string, string>) => roundTripProblem(context, { executable, dataDir, owner, environment, urls });
    return await servingProblem(context, { executable, dataDir, owner, flags: [], environment, problemThere });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets it serve the deployment itself for a moment, with the settings of this command. */
export async function startsAndServes(context: Context, executable: string): Promise<string | undefined> {
  const { dataDir, configFile } = context.config;
  return await servingProblem(context, { executable, dataDir, owner: ownerOf(dataDir), flags: configFile === undefined ? [] : ["--config", configFile] });
}
