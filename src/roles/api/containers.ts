/**
 * `/containers` for those who keep services, and `/r/containers`, `/r/invoke` for those who call them.
 *
 * Rule: a call is let in by the operation and goes on to the gateway with a pass; what the service answers is relayed. It is
 * somebody else's page on this origin, so browsers are told to give it none.
 */
import { t } from "elysia";
import { Type } from "typebox";
import { callService, type CallTarget, invokeService, listRuntimeServices, readServiceBySlug } from "../../containers/calls.ts";
import { createService, deleteService, deployService, listServices, readService, stopService, updateService } from "../../containers/management.ts";
import { Fault, type FaultCode, faultCodes, invalidField } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import type { Way } from "../../certificates.ts";
import type { Bell } from "../../tasks/bell.ts";
import { shapeOf } from "../../shape.ts";
import { pageQuery } from "./page-query.ts";

const PASS_HEADER = "cyberun-service-pass";
/** On what comes from the service, and not from the gateway itself. */
const RELAYED_HEADER = "cyberun-relayed";
const refusalShape = shapeOf(Type.Object({ error_code: Type.String(), error_message: Type.String(), hint: Type.Optional(Type.String()) }));
/** Of an invoked service's answer. */
const ANSWER_BYTES_MAX = 10_000_000;
const SANDBOX = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts";
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
/** Of a caller: what is for the platform, and what each connection makes anew. */
const withheld = ["authorization", "cookie", "host", "content-length", "connection", "transfer-encoding", "x-team-id", "idempotency-key", PASS_HEADER];

const members = {
  service_slug: t.Optional(t.Unknown()),
  display_name: t.Optional(t.Unknown()),
  service_desc: t.Optional(t.Unknown()),
  service_type: t.Optional(t.Unknown()),
  docker_image: t.Optional(t.Unknown()),
  external_url: t.Optional(t.Unknown()),
  external_auth_credential_id: t.Optional(t.Unknown()),
  exposed_port: t.Optional(t.Unknown()),
  health_path: t.Optional(t.Unknown()),
  env_config: t.Optional(t.Unknown()),
  volume_config: t.Optional(t.Unknown()),
  required_labels: t.Optional(t.Unknown()),
  gpu_count: t.Optional(t.Unknown()),
  replica_count: t.Optional(t.Unknown()),
  usage_prompt: t.Optional(t.Unknown()),
  openapi_url: t.Optional(t.Unknown()),
};
const Definition = t.Object(members);
const Service = t.Object({ service_id: t.String({ maxLength: 100 }) });
const Slug = t.Object({ service_slug: t.String({ maxLength: 100 }) });
const path = "/api/v1/containers";

/** The way to the gateway. */
export interface ServiceRelay extends Way {
  /** Rung when what shall run has changed. */
  readonly bell: Bell;
}

function addManagement(app: App, gate: Gate, { bell }: ServiceRelay): void {
  app.get(path, async ({ caller, query }) => await listServices(gate, caller, query), { ...door("container.list", "none"), query: t.Object(pageQuery) });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const created = await createService(gate, caller, body);
      bell.ring();
      set.status = 201;
      return created;
    },
    { ...door("container.create"), body: Definition },
  );
  app.get(`${path}/:service_id`, async ({ caller, params }) => await readService(gate, caller, params), { ...door("container.read", "none"), params: Service });
  app.put(
    `${path}/:service_id`,
    async ({ caller, params, body }) => {
      const updated = await updateService(gate, caller, { ...body, ...params });
      bell.ring();
      return updated;
    },
    { ...door("container.update"), params: Service, body: Definition },
  );
  app.delete(
    `${path}/:service_id`,
    async ({ caller, params, set }) => {
      await deleteService(gate, caller, params);
      bell.ring();
      set.status = 204;
    },
    { ...door("container.delete", "none"), params: Service },
  );
  app.post(
    `${path}/:service_id/deploy`,
    async ({ caller, params, set }) => {
      const deployed = await deployService(gate, caller, params);
      bell.ring();
      set.status = 202;
      return deployed;
    },
    { ...door("container.deploy", "none"), params: Service },
  );
  app.post(
    `${path}/:service_id/stop`,
    async ({ caller, params, set }) => {
      const stopped = await stopService(gate, caller, params);
      bell.ring();
      set.status = 202;
      return stopped;
    },
    { ...door("container.stop", "none"), params: Service },
  );
}

interface Call {
  readonly target: CallTarget;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | null;
  readonly signal: AbortSignal;
}

/** What the gateway refused, as its answer says it. */
async function refusalOf(answer: Response): Promise<Fault> {
  const told: unknown = await answer.json().catch(() => undefined);
  const { error_code, error_message, hint } = refusalShape.Check(told) ? told : { error_code: "unavailable", error_message: "The gateway does not answer as one.", hint: undefined };
  const code = Object.keys(faultCodes).find((each): each is FaultCode => each === error_code) ?? "unavailable";
  return new Fault(code === "internal" ? "unavailable" : code, error_message, hint === undefined ? {} : { hint });
}

