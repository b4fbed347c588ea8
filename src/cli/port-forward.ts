/**
 * A port of this host that leads through a TCP tunnel: each connection goes over a WebSocket of its own.
 *
 *     127.0.0.1:2222 → connection → WebSocket to the gateway → the agent → its own port
 *
 * Rule: moves bytes, no faster than either end takes them: what is sent waits for the gateway's credit, and while a local
 * reader is slow its socket is what fills.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { WINDOW_BYTES } from "../agents/channel-frames.ts";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";

/** The gateway's word for a client that waits for credit. */
const PROTOCOL = "cyberun.tcp.v1";
const END = JSON.stringify({ end: true });
const MESSAGE_BYTES_MAX = 32_768;

export interface ForwardOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tunnelUrl: string;
  readonly caFile: string | undefined;
  onProblem(problem: string): void;
}

export interface PortForward {
  readonly port: number;
  stop(): void;
}

function creditOf(text: string): number {
  const told = findJson(text);
  return typeof told === "object" && told !== null && "credit" in told && typeof told.credit === "number" ? told.credit : 0;
}

class ForwardedConnection {
  readonly #local: Socket;
  readonly #remote: WebSocket;
  #credit = WINDOW_BYTES;
  #wake = () => {};
  #isClosed = false;

  constructor(local: Socket, { tunnelUrl, caFile, onProblem }: ForwardOptions) {
    this.#local = local;
    const tls = caFile === undefined ? {} : { tls: { ca: readFileSync(caFile, "utf8") } };
    this.#remote = new WebSocket(tunnelUrl, { protocols: [PROTOCOL], ...tls });
    this.#remote.binaryType = "arraybuffer";
    this.#remote.onopen = () => void this.#send();
    this.#remote.onmessage = ({ data }) => this.#take(data);
    this.#remote.onclose = ({ code, reason }) => {
      if (code !== 1_000 && !this.#isClosed) onProblem(`The connection through the tunnel ended (${code}${reason === "" ? "" : `: ${reason}`}).`);
      this.#isClosed = true;
      this.#wake();
      local.end();
    };
    local.on("error", () => this.close());
    local.on("close", () => this.close());
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    this.#local.destroySoon();
    this.#remote.close(1_000);
  }

  #take(data: unknown): void {
    if (typeof data === "string") {
      this.#credit += creditOf(data);
      return this.#wake();
    }
    if (data instanceof ArrayBuffer) this.#local.write(new Uint8Array(data));
  }

  async #send(): Promise<void> {
    try {
      // Reading to the end would otherwise close the other direction too.
      for await (const chunk of this.#local.iterator({ destroyOnReturn: false })) {
        const bytes: unknown = chunk;
        if (bytes instanceof Uint8Array) await this.#sendAll(bytes);
      }
    } catch {
      // The local program went in the middle: so does the connection.
      return this.close();
    }
    // Its last word; what the other end still has to say comes before the connection is closed from there.
    if (!this.#isClosed) this.#remote.send(END);
  }

  async #sendAll(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += MESSAGE_BYTES_MAX) {
      const part = new Uint8Array(bytes.subarray(from, from + MESSAGE_BYTES_MAX));
      while (this.#credit < part.length && !this.#isClosed) await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.#isClosed) return;
      this.#credit -= part.length;
      this.#remote.send(part);
    }
  }
}

/** Opens the port. Throws Fault `unavailable` when it cannot be bound. */
export async function openPortForward(options: ForwardOptions): Promise<PortForward> {
  const connections = new Set<ForwardedConnection>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = new ForwardedConnection(socket, options);
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
  });
  const listening = Promise.withResolvers<void>();
  server.once("listening", () => listening.resolve());
  server.once("error", (cause) => listening.reject(new Fault("unavailable", `Port ${options.port} on ${options.host} cannot be opened.`, { hint: "Choose another one with --listen; port 0 takes a free one.", cause })));
  server.listen(options.port, options.host);
  await listening.promise;
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    stop() {
      server.close();
      for (const connection of connections) connection.close();
    },
  };
}
