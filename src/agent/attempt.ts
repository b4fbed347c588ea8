/** One attempt that the agent holds: what runs for it, its log on the way to the gateway, and its result until it is taken. */
import type { AgentWord } from "../agents/frames.ts";
import type { AttemptFolder, Outcome } from "./journal.ts";
import { LogSpool } from "./log-spool.ts";

/** Pieces of one log that are on their way. */
const WINDOW = 16;

export interface Speaker {
  readonly hasRoom: boolean;
  say(word: AgentWord): void;
}

export interface Work {
  /** Ends it; its end is told with this as the reason. */
  stop(why: string): void;
}

/** How far it is, in the words of the protocol. */
export type Progress = Omit<Extract<AgentWord, { readonly type: "progress" }>, "type" | "task_id" | "attempt">;

export class Attempt {
  readonly taskId: string;
  readonly attempt: number;
  readonly folder: AttemptFolder;
  readonly spool: LogSpool;
  /** What runs for it; undefined before, and when the agent was started again meanwhile. */
  work: Work | undefined;
  /** Files are on their way, for or from the command; aborted, they stop. */
  moving: AbortController | undefined;
  progress: Progress | undefined;
  isDropped = false;
  #outcome: Outcome | undefined;
  #isResultSaid = false;
  /** Where the next piece begins. */
  #saidTo = 0;
  /** Up to where the gateway has it. */
  #notedTo = 0;
  /** Where the pieces that are on their way end. */
  #onWay: number[] = [];

  constructor({ taskId, attempt, folder }: { readonly taskId: string; readonly attempt: number; readonly folder: AttemptFolder }) {
    this.taskId = taskId;
    this.attempt = attempt;
    this.folder = folder;
    this.spool = new LogSpool(folder.logPath);
    this.#outcome = folder.findOutcome();
  }

  get isOver(): boolean {
    return this.#outcome !== undefined;
  }

  get named() {
    return { task_id: this.taskId, attempt: this.attempt };
  }

  get hold() {
    return { ...this.named, log_offset: this.#notedTo };
  }

  /** The result is on disk before anybody hears of it. */
  end(outcome: Outcome): void {
    this.#outcome = outcome;
    if (!this.isDropped) this.folder.keepOutcome(outcome);
  }

  /** In a new session the gateway says up to where it has the log; all after it is said again. */
  beginAt(offset: number): void {
    this.#saidTo = offset;
    this.#notedTo = offset;
    this.#onWay = [];
    this.#isResultSaid = false;
  }

  /** The gateway has the log up to `offset`. When that is less than what came first on the way, it goes on from there. */
  noted(offset: number): void {
    const isGap = (this.#onWay[0] ?? offset) > offset;
    this.#notedTo = offset;
    this.#onWay = isGap ? [] : this.#onWay.filter((end) => end > offset);
    if (isGap) this.#saidTo = offset;
    else this.spool.forgetBefore(offset);
  }

  /** Says what can be said now: the log in its order, progress, and after all of the log the result. */
  pump(speaker: Speaker): void {
    while (speaker.hasRoom && this.#onWay.length < WINDOW) {
      const piece = this.spool.pieceAt(this.#saidTo);
      if (piece === undefined) break;
      this.#saidTo = piece.offset + Buffer.byteLength(piece.text);
      this.#onWay.push(this.#saidTo);
      speaker.say({ type: "log", ...this.named, ...piece });
    }
    if (speaker.hasRoom && this.progress !== undefined && !this.isOver) {
      speaker.say({ type: "progress", ...this.named, ...this.progress });
      this.progress = undefined;
    }
    if (!speaker.hasRoom || this.#outcome === undefined || this.#isResultSaid || this.#notedTo < this.spool.bytes) return;
    this.#isResultSaid = true;
    speaker.say({ type: "result", ...this.named, outcome: this.#outcome });
  }
}
