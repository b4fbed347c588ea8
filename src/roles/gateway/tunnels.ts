/**
 * The tunnels of this gateway: who goes through, what is told to the agents, and the end of what runs when a tunnel closes.
 *
 *     address with a token → tunnel.enter → the agent's session → its channel → one stream for each request or connection
 *
 * Rule: a stream lives only while its tunnel is open and the license allows tunnels; both are looked at each second. Bytes are
 * counted and noted with the store every ten.
 */
import type { Channel, ChannelStream } from "../../agents/channel.ts";
import { Fault } from "../../fault.ts";
import { system } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { licenseStates } from "../../license/entitlements.ts";
import type { Log } from "../../log.ts";
import type { Cancel } from "../../services.ts";
import { listOpenTunnels, noteTunnelUse, type TunnelRow, type TunnelUse } from "../../tunnels/tunnels.ts";
import type { Channels } from "./channels.ts";
import type { Session } from "./session.ts";
import { PING_SECONDS, type Sessions } from "./sessions.ts";
import type { SocketBridge } from "./socket-bridge.ts";

const REVIEW_MS = 1_000;
const closed = { code: "over", message: "The tunnel was closed." } as const;

/** What goes through one tunnel. */
interface Traffic {
  readonly streams: Set<ChannelStream>;
  /** Of streams that are over. */
  bytesIn: number;
  bytesOut: number;
  /** What was noted already. */
  notedIn: number;
  notedOut: number;
}

export interface TunnelsParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly channels: Channels;
}

function sumsOf({ streams, bytesIn, bytesOut }: Traffic): { readonly bytesIn: number; readonly bytesOut: number } {
  const sums = { bytesIn, bytesOut };
  for (const stream of streams) {
    sums.bytesIn += stream.bytesWritten;
    sums.bytesOut += stream.bytesRead;
  }
  return sums;
}

export class Tunnels {
  readonly #parts: TunnelsParts;
  readonly #traffic = new Map<string, Traffic>();
  /** To services. */
  readonly #apart = new Set<ChannelStream>();
  readonly #bridges = new Set<SocketBridge>();
  #cancel: Cancel | undefined;
  #running: Promise<void> = Promise.resolve();
  #reviews = 0;
  #isStopped = false;

  constructor(parts: TunnelsParts) {
    this.#parts = parts;
    this.#arm();
  }

  /** Streams that are open now. */
  get count(): number {
    return [...this.#traffic.values()].reduce((sum, { streams }) => sum + streams.size, this.#apart.size);
  }

  /** The channel to the tunnel's agent. Throws Fault `unavailable` when the agent is not connected here. */
  async reach({ team_id, agent_id }: Pick<TunnelRow, "team_id" | "agent_id">): Promise<Channel> {
    const session = this.#parts.sessions.find(team_id, agent_id);
    if (session === undefined) {
      throw new Fault("unavailable", "The agent is not connected to this gateway.", { hint: "The tunnel works again when the agent is back.", retryAfterSeconds: 5 });
    }
    return await this.#parts.channels.reach(session);
  }

  /** The stream goes through the tunnel: it is counted, and ends with it. */
  keep(tunnelId: string, stream: ChannelStream): void {
    const traffic = this.#traffic.get(tunnelId) ?? { streams: new Set(), bytesIn: 0, bytesOut: 0, notedIn: 0, notedOut: 0 };
    this.#traffic.set(tunnelId, traffic);
    traffic.streams.add(stream);
    void stream.over.then(() => {
      traffic.streams.delete(stream);
      traffic.bytesIn += stream.bytesWritten;
      traffic.bytesOut += stream.bytesRead;
    });
  }

  /** The stream goes to a service: it ends with the license, and with the gateway. */
  keepApart(stream: ChannelStream): void {
    this.#apart.add(stream);
    void stream.over.then(() => this.#apart.delete(stream));
  }

  keepBridge(bridge: SocketBridge, stream: ChannelStream): void {
    this.#bridges.add(bridge);
    void stream.over.then(() => this.#bridges.delete(bridge));
  }

  /** Closes everything that goes through while the license does not allow tunnels. */
  reviewLicense(): void {
    const { state } = this.#parts.gate.entitled.entitlements();
    if (licenseStates[state].open) return;
    this.#abortAll("The license does not allow it now.");
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
    this.#abortAll("The gateway stops.");
    await this.#note().catch((error: unknown) => this.#parts.log.write("warn", "tunnels.not_noted", { error }));
  }

  /** Looks at once. */
  review(): Promise<void> {
    this.#running = this.#running.then(() => this.#review()).catch((error: unknown) => this.#parts.log.write("warn", "tunnels.review_failed", { error }));
    return this.#running;
  }

  #abortAll(message: string): void {
    for (const { streams } of [...this.#traffic.values(), { streams: this.#apart }]) for (const stream of streams) stream.abort({ code: "over", message });
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#parts.gate.services.clock.after(REVIEW_MS, () => void this.review().finally(() => this.#arm()));
  }

  async #review(): Promise<void> {
    const { gate, sessions } = this.#parts;
    if (sessions.isEmpty && this.#traffic.size === 0) return;
    const open = await listOpenTunnels(gate, system, undefined);
    this.#endClosed(new Set(open.map(({ id }) => id)));
    this.#tell(open);
    this.#reviews += 1;
    if (this.#reviews % PING_SECONDS !== 0) return;
    for (const bridge of this.#bridges) bridge.ping();
    await this.#note();
  }

  #endClosed(open: ReadonlySet<string>): void {
    for (const [id, { streams }] of this.#traffic) if (!open.has(id)) for (const stream of streams) stream.abort(closed);
  }

  /** Each agent hears which tunnels lead to it, when that changed. */
  #tell(open: readonly TunnelRow[]): void {
    const bySession = new Map<Session, TunnelRow[]>();
    for (const row of open) {
      const session = this.#parts.sessions.find(row.team_id, row.agent_id);
      if (session !== undefined) bySession.set(session, [...(bySession.get(session) ?? []), row]);
    }
    for (const session of this.#parts.sessions.told()) if (!bySession.has(session)) session.tellTunnels([]);
    for (const [session, rows] of bySession) session.tellTunnels(rows);
  }

  async #note(): Promise<void> {
    const uses: TunnelUse[] = [];
    for (const [tunnelId, traffic] of this.#traffic) {
      const { bytesIn, bytesOut } = sumsOf(traffic);
      if (bytesIn !== traffic.notedIn || bytesOut !== traffic.notedOut) uses.push({ tunnelId, bytesIn: bytesIn - traffic.notedIn, bytesOut: bytesOut - traffic.notedOut });
      traffic.notedIn = bytesIn;
      traffic.notedOut = bytesOut;
      if (traffic.streams.size === 0) this.#traffic.delete(tunnelId);
    }
    if (uses.length > 0) await noteTunnelUse(this.#parts.gate, system, uses);
  }
}
