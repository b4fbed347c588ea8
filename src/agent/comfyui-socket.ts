/**
 * ComfyUI's WebSocket: what happens to prompts, as it happens. For progress and for being quick; what is true says the history.
 *
 * Rule: dials again by itself while it is wanted, and loses nothing that matters when it is cut.
 */
import { findJson } from "../json.ts";
import type { Cancel, Services } from "../services.ts";

const REDIAL_MS = 2_000;

/** What is heard about one prompt. */
export type PromptEvent =
  | { readonly kind: "node"; readonly node: string }
  | { readonly kind: "step"; readonly node: string | undefined; readonly value: number; readonly max: number }
  | { readonly kind: "done_nodes"; readonly nodes: readonly string[] }
  /** It has ended, however: the history tells. */
  | { readonly kind: "ended" };

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const isText = (value: unknown): value is string => typeof value === "string";

/** The prompt and what happened to it; undefined for what says nothing about one. */
function findEvent(text: string): { readonly promptId: string; readonly event: PromptEvent } | undefined {
  const message = membersOf(findJson(text));
  const data = membersOf(message["data"]);
  const promptId = data["prompt_id"];
  if (!isText(promptId)) return undefined;
  switch (message["type"]) {
    case "executing":
      return { promptId, event: isText(data["node"]) ? { kind: "node", node: data["node"] } : { kind: "ended" } };
    case "progress": {
      const { node, value, max } = data;
      return typeof value === "number" && typeof max === "number" && max > 0 ? { promptId, event: { kind: "step", node: isText(node) ? node : undefined, value, max } } : undefined;
    }
    case "executed":
      return isText(data["node"]) ? { promptId, event: { kind: "done_nodes", nodes: [data["node"]] } } : undefined;
    case "execution_cached":
      return Array.isArray(data["nodes"]) ? { promptId, event: { kind: "done_nodes", nodes: data["nodes"].filter(isText) } } : undefined;
    case "execution_success":
    case "execution_error":
    case "execution_interrupted":
      return { promptId, event: { kind: "ended" } };
    default:
      return undefined;
  }
}

export class ComfyUiSocket {
  readonly #services: Services;
  readonly #url: string;
  readonly #onEvent: (promptId: string, event: PromptEvent) => void;
  #socket: WebSocket | undefined;
  #redial: Cancel | undefined;
  #isStopped = false;

  constructor(services: Services, { url, clientId }: { readonly url: string; readonly clientId: string }, onEvent: (promptId: string, event: PromptEvent) => void) {
    this.#services = services;
    this.#url = `${url.replace(/^http/, "ws")}/ws?clientId=${clientId}`;
    this.#onEvent = onEvent;
    this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    this.#redial?.();
    this.#socket?.close();
  }

  #dial(): void {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const found = isText(data) ? findEvent(data) : undefined;
      if (found !== undefined && !this.#isStopped) this.#onEvent(found.promptId, found.event);
    };
    socket.onclose = () => {
      if (!this.#isStopped) this.#redial = this.#services.clock.after(REDIAL_MS, () => this.#dial());
    };
  }
}
