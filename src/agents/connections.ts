/**
 * Agents and their connections: who may be connected, and what the pool of a team knows of each.
 *
 *     admit (the socket opens) → connect (hello) → status, heartbeats … → disconnect, or not heard of for too long
 *
 * Rule: decides who may be connected; holds no socket. In a team there is one agent of a name: a row is taken over only
 * by who knows its session, everybody else waits until it is gone.
 */
import { and, eq, inArray, lte, type Placeholder, sql } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { belowGiven, quotaFault, UNLIMITED } from "../gate/quota.ts";
import type { Qualified } from "../license/entitlements.ts";
import { givenRowWhere } from "../store/conditional-insert.ts";
import { type Given, planWrite } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import type { WriteBuilders } from "../store/store.ts";
import type { AgentReport, AgentStatus, Hello } from "./frames.ts";

/** An agent that was not heard of for so long is not connected. */
export const HEARD_MS = 30_000;

const teamAgents: Qualified = { namespace: "team", key: "max_agents" };
const deploymentAgents: Qualified = { namespace: "global", key: "max_agents" };

export interface AgentAdmission {
  readonly credentialId: string;
  readonly teamId: string;
}

/** Lets a socket be opened for the agent whose key the caller showed. The pool it joins is its credential's team. */
export const admitAgent = query("agent.admit", async ({ caller }, _input: undefined): Promise<AgentAdmission> => {
  assert(caller.kind === "agent", "the row admits agents only");
  return { credentialId: caller.credentialId, teamId: caller.teamId };
});

/** Lets the agent open its data channel. */
export const openChannel = query("agent.open_channel", async ({ caller }, _input: undefined): Promise<AgentAdmission> => {
  assert(caller.kind === "agent", "the row admits agents only");
  return { credentialId: caller.credentialId, teamId: caller.teamId };
});

export interface Connecting {
  readonly hello: Hello;
  readonly sessionId: string;
  readonly gatewayId: string;
  /** The session whose row is taken over, if it is there: this one, or the one that the agent had before, which it alone knows. */
  readonly replaces: string | undefined;
}

type AgentRow = Tables["agents"]["$inferSelect"];

function rowOf({ caller, services }: CommandAct, { hello, sessionId, gatewayId }: Connecting): AgentRow {
  assert(caller.kind === "agent", "the row admits agents only");
  const { agent_id, labels, capacity, gpu_type = null, agent_version, tool, tool_version, platform_arch, tunnel_ports, services: serviceKinds } = hello;
  const now = services.clock.now();
  return {
    id: `${caller.teamId}/${agent_id}`,
    team_id: caller.teamId,
    agent_id,
    session_id: sessionId,
    gateway_id: gatewayId,
    credential_id: caller.credentialId,
    agent_status: "idle",
    is_draining: false,
    agent_labels: JSON.stringify(labels.toSorted()),
    capacity,
    gpu_type,
    facts: JSON.stringify({ agent_version, tool, tool_version, platform_arch, tunnel_ports, services: serviceKinds }),
    report: "{}",
    connected_at: now,
    last_heartbeat: now,
  };
}

const removeUnheard = planWrite((writer, given: Given<{ readonly until: number }>) => writer.delete(writer.tables.agents).where(lte(writer.tables.agents.last_heartbeat, given("until"))));

/** Names the deployment among the scopes that are counted. */
const WHOLE = "";

/** How many agents have a row; those that were not heard of for too long are counted until they are removed. No row when there is none. */
function countConnected(writer: Pick<WriteBuilders, "select" | "tables">, scope: string | Placeholder) {
  const { agentCounts: counts } = writer.tables;
  return writer.select({ connected: counts.connected }).from(counts).where(eq(counts.scope, scope));
}

interface Caps {
  readonly teamCap: number;
  readonly deploymentCap: number;
}

const insertAgent = planWrite((writer, given: Given<AgentRow & Caps>) => {
  const { agents } = writer.tables;
  const connected = (scope: string | Placeholder) => sql`select coalesce(${countConnected(writer, scope)}, 0)`;
  const hasRoom = sql`${belowGiven(connected(given("team_id")), given("teamCap"))} and ${belowGiven(connected(WHOLE), given("deploymentCap"))}`;
  return writer.insert(agents).select(givenRowWhere(agents, hasRoom)).onConflictDoNothing().returning({ id: agents.id });
});

