/**
 * Whether the executable of another release serves this deployment: on a copy of it, and on itself while nobody else serves it.
 *
 * Rule: what the other release does wrong is a sentence and no exception. Its ports are free ones of this host alone, and the copy has
 * nothing to send to others.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { dataDirectory } from "../data-directory.ts";
import { findJson } from "../json.ts";
import { muteCopy } from "../store/sqlite-snapshot.ts";
import { membersOf } from "./api-client.ts";
import { asOwner, ownerOf, runAsOwner, runCommand, type Surroundings, textIn, variablesOf } from "./as-owner.ts";
import type { Context } from "./context.ts";
import { pause } from "./pause.ts";
import { roundTripProblem } from "./round-trip.ts";

const READY_MS = 30_000;
const LOOK_MS = 50;
const ENDED_MS = 15_000;
const ports = ["--license-port", "0", "--api-port", "0", "--gateway-port", "0", "--issuer-port", "0", "--bind", "127.0.0.1"];

/** A sentence when the executable does not run, is of another version than its manifest says, or refuses the license that this one accepts. */
export function strangeness({ config }: Context, executable: string, version: string): string | undefined {
  const told = runCommand([executable, "version", "--json"], { owner: {}, environment: {}, timeoutMs: READY_MS });
  if (told.problem !== undefined || textIn(told.answer, "version") !== version) return `its executable does not run here, or says another version than ${version}.`;
  const accepts = (by: string) => runAsOwner(config, by, ["license", "inspect", config.licenseFile]).problem;
  const refusal = accepts(executable);
  return refusal === undefined || accepts(process.execPath) !== undefined ? undefined : `it does not accept the license of this deployment: ${refusal}`;
}

interface Trial extends Pick<Surroundings, "owner" | "environment"> {
  readonly executable: string;
  readonly dataDir: string;
  /** Looked at while it serves. */
  readonly problemThere: (urls: ReadonlyMap<string, string>) => Promise<string | undefined>;
}

/** Role → address; none before everything serves. */
function urlsIn({ dataDir }: Trial, ready: string): ReadonlyMap<string, string> {
  const text = asOwner(dataDir, () => (existsSync(ready) ? readFileSync(ready, "utf8") : ""));
  return new Map(Object.entries(membersOf(findJson(text))).flatMap(([role, url]): [string, string][] => (typeof url === "string" ? [[role, url]] : [])));
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
async function problemOf(context: Context, child: Bun.Subprocess, { ready, trial }: { readonly ready: string; readonly trial: Trial }): Promise<string | undefined> {
  const { clock } = context.services;
  const until = clock.monotonic() + READY_MS;
  while (clock.monotonic() < until && child.exitCode === null && child.signalCode === null) {
    const urls = urlsIn(trial, ready);
    if (await isServing(context, urls)) {
      const problem = await trial.problemThere(urls);
      child.kill("SIGTERM");
      const exit = await Promise.race([child.exited, pause(clock, ENDED_MS)]);
      return problem ?? (exit === 0 ? undefined : "it serves and does not stop when it is told to.");
    }
    await pause(clock, LOOK_MS);
  }
  return child.exitCode === null && child.signalCode === null ? "its roles are not ready after 30 seconds." : `it ended with ${child.exitCode ?? child.signalCode} at its start.`;
}

function findChild({ executable, owner, environment }: Trial, words: readonly string[]): Bun.Subprocess | undefined {
  try {
    return Bun.spawn([executable, ...words], { ...owner, env: { ...environment }, stdio: ["ignore", "ignore", "ignore"] });
  } catch {
    return undefined;
  }
}

/** Starts it and stops it again, whatever it does between. */
async function servingProblem(context: Context, trial: Trial): Promise<string | undefined> {
  const { dataDir } = trial;
  const ready = join(dataDir, ".upgrade-ready");
  const forget = () => asOwner(dataDir, () => rmSync(ready, { force: true }));
  forget();
  const child = findChild(trial, ["serve", "--data-dir", dataDir, "--ready-file", ready, ...ports]);
  if (child === undefined) return "its executable cannot be run.";
  try {
    return await problemOf(context, child, { ready, trial });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    forget();
  }
}

/** The words that open a backup of this deployment, and close one: as its daily ones are. */
export function passphraseWords({ backups: { passphraseFile } }: Config): readonly string[] {
  return passphraseFile === undefined ? [] : ["--passphrase-file", passphraseFile];
}

/**
 * Restores the backup into a folder of its own, and lets the other release serve there, with a task from its submission to its result.
 * Only for a store in the data directory.
 */
export async function rehearse(context: Context, executable: string, backup: string): Promise<string | undefined> {
  const { config } = context;
  const owner = ownerOf(config.dataDir);
  const folder = asOwner(config.dataDir, () => mkdtempSync(join(config.dataDir, ".rehearsal-")));
  try {
    const dataDir = join(folder, "d");
    const { problem } = runCommand([process.execPath, "backup", "restore", backup, ...passphraseWords(config), "--data-dir", dataDir, "--json"], { owner, environment: { HOME: folder } });
    if (problem !== undefined) return `the backup cannot be restored for it: ${problem}`;
    asOwner(config.dataDir, () => muteCopy(dataDirectory(dataDir).database));
    const trial = { executable, dataDir, owner, environment: { HOME: folder } };
    return await servingProblem(context, { ...trial, problemThere: (urls) => roundTripProblem(context, { ...trial, urls }) });
  } finally {
    asOwner(config.dataDir, () => rmSync(folder, { recursive: true, force: true }));
  }
}

/** Lets it serve the deployment itself for a moment, with the settings of this command. */
export async function startsAndServes(context: Context, executable: string): Promise<string | undefined> {
  const { config } = context;
  return await servingProblem(context, { executable, dataDir: config.dataDir, owner: ownerOf(config.dataDir), environment: variablesOf(config), problemThere: async () => undefined });
}
