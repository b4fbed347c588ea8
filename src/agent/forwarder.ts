/**
 * Serves the streams that the gateway opens on the data channel: an HTTP request, a WebSocket or a TCP connection, each to one
 * service on this host.
 *
 *     open → where to, or refused → asked there → head → bytes both ways, as fast as the slower side takes them → end
 *
 * Rule: connects to where it is told by this agent's own settings (`findTarget`), and by nothing that came over the channel.
 */
import { createConnection, type Socket } from "node:net";
import type { ChannelStream } from "../agents/channel.ts";
import type { Asked, HeaderPairs, Open } from "../agents/channel-frames.ts";
import type { Services } from "../services.ts";

/** Bytes of a service's WebSocket that wait for the gateway. */
const WAITING_BYTES_MAX = 16_777_216;
const REASON_CHARACTERS_MAX = 300;

/** A service that is reached from this host. */
export interface ForwardTarget {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Sent in place of what came. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Present where the service is a port of this host. */
  readonly port?: number;
}

/** `refused` by this agent's own settings, or `unreachable` as things are. */
export interface NoTarget {
  readonly code: "refused" | "unreachable";
  readonly message: string;
}

export interface ForwarderParts {
  readonly services: Services;
  /** Where the target is, or why nobody gets there. */
  findTarget(target: Open["target"]): ForwardTarget | NoTarget;
}

type HttpAsked = Extract<Asked, { readonly kind: "http" }>;
type SocketAsked = Extract<Asked, { readonly kind: "websocket" }>;

function unreachable(error: unknown): { readonly code: "unreachable"; readonly message: string } {
  const why = error instanceof Error ? error.message : String(error);
  return { code: "unreachable", message: `The service does not answer on the agent's host: ${why}`.slice(0, REASON_CHARACTERS_MAX) };
}

function headersOf(pairs: HeaderPairs, { headers: given = {}, port }: ForwardTarget): Headers {
  const headers = new Headers();
  for (const [name, value] of pairs) headers.append(name, value);
  // Where it was called from is nobody's business outside of this host.
  if (port === undefined) for (const name of ["x-forwarded-host", "x-forwarded-prefix"]) headers.delete(name);
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  return headers;
}

/** The bytes that come on the stream, as they are asked for. */
function bodyOf(stream: ChannelStream): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const piece = await stream.read();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece.bytes);
    },
  });
}

export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  serve(stream: ChannelStream, { target, request }: Open): void {
    const found = this.#parts.findTarget(target);
    if ("code" in found) return stream.abort(found);
    const served = request.kind === "http" ? this.#http(stream, request, found) : request.kind === "websocket" ? this.#webSocket(stream, request, found) : this.#tcp(stream, found);
    // Whatever went wrong after the head, the stream says so: a half answer never looks like a whole one.
    served.catch((error: unknown) => stream.abort(unreachable(error)));
  }

  async #http(stream: ChannelStream, { method, path, headers, has_body }: HttpAsked, target: ForwardTarget): Promise<void> {
    const cutting = new AbortController();
    void stream.over.then(() => cutting.abort());
    const init = { method, headers: headersOf(headers, target), redirect: "manual", decompress: false, timeout: false, ...(target.port === undefined ? {} : { proxy: false as const }), signal: cutting.signal } as const;
    const response = await this.#parts.services.fetch(`${target.origin}${path}`, { ...init, ...(has_body ? { body: bodyOf(stream) } : {}) });
    const pairs: [string, string][] = [];
    response.headers.forEach((value, name) => void (name === "set-cookie" ? undefined : pairs.push([name, value])));
    for (const value of response.headers.getSetCookie()) pairs.push(["set-cookie", value]);
    stream.sendHead({ kind: "http", status: response.status, headers: pairs });
    if (response.body !== null) for await (const piece of response.body) await stream.write(piece);
    await stream.end();
    if (!has_body) while ((await stream.read()) !== undefined);
  }

  async #webSocket(stream: ChannelStream, { path, headers, protocols }: SocketAsked, target: ForwardTarget): Promise<void> {
    const socket = new WebSocket(`${target.origin.replace(/^http/, "ws")}${path}`, { headers: Object.fromEntries(headersOf(headers, target)), ...(protocols.length === 0 ? {} : { protocols: [...protocols] }) });
    socket.binaryType = "arraybuffer";
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    let waiting = 0;
    socket.onopen = () => opened.resolve();
    socket.onclose = ({ code, reason }) => {
      opened.reject(new Error(`it is no WebSocket (${code}${reason === "" ? "" : ` ${reason}`})`));
      closed.resolve();
    };
    socket.onmessage = ({ data }) => {
      const isText = typeof data === "string";
      const bytes: Uint8Array<ArrayBuffer> = isText ? new TextEncoder().encode(data) : new Uint8Array(data);
      waiting += bytes.length;
      if (waiting > WAITING_BYTES_MAX) return stream.abort({ code: "failed", message: "The service sends faster than the client reads." });
      stream.write(bytes, { isText }).then(() => void (waiting -= bytes.length), () => {});
    };
    void stream.over.then(() => socket.close());
    await opened.promise;
    stream.sendHead({ kind: "websocket", protocol: socket.protocol });
    void closed.promise.then(() => stream.end());
    await this.#sendMessages(stream, socket);
  }

  async #sendMessages(stream: ChannelStream, socket: WebSocket): Promise<void> {
    let parts: Uint8Array[] = [];
    for (let piece = await stream.read(); piece !== undefined; piece = await stream.read()) {
      parts.push(piece.bytes);
      if (piece.goesOn) continue;
      const whole = Buffer.concat(parts);
      socket.send(piece.isText ? whole.toString("utf8") : whole);
      parts = [];
    }
    socket.close(1_000);
  }

  async #tcp(stream: ChannelStream, { port }: ForwardTarget): Promise<void> {
    if (port === undefined) return stream.abort({ code: "refused", message: "The service is reached by HTTP only." });
    const socket = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
    const opened = Promise.withResolvers<void>();
    socket.once("connect", () => opened.resolve());
    socket.on("error", (error) => opened.reject(error));
    void stream.over.then(() => socket.destroySoon());
    await opened.promise;
    stream.sendHead({ kind: "tcp" });
    await Promise.all([this.#sendBytes(stream, socket), this.#takeBytes(stream, socket)]);
  }

  async #sendBytes(stream: ChannelStream, socket: Socket): Promise<void> {
    for (let piece = await stream.read(); piece !== undefined; piece = await stream.read()) {
      if (socket.destroyed) throw new Error("the connection was closed");
      if (!socket.write(piece.bytes)) {
        await new Promise<void>((resolve) => {
          socket.once("drain", resolve);
          socket.once("close", resolve);
        });
      }
    }
    socket.end();
  }

  async #takeBytes(stream: ChannelStream, socket: Socket): Promise<void> {
    // Reading to the end would otherwise close the other direction too.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      const bytes: unknown = chunk;
      if (bytes instanceof Uint8Array) await stream.write(new Uint8Array(bytes));
    }
    await stream.end();
  }
}
