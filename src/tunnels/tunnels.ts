/**
 * Tunnels: a service on an agent's own host, reached through the connection that the agent dialled.
 *
 *     open → row, address with a token → through the gateway, while the row is there and its time is not over → closed: the row goes
 *
 * Rule: the row says what is open; the gateway asks for it at every entry and ends what runs when it is gone. Which ports an
 * agent lets in stands in its own file, and it says so when it connects.
 */
import { and, desc, eq, gt, lte, sql } from "drizzle-orm";
import { HEARD_MS } from "../agents/connections.ts";
import { Fault, invalidField, notFound } from "../fault.ts";
import { actorOf } from "../gate/caller.ts";
import { type Act, command, query, type QueryAct } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { requireMembership } from "../teams/membership.ts";
import { noTunnel, requireToken, type ShownToken, tunnelToken, tunnelUrl } from "./tunnel-tokens.ts";

/** ComfyUI's, as documented. */
const PORT = 8_188;
const TUNNELS_OF_AGENT_MAX = 16;
const SECONDS_MIN = 60;
const SECONDS_MAX = 86_400;
/** A working day. */
const SECONDS = 28_800;

export type TunnelRow = Tables["tunnels"]["$inferSelect"];

export interface OpenTunnelInput {
  readonly agent_id: string;
  readonly target_port?: number;
  readonly tunnel_protocol?: "http" | "tcp";
  /** Ours: how long it stays open. */
  readonly expires_in?: number;
}

export interface OpenedTunnel {
  readonly session_id: string;
  readonly tunnel_url: string;
  /** Closes the tunnel at the gateway. */
  readonly admin_token: string;
  readonly tunnel_protocol: string;
  readonly expires_at: string;
}

async function findAgentFacts(reader: Reader, { teamId, agentId, now }: { readonly teamId: string; readonly agentId: string; readonly now: number }): Promise<{ readonly tunnel_ports?: readonly number[] } | undefined> {
  const { agents } = reader.tables;
  const [found] = await reader.select({ facts: agents.facts }).from(agents).where(and(eq(agents.id, `${teamId}/${agentId}`), gt(agents.last_heartbeat, now - HEARD_MS)));
  return found === undefined ? undefined : JSON.parse(found.facts);
}

function requirePort(facts: { readonly tunnel_ports?: readonly number[] }, port: number): void {
  const allowed = facts.tunnel_ports ?? [];
  if (allowed.includes(port)) return;
  throw new Fault("conflict", `The agent does not let tunnels in to its port ${port}.`, {
    hint: `Add the port to tunnel_ports in the agent's own file and start the agent again. It allows: ${allowed.length === 0 ? "none" : allowed.join(", ")}.`,
    details: { target_port: port, tunnel_ports: allowed },
  });
}

/** Opens a tunnel to a port of a connected agent. Throws Fault `not_found` for an agent that is not connected, `conflict` for a port that it does not let in, or too many tunnels. */
export const openTunnel = command("tunnel.open", async (act, input: OpenTunnelInput): Promise<OpenedTunnel> => {
  const { writer, services, caller } = act;
  const { teamId } = await requireMembership(writer, caller, "tunnel.open");
  const { agent_id, target_port = PORT, tunnel_protocol = "http", expires_in = SECONDS } = input;
  if (!Number.isInteger(expires_in) || expires_in < SECONDS_MIN || expires_in > SECONDS_MAX) throw invalidField("expires_in", `is a number of seconds from ${SECONDS_MIN} to ${SECONDS_MAX}`);
  const now = services.clock.now();
  const facts = await findAgentFacts(writer, { teamId, agentId: agent_id, now });
  if (facts === undefined) throw notFound();
  requirePort(facts, target_port);
  const { tunnels } = writer.tables;
  await writer.delete(tunnels).where(lte(tunnels.expires_at, now));
  const row = {
    id: services.random.uuid(),
    team_id: teamId,
    agent_id,
    target_port,
    tunnel_protocol,
    created_by: caller.kind === "device" ? `user:${caller.userId}` : actorOf(caller),
    created_at: now,
    expires_at: now + expires_in * 1_000,
    bytes_in: 0,
    bytes_out: 0,
    last_used_at: null,
  };
  const open = writer.select({ count: sql<number>`count(*)` }).from(tunnels).where(and(eq(tunnels.team_id, teamId), eq(tunnels.agent_id, agent_id)));
  const inserted = await writer.insert(tunnels).select(rowWhere(tunnels, row, sql`(${open}) < ${TUNNELS_OF_AGENT_MAX}`)).returning({ id: tunnels.id });
  if (inserted.length === 0) throw new Fault("conflict", `The agent has ${TUNNELS_OF_AGENT_MAX} tunnels open already.`, { hint: "Close one, or use one that is open; several people may share it." });
  act.note({ teamId, subject: `tunnel:${row.id}`, details: { agent_id, target_port, tunnel_protocol } });
  return { session_id: row.id, tunnel_url: tunnelUrl(act, row), admin_token: tunnelToken(act, "admin", row.id), tunnel_protocol, expires_at: isoTime(row.expires_at) };
});

