/**
 * Sessions of MCP clients that shake hands (protocol revisions up to 2025-11-25): each with a server of its own, its streams and the events
 * that a client may ask for again.
 *
 *     initialize → session → POST, GET, DELETE with its id → idle for too long, deleted, or its key is over: gone
 *
 * Rule: a session is its key's; to every other one it does not exist. It lives in this process alone: clients that lose it begin anew.
 */
import { type EventStore, type JSONRPCMessage, type Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { Fault } from "../../fault.ts";
import type { TeamCaller } from "../../gate/caller.ts";
import type { OpenConnections } from "../../credentials/open-connections.ts";
import type { Services } from "../../services.ts";

export const SESSIONS_MAX = 1_000;
export const SESSIONS_OF_KEY_MAX = 32;
export const IDLE_MS = 30 * 60_000;
const EVENTS_MAX = 256;
/** A stream says so often that it lives: proxies cut silent ones, and whatever lies in a buffer on the way goes on with it. */
const KEEP_ALIVE_MS = 5_000;

/** The last events of one session, for clients whose stream was cut. */
class Events implements EventStore {
  readonly #kept: { readonly id: string; readonly streamId: string; readonly message: JSONRPCMessage }[] = [];
  #last = 0;

  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String((this.#last += 1));
    this.#kept.push({ id, streamId, message });
    if (this.#kept.length > EVENTS_MAX) this.#kept.shift();
    return id;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#kept.find(({ id }) => id === eventId)?.streamId;
  }

  async replayEventsAfter(lastEventId: string, { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> }): Promise<string> {
    const at = this.#kept.findIndex(({ id }) => id === lastEventId);
    const streamId = this.#kept[at]?.streamId;
    if (streamId === undefined) throw new Fault("not_found", "The event is not kept any more.", { hint: "Ask for what you need again." });
    for (const { id, streamId: of, message } of this.#kept.slice(at + 1)) if (of === streamId) await send(id, message);
    return streamId;
  }
}

interface Session {
  readonly caller: TeamCaller;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  usedAtMs: number;
  end(): void;
}

/** A stream that says something at once: the runtime sends a response's head with its first bytes, and a client waits for it. */
function begun(response: Response): Response {
  const { body, headers, status } = response;
  if (body === null || headers.get("content-type") !== "text/event-stream") return response;
  const opening = new TransformStream<Uint8Array, Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode(": open\n\n")) });
  return new Response(body.pipeThrough(opening), { status, headers });
}

export interface McpSessionsParts {
  readonly services: Services;
  readonly connections: OpenConnections;
  createServer(caller: TeamCaller): Server;
}

export class McpSessions {
  readonly #parts: McpSessionsParts;
  readonly #sessions = new Map<string, Session>();

  constructor(parts: McpSessionsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Answers a request of the handshake era. Throws Fault `not_found` for a session that is not the caller's, `rate_limited` for one too many. */
  async handle(request: Request, { caller, body }: { readonly caller: TeamCaller; readonly body: unknown }): Promise<Response> {
    this.#sweep();
    const id = request.headers.get("mcp-session-id");
    const session = id === null ? undefined : this.#sessions.get(id);
    if (id !== null && session?.caller.credentialId !== caller.credentialId) throw new Fault("not_found", "There is no such session.", { hint: "Initialize a new one." });
    const transport = session?.transport ?? (await this.#open(caller));
    if (session !== undefined) session.usedAtMs = this.#now();
    return begun(await transport.handleRequest(request, body === undefined ? {} : { parsedBody: body }));
  }

  stop(): void {
    for (const session of [...this.#sessions.values()]) session.end();
  }

  #now(): number {
    return this.#parts.services.clock.monotonic();
  }

  #sweep(): void {
    const now = this.#now();
    for (const session of [...this.#sessions.values()]) if (now - session.usedAtMs >= IDLE_MS) session.end();
  }

  /** A transport whose session begins with the handshake; without one it is left and forgotten. */
  async #open(caller: TeamCaller): Promise<WebStandardStreamableHTTPServerTransport> {
    const { services, connections, createServer } = this.#parts;
    const own = [...this.#sessions.values()].filter((each) => each.caller.credentialId === caller.credentialId).length;
    if (this.#sessions.size >= SESSIONS_MAX || own >= SESSIONS_OF_KEY_MAX) throw new Fault("rate_limited", "Too many sessions are open.", { hint: `A key has at most ${SESSIONS_OF_KEY_MAX}; delete those that are no longer needed.`, retryAfterSeconds: 60 });
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => services.random.uuid(),
      eventStore: new Events(),
      keepAliveMs: KEEP_ALIVE_MS,
      onsessioninitialized: (id) => {
        const forget = connections.add(caller, () => session.end());
        const session: Session = {
          caller,
          transport,
          usedAtMs: this.#now(),
          end: () => {
            forget();
            this.#sessions.delete(id);
            void transport.close();
          },
        };
        this.#sessions.set(id, session);
      },
      onsessionclosed: (id) => this.#sessions.get(id)?.end(),
    });
    await createServer(caller).connect(transport);
    return transport;
  }
}
