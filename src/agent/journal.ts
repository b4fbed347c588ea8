/**
 * What the agent has taken on, on its disk: an attempt is there before it is accepted, and goes when the gateway has taken its
 * result. After a restart, however it came, the agent knows what it held.
 *
 *     DATA_DIR/session.json
 *     DATA_DIR/attempts/TASK.ATTEMPT/{state.json, log.jsonl, ended.json, result.json, work/, inputs/, outputs/}
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { findFile, writeFileDurably } from "../data-directory.ts";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";

const OutcomeSchema = Type.Union([
  Type.Object({ kind: Type.Literal("completed"), output: Type.Unknown() }),
  Type.Object({ kind: Type.Literal("failed"), error: Type.String(), is_retryable: Type.Boolean() }),
]);
export type Outcome = Readonly<Static<typeof OutcomeSchema>>;

const StateSchema = Type.Object({ task_id: Type.String(), attempt: Type.Integer(), process: Type.Optional(Type.Object({ pid: Type.Integer(), started: Type.String() })) });
export type AttemptState = Readonly<Static<typeof StateSchema>>;

const outcomeShape = shapeOf(OutcomeSchema);
const stateShape = shapeOf(StateSchema);
const namesShape = shapeOf(Type.Record(Type.String(), Type.String()));
const sessionShape = shapeOf(Type.Object({ session_id: Type.String() }));

/** When a process started, in ticks since the host did: with the pid it names one process for ever (proc(5)). Undefined when it is gone. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** One attempt's folder. */
export class AttemptFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get logPath(): string {
    return join(this.path, "log.jsonl");
  }

  get workPath(): string {
    return join(this.path, "work");
  }

  /** What the command is given to read. */
  get inputsPath(): string {
    return join(this.path, "inputs");
  }

  /** What the command leaves behind as files. */
  get outputsPath(): string {
    return join(this.path, "outputs");
  }

  get resultPath(): string {
    return join(this.path, "output.json");
  }

  keepState(state: AttemptState): void {
    writeFileDurably(join(this.path, "state.json"), JSON.stringify(state));
  }

  findState(): AttemptState | undefined {
    const state = findJson(findFile(join(this.path, "state.json"))?.toString("utf8") ?? "");
    return stateShape.Check(state) ? state : undefined;
  }

  /** The command is over, and its outputs have yet to be sent. */
  keepEnded(outcome: Outcome): void {
    writeFileDurably(join(this.path, "ended.json"), JSON.stringify(outcome));
  }

  findEnded(): Outcome | undefined {
    return this.#outcomeIn("ended.json");
  }

  keepOutcome(outcome: Outcome): void {
    writeFileDurably(join(this.path, "result.json"), JSON.stringify(outcome));
  }

  findOutcome(): Outcome | undefined {
    return this.#outcomeIn("result.json");
  }

  #outcomeIn(name: string): Outcome | undefined {
    const outcome = findJson(findFile(join(this.path, name))?.toString("utf8") ?? "");
    return outcomeShape.Check(outcome) ? outcome : undefined;
  }

  /** What outputs are called, by the names of their files in the folder. */
  keepOutputNames(names: Readonly<Record<string, string>>): void {
    writeFileDurably(join(this.path, "output-names.json"), JSON.stringify(names));
  }

  findOutputNames(): Readonly<Record<string, string>> {
    const names = findJson(findFile(join(this.path, "output-names.json"))?.toString("utf8") ?? "");
    return namesShape.Check(names) ? names : {};
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class Journal {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    mkdirSync(this.#attempts, { recursive: true, mode: 0o700 });
  }

  get #attempts(): string {
    return join(this.#dataDir, "attempts");
  }

  get #sessionPath(): string {
    return join(this.#dataDir, "session.json");
  }

  get drainPath(): string {
    return join(this.#dataDir, "drain");
  }

  get statusPath(): string {
    return join(this.#dataDir, "status.json");
  }

  /** A folder for a new attempt. */
  open({ task_id, attempt }: AttemptState): AttemptFolder {
    const folder = new AttemptFolder(join(this.#attempts, `${task_id}.${attempt}`));
    folder.remove();
    for (const path of [folder.workPath, folder.outputsPath]) mkdirSync(path, { recursive: true, mode: 0o700 });
    folder.keepState({ task_id, attempt });
    return folder;
  }

  /** The attempts of the agent's earlier life. What has no readable state was never accepted, and is removed. */
  load(): readonly { readonly folder: AttemptFolder; readonly state: AttemptState }[] {
    return readdirSync(this.#attempts).flatMap((name) => {
      const folder = new AttemptFolder(join(this.#attempts, name));
      const state = folder.findState();
      if (state !== undefined) return [{ folder, state }];
      folder.remove();
      return [];
    });
  }

  keepSession(sessionId: string): void {
    writeFileDurably(this.#sessionPath, JSON.stringify({ session_id: sessionId }));
  }

  findSession(): string | undefined {
    const session = findJson(findFile(this.#sessionPath)?.toString("utf8") ?? "");
    return sessionShape.Check(session) ? session.session_id : undefined;
  }

  isAskedToDrain(): boolean {
    return existsSync(this.drainPath);
  }

  /** For `cyberun agent diag`. */
  keepStatus(status: object): void {
    writeFileDurably(this.statusPath, `${JSON.stringify(status)}\n`);
  }
}
