/**
 * The listener: one Elysia application for each role, made in one place with the same limits, faults and headers.
 *
 *     onRequest authenticate → route → door's guard → parse → validate → handler → headers
 *
 * Rule: the only place beside `roles/` that knows Elysia. It decides nothing about licenses, teams or people.
 */
import { Elysia, NotFoundError } from "elysia";
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { type OperationName, operations } from "../gate/operations.ts";
import type { Refusals } from "../gate/refusals.ts";
import type { Log } from "../log.ts";
import type { Cancel, Services } from "../services.ts";
import type { TrustedProxies } from "../settings.ts";
import { clientAddress } from "./client-address.ts";
import { callerOf, operationEntered, operationRefused, setCaller } from "./door.ts";
import { BODY_BYTES_MAX, BODY_CUT_FACTOR, DRAIN_MS, FRAME_BYTES_MAX, IDLE_SECONDS, SOCKET_QUEUE_BYTES_MAX, SOCKET_SILENCE_SECONDS_MAX } from "./limits.ts";
import { publicPaths } from "./public-paths.ts";
import type { RateLimits } from "./rate-limits.ts";
import { REQUEST_ID, requestIdOf } from "./request-ids.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import { bugFault, faultOf, faultResponse, plainHeaders } from "./respond.ts";

/** Finds out who sent the request; throws a Fault when a credential was sent that is not good. */
export type Authenticate = (request: Request, address: string | undefined) => Promise<Caller>;

