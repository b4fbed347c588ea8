/**
 * What is asked of the gateway, asked on of an agent's host, and its answer.
 *
 *     request → head as the agent needs it → stream → head of the answer → response, bytes as they come
 *
 * Rule: translates between requests and streams, for tunnels and services alike; decides nothing. Headers that are between
 * two neighbours stay between them (RFC 9110 section 7.6.1), and what is the platform's own never reaches an agent's host.
 */
import { type Channel, type ChannelStream, StreamReset } from "../../agents/channel.ts";
import type { ChannelTarget, Head, HeaderPairs } from "../../agents/channel-frames.ts";
import { Fault, invalidField } from "../../fault.ts";

const hopByHop = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
const OWN_COOKIE = /^(?:__(?:Host|Secure)-)?cyberun/i;
const OWN_KEY = /^Bearer\s+(?:sk|dk|ak)-/i;
const METHOD = /^[A-Z]{1,20}$/;
const HEADERS_MAX = 200;

export interface Way {
  readonly target: ChannelTarget;
  /** Path and query on the agent's host. */
  readonly path: string;
  /** What stands in front of the path in addresses that the client sees, without a slash at the end. */
  readonly prefix: string;
  /** The service's own origin, as it would see itself. */
  readonly origin: string;
  /** Header names that stay here. */
  readonly withheld?: readonly string[];
}

/** The names that `headers` says are for its neighbour alone, with those that always are. */
function neighbours(headers: Headers): ReadonlySet<string> {
  const named = (headers.get("connection") ?? "").split(",").map((each) => each.trim().toLowerCase());
  return new Set([...hopByHop, ...named]);
}

function cookiesOf(value: string): string | undefined {
  const kept = value.split(";").filter((each) => !OWN_COOKIE.test(each.trim()));
  return kept.length === 0 ? undefined : kept.join(";").trim();
}

/** An address of the client's view as the service's own; undefined for one of somebody else. */
function inwards(value: string, request: Request, { origin, prefix }: Way): string | undefined {
  const url = URL.parse(value);
  const own = request.headers.get("host");
  if (url === null || url.host !== own) return undefined;
  const path = url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : "/";
  return value === url.origin ? origin : `${origin}${path}${url.search}`;
}

/** The request's headers as the agent's host shall see them. */
function requestHeaders(request: Request, way: Way): HeaderPairs {
  const { headers } = request;
  const left = new Set([...neighbours(headers), "host", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol", ...(way.withheld ?? [])]);
  const pairs: [string, string][] = [];
  for (const [name, value] of headers) {
    if (left.has(name) || (name === "authorization" && OWN_KEY.test(value))) continue;
    const shown = name === "cookie" ? cookiesOf(value) : name === "origin" || name === "referer" ? (inwards(value, request, way) ?? value) : value;
    if (shown !== undefined) pairs.push([name, shown]);
  }
  if (pairs.length > HEADERS_MAX - 2) throw invalidField("headers", `are at most ${HEADERS_MAX - 2}`);
  pairs.push(["x-forwarded-host", headers.get("host") ?? ""], ["x-forwarded-prefix", way.prefix]);
  return pairs;
}

/** A cookie of the service goes to the service alone, and to no other host. */
function cookieOutwards(value: string, { prefix }: Way): string {
  const [pair = "", ...attributes] = value.split(";").map((each) => each.trim());
  const kept = attributes.filter((each) => !/^(?:domain|path)\s*=/i.test(each));
  const path = attributes.find((each) => /^path\s*=/i.test(each))?.replace(/^path\s*=\s*/i, "") ?? "/";
  return [pair, `Path=${prefix}${path.startsWith("/") ? path : "/"}`, ...kept].join("; ");
}

/** Where a redirect of the service leads, as the client can follow it. */
function locationOutwards(value: string, { origin, prefix }: Way): string {
  if (value.startsWith("/") && !value.startsWith("//")) return `${prefix}${value}`;
  const url = URL.parse(value);
  return url !== null && url.origin === origin ? `${prefix}${url.pathname}${url.search}${url.hash}` : value;
}

function responseHeaders(pairs: HeaderPairs, way: Way): Headers {
  const given = new Headers();
  for (const [name, value] of pairs) if (name.toLowerCase() === "connection") given.append(name, value);
  const left = neighbours(given);
  const headers = new Headers({ "referrer-policy": "same-origin" });
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (left.has(lower) || lower === "referrer-policy") continue;
    if (lower === "set-cookie") {
      if (!OWN_COOKIE.test(value)) headers.append(name, cookieOutwards(value, way));
    } else if (lower === "location") headers.set(name, locationOutwards(value, way));
    else headers.append(name, value);
  }
  return headers;
}

/** The refusal that a stream's end before its answer stands for. */
export function faultOfReset(error: unknown): unknown {
  if (!(error instanceof StreamReset)) return error;
  const { code, message } = error.reset;
  if (code === "refused") return new Fault("forbidden", message, { hint: "The agent's own file says what it lets in." });
  return new Fault("bad_gateway", message, { hint: "See on the agent's host whether the service runs." });
}

async function headOf<Kind extends Head["kind"]>(stream: ChannelStream, kind: Kind): Promise<Extract<Head, { readonly kind: Kind }>> {
  const isOfKind = (head: Head): head is Extract<Head, { readonly kind: Kind }> => head.kind === kind;
  const head = await stream.head.catch((error: unknown) => {
    throw faultOfReset(error);
  });
  if (isOfKind(head)) return head;
  stream.abort({ code: "failed", message: "The answer is of another kind than what was asked." });
  throw new Fault("bad_gateway", "The agent answered something else than what was asked.", { hint: "Bring the agent up to date." });
}

/** Sends the body on; a client that goes ends the stream. */
async function sendBody(stream: ChannelStream, body: ReadableStream<Uint8Array<ArrayBuffer>> | null): Promise<void> {
  try {
    if (body !== null) for await (const piece of body) await stream.write(piece);
    await stream.end();
  } catch {
    stream.abort({ code: "over", message: "The client went before its request ended." });
  }
}

function bodyOf(stream: ChannelStream): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const piece = await stream.read();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece.bytes);
    },
    cancel: () => stream.abort({ code: "over", message: "The client went." }),
  });
}

