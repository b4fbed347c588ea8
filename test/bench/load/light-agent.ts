/**
 * An agent that costs next to nothing: one WebSocket over a plain socket, and of the protocol just enough to be one.
 *
 * It answers pings, takes what it is offered and has it done at once. Ten thousand of them share a process with the clock that
 * measures the gateway, so frames are looked through for a few words instead of being checked.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "bun";

const HEAD_END = "\r\n\r\n";
/** Where a second and a third length of a frame begin (RFC 6455 section 5.2). */
const SHORT_MAX = 125;
const TWO_BYTES = 126;
const TWO_BYTES_MAX = 65_535;

export interface Offer {
  readonly agent: LightAgent;
  readonly taskId: string;
  readonly attempt: number;
  readonly atMs: number;
}

export interface LightAgentOptions {
  readonly url: URL;
  readonly key: string;
  readonly agentId: string;
  readonly capacity: number;
  onOffer(offer: Offer): void;
  onTaken(): void;
}

/** A text frame of a client with a mask of zeros, which leaves the text as it is. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > TWO_BYTES_MAX) throw new Error("a light agent says nothing that long");
  const head = payload.length <= SHORT_MAX ? Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]) : Buffer.from([0x81, 0x80 | TWO_BYTES, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);
}

interface Frame {
  readonly text: string;
  readonly opcode: number;
  readonly end: number;
}

/** The frame at the beginning of `bytes`, when all of it is there. */
function findFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  if (short > TWO_BYTES) throw new Error("a frame of the gateway is larger than a light agent takes");
  const at = short === TWO_BYTES ? 4 : 2;
  if (bytes.length < at) return undefined;
  const end = at + (short === TWO_BYTES ? bytes.readUInt16BE(2) : short);
  return bytes.length < end ? undefined : { opcode: (bytes[0] ?? 0) & 0x0f, text: bytes.toString("latin1", at, end), end };
}

function textOf(frame: string, member: string): string {
  return new RegExp(`"${member}":"?([^",}]*)`).exec(frame)?.[1] ?? "";
}

export class LightAgent {
  readonly #options: LightAgentOptions;
  readonly #welcome = Promise.withResolvers<void>();
  readonly #pongs: (() => void)[] = [];
  #socket: Socket | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #isUpgraded = false;
  #isClosed = false;
  #sent = 0;
  #received = 0;
  #pings = 0;

  constructor(options: LightAgentOptions) {
    this.#options = options;
  }

  /** Resolves when the gateway has said welcome. Throws when it refuses. */
  async connect(): Promise<void> {
    const { url, key } = this.#options;
    const request = [`GET ${url.pathname} HTTP/1.1`, `host: ${url.host}`, `authorization: Bearer ${key}`, "connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", `sec-websocket-key: ${randomBytes(16).toString("base64")}`];
    this.#socket = await Bun.connect({
      hostname: url.hostname,
      port: Number(url.port),
      socket: {
        open: (socket) => void socket.write(`${request.join("\r\n")}${HEAD_END}`),
        data: (_socket, chunk) => this.#take(chunk),
        close: () => this.#over(new Error("the gateway closed the connection")),
        error: (_socket, error) => this.#over(error),
      },
    });
    await this.#welcome.promise;
  }

  /** Resolves with the pong. */
  async ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pongs.push(resolve);
    this.#send(`{"type":"ping","sequence":${(this.#pings += 1)},"ack":${this.#received}}`);
    await promise;
  }

  /** Takes the offer and says that it is done. */
  finish({ taskId, attempt }: Offer): void {
    const which = `"task_id":"${taskId}","attempt":${attempt}`;
    this.#send(`{"type":"accept","seq":${(this.#sent += 1)},"ack":${this.#received},${which}}`);
    this.#send(`{"type":"result","seq":${(this.#sent += 1)},"ack":${this.#received},${which},"outcome":{"kind":"completed","output":{}}}`);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.end();
  }

  #over(error: Error): void {
    if (!this.#isClosed) this.#welcome.reject(error);
  }

  #send(text: string): void {
    this.#socket?.write(textFrame(text));
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    if (!this.#isUpgraded && !this.#upgrade()) return;
    for (let frame = findFrame(this.#rest); frame !== undefined; frame = findFrame(this.#rest)) {
      this.#rest = this.#rest.subarray(frame.end);
      if (frame.opcode === 1) this.#hear(frame.text);
      else this.#over(new Error(`the gateway closed: ${frame.text.slice(2)}`));
    }
  }

  #upgrade(): boolean {
    const end = this.#rest.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#rest.toString("latin1", 0, end);
    this.#rest = this.#rest.subarray(end + HEAD_END.length);
    if (!head.startsWith("HTTP/1.1 101")) this.#over(new Error(`the gateway answered ${head.slice(0, 40)}`));
    this.#isUpgraded = true;
    const { agentId, capacity } = this.#options;
    this.#send(JSON.stringify({ type: "hello", protocol: 1, agent_id: agentId, agent_version: "bench", labels: [], capacity, holds: [] }));
    return true;
  }

  #hear(frame: string): void {
    const seq = Number(textOf(frame, "seq"));
    if (seq > this.#received) this.#received = seq;
    switch (textOf(frame, "type")) {
      case "welcome":
        return this.#welcome.resolve();
      case "ping":
        return this.#send(`{"type":"pong","sequence":${textOf(frame, "sequence")}}`);
      case "pong":
        return this.#pongs.shift()?.();
      case "offer":
        return this.#options.onOffer({ agent: this, taskId: textOf(frame, "task_id"), attempt: Number(textOf(frame, "attempt")), atMs: performance.now() });
      case "taken":
        return this.#options.onTaken();
      case "error":
        return this.#over(new Error(frame.slice(0, 300)));
    }
  }
}
