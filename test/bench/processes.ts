/**
 * Processes of a bench: started, awaited by a condition, watched from outside, ended.
 *
 * Rule: every process that is started here is ended by its handle when it is disposed of, whatever happened in between.
 */
import type { Subprocess } from "bun";
import { existsSync, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Longer means broken, not slow. */
const CONDITION_MS_MAX = 30_000;
/** A watcher that misses an event is made up for by a look so often. */
const LOOK_MS = 20;
const STOP_MS_MAX = 10_000;

/** Runs `check` until it gives a value. Throws with `what` after half a minute. */
export async function until<T>(what: string, check: () => Promise<T | undefined> | T | undefined, everyMs: number = LOOK_MS): Promise<T> {
  const lastAtMs = performance.now() + CONDITION_MS_MAX;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > lastAtMs) throw new Error(`waited ${CONDITION_MS_MAX / 1_000} s in vain for ${what}`);
    await Bun.sleep(everyMs);
  }
}

function parsedFile(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The content of a JSON file as soon as it is there: by the system's notice, since a poll would be part of the figure. */
export async function jsonFile(path: string, owner: Process): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const look = () => {
    const content = parsedFile(path);
    if (content !== undefined) resolve(content);
  };
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || name === basename(path)) look();
  });
  const timer = setInterval(look, LOOK_MS);
  const late = setTimeout(() => resolve(undefined), CONDITION_MS_MAX);
  look();
  void owner.exited.then(() => resolve(undefined));
  const content = await promise;
  watcher.close();
  clearInterval(timer);
  clearTimeout(late);
  if (content === undefined) throw new Error(`${basename(path)} was not written: ${owner.errors() || "the process ended or is late without a word"}`);
  return content;
}

export interface Process extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** What it wrote to its standard error so far. */
  errors(): string;
  /** What it wrote to its standard output so far. */
  output(): string;
  /** Asks it to stop and waits; a process that does not is killed. */
  stop(): Promise<void>;
}

async function gather(stream: ReadableStream<Uint8Array>, keep: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) keep(decoder.decode(chunk, { stream: true }));
}

async function stop(child: Subprocess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await child.exited;
  clearTimeout(kill);
}

const RATE = "1000000000";
/** What a developer's shell would change about the measured program. */
const foreign = /^(?:CYBERUN_|BUN_|NODE_)/;

function environment(): Record<string, string | undefined> {
  // One host asks far more often than the defaults let it; the limits stay on, so that their cost is measured too.
  const limits = { CYBERUN_RATE_LIMIT_SOURCE: RATE, CYBERUN_RATE_LIMIT_CREDENTIAL: RATE, CYBERUN_RATE_LIMIT_STRANGER: RATE };
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))), ...limits };
}

/** Starts `command` in `folder` with its output kept. */
export function start(command: readonly string[], folder: string): Process {
  const child = Bun.spawn([...command], { cwd: folder, env: environment(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let output = "";
  let errors = "";
  void gather(child.stdout, (text) => (output += text));
  void gather(child.stderr, (text) => (errors += text));
  const end = () => stop(child);
  return { pid: child.pid, exited: child.exited, errors: () => errors, output: () => output, stop: end, [Symbol.asyncDispose]: end };
}

/** Runs `command` to its end and gives what it printed. Throws with its own words when it fails. */
export async function run(command: readonly string[], folder: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd: folder, env: environment(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`${basename(command[0] ?? "")} ${command[1] ?? ""} ended with ${exitCode}: ${errors || output}`);
  return output;
}

/** Resident memory of a process in MB (10^6 bytes); Linux only. */
export function residentMegabytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kibibytes) * 1_024) / 1_000_000;
}

/** Fields of /proc/PID/stat after the name, which may hold spaces: user and system time in ticks of 10 ms (proc(5)). */
const TICKS_PER_SECOND = 100;

/** Processor time that a process has used, in seconds; Linux only. */
export function processorSeconds(pid: number): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "latin1").split(/\) /);
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
