/** Rows of container services and their replicas. */
import { and, asc, eq, gt } from "drizzle-orm";
import { HEARD_MS } from "../agents/connections.ts";
import { assert, notFound } from "../fault.ts";
import { isoTime } from "../page.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader, Writer } from "../store/store.ts";
import { readServiceBody, type ServiceDefinition, type ServiceStatus, serviceStatuses, serviceTypes } from "./definition.ts";

export type ServiceRow = Tables["containerServices"]["$inferSelect"];
export type ReplicaRow = Tables["serviceReplicas"]["$inferSelect"];

/** `starting` until its health says otherwise; `stopping` until its agent says that it is gone. */
export const replicaStates = ["starting", "running", "failed", "stopping"] as const;
export type ReplicaState = (typeof replicaStates)[number];

export interface Replica {
  readonly replica_index: number;
  /** Null: no agent can take it yet. */
  readonly agent_id: string | null;
  readonly replica_state: string;
  readonly detail: string | null;
}

export interface Service extends ServiceDefinition {
  readonly id: string;
  readonly service_status: ServiceStatus;
  readonly created_at: string;
  readonly updated_at: string;
  /** Ours: where it runs, and why it does not. */
  readonly replicas: readonly Replica[];
}

export function statusOf({ service_status }: Pick<ServiceRow, "service_status">): ServiceStatus {
  const found = serviceStatuses.find((status) => status === service_status);
  assert(found !== undefined, "a stored service has one of the statuses");
  return found;
}

export function definitionOf(row: ServiceRow): ServiceDefinition {
  const type = serviceTypes.find((each) => each === row.service_type);
  assert(type !== undefined, "a stored service has one of the types");
  return { ...readServiceBody(row.definition), service_slug: row.service_slug, display_name: row.display_name, service_type: type };
}

export function shownService(row: ServiceRow, replicas: readonly ReplicaRow[]): Service {
  return {
    id: row.id,
    ...definitionOf(row),
    service_status: statusOf(row),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
    replicas: replicas.map(({ replica_index, agent_id, replica_state, detail }) => ({ replica_index, agent_id, replica_state, detail })),
  };
}

/** The team's service. Throws Fault `not_found`; another team's is none. */
export async function requireRow(reader: Reader, { teamId, id }: { readonly teamId: string; readonly id: string }): Promise<ServiceRow> {
  const { containerServices: services } = reader.tables;
  const [found] = await reader.select().from(services).where(and(eq(services.id, id), eq(services.team_id, teamId)));
  if (found === undefined) throw notFound();
  return found;
}

export async function requireBySlug(reader: Reader, { teamId, slug }: { readonly teamId: string; readonly slug: string }): Promise<ServiceRow> {
  const { containerServices: services } = reader.tables;
  const [found] = await reader.select().from(services).where(and(eq(services.service_slug, slug), eq(services.team_id, teamId)));
  if (found === undefined) throw notFound();
  return found;
}

export async function replicasOf(reader: Reader, serviceId: string): Promise<readonly ReplicaRow[]> {
  const { serviceReplicas: replicas } = reader.tables;
  return await reader.select().from(replicas).where(eq(replicas.service_id, serviceId)).orderBy(asc(replicas.replica_index));
}

/** A connected agent that lends itself to services. */
export interface ServiceAgent {
  readonly teamId: string;
  readonly agentId: string;
  readonly gatewayId: string;
  readonly labels: ReadonlySet<string>;
  readonly kinds: readonly string[];
}

/** Those of the team; of all teams without one. */
export async function findServiceAgents(reader: Reader, { teamId, now }: { readonly teamId?: string; readonly now: number }): Promise<readonly ServiceAgent[]> {
  const { agents } = reader.tables;
  const rows = await reader
    .select({ teamId: agents.team_id, agentId: agents.agent_id, gatewayId: agents.gateway_id, labels: agents.agent_labels, facts: agents.facts })
    .from(agents)
    .where(and(gt(agents.last_heartbeat, now - HEARD_MS), teamId === undefined ? undefined : eq(agents.team_id, teamId)));
  return rows.flatMap(({ labels, facts, ...row }) => {
    const { services = [] }: { readonly services?: readonly string[] } = JSON.parse(facts);
    const list: readonly string[] = JSON.parse(labels);
    return services.length === 0 ? [] : [{ ...row, labels: new Set(list), kinds: services }];
  });
}

/** Whether the agent may have the service: it lends itself to the kind and has every label that is required. */
export function isFit({ labels, kinds }: ServiceAgent, { service_type, required_labels }: ServiceDefinition): boolean {
  return kinds.includes(service_type) && required_labels.every((label) => labels.has(label));
}

/** What the replicas make of the service. */
export async function settleStatus(writer: Writer, serviceId: string, now: number): Promise<void> {
  const { containerServices: services } = writer.tables;
  const [row] = await writer.select().from(services).where(eq(services.id, serviceId));
  if (row === undefined) return;
  const next = nextStatus(statusOf(row), (await replicasOf(writer, serviceId)).map(({ replica_state }) => replica_state));
  if (next !== row.service_status) await writer.update(services).set({ service_status: next, updated_at: now }).where(eq(services.id, serviceId));
}

/** One that runs is enough to be called; one that fails alone is not enough to fail. */
export function nextStatus(status: ServiceStatus, states: readonly string[]): ServiceStatus {
  if (status === "stopping") return states.length === 0 ? "stopped" : "stopping";
  if (status !== "deploying" && status !== "running" && status !== "failed") return status;
  if (states.includes("running") && (status !== "deploying" || states.every((state) => state !== "starting"))) return "running";
  if (states.length > 0 && states.every((state) => state === "failed")) return "failed";
  return status === "running" && states.includes("starting") ? "running" : status;
}
