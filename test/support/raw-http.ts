/** HTTP as a hostile program writes it: bytes on a socket, without a library that would refuse to send them. */
import { connect } from "node:net";

const ANSWER_MS_MAX = 10_000;

export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
}

/** Sends `bytes` and reads until the server closes or has sent one answer. The request should say `Connection: close`. */
export async function sendRaw(url: string, bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  const chunks: Buffer[] = [];
  const socket = connect({ host: hostname, port: Number(port) });
  const end = () => {
    // What comes before the answer to `Expect: 100-continue` is none.
    const text = Buffer.concat(chunks).toString("latin1").replace(/^(?:HTTP\/1\.1 100 [^\r]*\r\n(?:[^\r]+\r\n)*\r\n)+/, "");
    socket.destroy();
    resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
  };
  socket.setTimeout(ANSWER_MS_MAX, end);
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  socket.on("error", end);
  socket.on("close", end);
  // Latin-1, so that every sign is one byte.
  socket.write(Buffer.from(bytes, "latin1"));
  return await promise;
}

/** A request of these parts, with `Connection: close`. Headers are written as they are, line ends in them too. */
export function rawRequest(url: string, { method = "GET", path = "/", headers = [], body = "" }: { method?: string; path?: string; headers?: readonly string[]; body?: string }): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.from(body, "latin1").length}`];
  return [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, "Connection: close", ...length, ...headers, "", body].join("\r\n");
}