/** One call through the gateway to the service. Throws what gateway and agent refuse. */
async function relay(services: ServiceRelay, call: Call): Promise<Response> {
  const { serviceId, pass } = call.target;
  const headers = new Headers(call.headers);
  for (const name of withheld) headers.delete(name);
  headers.set(PASS_HEADER, pass);
  const init = { method: call.method, headers, redirect: "manual", decompress: false, timeout: false, signal: call.signal, ...(call.body === null ? {} : { body: call.body }) } as const;
  const answer = await services.fetch(`${services.url()}/v1/services/${serviceId}${call.path}`, init).catch((cause: unknown) => {
    throw new Fault("unavailable", "The gateway does not answer.", { hint: "See whether it runs, and where gateway_url leads.", cause, retryAfterSeconds: 5 });
  });
  if (!answer.headers.has(RELAYED_HEADER)) throw await refusalOf(answer);
  return answer;
}

/** The service's own headers. */
function ownHeaders({ headers }: Response): Headers {
  const own = new Headers(headers);
  own.delete(RELAYED_HEADER);
  return own;
}

function addProxy(app: App, gate: Gate, services: ServiceRelay): void {
  app.all(
    "/api/v1/r/containers/:service_slug/*",
    async ({ request, server, caller, params, set }) => {
      if (request.headers.get("upgrade") !== null) throw new Fault("invalid_request", "WebSockets are not relayed here.", { hint: "Open a tunnel to the agent." });
      const { pathname, search } = new URL(request.url);
      const prefix = `/api/v1/r/containers/${params.service_slug}`;
      server?.timeout(request, 0);
      const path = `${pathname.slice(prefix.length)}${search}`;
      const target = await callService(gate, caller, { service_slug: params.service_slug, path });
      const answer = await relay(services, { target, method: request.method, path, headers: request.headers, body: request.body, signal: request.signal });
      set.headers = {};
      const headers = ownHeaders(answer);
      headers.append("content-security-policy", SANDBOX);
      headers.set("x-content-type-options", "nosniff");
      return new Response(answer.body, { status: answer.status, headers });
    },
    { ...door("container.call", "none"), params: t.Object({ service_slug: t.String({ maxLength: 100 }), "*": t.String() }) },
  );
}

const Invocation = t.Object({
  method: t.String(),
  path: t.String({ maxLength: 8_192 }),
  body_base64: t.Optional(t.String()),
  headers: t.Optional(t.Record(t.String({ maxLength: 256 }), t.String({ maxLength: 8_192 }))),
});

function bytesOf(text: string | undefined): Uint8Array<ArrayBuffer> | null {
  if (text === undefined || text === "") return null;
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) throw invalidField("body_base64", "is base64 (RFC 4648 section 4)");
  return new Uint8Array(bytes);
}

function headersOf(given: Readonly<Record<string, string>> = {}): Headers {
  try {
    return new Headers(given);
  } catch {
    throw invalidField("headers", "are names and values of HTTP headers");
  }
}

/** The body, as long as it is no longer than is taken. */
async function readAnswer(answer: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    length += part.length;
    if (length > ANSWER_BYTES_MAX) throw new Fault("bad_gateway", `The service's answer has more than ${ANSWER_BYTES_MAX} bytes.`, { hint: "Call it at /api/v1/r/containers/, which relays answers of any size." });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export interface InvokeInput {
  readonly method: string;
  readonly path: string;
  readonly body_base64?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Calls a running service, and gives its answer as a document. Throws as `container.invoke` does, and Fault `bad_gateway` for an answer that is too large. */
export async function invokeAsDocument(gate: Gate, services: ServiceRelay, { caller, service_slug, input, signal }: { readonly caller: Caller; readonly service_slug: string; readonly input: InvokeInput; readonly signal: AbortSignal }) {
  const target = await invokeService(gate, caller, { service_slug, path: input.path });
  const method = methods.find((each) => each === input.method);
  if (method === undefined) throw invalidField("method", `is one of ${methods.join(", ")}`);
  const bytes = bytesOf(input.body_base64);
  if (bytes !== null && (method === "GET" || method === "HEAD")) throw invalidField("body_base64", `is not for ${method}`);
  const answer = await relay(services, { target, method, path: input.path, headers: headersOf(input.headers), body: bytes, signal });
  return { status_code: answer.status, headers: Object.fromEntries(ownHeaders(answer)), body_base64: (await readAnswer(answer)).toString("base64") };
}

function addInvocation(app: App, gate: Gate, services: ServiceRelay): void {
  app.post(
    "/api/v1/r/invoke/:service_slug",
    async ({ request, server, caller, params, body }) => {
      server?.timeout(request, 0);
      return await invokeAsDocument(gate, services, { caller, service_slug: params.service_slug, input: body, signal: request.signal });
    },
    { ...door("container.invoke"), params: Slug, body: Invocation },
  );
}

export function addContainerDoors(app: App, gate: Gate, services: ServiceRelay): void {
  addManagement(app, gate, services);
  app.get("/api/v1/r/containers", async ({ caller, query }) => await listRuntimeServices(gate, caller, query), { ...door("container.list_runtime", "none"), query: t.Object(pageQuery) });
  app.get("/api/v1/r/containers/:service_slug", async ({ caller, params }) => await readServiceBySlug(gate, caller, params), { ...door("container.read_by_slug", "none"), params: Slug });
  addProxy(app, gate, services);
  addInvocation(app, gate, services);
}
