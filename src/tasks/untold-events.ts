/**
 * Events that the team's webhooks have not been told of: the outbox of the tasks.
 *
 *     an event's row says `untold_since`, in the commit of the task's change ── taken, once, in the commit of the deliveries
 *
 * So nothing is lost between a task and its webhooks, whichever process changed it and whenever that one was killed. A
 * cursor over the events would not do: their times are those of many processes, and a commit can come after a later time.
 *
 * Rule: only this file takes the mark away. It must not know what is told, nor to whom.
 */
import { and, asc, inArray, isNotNull } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import type { Tables } from "../store/schema.ts";

export type UntoldEvent = Pick<Tables["taskEvents"]["$inferSelect"], "id" | "task_id" | "team_id" | "content" | "created_at">;

/** Whether there is any, without a write. */
export async function hasUntoldEvents(reader: Reader): Promise<boolean> {
  const { taskEvents } = reader.tables;
  return (await reader.select({ id: taskEvents.id }).from(taskEvents).where(isNotNull(taskEvents.untold_since)).limit(1)).length > 0;
}

/** Takes up to `max`, the oldest first: of any number of processes one gets each of them. */
export async function takeUntoldEvents({ writer }: CommandAct, max: number): Promise<readonly UntoldEvent[]> {
  const { taskEvents } = writer.tables;
  const oldest = await writer.select({ id: taskEvents.id }).from(taskEvents).where(isNotNull(taskEvents.untold_since)).orderBy(asc(taskEvents.untold_since), asc(taskEvents.id)).limit(max);
  if (oldest.length === 0) return [];
  const { id, task_id, team_id, content, created_at } = taskEvents;
  const taken = await writer
    .update(taskEvents)
    .set({ untold_since: null })
    .where(and(inArray(taskEvents.id, oldest.map((each) => each.id)), isNotNull(taskEvents.untold_since)))
    .returning({ id, task_id, team_id, content, created_at });
  return taken.toSorted((one, other) => one.created_at - other.created_at || (one.id < other.id ? -1 : 1));
}