const withoutBody = new Set([204, 205, 304]);

/** Asks an HTTP service on the agent's host. `onStream` is told of the stream before anything is sent. Throws Fault `bad_gateway` or `forbidden`. */
export async function forwardRequest(request: Request, { channel, way, onStream }: { readonly channel: Channel; readonly way: Way; readonly onStream: (stream: ChannelStream) => void }): Promise<Response> {
  const method = request.method;
  if (!METHOD.test(method)) throw invalidField("method", "is a method of HTTP");
  const headers = requestHeaders(request, way);
  const stream = channel.open({ target: way.target, request: { kind: "http", method, path: way.path, headers, has_body: request.body !== null } });
  onStream(stream);
  request.signal.addEventListener("abort", () => stream.abort({ code: "over", message: "The client went." }));
  void sendBody(stream, request.body);
  const head = await headOf(stream, "http");
  const isEmpty = method === "HEAD" || withoutBody.has(head.status);
  if (isEmpty) void bodyOf(stream).cancel().catch(() => {});
  return new Response(isEmpty ? null : bodyOf(stream), { status: head.status, headers: responseHeaders(head.headers, way) });
}

export interface OpenedSocket {
  readonly stream: ChannelStream;
  /** The one of the client's that the service chose; empty for none. */
  readonly protocol: string;
}

/** Opens a WebSocket to a service on the agent's host. Throws as {@link forwardRequest} does. */
export async function forwardSocket(request: Request, { channel, way, onStream }: Parameters<typeof forwardRequest>[1]): Promise<OpenedSocket> {
  const protocols = (request.headers.get("sec-websocket-protocol") ?? "").split(",").flatMap((each) => each.trim() || []);
  const stream = channel.open({ target: way.target, request: { kind: "websocket", path: way.path, headers: requestHeaders(request, way), protocols } });
  onStream(stream);
  const { protocol } = await headOf(stream, "websocket");
  return { stream, protocol: protocols.includes(protocol) ? protocol : "" };
}

/** Opens a TCP connection to a port on the agent's host. Throws as {@link forwardRequest} does. */
export async function forwardTcp({ channel, way, onStream }: Parameters<typeof forwardRequest>[1]): Promise<ChannelStream> {
  const stream = channel.open({ target: way.target, request: { kind: "tcp" } });
  onStream(stream);
  await headOf(stream, "tcp");
  return stream;
}
