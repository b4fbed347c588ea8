/**
 * Deeds on a data directory by root, done as the user that it belongs to: what root makes there would lock the server out, and what that
 * user has put there could lead root elsewhere.
 *
 * Rule: a command that goes on as root afterwards cannot become the owner for good (`operator.ts`), so it is the owner for one deed, or
 * lets another process be it.
 */
import { existsSync, statSync } from "node:fs";
import { type Config, processEnvironment } from "../config.ts";
import { findJson } from "../json.ts";
import { membersOf } from "./api-client.ts";

export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Empty when this user is the owner, or is not root and can be nobody else. */
export function ownerOf(path: string): Owner {
  if (process.getuid?.() !== 0 || !existsSync(path)) return {};
  const { uid, gid } = statSync(path);
  return uid === 0 ? {} : { uid, gid };
}

/** Does it with the owner's rights. */
export function asOwner<T>(path: string, deed: () => T): T {
  const { uid, gid } = ownerOf(path);
  if (uid === undefined || gid === undefined) return deed();
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return deed();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** A member of an answer that is text. */
export function textIn(answer: unknown, name: string): string | undefined {
  const value = membersOf(answer)[name];
  return typeof value === "string" ? value : undefined;
}

export interface Ran {
  readonly answer: unknown;
  /** What it said when it failed. */
  readonly problem: string | undefined;
  /** The code of its failure. */
  readonly code: string | undefined;
}

export type Variables = Readonly<Record<string, string | undefined>>;

export interface Surroundings {
  readonly owner: Owner;
  readonly environment: Variables;
  /** After that it is killed. */
  readonly timeoutMs?: number;
}

function findRun(command: readonly string[], { owner, environment, timeoutMs }: Surroundings) {
  try {
    return Bun.spawnSync([...command], { ...owner, env: { ...environment }, stdio: ["ignore", "pipe", "pipe"], ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) });
  } catch {
    return undefined;
  }
}

/** Runs a command that answers in JSON. What cannot be run has a problem like any other. */
export function runCommand(command: readonly string[], surroundings: Surroundings): Ran {
  const run = findRun(command, surroundings);
  if (run === undefined) return { answer: undefined, problem: "it cannot be run.", code: undefined };
  const { error } = membersOf(findJson(run.stderr.toString().trim().split("\n").at(-1) ?? ""));
  const said = textIn(error, "message") ?? (run.exitCode === null ? "it did not end." : `it ended in ${run.exitCode}.`);
  return { answer: findJson(run.stdout.toString()), problem: run.success ? undefined : said, code: textIn(error, "code") };
}

/** The variables that say to another process which deployment this command is about, wherever it was told. */
export function variablesOf({ dataDir, configFile, databaseUrl, masterKeyFile, licenseFile, backups }: Config): Variables {
  return {
    ...processEnvironment(),
    CYBERUN_DATA_DIR: dataDir,
    CYBERUN_CONFIG_FILE: configFile,
    CYBERUN_DATABASE_URL: databaseUrl?.reveal(),
    CYBERUN_MASTER_KEY_FILE: masterKeyFile,
    CYBERUN_LICENSE_FILE: licenseFile,
    CYBERUN_BACKUP_DIR: backups.directory,
  };
}

/** Runs a command on this deployment, as the owner of its data directory. */
export function runAsOwner(config: Config, executable: string, words: readonly string[]): Ran {
  return runCommand([executable, ...words, "--json"], { owner: ownerOf(config.dataDir), environment: variablesOf(config) });
}
