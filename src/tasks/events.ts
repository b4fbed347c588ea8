/** The events of a task, in order, for whoever follows it; and its log. */
import { and, asc, eq, gt } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { isTerminal } from "./states.ts";
import { findTask, statusOf } from "./task-rows.ts";

/** Events handed over in one go; pieces of a log are the largest, some kilobytes each. */
export const EVENTS_MAX = 25;

export interface FollowedEvent {
  /** Grows by one; what a reader says it has seen (`Last-Event-ID`). */
  readonly sequence: number;
  readonly kind: string;
  /** JSON. */
  readonly content: string;
}

export interface Followed {
  readonly events: readonly FollowedEvent[];
  /** Nothing comes after these. */
  readonly isOver: boolean;
}

export interface FollowInput {
  readonly task_id: string;
  /** Sequence of the last event that was seen; 0 for all. */
  readonly after: number;
}

/** The events after the one that was seen last. */
export const readTaskEvents = query("task.follow", async ({ caller, reader }, input: FollowInput): Promise<Followed> => {
  const id = requireId("task_id", input.task_id);
  const teamId = await requireTeamReader(reader, caller, "task.follow");
  const task = await findTask(reader, { teamId, id });
  if (task === undefined) throw notFound();
  const { taskEvents } = reader.tables;
  const events = await reader
    .select({ sequence: taskEvents.sequence, kind: taskEvents.kind, content: taskEvents.content })
    .from(taskEvents)
    .where(and(eq(taskEvents.task_id, id), gt(taskEvents.sequence, input.after)))
    .orderBy(asc(taskEvents.sequence))
    .limit(EVENTS_MAX);
  const last = events.at(-1)?.sequence ?? input.after;
  return { events, isOver: isTerminal(statusOf(task)) && last >= task.event_count };
});
