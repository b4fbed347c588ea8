/**
 * Rows of tasks and their events. Every change of a task is one conditional update that also counts its event, and the
 * event's row in the same commit: readers of the stream miss nothing and see nothing twice.
 *
 * Rule: only this file writes events and new rows. A plan elsewhere that changes a task's state counts the event in its own statement
 * and hands the row to {@link withEvent}. A change that finds the task in another state, attempt or agent's hand than it expects
 * changes nothing and gives undefined: that is the fence.
 */
import { and, eq, type SQL, sql } from "drizzle-orm";
import { assert } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import { givenRowWhere } from "../store/conditional-insert.ts";
import { type Given, planWrite } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { open, type TaskStatus, taskStatuses } from "./states.ts";

export type TaskRow = Tables["tasks"]["$inferSelect"];
export type EventKind = "status" | "progress" | "log" | "completed" | "failed" | "cancelled";

/** What a change says to those who follow the task; the task's id, status and time are added. */
export interface TaskEvent {
  readonly kind: EventKind;
  readonly content?: Readonly<Record<string, unknown>>;
}

export interface Change {
  readonly where: SQL | undefined;
  readonly set: { readonly [Name in keyof TaskRow]?: TaskRow[Name] | SQL };
  /** The event, from the row as it is after the change. */
  event(row: TaskRow): TaskEvent;
}

/** Whether a task may be claimed, in the very words of the index `tasks_open`: a database uses that for no others. */
export function isOpen({ status }: Pick<Tables["tasks"], "status">): SQL {
  return sql`${status} in (${sql.raw(open.map((each) => `'${each}'`).join(", "))})`;
}

export function statusOf({ status }: Pick<TaskRow, "status">): TaskStatus {
  const found = taskStatuses.find((each) => each === status);
  assert(found !== undefined, "a stored task has one of the states");
  return found;
}

/** What an agent says while it works is nothing that webhooks are told. */
const unheard: readonly EventKind[] = ["progress", "log"];

type EventRow = Tables["taskEvents"]["$inferSelect"];

/** `untold_since` marks an event that webhooks are told of (`untold-events.ts`); a team without any costs nothing more than this look. */
const insertEvent = planWrite((writer, given: Given<Omit<EventRow, "untold_since"> & { readonly mayBeTold: number }>) => {
  const { webhooks, taskEvents } = writer.tables;
  const ofTeam = writer.select({ id: webhooks.id }).from(webhooks).where(eq(webhooks.team_id, given("team_id")));
  return writer.insert(taskEvents).values({
    id: given("id"),
    task_id: given("task_id"),
    team_id: given("team_id"),
    sequence: given("sequence"),
    attempt: given("attempt"),
    kind: given("kind"),
    content: given("content"),
    created_at: given("created_at"),
    untold_since: sql<number>`case when ${given("mayBeTold")} = 1 and exists ${ofTeam} then cast(${given("created_at")} as bigint) end`,
  });
});

/** Writes the event that `row` has just counted. */
async function writeEvent({ writer, services }: CommandAct, row: TaskRow, { kind, content }: TaskEvent): Promise<void> {
  const now = services.clock.now();
  await insertEvent(writer, {
    id: `${row.id}/${String(row.event_count).padStart(10, "0")}`,
    task_id: row.id,
    team_id: row.team_id,
    sequence: row.event_count,
    attempt: row.attempt,
    kind,
    content: JSON.stringify({ task_id: row.id, ...(kind === "status" ? { status: row.status } : {}), ...content, timestamp: new Date(now).toISOString() }),
    created_at: now,
    mayBeTold: unheard.includes(kind) ? 0 : 1,
  });
}

/** Changes the one task that `where` finds, with its event. Undefined when there is none: nothing was changed then. */
export async function changeTask(act: CommandAct, { where, set, event }: Change): Promise<TaskRow | undefined> {
  const { tasks } = act.writer.tables;
  const changed = await act.writer
    .update(tasks)
    .set({ ...set, event_count: sql`${tasks.event_count} + 1` })
    .where(where)
    .returning();
  return await withEvent(act, changed, event);
}

/** The same for a plan, whose statement gave back `changed` and has counted the event. */
export async function withEvent(act: CommandAct, [row]: readonly TaskRow[], event: Change["event"]): Promise<TaskRow | undefined> {
  if (row !== undefined) await writeEvent(act, row, event(row));
  return row;
}

const insertRow = planWrite((writer, _given: Given<TaskRow>) => writer.insert(writer.tables.tasks).select(givenRowWhere(writer.tables.tasks, sql`true`)));

/** A new task with its first event. */
export async function insertTask(act: CommandAct, row: Omit<TaskRow, "event_count">, labels: readonly string[]): Promise<void> {
  const { taskLabels } = act.writer.tables;
  const inserted: TaskRow = { ...row, event_count: 1 };
  await insertRow(act.writer, inserted);
  if (labels.length > 0) await act.writer.insert(taskLabels).values(labels.map((label) => ({ id: `${row.id}/${label}`, task_id: row.id, label })));
  await writeEvent(act, inserted, { kind: "status" });
}

/** The team's task; another team's is none. */
export async function findTask(reader: Reader, { teamId, id }: { readonly teamId: string; readonly id: string }): Promise<TaskRow | undefined> {
  const { tasks } = reader.tables;
  const [found] = await reader.select().from(tasks).where(and(eq(tasks.id, id), eq(tasks.team_id, teamId)));
  return found;
}
