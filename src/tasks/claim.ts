/**
 * The claim: an agent's free place takes the oldest task that it may run, in one conditional statement.
 *
 *     open, due, labels within the agent's, under the caps of team and deployment → queued, next attempt, lease
 *
 * Rule: nothing is read and then trusted. Two gateways that claim at once never get one task, and the caps hold.
 */
import { and, asc, count, eq, inArray, lte, notExists, notInArray, sql } from "drizzle-orm";
import { below } from "../gate/quota.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import type { Qualified } from "../license/entitlements.ts";
import type { Reader } from "../store/store.ts";
import { held } from "./states.ts";
import { changeTask, isOpen, type TaskRow } from "./task-rows.ts";

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

function countHeld({ writer }: CommandAct, teamId: string | undefined) {
  const { tasks } = writer.tables;
  const isHeld = inArray(tasks.status, [...held]);
  return writer.select({ count: count() }).from(tasks).where(teamId === undefined ? isHeld : and(eq(tasks.team_id, teamId), isHeld));
}

/** The oldest task that the claimant may run. */
function nextFor(reader: Reader, { teamId, labels }: Claimant, now: number) {
  const { tasks, taskLabels } = reader.tables;
  const isLacking = and(eq(taskLabels.task_id, tasks.id), labels.length === 0 ? undefined : notInArray(taskLabels.label, [...labels]));
  return reader
    .select({ id: tasks.id })
    .from(tasks)
    .where(
      and(
        eq(tasks.team_id, teamId),
        isOpen(tasks),
        lte(tasks.available_at, now),
        notExists(reader.select({ id: taskLabels.id }).from(taskLabels).where(isLacking)),
      ),
    )
    .orderBy(asc(tasks.created_at), asc(tasks.id))
    .limit(1);
}

/** Whether there is a task for the claimant at all. It takes no lock, so it is asked before a claim that would find nothing. */
export async function hasClaimable(reader: Reader, claimant: Claimant, now: number): Promise<boolean> {
  return (await nextFor(reader, claimant, now)).length === 1;
}

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
export const claimTask = command("task.claim", async (act, claimant: Claimant): Promise<Claimed | undefined> => {
  const { writer, services } = act;
  const { tasks } = writer.tables;
  const isUnderCaps = and(below(countHeld(act, claimant.teamId), act.limit(teamTasks)), below(countHeld(act, undefined), act.limit(deploymentTasks)));
  const claimed = await changeTask(act, {
    where: and(eq(tasks.id, sql`(${nextFor(writer, claimant, services.clock.now())})`), isOpen(tasks), isUnderCaps),
    set: {
      status: "queued",
      waiting_reason: null,
      attempt: sql`${tasks.attempt} + 1`,
      agent_id: claimant.agentId,
      agent_labels: JSON.stringify(claimant.labels),
      gpu_type: claimant.gpuType,
      session_id: claimant.sessionId,
      gateway_id: claimant.gatewayId,
      lease_until: services.clock.now() + OFFER_MS,
      log_bytes: 0,
    },
    event: () => ({ kind: "status" }),
  });
  return claimed === undefined ? undefined : claimedOf(claimed);
});
