/**
 * The command line as a client of the REST API: one request, one answer or a Fault.
 *
 * Rule: the key goes into the header of a request to the address it belongs to, and into nothing else. Redirects are
 * not followed, because they would carry it elsewhere.
 */
import { withExtraCa } from "../certificates.ts";
import type { Config } from "../config.ts";
import { Fault, type FaultCode, faultCodes } from "../fault.ts";
import { Secret } from "../secret.ts";
import type { Services } from "../services.ts";
import type { Context } from "./context.ts";
import { findProfile } from "./profiles.ts";
import { findJson } from "../json.ts";

export const DEFAULT_API_URL = "http://localhost:9401";
/** A server that takes longer has no answer. */
const ANSWER_MS_MAX = 15_000;
const SHOWN_CHARACTERS_MAX = 1_000;
const ANSWER_CHARACTERS_MAX = 4_194_304;
/** What may stand in a header. */
const KEY = /^[!-~]{1,512}$/;

/** Where to ask, and as whom. */
export interface Access {
  readonly apiUrl: string;
  readonly key: Secret | undefined;
  /** Whether the key is that of the profile, and not one from the environment. */
  readonly isProfile: boolean;
  /** The team that a signed-in person speaks in; a key has its own. */
  readonly teamId?: string | undefined;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From `/api/` on. */
  readonly path: string;
  readonly body?: object;
  /** More headers, such as `Idempotency-Key`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type Members = Readonly<Record<string, unknown>>;

/** Plain HTTP to another host. */
const CLEAR = /^http:\/\/(?!(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$))/;

/** Whether what is sent to `apiUrl` can be read on the way, unless the way there is protected. */
export function isInClear(apiUrl: string): boolean {
  return CLEAR.test(apiUrl);
}

/** What a server says, as a terminal may show it: no control character of somebody else's. */
export function shownText(value: unknown): string {
  return typeof value === "string" ? value.replace(/\p{Cc}/gu, " ").slice(0, SHOWN_CHARACTERS_MAX) : "";
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** The path of one thing. Throws Fault `invalid_request` for what is no id: `..` would lead to another path, also when it is encoded. */
export function itemPath(path: string, id: string): string {
  if (isId(id)) return `${path}/${id}`;
  throw new Fault("invalid_request", `${JSON.stringify(shownText(id))} is not an id (a UUID).`, { hint: "The list shows the ids." });
}

export function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function fromEnvironment(apiKey: Secret, apiUrl: string | undefined): Access {
  if (!KEY.test(apiKey.reveal())) throw new Fault("invalid_request", "The variable CYBERUN_API_KEY does not hold a key.", { hint: "It is one word that begins with sk- or dk-." });
  return { apiUrl: apiUrl ?? DEFAULT_API_URL, key: apiKey, isProfile: false };
}

/** The key at hand: `CYBERUN_API_KEY`, else the profile's. Throws Fault `unauthenticated` without one. */
export function requireAccess({ client }: Config): Access {
  if (client.apiKey !== undefined) return fromEnvironment(client.apiKey, client.apiUrl);
  const profile = findProfile(client);
  if (profile === undefined) {
    throw new Fault("unauthenticated", `Nobody is signed in with the profile ${client.profile}.`, { hint: "Run cyberun login, or set CYBERUN_API_KEY." });
  }
  if (client.apiUrl !== undefined && client.apiUrl !== profile.api_url) {
    throw new Fault("invalid_request", `The profile ${client.profile} is for ${profile.api_url}, and its key is not sent to ${client.apiUrl}.`, {
      hint: "Name another profile with --profile, or leave the address out.",
    });
  }
  return { apiUrl: profile.api_url, key: new Secret(profile.raw_key), isProfile: true };
}

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === "string" && Object.hasOwn(faultCodes, code);
}

/** What a status says when the answer is none of ours. */
function codeOfStatus(status: number): FaultCode {
  if (status === 429) return "rate_limited";
  if (status === 401) return "unauthenticated";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  return "unavailable";
}

/** The refusal as the server told it. */
function refusalOf({ apiUrl }: Access, response: Response, body: Members): Fault {
  const { error_code: code, error_message: message, hint, details } = body;
  if (typeof message !== "string") return new Fault(codeOfStatus(response.status), `${apiUrl} does not answer as a Cyberun API server (status ${response.status}).`, { hint: "Check the address." });
  const seconds = Number(response.headers.get("retry-after") ?? "");
  return new Fault(isFaultCode(code) && code !== "internal" ? code : codeOfStatus(response.status), shownText(message), {
    ...(typeof hint === "string" ? { hint: shownText(hint) } : {}),
    ...(typeof details === "object" && details !== null ? { details: membersOf(details) } : {}),
    ...(seconds > 0 ? { retryAfterSeconds: seconds } : {}),
  });
}

function headersOf({ key, teamId }: Access, body: object | undefined): Readonly<Record<string, string>> {
  return {
    ...(key === undefined ? {} : { authorization: `Bearer ${key.reveal()}` }),
    ...(teamId === undefined ? {} : { "x-team-id": teamId }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
}

function unreachable(apiUrl: string, cause: unknown): Fault {
  return new Fault("unavailable", `The API server at ${apiUrl} cannot be reached.`, { hint: "Check that it runs and that the address is right: --api-url or CYBERUN_API_URL.", cause });
}

async function send(services: Services, access: Access, { method, path, body, headers: more }: Call): Promise<{ readonly response: Response; readonly text: string }> {
  const abort = new AbortController();
  const cancel = services.clock.after(ANSWER_MS_MAX, () => abort.abort());
  const { apiUrl } = access;
  const headers = { ...headersOf(access, body), ...more };
  try {
    const response = await services.fetch(`${apiUrl}${path}`, { method, headers, redirect: "error", signal: abort.signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { response, text: (await response.text()).slice(0, ANSWER_CHARACTERS_MAX) };
  } catch (cause) {
    throw unreachable(apiUrl, cause);
  } finally {
    cancel();
  }
}

/** The members of the answer; empty without a body. Throws the server's own refusal, or Fault `unavailable`. */
export async function callApi({ config, services }: Pick<Context, "config" | "services">, access: Access, call: Call): Promise<Members> {
  const { response, text } = await send(withExtraCa(services, config.extraCaFile), access, call);
  const body = membersOf(findJson(text));
  if (!response.ok) throw refusalOf(access, response, body);
  return body;
}

export interface StreamCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** An answer that goes on, for whoever reads it until `signal` ends it. Throws as {@link callApi} does. */
export async function openStream({ config, services }: Pick<Context, "config" | "services">, access: Access, { path, headers, signal }: StreamCall): Promise<ReadableStream<Uint8Array>> {
  const { apiUrl } = access;
  const trusting = withExtraCa(services, config.extraCaFile);
  const response = await trusting.fetch(`${apiUrl}${path}`, { headers: { ...headersOf(access, undefined), ...headers }, redirect: "error", signal }).catch((cause: unknown) => {
    throw unreachable(apiUrl, cause);
  });
  if (response.ok && response.body !== null) return response.body;
  throw refusalOf(access, response, membersOf(findJson((await response.text()).slice(0, ANSWER_CHARACTERS_MAX))));
}
