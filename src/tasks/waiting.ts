/**
 * Why tasks wait: what the agents of the team, in whatever gateway, and the caps have to say about each.
 *
 * Rule: reads and decides; `explainWaiting` writes down what has changed.
 */
import { and, asc, count, gt, gte, inArray, lte } from "drizzle-orm";
import { HEARD_MS } from "../agents/connections.ts";
import { UNLIMITED } from "../gate/quota.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import { held, type WaitingReason } from "./states.ts";
import { isOpen } from "./task-rows.ts";

/** Tasks that are explained in one go, the oldest first. */
const EXPLAINED_MAX = 500;

export interface PoolAgent {
  readonly labels: readonly string[];
  /** It is up to taking tasks at all. */
  readonly isFit: boolean;
  readonly hasPlace: boolean;
}

export interface Pool {
  readonly agents: readonly PoolAgent[];
  readonly isTeamFull: boolean;
  readonly isDeploymentFull: boolean;
}

/** Undefined when nothing is in the task's way: it is claimed next. */
export function reasonFor(labels: readonly string[], { agents, isTeamFull, isDeploymentFull }: Pool): WaitingReason | undefined {
  if (agents.length === 0) return "no_agent";
  const able = agents.filter((agent) => labels.every((label) => agent.labels.includes(label)));
  if (able.length === 0) return "labels";
  const fit = able.filter(({ isFit }) => isFit);
  if (fit.length === 0) return "agents_unavailable";
  if (isTeamFull) return "team_limit";
  if (isDeploymentFull) return "deployment_limit";
  return fit.some(({ hasPlace }) => hasPlace) ? undefined : "agents_busy";
}

interface Caps {
  readonly team: number;
  readonly deployment: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

async function readHeld(reader: Reader) {
  const { tasks } = reader.tables;
  return await reader.select({ teamId: tasks.team_id, agentId: tasks.agent_id, count: count() }).from(tasks).where(inArray(tasks.status, [...held])).groupBy(tasks.team_id, tasks.agent_id);
}

function sum(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, each) => total + each.count, 0);
}

const isFull = (used: number, cap: number) => cap !== UNLIMITED && used >= cap;

async function poolsOf(reader: Reader, teamIds: readonly string[], { team, deployment, now }: Caps): Promise<(teamId: string) => Pool> {
  const { agents } = reader.tables;
  const rows = await reader.select().from(agents).where(and(inArray(agents.team_id, [...teamIds]), gt(agents.last_heartbeat, now - HEARD_MS)));
  const work = await readHeld(reader);
  const isDeploymentFull = isFull(sum(work), deployment);
  return (teamId) => {
    const ofTeam = work.filter((each) => each.teamId === teamId);
    const shown = rows
      .filter((row) => row.team_id === teamId)
      .map((row) => ({
        labels: JSON.parse(row.agent_labels),
        isFit: !row.is_draining && (row.agent_status === "idle" || row.agent_status === "busy"),
        hasPlace: sum(ofTeam.filter(({ agentId }) => agentId === row.agent_id)) < row.capacity,
      }));
    return { agents: shown, isTeamFull: isFull(sum(ofTeam), team), isDeploymentFull };
  };
}

export type Explanations = ReadonlyMap<WaitingReason, readonly string[]>;

/** The tasks that are due and whose reason is not the one that is written down. */
export async function findExplanations(reader: Reader, caps: Caps): Promise<Explanations> {
  const { tasks } = reader.tables;
  const due = await reader
    .select({ id: tasks.id, teamId: tasks.team_id, labels: tasks.required_labels, reason: tasks.waiting_reason })
    .from(tasks)
    .where(and(isOpen(tasks), lte(tasks.available_at, caps.now)))
    .orderBy(asc(tasks.created_at))
    .limit(EXPLAINED_MAX);
  const found = new Map<WaitingReason, string[]>();
  if (due.length === 0) return found;
  const poolOf = await poolsOf(reader, [...new Set(due.map(({ teamId }) => teamId))], caps);
  const pools = new Map<string, Pool>();
  for (const { id, teamId, labels, reason } of due) {
    const pool = pools.get(teamId) ?? poolOf(teamId);
    pools.set(teamId, pool);
    const now = reasonFor(JSON.parse(labels), pool);
    if (now === undefined || now === reason) continue;
    found.set(now, [...(found.get(now) ?? []), id]);
  }
  return found;
}

const nextDueTeam = planRead((reader, given: Given<{ readonly from: string; readonly now: number }>) => {
  const { tasks } = reader.tables;
  return reader
    .select({ teamId: tasks.team_id })
    .from(tasks)
    .where(and(isOpen(tasks), gte(tasks.team_id, given("from")), lte(tasks.available_at, given("now"))))
    .orderBy(asc(tasks.team_id))
    .limit(1);
});

/** Of the teams those that have a task which is due. Each look leaps to the next of either side, so neither many teams nor many tasks make many looks. */
async function dueTeams(reader: Reader, teamIds: readonly string[], now: number): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const sorted = teamIds.toSorted();
  for (let at = 0; at < sorted.length; ) {
    const from = sorted[at] ?? "";
    const [next] = await nextDueTeam(reader, { from, now });
    if (next === undefined) break;
    if (next.teamId === from) found.add(from);
    do at += 1;
    while (at < sorted.length && (sorted[at] ?? "") < next.teamId);
  }
  return found;
}

/** How many tasks of each team are in agents' hands, and which of `teamIds` have one that is due. */
export async function readLoad(reader: Reader, teamIds: readonly string[], now: number): Promise<{ readonly held: ReadonlyMap<string, number>; readonly due: ReadonlySet<string> }> {
  const { tasks } = reader.tables;
  const due = await dueTeams(reader, teamIds, now);
  const counts = due.size === 0 ? [] : await reader.select({ teamId: tasks.team_id, count: count() }).from(tasks).where(inArray(tasks.status, [...held])).groupBy(tasks.team_id);
  return { held: new Map(counts.map((each) => [each.teamId, each.count])), due };
}

/** An attempt as its agent knows it. */
export interface Attempt {
  readonly taskId: string;
  readonly attempt: number;
  readonly sessionId: string;
}

/** Of the attempts, those that nobody holds in this way any more, and whether their task was cancelled. */
export async function findStale(reader: Reader, attempts: readonly Attempt[]): Promise<readonly (Attempt & { readonly isCancelled: boolean })[]> {
  const { tasks } = reader.tables;
  const rows = await reader
    .select({ id: tasks.id, attempt: tasks.attempt, sessionId: tasks.session_id, status: tasks.status })
    .from(tasks)
    .where(inArray(tasks.id, attempts.map(({ taskId }) => taskId)));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return attempts.flatMap((each) => {
    const row = byId.get(each.taskId);
    const isHeld = row !== undefined && row.attempt === each.attempt && row.sessionId === each.sessionId && held.some((status) => status === row.status);
    return isHeld ? [] : [{ ...each, isCancelled: row?.status === "cancelled" && row.attempt === each.attempt }];
  });
}
