/**
 * The network as the dialler needs it: names resolved, and one HTTP exchange with an address that was chosen before.
 *
 * Rule: does as it is told and judges nothing; `dialler.ts` does. It is part of `services.ts`, in a file of its own. The
 * runtime's `fetch` would not do: it resolves the name once more, follows a proxy from the environment, and stops
 * verifying certificates when a variable says so.
 */
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIPv6 } from "node:net";

export interface Exchange {
  readonly url: URL;
  /** The only ones that are connected to, in this order; the name in the URL is for TLS and the `Host` header. */
  readonly addresses: readonly string[];
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly bodyBytesMax: number;
  /** Reads up to the limit and lets the rest go, where otherwise a larger body is an error. */
  readonly isBodyCut?: boolean | undefined;
  /** Ends the exchange, wherever it is. */
  readonly signal: AbortSignal;
  /** PEM texts trusted in place of the runtime's own. */
  readonly ca?: readonly string[] | undefined;
}

export interface Exchanged {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Network {
  /** Every address of a name. Throws what the resolver says. */
  resolve(hostname: string): Promise<readonly string[]>;
  /** Sends one request over a connection of its own; redirects are answers like others. Throws plain errors. */
  exchange(exchange: Exchange): Promise<Exchanged>;
}

function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    for (const each of typeof value === "string" ? [value] : (value ?? [])) headers.append(name, each);
  }
  return headers;
}

/** Reads the body up to its limit. */
async function bodyOf(message: IncomingMessage, { bodyBytesMax: bytesMax, isBodyCut }: Pick<Exchange, "bodyBytesMax" | "isBodyCut">): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message) {
    if (!(chunk instanceof Uint8Array)) throw new Error("the body does not come in bytes");
    size += chunk.length;
    if (size >= bytesMax && isBodyCut === true) return new Uint8Array(Buffer.concat([...chunks, chunk]).subarray(0, bytesMax));
    if (size > bytesMax) throw new Error(`the body is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function exchange({ url, addresses, method, headers, body, bodyBytesMax, isBodyCut, signal, ca }: Exchange): Promise<Exchanged> {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  const [first] = found;
  if (first === undefined) throw new Error("there is no address to connect to");
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method,
    headers,
    agent: false,
    lookup(_name: string, { all }: { readonly all?: boolean | undefined }, answer: (error: null, address: string | typeof found, family?: number) => void) {
      return all === true ? answer(null, found) : answer(null, first.address, first.family);
    },
  } as const;
  const sent =
    url.protocol === "https:"
      ? tlsRequest(url, { ...options, rejectUnauthorized: true, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca: [...ca] }) }, resolve)
      : plainRequest(url, options, resolve);
  sent.on("error", reject);
  const cut = () => sent.destroy(signal.reason instanceof Error ? signal.reason : new Error("the exchange was cut"));
  signal.addEventListener("abort", cut);
  try {
    signal.throwIfAborted();
    sent.end(body);
    const message = await promise;
    return { status: message.statusCode ?? 0, headers: headersOf(message), body: await bodyOf(message, { bodyBytesMax, isBodyCut }) };
  } finally {
    signal.removeEventListener("abort", cut);
    sent.destroy();
  }
}

/** The real network. */
export const realNetwork: Network = {
  async resolve(hostname) {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  },
  exchange,
};
