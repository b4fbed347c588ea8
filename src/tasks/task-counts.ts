/** How many tasks are in which state, of those that are not over. Rule: reads by the index of states; what is over is not counted, for there is no end of it. */
import { count, inArray } from "drizzle-orm";
import { query } from "../gate/operation.ts";
import { held, open, type TaskStatus } from "./states.ts";

const living = [...open, ...held] as const;

/** Every state, also one without a task. */
export const countLivingTasks = query("task.count_living", async ({ reader }, _input: undefined): Promise<ReadonlyMap<TaskStatus, number>> => {
  const { tasks } = reader.tables;
  const rows = await reader.select({ status: tasks.status, count: count() }).from(tasks).where(inArray(tasks.status, [...living])).groupBy(tasks.status);
  return new Map(living.map((status) => [status, rows.find((row) => row.status === status)?.count ?? 0]));
});
