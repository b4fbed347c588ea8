/**
 * ComfyUI's own API, as far as the agent speaks it (its `server.py`): prompts, queue, history, files, health.
 *
 *     POST /prompt  GET /queue  GET /history/ID  POST /interrupt  POST /queue  POST /upload/image  GET /view  GET /system_stats
 *
 * Rule: one request each, and what came is checked before it is believed. A server that does not answer, or not as ComfyUI,
 * is {@link ComfyUiUnreachable}; one that refuses says why.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { Type } from "typebox";
import { findJson } from "../json.ts";
import type { Services } from "../services.ts";
import { type Shape, shapeOf } from "../shape.ts";

/** Of a call that is no file. */
const ANSWER_MS_MAX = 10_000;
const REASON_CHARACTERS_MAX = 2_000;

export type Graph = Record<string, unknown>;

/** Nothing that answers is ComfyUI, or nothing answers. */
export class ComfyUiUnreachable extends Error {}
/** ComfyUI refuses what it was asked; asking again changes nothing. */
export class ComfyUiRefused extends Error {}

const Text = Type.String();
const acceptedShape = shapeOf(Type.Object({ prompt_id: Text }));
/** `[number, prompt id, graph, extra data, outputs]`. */
const Entry = Type.Array(Type.Unknown(), { minItems: 4 });
const queueShape = shapeOf(Type.Object({ queue_running: Type.Array(Entry), queue_pending: Type.Array(Entry) }));
const historyShape = shapeOf(
  Type.Record(
    Text,
    Type.Object({
      prompt: Entry,
      outputs: Type.Record(Text, Type.Record(Text, Type.Unknown())),
      status: Type.Optional(Type.Union([Type.Null(), Type.Object({ status_str: Text, completed: Type.Boolean(), messages: Type.Optional(Type.Array(Type.Unknown())) })])),
    }),
  ),
);
const uploadedShape = shapeOf(Type.Object({ name: Text, subfolder: Type.Optional(Text) }));
const statsShape = shapeOf(
  Type.Object({
    system: Type.Object({ os: Type.Optional(Text), comfyui_version: Type.Optional(Text), pytorch_version: Type.Optional(Text) }),
    devices: Type.Array(Type.Object({ name: Text, type: Text, vram_total: Type.Number(), vram_free: Type.Number() })),
  }),
);

/** By which a prompt is known again, whoever gave it its id. */
const MARK = "cyberun_attempt";

export interface QueuedPrompt {
  readonly promptId: string;
  readonly mark: string | undefined;
  readonly isRunning: boolean;
}

export interface OutputRef {
  /** `node.kind.index`, as results name it. */
  readonly id: string;
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}

export interface EndedPrompt {
  readonly promptId: string;
  readonly mark: string | undefined;
  readonly isSuccess: boolean;
  /** What ComfyUI says about a failure. */
  readonly problem: string | undefined;
  readonly outputs: readonly OutputRef[];
}

export interface SystemStats {
  readonly comfyui_version?: string;
  readonly pytorch_version?: string;
  readonly os_type?: string;
  readonly gpu_devices: { readonly device_name: string; readonly device_type: string; readonly vram_total: number; readonly vram_free: number }[];
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function markOf(extra: unknown): string | undefined {
  const mark = membersOf(extra)[MARK];
  return typeof mark === "string" ? mark : undefined;
}

/** Files among the outputs of a prompt. Previews that are not kept are left out. */
function outputsOf(outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>): readonly OutputRef[] {
  return Object.entries(outputs).flatMap(([node, kinds]) =>
    Object.entries(kinds).flatMap(([kind, list]) =>
      (Array.isArray(list) ? list.map(membersOf) : []).flatMap((each, index): readonly OutputRef[] => {
        const [filename, subfolder, type] = [textOf(each["filename"]), textOf(each["subfolder"]), textOf(each["type"])];
        return filename === "" || type === "temp" ? [] : [{ id: `${node}.${kind}.${index}`, filename, subfolder, type }];
      }),
    ),
  );
}

/** The last error among a history's messages, in one line. */
function problemOf(messages: readonly unknown[] = []): string | undefined {
  for (const message of messages.toReversed()) {
    if (!Array.isArray(message)) continue;
    const told = membersOf(message[1]);
    if (message[0] === "execution_error") return `${textOf(told["node_type"])} (node ${textOf(told["node_id"])}): ${textOf(told["exception_message"]).trim()}`.slice(0, REASON_CHARACTERS_MAX);
    if (message[0] === "execution_interrupted") return "It was interrupted at ComfyUI.";
  }
  return undefined;
}

/** Why a graph is not taken: the error, and the first of each node. */
function refusalOf(text: string): string {
  const body = membersOf(findJson(text));
  const error = membersOf(body["error"]);
  const nodes = Object.entries(membersOf(body["node_errors"])).map(([node, told]) => {
    const [first] = [membersOf(told)["errors"]].flat().map(membersOf);
    return `node ${node}: ${textOf(first?.["message"])} ${textOf(first?.["details"])}`.trim();
  });
  return [textOf(error["message"]), textOf(error["details"]), ...nodes].filter((part) => part !== "").join("; ").slice(0, REASON_CHARACTERS_MAX);
}

export class ComfyUiClient {
  readonly #services: Services;
  readonly #url: string;

  constructor(services: Services, url: string) {
    this.#services = services;
    this.#url = url;
  }

