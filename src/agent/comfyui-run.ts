/**
 * One attempt on ComfyUI, from its graph to its outputs.
 *
 *     inputs uploaded → graph on disk → queued → looked at until it has ended → outputs fetched → over
 *
 * Rule: the graph is on disk before it is queued, and carries the attempt's mark: whatever kills the agent, its next life finds the
 * prompt in ComfyUI's queue or history and goes on with it, and queues it only when it is in neither.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findFile, writeFileDurably } from "../data-directory.ts";
import { findJson } from "../json.ts";
import type { Cancel, Services } from "../services.ts";
import type { Progress, Work } from "./attempt.ts";
import { type ComfyUiClient, ComfyUiRefused, ComfyUiUnreachable, type EndedPrompt, type Graph } from "./comfyui-client.ts";
import type { PromptEvent } from "./comfyui-socket.ts";
import type { AttemptFolder, Outcome } from "./journal.ts";
import type { LogSpool } from "./log-spool.ts";

/** ComfyUI may be away for so long while it has the prompt. */
const AWAY_LOOKS_MAX = 300;
/** It is looked for twice before it is lost: between queue and history it is in neither for a moment. */
const LOST_LOOKS_MAX = 3;

export interface ComfyUiRunParts {
  readonly services: Services;
  readonly client: ComfyUiClient;
  readonly clientId: string;
  readonly folder: AttemptFolder;
  readonly spool: LogSpool;
  readonly taskId: string;
  readonly attempt: number;
  /** From the start; 0 for none. */
  readonly timeoutSeconds: number;
  onOutput(): void;
  onProgress(progress: Progress): void;
  onEnd(outcome: Outcome): void;
}

/** What a run begins with; without it, it goes on with what its folder has. */
export interface FreshPrompt {
  readonly graph: Graph;
  /** Files by the text that stands for them in the graph. */
  readonly files: ReadonlyMap<string, string>;
}

const graphPath = ({ path }: AttemptFolder) => join(path, "graph.json");

