/**
 * One HTTP/1.1 connection, kept alive, one request at a time: the least a client can cost.
 *
 * The generator shares the cores with the server it measures, so it writes prepared bytes to a socket and reads the status
 * and the body of the answer, nothing else. `fetch` costs about five times as much processor time for each call.
 */
import type { Socket } from "bun";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const HEAD_END = "\r\n\r\n";
/** An answer that takes longer is counted as failed, and its connection given up. */
const ANSWER_MS_MAX = 10_000;

/** A request as it goes over the wire. */
export function requestText(method: string, url: URL, headers: Readonly<Record<string, string>> = {}, body?: string): string {
  const length = body === undefined ? {} : { "content-type": "application/json", ...headers, "content-length": String(Buffer.byteLength(body)) };
  const lines = Object.entries({ host: url.host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("\r\n")}${HEAD_END}${body ?? ""}`;
}

/** The answer that `text` begins with, when all of it is there. Throws for one without a length: none of ours is chunked. */
function findAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd + 2);
  const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(head) ?? [];
  if (length === undefined) throw new Error("the answer has no content-length");
  const bodyAt = headEnd + HEAD_END.length;
  if (text.length < bodyAt + Number(length)) return undefined;
  return { status: Number(head.slice(9, 12)), body: text.slice(bodyAt) };
}

export class Connection {
  readonly #url: URL;
  #socket: Socket | undefined;
  #received = "";
  #waiting: PromiseWithResolvers<Answer> | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  /** Sends `request` and waits for its answer; opens the connection first when it is not open. */
  async send(request: string): Promise<Answer> {
    this.#socket ??= await this.#open();
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting = waiting;
    this.#received = "";
    this.#socket.timeout(ANSWER_MS_MAX / 1_000);
    // A request of ours fits the socket's buffer, so a part that was not taken means that the connection is broken.
    if (this.#socket.write(request) < Buffer.byteLength(request)) this.#fail(new Error("the connection did not take the request"));
    return await waiting.promise;
  }

  close(): void {
    this.#socket?.end();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    return await Bun.connect({
      hostname: this.#url.hostname,
      port: Number(this.#url.port),
      socket: {
        open: (socket) => void socket.setNoDelay(true),
        data: (_socket, chunk) => this.#receive(chunk.toString("latin1")),
        close: (socket) => this.#fail(new Error("the connection was closed"), socket),
        error: (socket, error) => this.#fail(error, socket),
        timeout: (socket) => this.#fail(new Error("the answer is late, or nothing was asked for as long"), socket),
      },
    });
  }

  #receive(text: string): void {
    this.#received = this.#received === "" ? text : this.#received + text;
    try {
      const answer = findAnswer(this.#received);
      if (answer !== undefined) this.#waiting?.resolve(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A notice about a socket that was given up before says nothing about the present one. */
  #fail(error: unknown, socket: Socket | undefined = this.#socket): void {
    if (socket !== this.#socket) return;
    this.#waiting?.reject(error);
    this.close();
  }
}
