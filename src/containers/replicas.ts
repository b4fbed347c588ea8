/**
 * Replicas of deployed services: which agent has which, and how each does.
 *
 *     placed on the fit agent that has fewest → told to it → starting → running ⇄ failed        agent gone for a minute → placed anew
 *
 * Rule: what an agent shall run is a list that it is told whole; it says of each how it does. An agent that comes back is told
 * again, so nothing depends on a word that was lost.
 */
import { and, eq, inArray } from "drizzle-orm";
import { command, query } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import type { ServiceDefinition } from "./definition.ts";
import { definitionOf, findServiceAgents, isFit, type ReplicaRow, type ReplicaState, type ServiceAgent, type ServiceRow, settleStatus } from "./service-rows.ts";

/** An agent that is gone for so long has its replicas no more. */
const LOST_MS = 60_000;

interface Known {
  readonly row: ServiceRow;
  readonly definition: ServiceDefinition;
}

async function servicesOf(reader: Reader): Promise<ReadonlyMap<string, Known>> {
  const rows = await reader.select().from(reader.tables.containerServices);
  return new Map(rows.map((row) => [row.id, { row, definition: definitionOf(row) }]));
}

const keyOf = (teamId: string, agentId: string | null) => `${teamId}/${agentId}`;

/** The fit agent with the fewest replicas of all; undefined when there is none. */
function placeFor(definition: ServiceDefinition, teamId: string, { agents, load }: { readonly agents: readonly ServiceAgent[]; readonly load: ReadonlyMap<string, number> }): ServiceAgent | undefined {
  const fit = agents.filter((agent) => agent.teamId === teamId && isFit(agent, definition));
  const loadOf = ({ agentId }: ServiceAgent) => load.get(keyOf(teamId, agentId)) ?? 0;
  return fit.toSorted((a, b) => loadOf(a) - loadOf(b) || (a.agentId < b.agentId ? -1 : 1))[0];
}

type Change = Partial<Pick<ReplicaRow, "agent_id" | "replica_state" | "detail" | "lost_at">>;

/** Notes that a replica's agent is gone or back; after a while it has no agent. */
function lostChange(replica: ReplicaRow, isThere: boolean, now: number): Change | "removed" | undefined {
  if (isThere) return replica.lost_at === null ? undefined : { lost_at: null };
  if (replica.lost_at === null) return { lost_at: now };
  if (now - replica.lost_at < LOST_MS) return undefined;
  return replica.replica_state === "stopping" ? "removed" : { agent_id: null, lost_at: null, replica_state: "starting", detail: "Its agent is gone." };
}

/** Gives replicas without an agent one, and takes them from agents that are gone. Gives how many were changed. */
export const placeReplicas = command("container.place", async ({ writer, services: world }, _input: undefined): Promise<number> => {
  const { serviceReplicas: replicas } = writer.tables;
  const now = world.clock.now();
  const rows = await writer.select().from(replicas);
  if (rows.length === 0) return 0;
  const [known, agents] = [await servicesOf(writer), await findServiceAgents(writer, { now })];
  const there = new Set(agents.map(({ teamId, agentId }) => keyOf(teamId, agentId)));
  const load = new Map<string, number>();
  for (const { team_id, agent_id } of rows) load.set(keyOf(team_id, agent_id), (load.get(keyOf(team_id, agent_id)) ?? 0) + 1);
  const touched = new Set<string>();
  for (const replica of rows) {
    const definition = known.get(replica.service_id)?.definition;
    const placed = replica.agent_id === null && definition !== undefined ? placeFor(definition, replica.team_id, { agents, load }) : undefined;
    const change = replica.agent_id === null ? (placed === undefined ? undefined : { agent_id: placed.agentId, detail: null }) : lostChange(replica, there.has(keyOf(replica.team_id, replica.agent_id)), now);
    if (change === undefined) continue;
    if (placed !== undefined) load.set(keyOf(replica.team_id, placed.agentId), (load.get(keyOf(replica.team_id, placed.agentId)) ?? 0) + 1);
    touched.add(replica.service_id);
    if (change === "removed") await writer.delete(replicas).where(eq(replicas.id, replica.id));
    else await writer.update(replicas).set({ ...change, updated_at: now }).where(eq(replicas.id, replica.id));
  }
  for (const id of touched) await settleStatus(writer, id, now);
  return touched.size;
});

/** What one agent shall run, or may be asked to call. */
export interface Wanted {
  readonly agentId: string;
  readonly teamId: string;
  readonly serviceId: string;
  readonly generation: number;
  readonly replicaIndex: number;
  readonly definition: ServiceDefinition;
}

/** Everything that connected agents shall have, and whether any service is there at all. */
export const listWanted = query("container.list_wanted", async ({ reader, services: world }, _input: undefined): Promise<readonly Wanted[]> => {
  const known = await servicesOf(reader);
  if (known.size === 0) return [];
  const agents = await findServiceAgents(reader, { now: world.clock.now() });
  const replicas = await reader.select().from(reader.tables.serviceReplicas);
  const deployed = replicas.flatMap(({ service_id, agent_id, replica_state, generation, replica_index, team_id }): Wanted[] => {
    const service = known.get(service_id);
    if (service === undefined || agent_id === null || replica_state === "stopping") return [];
    return [{ agentId: agent_id, teamId: team_id, serviceId: service_id, generation, replicaIndex: replica_index, definition: service.definition }];
  });
  const external = [...known.values()].flatMap(({ row, definition }): Wanted[] => {
    if (definition.service_type !== "external" || row.service_status !== "running") return [];
    const fit = agents.filter((agent) => agent.teamId === row.team_id && isFit(agent, definition));
    return fit.map(({ agentId }) => ({ agentId, teamId: row.team_id, serviceId: row.id, generation: row.generation, replicaIndex: 0, definition }));
  });
  return [...deployed, ...external];
});

export interface ReplicaReport {
  readonly teamId: string;
  readonly agentId: string;
  readonly serviceId: string;
  readonly replicaIndex: number;
  readonly generation: number;
  readonly state: Exclude<ReplicaState, "stopping"> | "stopped";
  readonly detail: string | null;
}

/** How a replica does, as its agent says. What is not the agent's any more changes nothing. */
export const reportReplica = command("container.report", async ({ writer, services: world }, { teamId, agentId, serviceId, replicaIndex, generation, state, detail }: ReplicaReport): Promise<void> => {
  const { serviceReplicas: replicas } = writer.tables;
  const now = world.clock.now();
  const isIts = and(eq(replicas.id, `${serviceId}/${replicaIndex}`), eq(replicas.team_id, teamId), eq(replicas.agent_id, agentId));
  if (state === "stopped") await writer.delete(replicas).where(and(isIts, eq(replicas.replica_state, "stopping")));
  else await writer.update(replicas).set({ replica_state: state, detail, updated_at: now }).where(and(isIts, eq(replicas.generation, generation), inArray(replicas.replica_state, ["starting", "running", "failed"])));
  await settleStatus(writer, serviceId, now);
});
