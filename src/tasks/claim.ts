/**
 * The claim: an agent's free place takes the oldest task that it may run, in one conditional statement.
 *
 *     open, due, labels within the agent's, under the caps of team and deployment → queued, next attempt, lease
 *
 * Rule: nothing is read and then trusted. Two gateways that claim at once never get one task, and the caps hold.
 */
import { and, asc, count, eq, inArray, lte, not, notExists, sql } from "drizzle-orm";
import { belowGiven } from "../gate/quota.ts";
import { command } from "../gate/operation.ts";
import type { Qualified } from "../license/entitlements.ts";
import { type Given, planRead, planWrite } from "../store/plan.ts";
import type { ReadBuilders, Reader } from "../store/store.ts";
import { held } from "./states.ts";
import { isOpen, type TaskRow, withEvent } from "./task-rows.ts";

export const teamTasks: Qualified = { namespace: "team", key: "max_concurrent_tasks" };
export const deploymentTasks: Qualified = { namespace: "global", key: "max_concurrent_tasks" };
/** An agent answers an offer within it, or the task is offered elsewhere. */
export const OFFER_MS = 10_000;

/** Who claims: a connected agent with a free place. */
export interface Claimant {
  readonly teamId: string;
  /** As the agent calls itself. */
  readonly agentId: string;
  /** Of its connection; every later word about the attempt comes from it. */
  readonly sessionId: string;
  readonly gatewayId: string;
  readonly labels: readonly string[];
  readonly gpuType: string | null;
}

/** What the agent is offered. */
export interface Claimed {
  readonly taskId: string;
  readonly teamId: string;
  readonly attempt: number;
  readonly workflowSlug: string;
  readonly workflowVersion: number;
  readonly toolType: string;
  readonly workflowJson: unknown;
  readonly parameters: unknown;
  readonly requiredModels: readonly string[];
  /** Seconds from acceptance; 0 for none. */
  readonly timeoutSeconds: number;
}

/** Who looks for a task: a team, and labels as {@link labelList} writes them. */
interface Seeker {
  readonly teamId: string;
  readonly labelList: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Labels as one text, in which each stands between commas: a label has none. */
function labelList(labels: readonly string[]): string {
  return `,${labels.join(",")},`;
}

/** The tasks that the seeker may run, the oldest first. */
function tasksFor(reader: ReadBuilders, given: Given<Seeker>) {
  const { tasks, taskLabels } = reader.tables;
  // An underscore stands for itself and not for any character.
  const isAmong = sql`${given("labelList")} like '%,' || replace(${taskLabels.label}, '_', '!_') || ',%' escape '!'`;
  const lacking = reader.select({ id: taskLabels.id }).from(taskLabels).where(and(eq(taskLabels.task_id, tasks.id), not(isAmong)));
  return reader
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.team_id, given("teamId")), isOpen(tasks), lte(tasks.available_at, given("now")), notExists(lacking)))
    .orderBy(asc(tasks.created_at), asc(tasks.id));
}

const listClaimable = planRead((reader, given: Given<Seeker & { readonly max: number }>) => tasksFor(reader, given).limit(given("max")));

/** How many tasks there are for the claimant, up to `max`. It takes no lock, so it is asked before claims that would find nothing. */
export async function countClaimable(reader: Reader, { teamId, labels }: Claimant, { now, max }: { readonly now: number; readonly max: number }): Promise<number> {
  return (await listClaimable(reader, { teamId, labelList: labelList(labels), now, max })).length;
}

interface Claim extends Seeker, Omit<Claimant, "labels"> {
  /** JSON. */
  readonly labels: string;
  readonly teamCap: number;
  readonly deploymentCap: number;
  readonly leaseUntil: number;
}

const claimNext = planWrite((writer, given: Given<Claim>) => {
  const { tasks } = writer.tables;
  const isHeld = inArray(tasks.status, [...held]);
  const ofTeam = writer.select({ count: count() }).from(tasks).where(and(eq(tasks.team_id, given("teamId")), isHeld));
  const ofAll = writer.select({ count: count() }).from(tasks).where(isHeld);
  return writer
    .update(tasks)
    .set({
      status: "queued",
      waiting_reason: null,
      attempt: sql`${tasks.attempt} + 1`,
      agent_id: sql`${given("agentId")}`,
      agent_labels: sql`${given("labels")}`,
      gpu_type: sql`${given("gpuType")}`,
      session_id: sql`${given("sessionId")}`,
      gateway_id: sql`${given("gatewayId")}`,
      lease_until: sql`${given("leaseUntil")}`,
      log_bytes: 0,
      event_count: sql`${tasks.event_count} + 1`,
    })
    .where(and(eq(tasks.id, sql`(${tasksFor(writer, given).limit(1)})`), isOpen(tasks), belowGiven(ofTeam, given("teamCap")), belowGiven(ofAll, given("deploymentCap"))))
    .returning();
});

function claimedOf(row: TaskRow): Claimed {
  return {
    taskId: row.id,
    teamId: row.team_id,
    attempt: row.attempt,
    workflowSlug: row.workflow_slug,
    workflowVersion: row.workflow_version,
    toolType: row.tool_type,
    workflowJson: JSON.parse(row.workflow_json),
    parameters: JSON.parse(row.parameters),
    requiredModels: JSON.parse(row.required_models),
    timeoutSeconds: row.task_timeout,
  };
}

/** Gives the claimant its next task; undefined when there is none for it, or a cap is reached. */
export const claimTask = command("task.claim", async (act, { labels, ...claimant }: Claimant): Promise<Claimed | undefined> => {
  const now = act.services.clock.now();
  const caps = { teamCap: act.limit(teamTasks), deploymentCap: act.limit(deploymentTasks) };
  const changed = await claimNext(act.writer, { ...claimant, ...caps, labels: JSON.stringify(labels), labelList: labelList(labels), now, leaseUntil: now + OFFER_MS });
  const claimed = await withEvent(act, changed, () => ({ kind: "status" }));
  return claimed === undefined ? undefined : claimedOf(claimed);
});
