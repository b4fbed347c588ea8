/** Cancelling a task: at once in every state. What its agent still says about it is fenced off. */
import { and, eq, notInArray } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { terminal } from "./states.ts";
import { changeTask, findTask } from "./task-rows.ts";

/** Cancels a task; one that is over stays as it is, and that is a success too. */
export const cancelTask = command("task.cancel", async (act, input: { readonly task_id: string }): Promise<void> => {
  const id = requireId("task_id", input.task_id);
  const { writer, services, caller, note } = act;
  const teamId = await requireTeamReader(writer, caller, "task.cancel");
  const { tasks } = writer.tables;
  const cancelled = await changeTask(act, {
    where: and(eq(tasks.id, id), eq(tasks.team_id, teamId), notInArray(tasks.status, [...terminal])),
    set: { status: "cancelled", waiting_reason: null, lease_until: null, deadline_at: null, completed_at: services.clock.now() },
    event: () => ({ kind: "cancelled", content: { status: "cancelled" } }),
  });
  if (cancelled === undefined && (await findTask(writer, { teamId, id })) === undefined) throw notFound();
  note({ teamId, subject: `task:${id}`, details: { changed: cancelled !== undefined } });
});
