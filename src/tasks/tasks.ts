/** Tasks as their team sees them: listed, read, their result. */
import { and, count, desc, eq, type SQL } from "drizzle-orm";
import { invalidField, notFound } from "../fault.ts";
import { query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { isTerminal, taskStatuses, type TaskStatus, type WaitingReason, waitingReasons } from "./states.ts";
import { noOutputs, type OutputLinks, outputLinks } from "./attempt-files.ts";
import { findTask, statusOf, type TaskRow } from "./task-rows.ts";

export interface Task {
  readonly id: string;
  readonly workflow_id: string;
  readonly workflow_slug: string;
  readonly workflow_version: number;
  readonly created_via: string;
  readonly task_status: TaskStatus;
  /** Why it waits, as a word and a sentence; null while it does not. */
  readonly waiting_reason: { readonly code: string; readonly message: string } | null;
  readonly parameters: unknown;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly task_error: string | null;
  readonly attempt: number;
  readonly retry_count: number;
  readonly agent_id: string | null;
  readonly agent_labels: readonly string[];
  readonly gateway_id: string | null;
  readonly gpu_type: string | null;
  readonly dispatch_target: "agent";
  readonly target_pool: "team";
  readonly tool_type: string;
}

export interface TaskResult extends OutputLinks {
  readonly id: string;
  readonly task_status: TaskStatus;
  readonly task_output: unknown;
  readonly task_error: string | null;
  readonly completed_at: string | null;
}

function isReason(word: string): word is WaitingReason {
  return Object.hasOwn(waitingReasons, word);
}

function shownReason({ waiting_reason: word }: TaskRow): Task["waiting_reason"] {
  return word === null || !isReason(word) ? null : { code: word, message: waitingReasons[word] };
}

const shownTime = (at: number | null) => (at === null ? null : isoTime(at));

export function shownTask(row: TaskRow): Task {
  const { id, workflow_id, workflow_slug, workflow_version, created_via, task_error, attempt, retry_count, agent_id, gateway_id, gpu_type, tool_type } = row;
  return {
    id,
    workflow_id,
    workflow_slug,
    workflow_version,
    created_via,
    task_status: statusOf(row),
    waiting_reason: shownReason(row),
    parameters: JSON.parse(row.parameters),
    created_at: isoTime(row.created_at),
    started_at: shownTime(row.started_at),
    completed_at: shownTime(row.completed_at),
    task_error,
    attempt,
    retry_count,
    agent_id,
    agent_labels: JSON.parse(row.agent_labels),
    gateway_id,
    gpu_type,
    dispatch_target: "agent",
    target_pool: "team",
    tool_type,
  };
}

export interface TaskSearch extends PageRequest {
  readonly status?: string | undefined;
  readonly workflow_id?: string | undefined;
}

function isMeant({ tables: { tasks } }: Reader, teamId: string, { status, workflow_id }: TaskSearch): SQL | undefined {
  if (status !== undefined && !taskStatuses.some((each) => each === status)) throw invalidField("status", `is one of ${taskStatuses.join(", ")}`);
  return and(
    eq(tasks.team_id, teamId),
    status === undefined ? undefined : eq(tasks.status, status),
    workflow_id === undefined ? undefined : eq(tasks.workflow_id, requireId("workflow_id", workflow_id)),
  );
}

/** The team's tasks, newest first. */
export const listTasks = query("task.list", async ({ caller, reader }, input: TaskSearch): Promise<{ readonly task_list: readonly Task[]; readonly page_meta: PageMeta }> => {
  const page = pageOf(input);
  const teamId = await requireTeamReader(reader, caller, "task.list");
  const { tasks } = reader.tables;
  const where = isMeant(reader, teamId, input);
  const rows = await reader.select().from(tasks).where(where).orderBy(desc(tasks.created_at), desc(tasks.id)).limit(page.limit).offset(page.offset);
  return { task_list: rows.map(shownTask), page_meta: await page.metaAfter(rows.length, async () => (await reader.select({ count: count() }).from(tasks).where(where))[0]?.count ?? 0) };
});

interface TaskInput {
  readonly task_id: string;
}

/** One task. */
export const readTask = query("task.read", async ({ caller, reader }, input: TaskInput): Promise<Task> => {
  const id = requireId("task_id", input.task_id);
  const teamId = await requireTeamReader(reader, caller, "task.read");
  const row = await findTask(reader, { teamId, id });
  if (row === undefined) throw notFound();
  return shownTask(row);
});

/** What came of a task; nulls while nothing has. */
export const readTaskResult = query("task.read_result", async (act, input: TaskInput): Promise<TaskResult> => {
  const { caller, reader } = act;
  const id = requireId("task_id", input.task_id);
  const teamId = await requireTeamReader(reader, caller, "task.read_result");
  const row = await findTask(reader, { teamId, id });
  if (row === undefined) throw notFound();
  const status = statusOf(row);
  const output: unknown = status === "completed" && row.task_output !== null ? JSON.parse(row.task_output) : null;
  const links = status === "completed" ? await outputLinks(act, reader, row) : noOutputs;
  return { id, task_status: status, task_output: output, ...links, task_error: row.task_error, completed_at: isTerminal(status) ? shownTime(row.completed_at) : null };
});
