/**
 * One command that runs: no shell, a process group of its own, an environment of what it is given and nothing else.
 *
 *     CYBERUN_TASK_ID, CYBERUN_ATTEMPT, CYBERUN_PARAM_NAME for each parameter, CYBERUN_PARAMETERS_FILE (JSON),
 *     CYBERUN_RESULT_FILE (write JSON there; it becomes the task's output), CYBERUN_OUTPUTS_DIR (files there are the task's)
 *
 * A line `::progress 0.5` on standard output tells how far it is.
 */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFile } from "../data-directory.ts";
import { findJson } from "../json.ts";
import type { Cancel, Clock } from "../services.ts";
import { type AttemptFolder, type Outcome, startOf } from "./journal.ts";
import type { LogSpool, StreamName } from "./log-spool.ts";
import type { CommandSettings } from "./settings.ts";

/** Output is gathered for so long, so that many short lines are one piece. */
const GATHER_MS = 50;
const GATHER_CHARACTERS_MAX = 8_192;
/** Between the polite signal and the other one. */
const KILL_MS = 5_000;
/** With its frame it stays within what the gateway takes. */
const OUTPUT_BYTES_MAX = 49_152;
/** Of one environment variable; longer values stand in the parameters' file alone. */
const VARIABLE_BYTES_MAX = 65_536;
const LINE_CHARACTERS_MAX = 256;
const PROGRESS = /^::progress\s+(0(?:\.\d+)?|1(?:\.0+)?)\s*$/;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface CommandParts {
  readonly clock: Clock;
  readonly command: CommandSettings;
  readonly folder: AttemptFolder;
  readonly spool: LogSpool;
  readonly taskId: string;
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** From the start; 0 for none. */
  readonly timeoutSeconds: number;
  /** A variable of the agent's own environment. */
  variable(name: string): string | undefined;
  onOutput(): void;
  onProgress(progress: number): void;
  onEnd(outcome: Outcome): void;
}

/** Parameters as variables: letters, digits and `_` of the name, in capitals. */
function parameterVariables(parameters: CommandParts["parameters"]): Readonly<Record<string, string>> {
  const pairs = Object.entries(parameters).map(([name, value]) => [`CYBERUN_PARAM_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`, String(value)] as const);
  return Object.fromEntries(pairs.filter(([, value]) => Buffer.byteLength(value) <= VARIABLE_BYTES_MAX && !value.includes("\0")));
}

function environmentOf({ command, folder, taskId, attempt, parameters, variable }: CommandParts): Record<string, string> {
  const own = (command.env ?? []).flatMap((name) => {
    const value = variable(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const parametersFile = join(folder.path, "parameters.json");
  writeFileSync(parametersFile, JSON.stringify(parameters), { mode: 0o600 });
  return {
    PATH,
    ...Object.fromEntries(own),
    ...parameterVariables(parameters),
    CYBERUN_TASK_ID: taskId,
    CYBERUN_ATTEMPT: String(attempt),
    CYBERUN_PARAMETERS_FILE: parametersFile,
    CYBERUN_RESULT_FILE: folder.resultPath,
    CYBERUN_OUTPUTS_DIR: folder.outputsPath,
  };
}

/** Ends a process group. False when there is none any more. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

export class RunningCommand {
  readonly #parts: CommandParts;
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #cancels: Cancel[] = [];
  #gathered = "";
  #gatheredFrom: StreamName = "stdout";
  #flushing: Cancel | undefined;
  #line = "";
  #why: string | undefined;

  constructor(parts: CommandParts) {
    this.#parts = parts;
    const { command, folder, taskId, attempt } = parts;
    this.#process = Bun.spawn([...command.argv], { cwd: command.directory ?? folder.workPath, env: environmentOf(parts), stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
    const { pid } = this.#process;
    folder.keepState({ task_id: taskId, attempt, process: { pid, started: startOf(pid) ?? "" } });
    const limits = [parts.timeoutSeconds, command.timeout_seconds ?? 0].filter((seconds) => seconds > 0);
    if (limits.length > 0) this.#cancels.push(parts.clock.after(Math.min(...limits) * 1_000, () => this.stop(`The command ran longer than ${Math.min(...limits)} seconds.`)));
    void this.#follow();
  }

  /** Ends the command and all that it started. */
  stop(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    signalGroup(this.#process.pid, "SIGTERM");
    this.#cancels.push(this.#parts.clock.after(KILL_MS, () => void signalGroup(this.#process.pid, "SIGKILL")));
  }

  async #follow(): Promise<void> {
    await Promise.all([this.#read("stdout", this.#process.stdout), this.#read("stderr", this.#process.stderr)]);
    const code = await this.#process.exited;
    this.#flush();
    for (const cancel of this.#cancels) cancel();
    // What it left running in its group goes with it.
    signalGroup(this.#process.pid, "SIGKILL");
    this.#parts.onEnd(this.#outcomeOf(code));
  }

  async #read(stream: StreamName, source: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of source) this.#take(stream, decoder.decode(chunk, { stream: true }));
    this.#take(stream, decoder.decode());
  }

  #take(stream: StreamName, text: string): void {
    if (text === "") return;
    if (stream === "stdout") this.#look(text);
    if (stream !== this.#gatheredFrom) this.#flush();
    this.#gatheredFrom = stream;
    this.#gathered += text;
    if (this.#gathered.length >= GATHER_CHARACTERS_MAX) return this.#flush();
    this.#flushing ??= this.#parts.clock.after(GATHER_MS, () => this.#flush());
  }

  #flush(): void {
    this.#flushing?.();
    this.#flushing = undefined;
    if (this.#gathered === "") return;
    this.#parts.spool.append(this.#gatheredFrom, this.#gathered);
    this.#gathered = "";
    this.#parts.onOutput();
  }

  /** Looks for progress in whole lines. */
  #look(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
    const last = lines.map((line) => PROGRESS.exec(line)?.[1]).findLast((found) => found !== undefined);
    if (last !== undefined) this.#parts.onProgress(Number(last));
  }

  #outcomeOf(code: number): Outcome {
    if (this.#why !== undefined) return { kind: "failed", error: this.#why, is_retryable: true };
    if (code !== 0) return { kind: "failed", error: `The command ended with ${this.#process.signalCode ?? `exit code ${code}`}.`, is_retryable: true };
    const { resultPath } = this.#parts.folder;
    const bytes = statSync(resultPath, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > OUTPUT_BYTES_MAX) return { kind: "failed", error: `The result file is larger than ${OUTPUT_BYTES_MAX} bytes.`, is_retryable: false };
    const output = bytes === 0 ? { exit_code: 0 } : findJson(findFile(resultPath)?.toString("utf8") ?? "");
    return output === undefined ? { kind: "failed", error: "The result file is no JSON.", is_retryable: false } : { kind: "completed", output };
  }
}