/** Whether an earlier life has prepared a graph here. */
export function hasGraph(folder: AttemptFolder): boolean {
  return findFile(graphPath(folder)) !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The graph with names in place of texts, wherever an input is just that text. */
function withNames(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const filled = structuredClone(graph);
  for (const node of Object.values(filled)) {
    if (!isObject(node) || !isObject(node["inputs"])) continue;
    const { inputs } = node;
    for (const [field, value] of Object.entries(inputs)) {
      const name = typeof value === "string" ? names.get(value) : undefined;
      if (name !== undefined) inputs[field] = name;
    }
  }
  return filled;
}

export class ComfyUiRun implements Work {
  readonly #parts: ComfyUiRunParts;
  readonly #cutting = new AbortController();
  readonly #done = new Set<string>();
  #promptId: string | undefined;
  /** The id that was asked for; an older ComfyUI gives another one. */
  #askedId: string | undefined;
  #graph: Graph = {};
  #node: string | undefined;
  #why: string | undefined;
  #isOver = false;
  #isLooking = false;
  #awayLooks = 0;
  #lostLooks = 0;
  #timeout: Cancel | undefined;

  constructor(parts: ComfyUiRunParts, fresh: FreshPrompt | undefined) {
    this.#parts = parts;
    const { services, timeoutSeconds } = parts;
    if (timeoutSeconds > 0) this.#timeout = services.clock.after(timeoutSeconds * 1_000, () => this.stop(`The task ran longer than ${timeoutSeconds} seconds.`));
    void this.#guarded(() => this.#begin(fresh));
  }

  /** Whether the prompt is this run's: what happens to it may be heard before ComfyUI has said that it is queued. */
  isOf(promptId: string): boolean {
    return promptId === this.#promptId || (this.#promptId === undefined && promptId === this.#askedId);
  }

  /** Ends it at ComfyUI too, where that can be reached. */
  stop(why: string): void {
    if (this.#why !== undefined || this.#isOver) return;
    this.#why = why;
    this.#cutting.abort();
    void this.#withdraw().finally(() => this.#end({ kind: "failed", error: why, is_retryable: true }));
  }

  /** Leaves it where it is: the next life goes on with it. */
  abandon(): void {
    this.#isOver = true;
    this.#timeout?.();
    this.#cutting.abort();
  }

  hear(event: PromptEvent): void {
    if (this.#isOver) return;
    switch (event.kind) {
      case "ended":
        return this.look();
      case "done_nodes":
        for (const node of event.nodes) this.#done.add(node);
        return this.#tellProgress();
      case "node":
        if (this.#node !== undefined) this.#done.add(this.#node);
        this.#node = event.node;
        this.#write(`Running ${this.#nameOf(event.node)}.\n`);
        return this.#tellProgress();
      case "step":
        return this.#tellProgress({ step_current: event.value, step_total: event.max });
      default:
        return event satisfies never;
    }
  }

  /** Looks how it is. Called every second, and when something was heard. */
  look(): void {
    if (this.#promptId === undefined || this.#isOver || this.#isLooking || this.#why !== undefined) return;
    this.#isLooking = true;
    void this.#guarded(() => this.#look(this.#promptId ?? "")).finally(() => (this.#isLooking = false));
  }

  get #mark(): string {
    return `${this.#parts.taskId}.${this.#parts.attempt}`;
  }

  async #begin(fresh: FreshPrompt | undefined): Promise<void> {
    const { client, clientId, folder, services } = this.#parts;
    if (fresh === undefined) {
      const kept = findJson(readFileSync(graphPath(folder), "utf8"));
      this.#graph = isObject(kept) ? kept : {};
      const known = await this.#findKnown();
      if (known !== undefined) return this.#goOn(known);
    } else {
      const names = new Map<string, string>();
      for (const [text, path] of fresh.files) names.set(text, await client.upload(path, `${this.#mark}-${names.size}-${basename(path)}`, this.#cutting.signal));
      this.#graph = withNames(fresh.graph, names);
      writeFileDurably(graphPath(folder), JSON.stringify(this.#graph));
    }
    this.#askedId = services.random.uuid();
    this.#write("To be queued at ComfyUI.\n");
    this.#goOn(await client.queue(this.#graph, { clientId, mark: this.#mark, promptId: this.#askedId }));
  }

  #goOn(promptId: string): void {
    this.#promptId = promptId;
    if (this.#why !== undefined) void this.#withdraw();
  }

  async #findKnown(): Promise<string | undefined> {
    const queued = (await this.#parts.client.queued()).find(({ mark }) => mark === this.#mark);
    return (queued ?? (await this.#parts.client.findEndedByMark(this.#mark)))?.promptId;
  }

  async #look(promptId: string): Promise<void> {
    const ended = await this.#parts.client.findEnded(promptId);
    if (ended !== undefined) return await this.#finish(ended);
    const isThere = (await this.#parts.client.queued()).some((each) => each.promptId === promptId);
    this.#awayLooks = 0;
    this.#lostLooks = isThere ? 0 : this.#lostLooks + 1;
    if (this.#lostLooks >= LOST_LOOKS_MAX) this.#end({ kind: "failed", error: "ComfyUI does not know the prompt any more; it was started again.", is_retryable: true });
  }

  async #finish({ isSuccess, problem, outputs }: EndedPrompt): Promise<void> {
    if (!isSuccess) return this.#end({ kind: "failed", error: problem ?? "ComfyUI could not run the graph.", is_retryable: true });
    const { client, folder } = this.#parts;
    for (const output of outputs) await client.fetchOutput(output, join(folder.outputsPath, output.id), this.#cutting.signal);
    folder.keepOutputNames(Object.fromEntries(outputs.map(({ id, filename }) => [id, filename])));
    this.#end({ kind: "completed", output: { image_count: outputs.filter(({ id }) => id.includes(".images.")).length, outputs: outputs.map(({ id, filename }) => ({ id, filename })) } });
  }

  /** Takes it out of the queue, or interrupts it if it is what runs. */
  async #withdraw(): Promise<void> {
    const { client } = this.#parts;
    const promptId = this.#promptId;
    if (promptId === undefined) return;
    try {
      await client.drop(promptId);
      const runs = (await client.queued()).some((each) => each.promptId === promptId && each.isRunning);
      if (runs) await client.interrupt(promptId);
    } catch (error) {
      if (!(error instanceof ComfyUiUnreachable)) throw error;
    }
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.#isOver || this.#why !== undefined) return;
      if (error instanceof ComfyUiRefused) return this.#end({ kind: "failed", error: error.message, is_retryable: false });
      if (!(error instanceof ComfyUiUnreachable)) return this.#end({ kind: "failed", error: "The files of the attempt could not be read or written on this agent.", is_retryable: true });
      this.#awayLooks += 1;
      // Before it was queued nothing is lost by giving it back.
      if (this.#promptId === undefined || this.#awayLooks >= AWAY_LOOKS_MAX) this.#end({ kind: "failed", error: error.message, is_retryable: true });
    }
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timeout?.();
    if (outcome.kind === "failed") this.#write(`${outcome.error}\n`);
    this.#parts.onEnd(outcome);
  }

  #nameOf(node: string): string {
    const found = this.#graph[node];
    const type = isObject(found) ? found["class_type"] : undefined;
    return typeof type === "string" ? `${type} (node ${node})` : `node ${node}`;
  }

  #write(text: string): void {
    this.#parts.spool.append("stdout", text);
    this.#parts.onOutput();
  }

  #tellProgress(step: Pick<Progress, "step_current" | "step_total"> = {}): void {
    const total = Math.max(1, Object.keys(this.#graph).length);
    const { step_current = 0, step_total = 1 } = step;
    const progress = Math.min(1, (Math.min(this.#done.size, total) + (step.step_total === undefined ? 0 : step_current / step_total)) / total);
    this.#parts.onProgress({ progress, ...(this.#node === undefined ? {} : { current_node: this.#nameOf(this.#node).slice(0, 255) }), ...step });
  }
}