export interface AppOptions {
  readonly role: string;
  readonly services: Services;
  readonly log: Log;
  readonly authenticate: Authenticate;
  /** Is told whom the doors refused, where a gate lies behind them. */
  readonly refusals?: Refusals;
  /** Without them nobody is limited. */
  readonly limits?: RateLimits;
  /** Counts what is asked and answered. */
  readonly meter?: RequestMetrics;
  /** Whether people and programs reach this role by https alone, as the operator named its address. */
  readonly isSecureSite?: () => boolean;
  /** Without any, the peer of the connection is the client. */
  readonly proxies?: TrustedProxies;
  /**
   * Says what is wrong with an answer; it is a bug then, and not sent. For tests: a member that the reference does not know
   * yet is no reason to fail people's calls.
   */
  readonly findAnswerProblem?: (operation: OperationName, status: number, value: unknown) => string | undefined;
  readonly bodyBytesMax?: number;
  /** The doors whose bodies are files, and so may be larger; `takesChunked`: which of them need not say how large. */
  readonly uploads?: { isUpload(method: string, path: string): boolean; readonly bytesMax: number; takesChunked?(path: string): boolean };
  /** Answers a fault in the role's own shape (an HTML page, say); undefined falls back to JSON. */
  readonly respond?: (fault: Fault, request: Request) => Promise<Response | undefined>;
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** The methods that the path answers to, for a 405 in place of the framework's 404. */
function allowedMethods(app: { readonly routes: readonly { method: string; path: string }[] }, path: string): readonly string[] {
  const fits = (pattern: string) =>
    new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\\?:[A-Za-z_]+/g, "[^/]+").replace(/\*/g, ".*")}$`).test(path);
  return methods.filter((method) => app.routes.some((route) => route.method === method && fits(route.path)));
}

function missingFault(allowed: readonly string[]): Fault {
  if (allowed.length === 0) {
    return new Fault("not_found", "There is nothing at this address.", { hint: "Check the address; those of the API stand in its reference." });
  }
  return new Fault("method_not_allowed", "This address does not answer to this method.", { hint: `It answers to ${allowed.join(", ")}.` });
}

/** Elysia hands these to the runtime from its own options only; beside a single WebSocket route they do nothing. */
const socketLimits = {
  maxPayloadLength: FRAME_BYTES_MAX,
  backpressureLimit: SOCKET_QUEUE_BYTES_MAX,
  closeOnBackpressureLimit: true,
  idleTimeout: SOCKET_SILENCE_SECONDS_MAX,
  // The peer's runtime would answer pings for a program that hangs.
  sendPings: false,
} as const;

/** Refuses a body by its declared length, before anything is done for the request. */
function refuseLarge(request: Request, { uploads, bodyBytesMax = BODY_BYTES_MAX }: AppOptions): void {
  const bytes = Number(request.headers.get("content-length") ?? 0);
  const isUpload = () => uploads?.isUpload(request.method, new URL(request.url).pathname) === true;
  // Where files come in, the runtime lets large bodies through; one that does not say how large it is could be any.
  if (uploads !== undefined && request.headers.has("transfer-encoding") && !(isUpload() && uploads.takesChunked?.(new URL(request.url).pathname) === true)) {
    throw new Fault("length_required", "The body does not say how long it is.", { hint: "Send Content-Length, and no Transfer-Encoding." });
  }
  if (bytes <= bodyBytesMax) return;
  const max = uploads !== undefined && isUpload() ? uploads.bytesMax : bodyBytesMax;
  if (bytes > max) throw new Fault("too_large", `The body is larger than ${max} bytes.`, { hint: "Send less at once." });
}

const noProxies: TrustedProxies = { networks: [], header: "x-forwarded-for" };

/** Finds out who asks. A credential that is no good counts as a stranger's guess. */
async function admit({ authenticate, limits }: AppOptions, request: Request, address: string | undefined): Promise<Caller> {
  limits?.admitSource(request, address);
  const caller = await authenticate(request, address).catch((error: unknown) => {
    if (error instanceof Fault && error.code === "unauthenticated") limits?.noteBadCredential(request, address);
    throw error;
  });
  limits?.admitCaller(request, caller);
  const key = request.headers.get("idempotency-key");
  return key === null ? caller : { ...caller, attempt: { key, isReplay: false } };
}

/** A year, for this host alone (RFC 6797 section 6.1): what else the operator has under the name is none of our business. */
const STRICT_TRANSPORT = "max-age=31536000";

/** What every answer to the request carries beside the plain headers. */
function ownHeaders({ services, limits, isSecureSite }: AppOptions, request: Request): Readonly<Record<string, string>> {
  const secure = isSecureSite?.() === true ? { "strict-transport-security": STRICT_TRANSPORT } : {};
  return { ...limits?.headersOf(request), ...secure, [REQUEST_ID]: requestIdOf(request, services.random) };
}

/** Statuses of refusals, which the framework does not tell afterwards. */
const refusedWith = new WeakMap<Request, number>();
const begunAt = new WeakMap<Request, number>();

function statusOf(request: Request, set: { readonly status?: number | string | undefined }, answer: unknown): number {
  const refused = refusedWith.get(request);
  if (refused !== undefined) return refused;
  if (answer instanceof Response) return answer.status;
  return answer === undefined && request.headers.has("upgrade") ? 101 : Number(set.status ?? 200);
}

/** After an answer has begun: counted, and told in the log of whoever wants to see each one. */
function noteAnswer({ role, services, log, meter }: AppOptions, request: Request, { route, status }: { readonly route: string | undefined; readonly status: number }): void {
  const ms = services.clock.monotonic() - (begunAt.get(request) ?? services.clock.monotonic());
  const { method } = request;
  meter?.end({ method, route, status, seconds: ms / 1_000 });
  log.write("debug", "request.answered", { role, request_id: requestIdOf(request, services.random), method, route: route ?? "unmatched", status, ms: Math.round(ms * 10) / 10 });
}

/** What a refusal is answered with, once it is known which one it is. */
async function refusalOf(app: { readonly routes: readonly { method: string; path: string }[] }, options: AppOptions, { error, request }: { readonly error: unknown; readonly request: Request }): Promise<Response> {
  const { log, role, services } = options;
  const answer = async (fault: Fault, headers: Readonly<Record<string, string>> = {}) => {
    const response = (await options.respond?.(fault, request)) ?? faultResponse(fault);
    for (const [name, value] of Object.entries({ ...ownHeaders(options, request), ...headers })) response.headers.set(name, value);
    refusedWith.set(request, response.status);
    return response;
  };
  if (error instanceof NotFoundError) {
    const allowed = allowedMethods(app, new URL(request.url).pathname);
    return await answer(missingFault(allowed), allowed.length === 0 ? {} : { allow: allowed.join(", ") });
  }
  const requestId = requestIdOf(request, services.random);
  const fault = faultOf(error);
  if (fault !== undefined) {
    const operation = operationRefused(request);
    if (operation !== undefined) await options.refusals?.note(operation, callerOf(request), fault);
    if (fault.status >= 500) log.write("warn", "request.refused", { role, request_id: requestId, code: fault.code, cause: fault.cause });
    return await answer(fault);
  }
  log.write("error", "request.failed", { role, request_id: requestId, method: request.method, error });
  return await answer(bugFault(requestId));
}

/** A new application with the house's limits, faults and headers. Routes are added by the role. */
export function createApp(options: AppOptions) {
  const { services, proxies = noProxies, bodyBytesMax = BODY_BYTES_MAX } = options;
  const app = new Elysia({
    // systemRouter stays on, so that the runtime routes: the framework by itself looks for the path of an https address at the wrong place.
    aot: true,
    normalize: false,
    strictPath: true,
    handler: { standardHostname: false },
    serve: { development: false, reusePort: false, maxRequestBodySize: Math.max(BODY_CUT_FACTOR * bodyBytesMax, options.uploads?.bytesMax ?? 0), idleTimeout: IDLE_SECONDS },
    websocket: socketLimits,
  })
    .headers(plainHeaders)
    .onRequest(async ({ request, server, set }) => {
      options.meter?.begin();
      begunAt.set(request, services.clock.monotonic());
      refuseLarge(request, options);
      const address = clientAddress(request.headers, server?.requestIP(request)?.address, proxies);
      setCaller(request, await admit(options, request, address));
      Object.assign(set.headers, ownHeaders(options, request));
    })
    .onAfterHandle({ as: "global" }, ({ request, set, responseValue }) => {
      const operation = operationEntered(request);
      const problem = operation === undefined ? undefined : options.findAnswerProblem?.(operation, Number(set.status ?? 200), responseValue);
      if (problem !== undefined) throw new Error(problem);
      if (callerOf(request).attempt?.isReplay === true) set.headers["idempotent-replayed"] = "true";
    })
    .derive({ as: "global" }, ({ request }) => ({ caller: callerOf(request) }))
    .onError(async ({ error, request }) => await refusalOf(app, options, { error, request }))
    .onAfterResponse({ as: "global" }, ({ request, set, route, responseValue }) => {
      noteAnswer(options, request, { route, status: statusOf(request, set, responseValue) });
    });
  return app;
}

/** The application that routes are added to. */
export type App = ReturnType<typeof createApp>;

/** Throws when a route is neither bound to an operation nor on the public list: such a route must not serve. */
export function refuseUnguardedRoutes(app: Pick<App, "routes">): void {
  for (const { method, path, hooks } of app.routes) {
    const name: unknown = hooks.detail?.operationId;
    const bound = typeof name === "string" && Object.hasOwn(operations, name);
    if (!bound && !Object.hasOwn(publicPaths, path)) throw new Error(`the route ${method} ${path} has no operation and is not on the public list`);
  }
}

export interface ListenOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly tls?: Shown | undefined;
}

/** What a port shows, and whom it lets in. */
export interface Shown {
  /** PEM texts of the operator's certificate and key. */
  readonly cert: string;
  readonly key: string;
  /** PEM text: only clients that show a certificate of one of these get in. */
  readonly clientCa?: string | undefined;
}

export interface Listener {
  /** Base URL with the port that was really bound. */
  readonly url: string;
  /** Shows another certificate to whoever connects from now on; those who are connected stay. */
  show(tls: Shown): void;
  /** Waits for requests in flight, cuts what is left after {@link DRAIN_MS}. */
  stop(): Promise<void>;
}

function bindFault(error: unknown, { hostname, port }: ListenOptions): Fault {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const why = code === "EADDRINUSE" ? "another program uses it" : code === "EACCES" ? "this user may not bind it" : "it cannot be bound";
  return new Fault("unavailable", `Port ${port} on ${hostname} cannot be opened: ${why}.`, {
    hint: "Choose another port or address; port 0 takes a free one.",
    cause: error,
  });
}

/** Throws when somebody has the port: one that may be shared would be shared with any other process of this user. */
function refuseTaken({ hostname, port }: ListenOptions): void {
  if (port !== 0) void Bun.serve({ hostname, port, development: false, reusePort: false, fetch: () => new Response(null, { status: 503 }) }).stop(true);
}

/** The port is shared for a moment when another certificate takes over: the runtime has no way to change it in place. */
function bindPort(app: App, { hostname, port, tls }: ListenOptions): Bun.Server<unknown> {
  const shown = tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }) } };
  // The framework looks for the path behind the 7th character, which at https is a slash of its own, or behind the 11th: then
  // WebSockets and wildcards are found, but for hosts of one or two letters without a port.
  app.config.handler = { ...app.config.handler, standardHostname: tls !== undefined };
  app.listen({ hostname, port, development: false, reusePort: tls !== undefined, ...shown });
  if (app.server === null) throw new Error("the listener did not start");
  return app.server;
}

/** Opens the port. Throws Fault `unavailable` when it cannot be bound. */
export function listen(app: App, options: ListenOptions, services: Services): Listener {
  refuseUnguardedRoutes(app);
  const open = (asked: ListenOptions) => {
    try {
      if (asked === options && asked.tls !== undefined) refuseTaken(asked);
      return bindPort(app, asked);
    } catch (error) {
      throw bindFault(error, asked);
    }
  };
  let current = open(options);
  const port = current.port ?? options.port;
  /** Everyone who serves somebody: the current one, and those before whose connections go on. */
  const serving = new Set([current]);
  const host = options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    show(tls) {
      const before = current;
      current = open({ ...options, port, tls });
      serving.add(current);
      void before.stop().then(() => serving.delete(before));
    },
    async stop() {
      // A graceful stop never ends while a WebSocket is open, so the cut has to race it.
      let cancel: Cancel = () => {};
      const all = [...serving];
      const cut = new Promise<void>((resolve) => {
        cancel = services.clock.after(DRAIN_MS, () => void Promise.all(all.map((each) => each.stop(true))).then(() => resolve()));
      });
      await Promise.race([Promise.all(all.map((each) => each.stop())), cut]);
      cancel();
    },
  };
}
