/**
 * The doors of tunnels: `/tunnel/{session_id}/{access token}/…` for whoever has the address, and `/v1/channel` for agents.
 *
 * Rule: translates requests, decides nothing. What a tunnel shows is somebody else's page: it may run on this origin, so where
 * the dashboard or the issuer has the same one, browsers are told to give the page an origin of its own.
 */
import type { Server } from "bun";
import { openChannel } from "../../agents/connections.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endTunnel, enterTunnel, type TunnelRow } from "../../tunnels/tunnels.ts";
import type { Channels, SocketEvents } from "./channels.ts";
import { forwardRequest, forwardSocket, forwardTcp, type Way } from "./forwarding.ts";
import type { Sessions } from "./sessions.ts";
import { CREDIT_PROTOCOL, SocketBridge } from "./socket-bridge.ts";
import type { Tunnels } from "./tunnels.ts";

const CHANNEL_PATH = "/v1/channel";
const TUNNEL_PATH = /^\/tunnel\/[^/]+\/[^/]+/;
/** Of one body through a tunnel. */
const BODY_BYTES_MAX = 1_000_000_000_000;
const SANDBOX = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts";

const isThrough = (path: string) => TUNNEL_PATH.test(path) || path.startsWith("/v1/services/");
/** Bodies that only go through are as large as their services take. */
export const tunnelled = { isUpload: (_method: string, path: string) => isThrough(path), bytesMax: BODY_BYTES_MAX, takesChunked: isThrough } as const;

export interface TunnelDoorsParts {
  readonly gate: Gate;
  readonly tunnels: Tunnels;
  readonly channels: Channels;
  readonly sessions: Sessions;
}

type AnyServer = Server<unknown> | null;

function isSocket(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

function upgrade(server: AnyServer, request: Request, { events, protocol = "" }: { readonly events: SocketEvents; readonly protocol?: string }): Response | undefined {
  const headers = protocol === "" ? {} : { "sec-websocket-protocol": protocol };
  if (server?.upgrade(request, { data: events, headers }) === true) return undefined;
  throw new Fault("invalid_request", "The request cannot become a WebSocket.", { hint: "Send the headers of RFC 6455 section 4.1." });
}

/** What stands in front of the service's own paths, and the rest of the request's. */
function wayOf(request: Request, { target_port }: TunnelRow): Way {
  const { pathname, search } = new URL(request.url);
  const [prefix = ""] = TUNNEL_PATH.exec(pathname) ?? [];
  return { target: { kind: "port", port: target_port }, prefix, path: `${pathname.slice(prefix.length) || "/"}${search}`, origin: `http://127.0.0.1:${target_port}` };
}

function isShared({ settings: { gatewayUrl, publicUrl, issuerUrl } }: Gate): boolean {
  return [publicUrl, issuerUrl].some((each) => URL.parse(each)?.origin === URL.parse(gatewayUrl)?.origin);
}

class TunnelDoors {
  readonly #parts: TunnelDoorsParts;

  constructor(parts: TunnelDoorsParts) {
    this.#parts = parts;
  }

  async enter(request: Request, { server, row }: { readonly server: AnyServer; readonly row: TunnelRow }): Promise<Response | undefined> {
    if (row.tunnel_protocol === "tcp" && !isSocket(request)) throw new Fault("upgrade_required", "This tunnel carries TCP over a WebSocket.", { hint: "Use cyberun agents tunnel, or a WebSocket client." });
    const { tunnels } = this.#parts;
    const onStream = (stream: Parameters<Tunnels["keep"]>[1]) => tunnels.keep(row.id, stream);
    const asked = { channel: await tunnels.reach(row), way: wayOf(request, row), onStream };
    if (row.tunnel_protocol === "tcp") return await this.#tcp(request, server, asked);
    if (isSocket(request)) return await this.#socket(request, server, asked);
    server?.timeout(request, 0);
    const response = await forwardRequest(request, asked);
    if (isShared(this.#parts.gate)) response.headers.append("content-security-policy", SANDBOX);
    return response;
  }

  async #tcp(request: Request, server: AnyServer, asked: Parameters<typeof forwardTcp>[0]): Promise<Response | undefined> {
    const isPaced = (request.headers.get("sec-websocket-protocol") ?? "").split(",").some((each) => each.trim() === CREDIT_PROTOCOL);
    const stream = await forwardTcp(asked);
    return this.#join(request, server, { stream, kind: isPaced ? "bytes_with_credit" : "bytes", protocol: isPaced ? CREDIT_PROTOCOL : "" });
  }

  async #socket(request: Request, server: AnyServer, asked: Parameters<typeof forwardSocket>[1]): Promise<Response | undefined> {
    const { stream, protocol } = await forwardSocket(request, asked);
    return this.#join(request, server, { stream, kind: "messages", protocol });
  }

  #join(request: Request, server: AnyServer, { stream, kind, protocol }: { readonly stream: Parameters<Tunnels["keep"]>[1]; readonly kind: ConstructorParameters<typeof SocketBridge>[1]; readonly protocol: string }): Response | undefined {
    const bridge = new SocketBridge(stream, kind, this.#parts.gate.services.clock);
    this.#parts.tunnels.keepBridge(bridge, stream);
    try {
      return upgrade(server, request, { events: bridge, protocol });
    } catch (error) {
      stream.abort({ code: "over", message: "The client went." });
      throw error;
    }
  }

  async openChannel(request: Request, { server, caller }: { readonly server: AnyServer; readonly caller: Caller }): Promise<Response | undefined> {
    const { gate, sessions, channels } = this.#parts;
    const { credentialId } = await openChannel(gate, caller, undefined);
    const session = sessions.findById(request.headers.get("cyberun-session") ?? "");
    if (session === undefined || session.caller.credentialId !== credentialId) {
      throw new Fault("conflict", "This gateway does not know the session.", { hint: "Say hello first, and name the session's id in the header Cyberun-Session." });
    }
    if (!isSocket(request)) throw new Fault("upgrade_required", "Agents open their data channel here by WebSocket.", { hint: "Send Connection: Upgrade and Upgrade: websocket." });
    return upgrade(server, request, { events: channels.eventsFor(session, caller) });
  }
}

export function addTunnelDoors(app: App, parts: TunnelDoorsParts): void {
  const doors = new TunnelDoors(parts);
  const { gate } = parts;
  app.get(CHANNEL_PATH, async ({ request, server, caller }) => await doors.openChannel(request, { server, caller }), door("agent.open_channel", "none"));
  app.delete("/tunnel/:tunnel_id/admin", async ({ caller, params, request, set }) => {
    await endTunnel(gate, caller, { ...params, token: request.headers.get("authorization")?.replace(/^Bearer\s+/i, "") ?? "" });
    await parts.tunnels.review();
    set.status = 204;
  }, door("tunnel.end", "none"));
  app.all("/tunnel/:tunnel_id/:token/*", async ({ request, server, caller, params, set }) => {
    const row = await enterTunnel(gate, caller, { tunnel_id: params.tunnel_id, token: params.token });
    // What a service answers is its own: none of the house's headers on top.
    set.headers = {};
    return await doors.enter(request, { server, row });
  }, door("tunnel.enter", "none"));
}
