/**
 * The MCP endpoint `/api/v1/mcp`: both eras of the protocol on one address, for `sk-` keys alone.
 *
 *     revision 2026-07-28: each request by itself            up to 2025-11-25: a handshake, then a session
 *
 * Rule: lets in and hands on. Host and Origin are checked before anything is done, so that no web page reaches it through somebody's
 * browser; a token in the address is refused, and every refusal of a stranger says how the endpoint is called (RFC 9728).
 */
import { query } from "../../gate/operation.ts";
import { assert, Fault } from "../../fault.ts";
import type { Caller, TeamCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { callerOf, door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { faultResponse } from "../../http/respond.ts";
import { findJson } from "../../json.ts";
import type { Log } from "../../log.ts";
import type { McpSessions } from "./mcp-sessions.ts";
import type { ToolSite } from "./mcp-tools.ts";

const PATH = "/api/v1/mcp";
const METADATA_PATH = `/.well-known/oauth-protected-resource${PATH}`;
const loopback: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Lets a key speak MCP. What its tools do, each of their operations decides. */
const connect = query("mcp.connect", async ({ caller }, _input: undefined): Promise<TeamCaller> => {
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

function requireOwnSite({ settings }: Gate, { headers }: Request): void {
  const own = new URL(settings.publicUrl);
  const host = URL.parse(`http://${headers.get("host") ?? ""}`)?.hostname ?? "";
  if (host !== own.hostname && !loopback.includes(host)) throw new Fault("forbidden", "The request names another host than this deployment.", { hint: `Call ${own.origin}${PATH}.` });
  const origin = headers.get("origin");
  if (origin === null || origin === own.origin) return;
  const isLocal = loopback.includes(own.hostname) && loopback.includes(URL.parse(origin)?.hostname ?? "");
  if (!isLocal) throw new Fault("forbidden", "The request was sent by another site.", { hint: "MCP clients send no Origin; pages of other sites may not call this." });
}

function refuseTokenInAddress({ url }: Request): void {
  const named = [...new URL(url).searchParams.keys()].find((name) => /token|key|secret|auth/i.test(name));
  if (named !== undefined) throw new Fault("unauthenticated", "A key in the address is not taken: addresses are kept in logs.", { hint: "Send it as Authorization: Bearer sk-… and make a new one in place of this one." });
}

interface Handlers {
  readonly sessions: McpSessions;
  answer(request: Request, call: { readonly caller: TeamCaller; readonly body: unknown }): Promise<Response>;
}

/** Loaded with the first request: a deployment whose feature is off does not pay for it. */
async function openHandlers(site: ToolSite, log: Log): Promise<Handlers> {
  const [{ createMcpHandler, isLegacyRequest }, { createMcpServer }, { McpSessions: Sessions }] = await Promise.all([import("@modelcontextprotocol/server"), import("./mcp-server.ts"), import("./mcp-sessions.ts")]);
  const createServer = (caller: Caller) => createMcpServer({ site, log, caller });
  const sessions = new Sessions({ services: site.gate.services, connections: site.streams.connections, createServer });
  const modern = createMcpHandler(({ requestInfo }) => createServer(requestInfo === undefined ? { kind: "anonymous" } : callerOf(requestInfo)), { legacy: "reject" });
  return {
    sessions,
    async answer(request, { caller, body }) {
      const isOfHandshake = request.method !== "POST" || (await isLegacyRequest(request, body));
      return isOfHandshake ? await sessions.handle(request, { caller, body }) : await modern.fetch(request, body === undefined ? {} : { parsedBody: body });
    },
  };
}

export interface McpDoorsParts extends ToolSite {
  readonly log: Log;
}

export function addMcpDoors(app: App, { log, ...site }: McpDoorsParts): void {
  const { gate } = site;
  let handlers: Promise<Handlers> | undefined;
  const answer = async (request: Request, caller: Caller): Promise<Response> => {
    const key = await connect(gate, caller, undefined);
    const body = request.method === "POST" ? findJson(await request.clone().text()) : undefined;
    handlers ??= openHandlers(site, log);
    return await (await handlers).answer(request, { caller: key, body });
  };
  const { transform, ...hooks } = door("mcp.connect", "none");
  const first = ({ request }: { readonly request: Request }) => {
    requireOwnSite(gate, request);
    refuseTokenInAddress(request);
  };
  app.all(
    PATH,
    async ({ request, caller, server }) => {
      server?.timeout(request, 0);
      return await answer(request, caller);
    },
    { ...hooks, transform: [first, ...transform] },
  );
  app.get(METADATA_PATH, () => ({ resource: `${gate.settings.publicUrl}${PATH}`, resource_name: "Cyberun MCP", bearer_methods_supported: ["header"], resource_documentation: `${gate.settings.publicUrl}/docs/api` }));
}
