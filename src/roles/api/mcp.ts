/**
 * The MCP endpoint `/api/v1/mcp`: both eras of the protocol on one address, for `sk-` keys alone.
 *
 *     revision 2026-07-28: each request by itself            up to 2025-11-25: a handshake, then a session
 *
 * Rule: lets in and hands on. Host and Origin are checked before anything is done, so that no web page reaches it through somebody's
 * browser; a token in the address is refused, and every refusal of a stranger says how the endpoint is called (RFC 9728).
 */
import type { Server, ServerEventBus } from "@modelcontextprotocol/server";
import { assert, Fault } from "../../fault.ts";
import type { Caller, TeamCaller } from "../../gate/caller.ts";
import { type Gate, procedure } from "../../gate/operation.ts";
import { callerOf, door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultResponse } from "../../http/respond.ts";
import { findJson } from "../../json.ts";
import type { Log } from "../../log.ts";
import type { McpServerParts } from "./mcp-server.ts";
import type { McpSessions } from "./mcp-sessions.ts";
import type { ToolSite } from "./mcp-tools.ts";

/** The revision in which each request stands by itself. */
const CURRENT = "2026-07-28";
const PATH = "/api/v1/mcp";
const METADATA_PATH = `/.well-known/oauth-protected-resource${PATH}`;
const loopback: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Lets a key speak MCP. What its tools do, each of their operations decides. */
const connect = procedure("mcp.connect", async ({ caller }, _input: undefined): Promise<TeamCaller> => {
  assert(caller.kind === "integration", "the row admits integrations only");
  return caller;
});

/** A refusal at the endpoint names the document that says how it is called. Undefined for everything else. */
export function challengeAtMcp({ settings }: Gate, fault: Fault, request: Request): Response | undefined {
  if (fault.status !== 401 || new URL(request.url).pathname !== PATH) return undefined;
  const response = faultResponse(fault);
  response.headers.set("www-authenticate", `Bearer realm="cyberun", resource_metadata="${settings.publicUrl}${METADATA_PATH}"`);
  return response;
}

function requireOwnSite(own: URL, { headers }: Request): void {
  if (headers.get("host") === own.host && headers.get("origin") === null) return;
  const host = URL.parse(`http://${headers.get("host") ?? ""}`)?.hostname ?? "";
  if (host !== own.hostname && !loopback.includes(host)) throw new Fault("forbidden", "The request names another host than this deployment.", { hint: `Call ${own.origin}${PATH}.` });
  const origin = headers.get("origin");
  if (origin === null || origin === own.origin) return;
  const isLocal = loopback.includes(own.hostname) && loopback.includes(URL.parse(origin)?.hostname ?? "");
  if (!isLocal) throw new Fault("forbidden", "The request was sent by another site.", { hint: "MCP clients send no Origin; pages of other sites may not call this." });
}

function refuseTokenInAddress({ url }: Request): void {
  if (!url.includes("?")) return;
  const named = [...new URL(url).searchParams.keys()].find((name) => /token|key|secret|auth/i.test(name));
  if (named !== undefined) throw new Fault("unauthenticated", "A key in the address is not taken: addresses are kept in logs.", { hint: "Send it as Authorization: Bearer sk-… and make a new one in place of this one." });
}

/** Says at once of most requests of the current revision that they are; the SDK would look through all of one to know it. */
function namesCurrent({ headers }: Request, body: unknown): boolean {
  return headers.get("mcp-protocol-version") === CURRENT && typeof body === "object" && body !== null && "method" in body;
}

interface Handlers {
  readonly sessions: McpSessions;
  answer(request: Request, call: { readonly caller: TeamCaller; readonly body: unknown }): Promise<Response>;
}

/** What the endpoint serves. */
export interface McpServers {
  create(parts: McpServerParts): Server;
  /** On which servers say that what they list has changed. */
  readonly bus?: ServerEventBus;
}

async function ownServers(): Promise<McpServers> {
  const { createMcpServer } = await import("./mcp-server.ts");
  return { create: createMcpServer };
}

/** Loaded with the first request: a deployment whose feature is off does not pay for it. */
async function openHandlers({ log, servers, ...site }: McpDoorsParts): Promise<Handlers> {
  const [{ createMcpHandler, isLegacyRequest }, { create, bus }, { McpSessions: Sessions }] = await Promise.all([import("@modelcontextprotocol/server"), servers ?? ownServers(), import("./mcp-sessions.ts")]);
  const createServer = (caller: Caller) => create({ site, log, caller });
  const sessions = new Sessions({ services: site.gate.services, connections: site.streams.connections, createServer });
  const modern = createMcpHandler(({ requestInfo }) => createServer(requestInfo === undefined ? { kind: "anonymous" } : callerOf(requestInfo)), { legacy: "reject", ...(bus === undefined ? {} : { bus }) });
  return {
    sessions,
    async answer(request, { caller, body }) {
      const isOfHandshake = request.method !== "POST" || (!namesCurrent(request, body) && (await isLegacyRequest(request, body)));
      return isOfHandshake ? await sessions.handle(request, { caller, body }) : await modern.fetch(request, body === undefined ? {} : { parsedBody: body });
    },
  };
}

export interface McpDoorsParts extends ToolSite {
  readonly log: Log;
  /** Other than the product's own in tests only. */
  readonly servers: McpServers | undefined;
}

export function addMcpDoors(app: App, parts: McpDoorsParts): void {
  const { gate } = parts;
  let handlers: Promise<Handlers> | undefined;
  const handle = async (request: Request, caller: Caller): Promise<Response> => {
    const key = await connect(gate, caller, undefined);
    handlers ??= openHandlers(parts);
    const { answer } = await handlers;
    if (request.method !== "POST") return await answer(request, { caller: key, body: undefined });
    const text = await request.text();
    const body = findJson(text);
    // What is no JSON the SDK refuses in its own words.
    return await answer(body === undefined ? new Request(request, { body: text }) : request, { caller: key, body });
  };
  const { transform, ...hooks } = door("mcp.connect", "none");
  let own: URL | undefined;
  const first = ({ request }: { readonly request: Request }) => {
    requireOwnSite((own ??= new URL(gate.settings.publicUrl)), request);
    refuseTokenInAddress(request);
  };
  app.all(
    PATH,
    async ({ request, caller, server }) => {
      server?.timeout(request, 0);
      return await handle(request, caller);
    },
    { ...hooks, transform: [first, ...transform] },
  );
  app.get(METADATA_PATH, () => ({ resource: `${gate.settings.publicUrl}${PATH}`, resource_name: "Cyberun MCP", bearer_methods_supported: ["header"], resource_documentation: `${gate.settings.publicUrl}/docs/api` }));
}
