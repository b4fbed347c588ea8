/**
 * A client's WebSocket and a stream to an agent's host, joined: messages of a WebSocket service, or the bytes of a TCP
 * connection.
 *
 * Rule: moves bytes and holds them back. The runtime does not let a server stop reading a WebSocket, so a client that sends
 * faster than the other end takes is told how much it may send, if it speaks {@link CREDIT_PROTOCOL}, and is cut otherwise when
 * too much waits.
 */
import { type ChannelStream, StreamReset } from "../../agents/channel.ts";
import { WINDOW_BYTES } from "../../agents/channel-frames.ts";
import type { Clock } from "../../services.ts";
import type { RawSocket, SocketEvents } from "./channels.ts";

/** TCP for clients that can wait: each text frame `{"credit": n}` lets the client send so many bytes more, from {@link WINDOW_BYTES} on, and a text of the client says that it has nothing more to send. */
export const CREDIT_PROTOCOL = "cyberun.tcp.v1";
/** Bytes of a client that wait for the agent's host. */
const WAITING_BYTES_MAX = 8_388_608;
/** Bytes of one message of a service. */
const MESSAGE_BYTES_MAX = 16_777_216;

/** Codes of RFC 6455 section 7.4.1. */
const codes = { over: 1000, going: 1001, tooLarge: 1009, failed: 1011, tooFast: 1013 } as const;

/** Once the client has gone, what is on its way to the agent's host has so long to end. */
const ENDING_MS = 30_000;

export type BridgeKind = "messages" | "bytes" | "bytes_with_credit";

export class SocketBridge implements SocketEvents {
  readonly #stream: ChannelStream;
  readonly #kind: BridgeKind;
  readonly #clock: Clock;
  #socket: RawSocket | undefined;
  #waiting = 0;
  #drained = () => {};
  #isClosed = false;

  constructor(stream: ChannelStream, kind: BridgeKind, clock: Clock) {
    this.#stream = stream;
    this.#kind = kind;
    this.#clock = clock;
  }

  open(socket: RawSocket): void {
    this.#socket = socket;
    void this.#pump(socket);
  }

  message(socket: RawSocket, message: string | Uint8Array): void {
    const isText = typeof message === "string";
    // Of a client that is told of credit, a text is its last word.
    if (isText && this.#kind === "bytes_with_credit") return void this.#stream.end();
    // A copy: the runtime may use the message's memory again.
    const bytes = isText ? new TextEncoder().encode(message) : new Uint8Array(message);
    this.#waiting += bytes.length;
    if (this.#waiting > WAITING_BYTES_MAX) return this.#close(socket, codes.tooFast, "more came than the other end takes");
    this.#stream.write(bytes, { isText: isText && this.#kind === "messages" }).then(
      () => this.#passed(socket, bytes.length),
      () => {},
    );
  }

  drain(): void {
    this.#drained();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drained();
    void this.#finish();
  }

  /** A client that says nothing is still there, and the runtime cuts sockets that are silent. */
  ping(): void {
    if (!this.#isClosed) this.#socket?.ping();
  }

  #passed(socket: RawSocket, bytes: number): void {
    this.#waiting -= bytes;
    if (this.#kind === "bytes_with_credit" && !this.#isClosed) socket.send(JSON.stringify({ credit: bytes }));
  }

  /** What the client has sent before it went still goes on; what would come back is let go. */
  async #finish(): Promise<void> {
    const cancel = this.#clock.after(ENDING_MS, () => this.#stream.abort({ code: "over", message: "The client went." }));
    try {
      await this.#stream.end();
      while ((await this.#stream.read()) !== undefined);
    } catch {
      // The stream was reset, which ends it too.
    }
    cancel();
  }

  async #pump(socket: RawSocket): Promise<void> {
    try {
      for (let message = await this.#next(); message !== undefined && !this.#isClosed; message = await this.#next()) {
        // Of an empty message nothing is sent either.
        if (socket.send(message) === 0 && message.length > 0) return this.#close(socket, codes.failed, "what was sent was not read");
        while (!this.#isClosed && socket.getBufferedAmount() > WINDOW_BYTES) await new Promise<void>((resolve) => (this.#drained = resolve));
      }
      this.#close(socket, codes.over, "the other end closed");
    } catch (error) {
      if (error instanceof RangeError) return this.#close(socket, codes.tooLarge, error.message);
      const { code, message } = error instanceof StreamReset ? error.reset : { code: "failed", message: "the connection broke" };
      this.#close(socket, code === "over" ? codes.going : codes.failed, message.slice(0, 100));
    }
  }

  async #next(): Promise<string | Uint8Array | undefined> {
    return this.#kind === "messages" ? await this.#nextMessage() : (await this.#stream.read())?.bytes;
  }

  async #nextMessage(): Promise<string | Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let piece = await this.#stream.read(); piece !== undefined; piece = await this.#stream.read()) {
      parts.push(piece.bytes);
      length += piece.bytes.length;
      if (length > MESSAGE_BYTES_MAX) throw new RangeError(`a message has at most ${MESSAGE_BYTES_MAX} bytes`);
      if (!piece.goesOn) return piece.isText ? Buffer.concat(parts).toString("utf8") : Buffer.concat(parts);
    }
    return undefined;
  }

  #close(socket: RawSocket, code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.abort({ code: "over", message: "The client's connection was closed." });
    socket.close(code, reason);
  }
}