  /** Queues a graph. Gives the id that ComfyUI knows it by. Throws {@link ComfyUiRefused} for a graph that it does not take. */
  async queue(graph: Graph, { clientId, mark, promptId }: { readonly clientId: string; readonly mark: string; readonly promptId: string }): Promise<string> {
    const { status, text } = await this.#post("/prompt", { prompt: graph, client_id: clientId, prompt_id: promptId, extra_data: { [MARK]: mark } });
    if (status === 400) throw new ComfyUiRefused(`ComfyUI does not take the graph: ${refusalOf(text)}`);
    return this.#checked(acceptedShape, status, text).prompt_id;
  }

  async queued(): Promise<readonly QueuedPrompt[]> {
    const { queue_running, queue_pending } = await this.#get(queueShape, "/queue");
    const shown = (isRunning: boolean) => ([, promptId, , extra]: readonly unknown[]): QueuedPrompt => ({ promptId: textOf(promptId), mark: markOf(extra), isRunning });
    return [...queue_running.map(shown(true)), ...queue_pending.map(shown(false))];
  }

  /** A prompt that has ended; undefined while it has not, or when ComfyUI does not know it. */
  async findEnded(promptId: string): Promise<EndedPrompt | undefined> {
    return (await this.#history(`/history/${encodeURIComponent(promptId)}`)).find((each) => each.promptId === promptId);
  }

  /** The same by its mark, among those that ended last. */
  async findEndedByMark(mark: string): Promise<EndedPrompt | undefined> {
    return (await this.#history("/history?max_items=200")).find((each) => each.mark === mark);
  }

  async drop(promptId: string): Promise<void> {
    await this.#post("/queue", { delete: [promptId] });
  }

  /** Ends what runs; the caller has seen that it is the prompt. Newer servers look at the id too. */
  async interrupt(promptId: string): Promise<void> {
    await this.#post("/interrupt", { prompt_id: promptId });
  }

  /** Puts a file where graphs find it; gives the name by which they do. */
  async upload(path: string, name: string, signal: AbortSignal): Promise<string> {
    const form = new FormData();
    form.set("image", new File([Bun.file(path)], name));
    form.set("type", "input");
    form.set("overwrite", "true");
    const answer = await this.#send("/upload/image", { method: "POST", body: form, signal });
    const uploaded = this.#checked(uploadedShape, answer.status, await answer.text());
    return uploaded.subfolder === undefined || uploaded.subfolder === "" ? uploaded.name : `${uploaded.subfolder}/${uploaded.name}`;
  }

  /** Writes an output to `path`. */
  async fetchOutput({ filename, subfolder, type }: OutputRef, path: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#send(`/view?${new URLSearchParams({ filename, subfolder, type }).toString()}`, { signal });
    if (answer.status === 404) throw new ComfyUiRefused(`ComfyUI does not have its output ${filename} any more.`);
    if (!answer.ok || answer.body === null) throw new ComfyUiUnreachable(`ComfyUI answered ${answer.status}.`);
    const file = openSync(path, "w", 0o600);
    try {
      for await (const piece of answer.body) for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at);
    } finally {
      closeSync(file);
    }
  }

  async stats(): Promise<SystemStats> {
    const { system, devices } = await this.#get(statsShape, "/system_stats");
    return {
      ...(system.comfyui_version === undefined ? {} : { comfyui_version: system.comfyui_version.slice(0, 255) }),
      ...(system.pytorch_version === undefined ? {} : { pytorch_version: system.pytorch_version.slice(0, 255) }),
      ...(system.os === undefined ? {} : { os_type: system.os.slice(0, 255) }),
      gpu_devices: devices.slice(0, 64).map(({ name, type, vram_total, vram_free }) => ({ device_name: name.slice(0, 255), device_type: type.slice(0, 255), vram_total: Math.max(0, Math.floor(vram_total)), vram_free: Math.max(0, Math.floor(vram_free)) })),
    };
  }

  async #history(path: string): Promise<readonly EndedPrompt[]> {
    return Object.entries(await this.#get(historyShape, path)).map(([promptId, { prompt, outputs, status }]) => ({
      promptId,
      mark: markOf(prompt[3]),
      isSuccess: status?.status_str !== "error" && status?.completed !== false,
      problem: problemOf(status?.messages),
      outputs: outputsOf(outputs),
    }));
  }

  async #get<T>(shape: Shape<T>, path: string): Promise<T> {
    return await this.#timed(async (signal) => {
      const answer = await this.#send(path, { signal });
      return this.#checked(shape, answer.status, await answer.text());
    });
  }

  async #post(path: string, body: object): Promise<{ readonly status: number; readonly text: string }> {
    return await this.#timed(async (signal) => {
      const answer = await this.#send(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal });
      if (!answer.ok && answer.status !== 400) throw new ComfyUiUnreachable(`ComfyUI answered ${answer.status}.`);
      return { status: answer.status, text: await answer.text() };
    });
  }

  async #timed<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const cutting = new AbortController();
    const cancel = this.#services.clock.after(ANSWER_MS_MAX, () => cutting.abort(new Error("it took too long")));
    try {
      return await act(cutting.signal);
    } finally {
      cancel();
    }
  }

  async #send(path: string, init: BunFetchRequestInit): Promise<Response> {
    try {
      return await this.#services.fetch(`${this.#url}${path}`, { ...init, redirect: "manual" });
    } catch (cause) {
      throw new ComfyUiUnreachable("ComfyUI does not answer.", { cause });
    }
  }

  #checked<T>(shape: Shape<T>, status: number, text: string): T {
    const value = findJson(text);
    if (status === 200 && shape.Check(value)) return value;
    throw new ComfyUiUnreachable(`What answers is not ComfyUI (status ${status}).`);
  }
}
