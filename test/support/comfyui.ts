/**
 * A stand-in for ComfyUI: its HTTP and WebSocket API over real sockets, with graphs whose nodes the test moves on.
 *
 *     await using comfy = comfyUi();
 *     comfy.finish(promptId)   comfy.fail(promptId)   comfy.restart()
 *
 * It speaks what ComfyUI's `server.py` and `execution.py` speak, and computes nothing.
 */
import type { ServerWebSocket } from "bun";

type Json = Record<string, unknown>;

export interface QueuedGraph {
  readonly id: string;
  readonly graph: Json;
  readonly extra: Json;
}

export interface ComfyUiDouble extends AsyncDisposable {
  readonly url: string;
  /** Every graph that was ever queued. */
  readonly prompts: readonly QueuedGraph[];
  readonly uploads: ReadonlyMap<string, Uint8Array>;
  readonly interrupted: readonly string[];
  /** What waits or runs now, in order. */
  queue(): readonly string[];
  say(type: string, data: Json): void;
  /** Ends the prompt with one image of node 9. */
  finish(id: string, image?: Uint8Array): void;
  fail(id: string, message: string): void;
  cutSockets(): void;
  /** Does not answer until it is started again; `forgets`: as a new process, with nothing in queue and history. */
  stop(): void;
  start(options?: { readonly forgets?: boolean }): void;
  refuses: string | undefined;
  readonly sockets: number;
}

const IMAGE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);

export function comfyUi({ ignoresIds = false } = {}): ComfyUiDouble {
  const prompts: QueuedGraph[] = [];
  const uploads = new Map<string, Uint8Array>();
  const interrupted: string[] = [];
  const sockets = new Set<ServerWebSocket<unknown>>();
  const files = new Map<string, Uint8Array>();
  let queue: QueuedGraph[] = [];
  let history: Record<string, Json> = {};
  const entry = ({ id, graph, extra }: QueuedGraph) => [1, id, graph, extra, ["9"]];
  const say = (type: string, data: Json) => {
    for (const socket of sockets) socket.send(JSON.stringify({ type, data }));
  };
  const end = (id: string, outputs: Json, status: Json) => {
    const prompt = queue.find((each) => each.id === id);
    if (prompt === undefined) throw new Error(`there is no prompt ${id} in the queue`);
    queue = queue.filter((each) => each !== prompt);
    history[id] = { prompt: entry(prompt), outputs, status };
  };
  const answers: Record<string, (request: Request, url: URL) => Promise<Response> | Response> = {
    async "POST /prompt"(request) {
      const body: { readonly prompt: Json; readonly prompt_id?: string; readonly extra_data?: Json } = JSON.parse(await request.text());
      if (double.refuses !== undefined) return Response.json({ error: { type: "prompt_outputs_failed_validation", message: double.refuses, details: "", extra_info: {} }, node_errors: { "6": { errors: [{ message: "Required input is missing", details: "text" }] } } }, { status: 400 });
      const prompt = { id: ignoresIds ? crypto.randomUUID() : (body.prompt_id ?? crypto.randomUUID()), graph: body.prompt, extra: body.extra_data ?? {} };
      prompts.push(prompt);
      queue.push(prompt);
      return Response.json({ prompt_id: prompt.id, number: prompts.length, node_errors: {} });
    },
    "GET /queue": () => Response.json({ queue_running: queue.slice(0, 1).map(entry), queue_pending: queue.slice(1).map(entry) }),
    async "POST /queue"(request) {
      const { delete: ids }: { readonly delete: readonly string[] } = JSON.parse(await request.text());
      queue = queue.filter(({ id }, at) => at === 0 || !ids.includes(id));
      return new Response(null, { status: 200 });
    },
    "POST /interrupt"() {
      const [running] = queue;
      if (running !== undefined) {
        interrupted.push(running.id);
        end(running.id, {}, { status_str: "error", completed: false, messages: [["execution_interrupted", { prompt_id: running.id }]] });
        say("execution_interrupted", { prompt_id: running.id });
      }
      return new Response(null, { status: 200 });
    },
    "GET /history": () => Response.json(history),
    "GET /system_stats": () => Response.json({ system: { os: "posix", comfyui_version: "0.3.13", pytorch_version: "2.5.1", python_version: "3.12" }, devices: [{ name: "cuda:0 NVIDIA A100", type: "cuda", index: 0, vram_total: 42_000_000_000, vram_free: 41_000_000_000 }] }),
    async "POST /upload/image"(request) {
      const form = await request.formData();
      const image = form.get("image");
      if (!(image instanceof File)) return new Response(null, { status: 400 });
      uploads.set(image.name, await image.bytes());
      return Response.json({ name: image.name, subfolder: "", type: form.get("type") });
    },
    "GET /view"(_request, url) {
      const file = files.get(url.searchParams.get("filename") ?? "");
      return file === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(file));
    },
  };
  const serve = (port: number) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port,
      development: false,
      async fetch(request, server) {
        const url = new URL(request.url);
        if (url.pathname === "/ws") return server.upgrade(request) ? undefined : new Response(null, { status: 400 });
        const [, first = "", id] = url.pathname.split("/");
        if (first === "history" && id !== undefined) return Response.json(history[id] === undefined ? {} : { [id]: history[id] });
        return (await answers[`${request.method} ${url.pathname}`]?.(request, url)) ?? new Response(null, { status: 404 });
      },
      websocket: { message() {}, open: (socket) => void sockets.add(socket), close: (socket) => void sockets.delete(socket) },
    });
  let server = serve(0);
  const port = server.port ?? 0;
  const double: ComfyUiDouble = {
    url: `http://127.0.0.1:${port}`,
    prompts,
    uploads,
    interrupted,
    queue: () => queue.map(({ id }) => id),
    say,
    finish(id, image = IMAGE) {
      const filename = `ComfyUI_${prompts.length}_.png`;
      files.set(filename, image);
      end(id, { "9": { images: [{ filename, subfolder: "", type: "output" }, { filename: "preview.png", subfolder: "", type: "temp" }] } }, { status_str: "success", completed: true, messages: [] });
      say("execution_success", { prompt_id: id });
    },
    fail(id, message) {
      end(id, {}, { status_str: "error", completed: false, messages: [["execution_start", {}], ["execution_error", { prompt_id: id, node_id: "3", node_type: "KSampler", exception_message: message }]] });
      say("execution_error", { prompt_id: id });
    },
    cutSockets() {
      for (const socket of sockets) socket.terminate();
    },
    stop: () => void server.stop(true),
    start({ forgets = false } = {}) {
      if (forgets) [queue, history] = [[], {}];
      server = serve(port);
    },
    refuses: undefined,
    get sockets() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return double;
}