/** False when the name is taken or a cap is reached. Who is gone holds neither: agents that were not heard of for too long are removed then. */
async function insert({ writer, services }: CommandAct, row: AgentRow & Caps): Promise<boolean> {
  if ((await insertAgent(writer, row)).length === 1) return true;
  await removeUnheard(writer, { until: services.clock.now() - HEARD_MS });
  return (await insertAgent(writer, row)).length === 1;
}

/** False when the session has no row. */
async function takeOver({ writer }: CommandAct, row: AgentRow, sessionId: string): Promise<boolean> {
  const { agents } = writer.tables;
  const taken = await writer.update(agents).set(row).where(and(eq(agents.id, row.id), eq(agents.session_id, sessionId))).returning({ id: agents.id });
  return taken.length === 1;
}

/** Why the row was not inserted. */
async function refusal(act: CommandAct, { id, team_id, agent_id }: AgentRow): Promise<Fault> {
  const { agents } = act.writer.tables;
  const [there] = await act.writer.select({ id: agents.id }).from(agents).where(eq(agents.id, id));
  if (there !== undefined) {
    return new Fault("conflict", `An agent called ${agent_id} is connected to the team already.`, {
      hint: `Give this agent another agent_id, or stop the other one; one that is gone is forgotten within ${HEARD_MS / 1_000} seconds.`,
      details: { agent_id },
    });
  }
  const teamLimit = act.limit(teamAgents);
  const [ofTeam] = await countConnected(act.writer, team_id);
  const isTeamFull = teamLimit !== UNLIMITED && (ofTeam?.connected ?? 0) >= teamLimit;
  return isTeamFull ? quotaFault(teamAgents, teamLimit) : quotaFault(deploymentAgents, act.limit(deploymentAgents));
}

/** Puts the agent into its team's pool. Throws Fault `conflict` for a name that is taken, `quota_exceeded` beyond a cap. */
export const connectAgent = command("agent.connect", async (act, input: Connecting): Promise<AgentAdmission> => {
  const row = rowOf(act, input);
  const isTaken = input.replaces !== undefined && (await takeOver(act, row, input.replaces));
  const caps = { teamCap: act.limit(teamAgents), deploymentCap: act.limit(deploymentAgents) };
  if (!isTaken && !(await insert(act, { ...row, ...caps }))) throw await refusal(act, row);
  return { credentialId: row.credential_id, teamId: row.team_id };
});

export interface StatusReport {
  readonly sessionId: string;
  readonly status: AgentStatus;
  readonly isDraining: boolean;
  readonly report: AgentReport;
}

/** What an agent says about itself. */
export const updateAgentStatus = command("agent.update_status", async ({ writer }, { sessionId, status, isDraining, report }: StatusReport): Promise<void> => {
  const { agents } = writer.tables;
  await writer.update(agents).set({ agent_status: status, is_draining: isDraining, report: JSON.stringify(report) }).where(eq(agents.session_id, sessionId));
});

/** Notes that the sessions were heard of; gives those whose agent is not theirs any more. Agents that were not heard of for too long go. */
export const noteHeartbeats = command("agent.note_heartbeats", async ({ writer, services }, { sessionIds }: { readonly sessionIds: readonly string[] }): Promise<readonly string[]> => {
  const { agents } = writer.tables;
  const now = services.clock.now();
  const noted = sessionIds.length === 0 ? [] : await writer.update(agents).set({ last_heartbeat: now }).where(inArray(agents.session_id, [...sessionIds])).returning({ id: agents.session_id });
  await removeUnheard(writer, { until: now - HEARD_MS });
  const live = new Set(noted.map(({ id }) => id));
  return sessionIds.filter((id) => !live.has(id));
});

/** Takes the sessions' agents out of the pool. */
export const disconnectAgents = command("agent.disconnect", async ({ writer }, { sessionIds }: { readonly sessionIds: readonly string[] }): Promise<void> => {
  const { agents } = writer.tables;
  if (sessionIds.length > 0) await writer.delete(agents).where(inArray(agents.session_id, [...sessionIds]));
});
