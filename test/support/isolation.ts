/**
 * Processes that have no network but their own loopback: each in a network namespace of its own, where this machine lets a
 * test make some. Files and the operator's socket are as they always are.
 *
 *     const executable = isolated(workshop.cyberun, folder);
 *     await callInside(running.pid, `${running.urls.api}/healthz`);
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "./workshop.ts";

const alone = ["unshare", "--map-root-user", "--net"] as const;

let isAllowed: boolean | undefined;

/** Whether a namespace can be made here and its loopback be opened. */
export function canIsolate(): boolean {
  isAllowed ??= ["unshare", "nsenter", "ip"].every((name) => Bun.which(name) !== null) && Bun.spawnSync([...alone, "ip", "link", "set", "lo", "up"], { stdio: ["ignore", "ignore", "ignore"] }).success;
  return isAllowed;
}

/** A program in `folder` that runs the executable without any network; the process keeps its number. */
export function isolated(executable: string, folder: string): string {
  const path = join(folder, "isolated");
  writeFileSync(path, `#!/bin/sh\nexec ${alone.join(" ")} /bin/sh -c 'ip link set lo up && exec "$0" "$@"' ${executable} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the child runs: one request, and its answer as a line of JSON. */
const script = `
const { url, ...init } = JSON.parse(process.argv.at(-1));
try {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const text = await response.text();
  console.log(JSON.stringify({ status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } }));
} catch {
  console.log(JSON.stringify({ status: 0, body: {} }));
}`;

/** The same as `call`, asked from inside of the process's own network. Status 0: nothing answered there. */
export async function callInside(pid: number, url: string, request: Request = {}): Promise<Answer> {
  const child = Bun.spawn(["nsenter", "--target", String(pid), "--user", "--net", "--preserve-credentials", process.execPath, "-e", script, JSON.stringify({ url, ...request })], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (out === "") throw new Error(`nothing was asked inside: ${err}`);
  return JSON.parse(out);
}

