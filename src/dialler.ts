/**
 * The guarded dialler: every request to an address that somebody other than the operator supplied goes through it, such as
 * a client's keys, its sector, its logout address, and the discovery of an upstream provider.
 *
 *     address: scheme, no user, port → name resolved once, here → every address of it is public, or allowed by the operator
 *     → connected to an address that was checked, TLS verified against the name → no redirect, ≤ 1 MB, within 10 s
 *
 * Rule: judges, and lets `services.network` do. A name is resolved once, and what was checked is what is connected to, so
 * a name that leads elsewhere the next time (DNS rebinding) gains nothing. One wording for every address that is not
 * allowed, and one for everything that failed: whoever supplied the address learns nothing about this network.
 */
import { type AddressBytes, type AddressKind, type AddressRange, findAddressBytes, findCarriedAddress, findRange, isWithin, kindOfAddress } from "./addresses.ts";
import { type Json, parseStrictJson, StrictJsonError } from "./crypto/strict-json.ts";
import { Fault } from "./fault.ts";
import type { Exchanged } from "./network.ts";
import type { Services } from "./services.ts";
import type { Settings } from "./settings.ts";

/** What the operator lets the dialler reach beyond the internet: a block of addresses, or a host by its name. */
export type DialAllowance = { readonly range: AddressRange } | { readonly host: string; readonly withSubdomains: boolean };

export interface DialRequest {
  readonly url: string;
  /** GET without a body, POST with one. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives the request up before its time. */
  readonly signal?: AbortSignal;
  /** In place of {@link DIAL_MS_MAX}. */
  readonly msMax?: number;
  /** Only the beginning of the answer's body matters: so many bytes are read, and a longer one is cut instead of refused. */
  readonly answerBytes?: number;
}

export interface DialSite {
  readonly services: Pick<Services, "clock" | "network">;
  readonly settings: Pick<Settings, "dialAllow">;
}

/** From the name's resolution to the body's last byte. */
export const DIAL_MS_MAX = 10_000;
export const DIAL_BODY_BYTES_MAX = 1_000_000;
const URL_CHARACTERS_MAX = 2_048;
const ADDRESSES_MAX = 16;
/** Below it live mail, name and file servers; a program that speaks HTTP to them does harm. */
const UNPRIVILEGED_PORT_MIN = 1_024;
const HOST = /^(\*\.)?((?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)$/;
/** What a host on the list may resolve to. Link-local, where clouds keep credentials, has to be named by its range. */
const kindsOfHost: readonly AddressKind[] = ["public", "private", "shared", "loopback"];

/** `10.0.0.0/8`, `192.168.1.7`, `idp.corp.example` or `*.corp.example`; undefined for text that is none of these. */
export function findDialAllowance(text: string): DialAllowance | undefined {
  const range = findRange(text);
  if (range !== undefined) return { range };
  const [, wildcard, host] = HOST.exec(text.toLowerCase()) ?? [];
  // What ends in digits is a mistyped address, and no name.
  if (host === undefined || /(^|\.)\d+$/.test(host)) return undefined;
  return { host, withSubdomains: wildcard !== undefined };
}

function isHostAllowed(allow: readonly DialAllowance[], hostname: string): boolean {
  return allow.some((each) => "host" in each && (each.withSubdomains ? hostname.endsWith(`.${each.host}`) : hostname === each.host));
}

function isRangeAllowed(allow: readonly DialAllowance[], address: AddressBytes): boolean {
  if (!allow.some((each) => "range" in each && isWithin(each.range, address))) return false;
  const carried = findCarriedAddress(address);
  return carried === undefined || kindOfAddress(carried) === "public" || isRangeAllowed(allow, carried);
}

/** The host of a URL as names are compared: lower case, without the dot that ends a full name. */
function hostnameOf(url: URL): string {
  return url.hostname.replace(/\.$/, "").replace(/^\[(.*)\]$/, "$1");
}

interface Destination {
  readonly url: URL;
  readonly hostname: string;
}

function refused(problem: string, cause?: string): Fault {
  return new Fault("invalid_request", `The address ${problem}, and is not connected to.`, {
    hint: "It must be https on a public host. The operator may allow others with CYBERUN_DIAL_ALLOW.",
    cause,
  });
}

function failed(cause: unknown, { msMax = DIAL_MS_MAX }: Pick<DialRequest, "msMax"> = {}): Fault {
  return new Fault("unavailable", "The address did not give an answer that can be used.", {
    hint: `It must answer within ${msMax / 1_000} seconds, with at most ${DIAL_BODY_BYTES_MAX} bytes, and show a certificate for its name.`,
    cause,
  });
}

/** What does not depend on where the name leads. Throws Fault `invalid_request`. */
export function requireDestination(text: string): Destination {
  const url = text.length > URL_CHARACTERS_MAX ? null : URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) throw refused("is not an https address");
  if (url.username !== "" || url.password !== "") throw refused("has user information");
  const hostname = hostnameOf(url);
  if (hostname === "") throw refused("has no host");
  return { url, hostname };
}

