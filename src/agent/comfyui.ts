/**
 * The ComfyUI of an agent's host: its health, and the attempts that run on it.
 *
 * Rule: one socket for all runs; a run hears what is said of its prompt. Without health the agent says `unhealthy`, and takes nothing.
 */
import type { Log } from "../log.ts";
import type { Services } from "../services.ts";
import { ComfyUiClient, type SystemStats } from "./comfyui-client.ts";
import { ComfyUiRun, type ComfyUiRunParts, type FreshPrompt } from "./comfyui-run.ts";
import { ComfyUiSocket } from "./comfyui-socket.ts";

const HEALTH_TICKS = 10;
/** While it is not well, it is asked more often. */
const UNWELL_TICKS = 2;

export interface ComfyUiParts {
  readonly services: Services;
  readonly log: Log;
  readonly url: string;
  /** Its health has changed. */
  onHealth(): void;
}

export class ComfyUi {
  readonly #parts: ComfyUiParts;
  readonly #client: ComfyUiClient;
  readonly #clientId: string;
  readonly #socket: ComfyUiSocket;
  readonly #runs = new Set<ComfyUiRun>();
  #stats: SystemStats | undefined;
  #ticks = 0;
  #isAsking = false;
  #isStopped = false;

  constructor(parts: ComfyUiParts) {
    this.#parts = parts;
    const { services, url } = parts;
    this.#client = new ComfyUiClient(services, url);
    this.#clientId = services.random.uuid();
    this.#socket = new ComfyUiSocket(services, { url, clientId: this.#clientId }, (promptId, event) => {
      for (const run of this.#runs) if (run.isOf(promptId)) run.hear(event);
    });
    void this.#ask();
  }

  /** Undefined while it is not well. */
  get stats(): SystemStats | undefined {
    return this.#stats;
  }

  start(parts: Omit<ComfyUiRunParts, "services" | "client" | "clientId">, fresh: FreshPrompt | undefined): ComfyUiRun {
    const run: ComfyUiRun = new ComfyUiRun(
      {
        ...parts,
        services: this.#parts.services,
        client: this.#client,
        clientId: this.#clientId,
        onEnd: (outcome) => {
          this.#runs.delete(run);
          parts.onEnd(outcome);
        },
      },
      fresh,
    );
    this.#runs.add(run);
    return run;
  }

  /** Called every second. */
  tick(): void {
    this.#ticks += 1;
    for (const run of this.#runs) run.look();
    if (this.#ticks % (this.#stats === undefined ? UNWELL_TICKS : HEALTH_TICKS) === 0) void this.#ask();
  }

  /** What runs there goes on without the agent. */
  stop(): void {
    this.#isStopped = true;
    this.#socket.stop();
    for (const run of this.#runs) run.abandon();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isStopped) return;
    this.#isAsking = true;
    const stats = await this.#client.stats().catch(() => undefined);
    this.#isAsking = false;
    if (this.#isStopped) return;
    const isChanged = JSON.stringify(stats) !== JSON.stringify(this.#stats);
    if ((stats === undefined) !== (this.#stats === undefined)) this.#parts.log.write(stats === undefined ? "warn" : "info", "comfyui.health", { is_well: stats !== undefined });
    this.#stats = stats;
    if (isChanged) this.#parts.onHealth();
  }
}
