/**
 * The files of one attempt on the agent's side: what its command is given to read, and what it leaves behind.
 *
 *     a parameter that is a file_key → inputs/N/NAME in the attempt's folder, and its path in the parameter's place
 *     outputs/** after the command   → stored, each under a name that stays the same however often it is sent
 *
 * Rule: goes on through cuts and restarts of the other side as long as the attempt is the agent's; what is refused for good ends it.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { Clock } from "../services.ts";
import type { AttemptFolder } from "./journal.ts";
import { DiskFailure, type HeldAttempt, type OutputFile, Refused, type Transfers } from "./transfers.ts";

/** As the API makes keys; a text of this form that is none is handed to the command as it is. */
const FILE_KEY = /^(?:inputs|outputs)\/[0-9a-f-]{36}\/[0-9a-f-]{36}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
/** As many as the gateway takes of one attempt. */
const OUTPUTS_MAX = 1_000;
const OUTPUT_ID_CHARACTERS_MAX = 100;
/** Refusals in a row that may pass, after which they are believed. */
const REFUSALS_MAX = 8;
/** An attempt that was accepted a moment ago may not be known to run yet. */
const WAIT_MS_MIN = 100;
const WAIT_MS_MAX = 8_000;

export type Parameters = Readonly<Record<string, unknown>>;

export interface AttemptFilesParts {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly folder: AttemptFolder;
  readonly taskId: string;
  readonly attempt: number;
  /** Of the connection that stands; undefined while there is none. */
  sessionId(): string | undefined;
  /** Aborted when the attempt is not the agent's any more. */
  readonly signal: AbortSignal;
}

function isFileKey(value: unknown): value is string {
  return typeof value === "string" && FILE_KEY.test(value);
}

/** Whether anything has to be fetched before the command runs. */
export function hasFiles(parameters: Parameters): boolean {
  return Object.values(parameters).some(isFileKey);
}

/** Letters, digits, dots, colons, - and _ of the path; one that is taken gets a number. */
function outputIdOf(path: string, taken: ReadonlySet<string>): string {
  const plain = path.replaceAll("/", ":").replace(/[^A-Za-z0-9._:-]/g, "_").replace(/^[^A-Za-z0-9]+/, "");
  const name = plain === "" ? "output" : plain;
  for (let number = 1; ; number += 1) {
    const ending = number === 1 ? "" : `-${number}`;
    const id = `${name.slice(0, OUTPUT_ID_CHARACTERS_MAX - ending.length)}${ending}`;
    if (!taken.has(id)) return id;
  }
}

/** Whether the command left anything in its folder for outputs. One that it made unreadable is something; one that it removed is not. */
export function hasOutputs({ outputsPath }: AttemptFolder): boolean {
  if (!existsSync(outputsPath)) return false;
  try {
    return readdirSync(outputsPath).length > 0;
  } catch {
    return true;
  }
}

/** What lies in the folder for outputs: regular files alone, in an order that stays the same. Throws {@link Refused} for too many. */
function listOutputs(folder: AttemptFolder): readonly OutputFile[] {
  const { outputsPath } = folder;
  const names = folder.findOutputNames();
  const entries = readdirSync(outputsPath, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted();
  if (paths.length > OUTPUTS_MAX) throw new Refused(`The command left ${paths.length} files behind; at most ${OUTPUTS_MAX} are taken.`, false);
  const taken = new Set<string>();
  return paths.map((path) => {
    const outputId = outputIdOf(relative(outputsPath, path), taken);
    taken.add(outputId);
    return { outputId, path, name: names[relative(outputsPath, path)] ?? basename(path), size: statSync(path).size };
  });
}

export class AttemptFiles {
  readonly #parts: AttemptFilesParts;

  constructor(parts: AttemptFilesParts) {
    this.#parts = parts;
  }

  /** The parameters with the paths of their files in place of the keys. Throws {@link Refused}, {@link DiskFailure}, or the signal's reason. */
  async fetchInputs(parameters: Parameters): Promise<Parameters> {
    const { folder, transfers, signal } = this.#parts;
    const given: [string, unknown][] = [];
    for (const [index, [name, value]] of Object.entries(parameters).entries()) {
      if (!isFileKey(value)) {
        given.push([name, value]);
        continue;
      }
      const path = join(folder.inputsPath, String(index), basename(value));
      mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
      const isFile = await this.#persist((held) => transfers.fetchInput(held, value, { path, signal }));
      given.push([name, isFile ? path : value]);
    }
    return Object.fromEntries(given);
  }

  /** Stores what the command left behind. Throws {@link Refused}, {@link DiskFailure}, or the signal's reason. */
  async sendOutputs(): Promise<void> {
    const { folder, transfers, signal } = this.#parts;
    for (const output of listOutputs(folder)) {
      await this.#persist((held) => transfers.sendOutput(held, output, signal));
    }
  }

  async #persist<T>(act: (held: HeldAttempt) => Promise<T>): Promise<T> {
    const { taskId, attempt, sessionId, signal } = this.#parts;
    let refusals = 0;
    for (let waitMs = WAIT_MS_MIN; ; waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)) {
      signal.throwIfAborted();
      const session = sessionId();
      try {
        if (session !== undefined) return await act({ taskId, attempt, sessionId: session });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DiskFailure) throw error;
        refusals = error instanceof Refused ? refusals + 1 : 0;
        if (error instanceof Refused && (!error.mayPass || refusals >= REFUSALS_MAX)) throw error;
      }
      await this.#wait(waitMs);
    }
  }

  async #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(ms, resolve);
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    await promise;
    signal.removeEventListener("abort", stop);
    cancel();
  }
}