/** Why the addresses of a name are not connected to, for the log; undefined when every one of them may be. */
export function problemOfAddresses({ url, hostname }: Destination, addresses: readonly string[], allow: readonly DialAllowance[]): string | undefined {
  const isPlain = url.protocol === "http:";
  const isOddPort = url.port !== "" && Number(url.port) < UNPRIVILEGED_PORT_MIN;
  for (const text of addresses) {
    const address = findAddressBytes(text);
    if (address === undefined) return `${hostname} leads to ${text}, which is no address`;
    const kind = kindOfAddress(address);
    if (isRangeAllowed(allow, address) || (isHostAllowed(allow, hostname) && kindsOfHost.includes(kind))) continue;
    if (kind !== "public") return `${hostname} leads to ${text}, which is ${kind}`;
    // In clear, and to the ports of other services, only where the operator said so.
    if (isPlain) return `${hostname} is named without TLS`;
    if (isOddPort) return `${hostname} is named with port ${url.port}`;
  }
  return addresses.length === 0 ? `${hostname} leads nowhere` : undefined;
}

/** `work`, or the signal's reason as soon as it is given: a name's resolution cannot be cut. */
async function orCut<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cut = () => reject(signal.reason);
  signal.addEventListener("abort", cut);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

async function addressesOf({ services }: DialSite, { hostname }: Destination, signal: AbortSignal): Promise<readonly string[]> {
  // An address needs no resolver, and a resolver might make something else of it.
  if (findAddressBytes(hostname) !== undefined) return [hostname];
  try {
    return (await orCut(services.network.resolve(hostname), signal)).slice(0, ADDRESSES_MAX);
  } catch (cause) {
    throw failed(cause);
  }
}

async function exchanged(site: DialSite, { body, headers, msMax, answerBytes }: DialRequest, { destination, signal }: { readonly destination: Destination; readonly signal: AbortSignal }): Promise<Exchanged> {
  const addresses = await addressesOf(site, destination, signal);
  const problem = problemOfAddresses(destination, addresses, site.settings.dialAllow);
  if (problem !== undefined) throw refused("is not one that this deployment may reach", problem);
  try {
    return await site.services.network.exchange({
      url: destination.url,
      addresses,
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, "user-agent": "cyberun", "accept-encoding": "identity" },
      body,
      bodyBytesMax: answerBytes ?? DIAL_BODY_BYTES_MAX,
      isBodyCut: answerBytes !== undefined,
      signal,
    });
  } catch (cause) {
    throw failed(cause, msMax === undefined ? {} : { msMax });
  }
}

/**
 * Sends one request to an address that somebody supplied and gives the answer, whatever its status; a redirect is an
 * answer like others and is never followed. Throws Fault `invalid_request` for an address that is not allowed, and
 * `unavailable` for everything that went wrong on the way; what it was is in the cause, for the log.
 */
export async function dial(site: DialSite, request: DialRequest): Promise<Exchanged> {
  const destination = requireDestination(request.url);
  const cutting = new AbortController();
  const { msMax = DIAL_MS_MAX } = request;
  const cancel = site.services.clock.after(msMax, () => cutting.abort(new Error(`it took longer than ${msMax} ms`)));
  try {
    const signal = request.signal === undefined ? cutting.signal : AbortSignal.any([cutting.signal, request.signal]);
    return await exchanged(site, request, { destination, signal });
  } finally {
    cancel();
  }
}

/** The JSON document at an address that somebody supplied. Throws as {@link dial} does, and `unavailable` for an answer that is none. */
export async function dialJson(site: DialSite, url: string, accept: string): Promise<Json> {
  const { status, body } = await dial(site, { url, headers: { accept } });
  if (status !== 200) throw failed(new Error(`the answer has status ${status}`));
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (error instanceof StrictJsonError) throw failed(error);
    throw error;
  }
}