export interface ShownTunnel {
  readonly session_id: string;
  readonly tunnel_url: string;
  readonly target_port: number;
  readonly tunnel_protocol: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly last_used_at: string | null;
}

export interface TunnelStatus {
  readonly is_active: boolean;
  /** Of the newest one; empty when none is open, as documented. */
  readonly session_id: string;
  readonly tunnel_url: string;
  /** Ours: all of them. */
  readonly tunnel_list: readonly ShownTunnel[];
}

function shownTunnel(act: Act, row: TunnelRow): ShownTunnel {
  const { id, target_port, tunnel_protocol, created_at, expires_at, bytes_in, bytes_out, last_used_at } = row;
  return {
    session_id: id,
    tunnel_url: tunnelUrl(act, row),
    target_port,
    tunnel_protocol,
    created_at: isoTime(created_at),
    expires_at: isoTime(expires_at),
    bytes_in,
    bytes_out,
    last_used_at: last_used_at === null ? null : isoTime(last_used_at),
  };
}

/** The tunnels to an agent that are open. Of an agent that is not connected they wait for it. */
export const readTunnels = query("tunnel.read", async (act: QueryAct, { agent_id }: { readonly agent_id: string }): Promise<TunnelStatus> => {
  const { reader, services, caller } = act;
  const { teamId } = await requireMembership(reader, caller, "tunnel.read");
  const { tunnels } = reader.tables;
  const rows = await reader
    .select()
    .from(tunnels)
    .where(and(eq(tunnels.team_id, teamId), eq(tunnels.agent_id, agent_id), gt(tunnels.expires_at, services.clock.now())))
    .orderBy(desc(tunnels.created_at), desc(tunnels.id));
  const list = rows.map((row) => shownTunnel(act, row));
  return { is_active: list.length > 0, session_id: list[0]?.session_id ?? "", tunnel_url: list[0]?.tunnel_url ?? "", tunnel_list: list };
});

export interface CloseTunnelInput {
  readonly agent_id: string;
  /** Without it all tunnels of the agent close. */
  readonly session_id?: string;
}

/** Closes tunnels of an agent. Throws Fault `not_found` for a session that is not open. */
export const closeTunnels = command("tunnel.close", async ({ writer, caller, note }, { agent_id, session_id }: CloseTunnelInput): Promise<void> => {
  const { teamId } = await requireMembership(writer, caller, "tunnel.close");
  const { tunnels } = writer.tables;
  const isMeant = session_id === undefined ? undefined : eq(tunnels.id, session_id);
  const closed = await writer.delete(tunnels).where(and(eq(tunnels.team_id, teamId), eq(tunnels.agent_id, agent_id), isMeant)).returning({ id: tunnels.id });
  if (session_id !== undefined && closed.length === 0) throw notFound();
  note({ teamId, details: { agent_id, closed: closed.map(({ id }) => id).join(" ") } });
});

/** Closes the tunnel that the token is for, for whoever has it. */
export const endTunnel = command("tunnel.end", async (act, shown: ShownToken): Promise<void> => {
  const id = requireToken(act, "admin", shown);
  const { tunnels } = act.writer.tables;
  const [closed] = await act.writer.delete(tunnels).where(eq(tunnels.id, id)).returning({ teamId: tunnels.team_id });
  if (closed === undefined) throw noTunnel();
  act.note({ teamId: closed.teamId, subject: `tunnel:${id}` });
});

/** What a tunnel's address leads to. Throws Fault `not_found` unless the token is good and the tunnel open. */
export const enterTunnel = query("tunnel.enter", async (act, shown: ShownToken): Promise<TunnelRow> => {
  const id = requireToken(act, "access", shown);
  const { tunnels } = act.reader.tables;
  const [found] = await act.reader.select().from(tunnels).where(and(eq(tunnels.id, id), gt(tunnels.expires_at, act.services.clock.now())));
  if (found === undefined) throw noTunnel();
  return found;
});

/** Every tunnel that is open, of all teams. There are few: a person opens each. */
export const listOpenTunnels = query("tunnel.list_open", async ({ reader, services }, _input: undefined): Promise<readonly TunnelRow[]> => {
  const { tunnels } = reader.tables;
  return await reader.select().from(tunnels).where(gt(tunnels.expires_at, services.clock.now()));
});

export interface TunnelUse {
  readonly tunnelId: string;
  /** Towards the agent, since the last note. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts what went through. */
export const noteTunnelUse = command("tunnel.note_use", async ({ writer, services }, uses: readonly TunnelUse[]): Promise<void> => {
  const { tunnels } = writer.tables;
  for (const { tunnelId, bytesIn, bytesOut } of uses) {
    await writer
      .update(tunnels)
      .set({ bytes_in: sql`${tunnels.bytes_in} + ${bytesIn}`, bytes_out: sql`${tunnels.bytes_out} + ${bytesOut}`, last_used_at: services.clock.now() })
      .where(eq(tunnels.id, tunnelId));
  }
});
