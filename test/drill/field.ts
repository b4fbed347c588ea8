/**
 * A deployment of compiled executables that a drill can kill: one server with all roles, and agents that dial it through a
 * link whose frames the drill sees, cuts and swallows.
 *
 *     await using field = await openField({ agents: 2, capacity: 2, command });
 *     field.links[0].onFrame = (direction, type) => …;   field.killServer();   field.killAgent(0);
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerWebSocket } from "bun";
import type { Direction, Verdict } from "../support/command-agent.ts";
import type { Running } from "../support/executable.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

const WAIT_MS = 20;

/** Waits in real time: executables have no other. */
export async function waitUntil(isTrue: () => boolean | Promise<boolean>, { what, ms }: { readonly what: string; readonly ms: number }): Promise<void> {
  const endMs = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${what} did not come true within ${ms / 1_000} seconds`);
    await Bun.sleep(WAIT_MS);
  }
}

interface Pair {
  readonly headers: Readonly<Record<string, string>>;
  remote?: WebSocket;
  readonly waiting: string[];
}

/** One agent's way to the gateway. */
export class FieldLink {
  /** Asked for each frame what becomes of the link: cut before it passes, after it has, or nothing. */
  onFrame: (direction: Direction, type: string) => Verdict = () => undefined;
  /** Frames go nowhere and nothing is closed, as when a router forgets its table. */
  isSwallowing = false;
  /** When the agent's side and the gateway's side of the connection last closed, monotonic. */
  readonly closedAtMs = { agent: 0, gateway: 0 };
  readonly #target: () => string;
  readonly #server: Bun.Server<Pair>;
  readonly #open = new Set<ServerWebSocket<Pair>>();

  constructor(target: () => string) {
    this.#target = target;
    this.#server = Bun.serve<Pair>({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, server) => {
        const headers = { authorization: request.headers.get("authorization") ?? "" };
        return server.upgrade(request, { data: { headers, waiting: [] } }) ? undefined : new Response(null, { status: 426 });
      },
      websocket: {
        idleTimeout: 0,
        open: (local) => this.#join(local),
        message: (local, message) => this.#pass(local, "say", String(message)),
        close: (local) => {
          this.#open.delete(local);
          this.closedAtMs.agent = performance.now();
          if (!this.isSwallowing) local.data.remote?.terminate();
        },
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Cuts what is open, without a goodbye on either side. */
  cut(): void {
    for (const local of [...this.#open]) this.#cut(local);
  }

  async stop(): Promise<void> {
    this.cut();
    await this.#server.stop(true);
  }

  #cut(local: ServerWebSocket<Pair>): void {
    local.data.remote?.terminate();
    local.terminate();
  }

  #join(local: ServerWebSocket<Pair>): void {
    this.#open.add(local);
    const remote = new WebSocket(`${this.#target().replace("http", "ws")}/v1/connect`, { headers: local.data.headers });
    local.data.remote = remote;
    remote.onopen = () => {
      for (const text of local.data.waiting.splice(0)) remote.send(text);
    };
    remote.onmessage = ({ data }) => this.#pass(local, "hear", String(data));
    remote.onclose = ({ code, reason }) => {
      this.closedAtMs.gateway = performance.now();
      if (this.isSwallowing) return;
      if (code === 1006) local.terminate();
      else local.close(code, reason);
    };
  }

  #pass(local: ServerWebSocket<Pair>, direction: Direction, text: string): void {
    if (this.isSwallowing || !this.#open.has(local)) return;
    const { type }: { readonly type?: unknown } = JSON.parse(text);
    const verdict = this.onFrame(direction, String(type));
    if (verdict === "before") return this.#cut(local);
    const { remote, waiting } = local.data;
    if (direction === "hear") local.send(text);
    else if (remote?.readyState === WebSocket.OPEN) remote.send(text);
    else waiting.push(text);
    // What was handed over is on its way before the cut.
    if (verdict === "after") setTimeout(() => this.#cut(local), 1);
  }
}

export interface FieldOptions {
  readonly agents: number;
  readonly capacity: number;
  /** Script of the one command, `work`. */
  readonly command: string;
  readonly labels?: (index: number) => readonly string[];
}

interface FieldParts {
  readonly workshop: Workshop;
  readonly license: string;
  readonly options: FieldOptions;
}

export class Field implements AsyncDisposable {
  readonly links: readonly FieldLink[];
  readonly #parts: FieldParts;
  #server: Running;
  #administrator: Administrator | undefined;
  #key = "";
  #agents: (Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined)[] = [];

  constructor(parts: FieldParts, server: Running) {
    this.#parts = parts;
    this.#server = server;
    this.links = Array.from({ length: parts.options.agents }, () => new FieldLink(() => this.#server.urls.gateway ?? ""));
  }

  get api(): string {
    return this.#server.urls.api ?? "";
  }

  get gateway(): string {
    return this.#server.urls.gateway ?? "";
  }

  get server(): Running {
    return this.#server;
  }

  get agentKey(): string {
    return this.#key;
  }

  get administrator(): Administrator {
    if (this.#administrator === undefined) throw new Error("the field is not set up yet");
    return this.#administrator;
  }

  /** Its data directory outlives the server's death. */
  async setUp(): Promise<void> {
    const { workshop, options } = this.#parts;
    this.#administrator = await setUp(workshop, this.#server);
    this.#key = (await createKey(this.#server, this.administrator, "agent")).key;
    const json = { workflow_slug: "work", display_name: "Work", tool_type: "command", workflow_json: { command: "work" }, max_retries: 20 };
    const { status } = await this.call("/api/v1/workflows", { method: "POST", body: JSON.stringify(json) });
    if (status !== 201) throw new Error(`the workflow was not made: ${status}`);
    for (let index = 0; index < options.agents; index += 1) this.startAgent(index);
  }

  async call(path: string, init: RequestInit = {}) {
    const { token, teamId } = this.administrator;
    return await call(this.api, path, { ...init, bearer: token, teamId });
  }

  /** An integration's key, which does not end while a drill lasts. */
  async createKey(): Promise<string> {
    return (await createKey(this.#server, this.administrator, "integration")).key;
  }

  agentPid(index: number): number {
    return this.#agents[index]?.pid ?? 0;
  }

  startAgent(index: number): void {
    const { workshop, options } = this.#parts;
    const folder = join(workshop.folder, `agent-${index}`);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "agent.json");
    const settings = { gateway_url: this.links[index]?.url, agent_id: `node-${index}`, capacity: options.capacity, agent_labels: options.labels?.(index) ?? [], data_dir: join(folder, "data"), commands: { work: { argv: ["/bin/sh", "-c", options.command] } } };
    writeFileSync(file, JSON.stringify(settings));
    this.#agents[index] = Bun.spawn([workshop.cyberun, "agent", "run", file], { env: { PATH: process.env["PATH"] ?? "", HOME: folder, CYBERUN_AGENT_KEY: this.#key, CYBERUN_LOG_LEVEL: "warn" }, stdio: ["ignore", "ignore", "pipe"] });
  }

  /** SIGKILL. What the command of an attempt still does nobody hears of. */
  async killAgent(index: number): Promise<void> {
    const agent = this.#agents[index];
    agent?.kill("SIGKILL");
    await agent?.exited;
  }

  async killServer(): Promise<void> {
    await this.#server.kill();
  }

  get executable(): string {
    return this.#parts.workshop.cyberun;
  }

  /** On the same ports and data. */
  async startServer(): Promise<void> {
    const { workshop, license } = this.#parts;
    this.#server = await workshop.serve(license, { dataDir: this.#server.dataDir, env: { ...unlimited, ...this.#ports() } });
  }

  /** A start that ends by SIGKILL as soon as its log has so many lines, or once it serves. */
  async killStart(lines: number): Promise<void> {
    const { workshop, license } = this.#parts;
    const env = { PATH: process.env["PATH"] ?? "", HOME: workshop.folder, ...unlimited, ...this.#ports(), CYBERUN_LOG_LEVEL: "debug" };
    const child = Bun.spawn([workshop.cyberun, "serve", "--license", license, "--data-dir", this.#server.dataDir], { env, stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
      log += piece;
      if (log.split("\n").length > lines || log.includes("process.ready")) child.kill("SIGKILL");
    }
    await child.exited;
    if (child.signalCode !== "SIGKILL") throw new Error(`the server ended by itself while it started: ${log}`);
  }

  #ports(): Readonly<Record<string, string>> {
    const { urls } = this.#server;
    const port = (url: string | undefined) => new URL(url ?? "").port;
    return { CYBERUN_LICENSE_PORT: port(urls.license), CYBERUN_API_PORT: port(urls.api), CYBERUN_GATEWAY_PORT: port(urls.gateway), CYBERUN_ISSUER_PORT: port(urls.issuer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent?.kill("SIGKILL");
    await Promise.all(this.links.map((link) => link.stop()));
    await this.#server[Symbol.asyncDispose]();
    this.#parts.workshop.close();
  }
}

/** A drill is one source that asks for everything. */
const unlimited = { CYBERUN_RATE_LIMIT_SOURCE: "0", CYBERUN_RATE_LIMIT_CREDENTIAL: "0", CYBERUN_RATE_LIMIT_STRANGER: "0", CYBERUN_LOG_LEVEL: "warn" };

const caps = ["--quota", "team.max_agents=10000", "--quota", "global.max_agents=10000", "--quota", "team.max_concurrent_tasks=10000", "--quota", "global.max_concurrent_tasks=10000"];

export async function openField(options: FieldOptions): Promise<Field> {
  const workshop = await openWorkshop();
  const license = await workshop.sign("field", ["--template", "enterprise", "--days", "30", ...caps]);
  const dataDir = join(workshop.folder, "field-data");
  const field = new Field({ workshop, license, options }, await workshop.serve(license, { dataDir, env: unlimited }));
  await field.setUp();
  return field;
}
