/**
 * Deeds on a data directory by root, done as the user that it belongs to: what root makes there would lock the server out.
 *
 * Rule: a command that goes on as root afterwards cannot become the owner itself (`operator.ts`), so it lets another process be it.
 */
import { existsSync, statSync } from "node:fs";
import { findJson } from "../json.ts";
import type { Context } from "./context.ts";

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
  const { uid = 0, gid = 0 } = ownerOf(path);
  if (uid === 0) return deed();
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
  if (typeof answer !== "object" || answer === null) return undefined;
  const value: unknown = Object.entries(answer).find(([key]) => key === name)?.[1];
  return typeof value === "string" ? value : undefined;
}

export interface Ran {
  readonly answer: unknown;
  /** What it said when it failed. */
  readonly problem: string | undefined;
  /** The code of its failure. */
  readonly code: string | undefined;
}

interface Surroundings {
  readonly owner: Owner;
  /** Default: this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** After that it is killed. */
  readonly timeoutMs?: number;
}

/** Runs a command that answers in JSON. */
export function runCommand(command: readonly string[], { owner, environment, timeoutMs }: Surroundings): Ran {
  const { success, exitCode, stdout, stderr } = Bun.spawnSync([...command], { ...owner, ...(environment === undefined ? {} : { env: { ...environment } }), stdio: ["ignore", "pipe", "pipe"], ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) });
  const failure = findJson(stderr.toString().trim().split("\n").at(-1) ?? "");
  const error: unknown = typeof failure === "object" && failure !== null && "error" in failure ? failure.error : undefined;
  return { answer: findJson(stdout.toString()), problem: success ? undefined : (textIn(error, "message") ?? `it ended in ${exitCode}.`), code: textIn(error, "code") };
}

/** Runs a command on this deployment, as the owner of its data directory and with the settings of this command. */
export function runAsOwner({ config: { dataDir, configFile } }: Context, executable: string, words: readonly string[]): Ran {
  const flags = ["--data-dir", dataDir, ...(configFile === undefined ? [] : ["--config", configFile]), "--json"];
  return runCommand([executable, ...words, ...flags], { owner: ownerOf(dataDir) });
}
