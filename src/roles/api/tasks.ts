/** `/r/workflows/…/run` and `/r/tasks`: what is run, and what becomes of it. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import type { Bell } from "../../tasks/bell.ts";
import { cancelTask } from "../../tasks/cancellation.ts";
import { runWorkflow, runWorkflowBySlug } from "../../tasks/submission.ts";
import { listTasks, readTask, readTaskResult } from "../../tasks/tasks.ts";
import { pageQuery } from "./page-query.ts";
import { followTask, lastEventId, type TaskStreams } from "./task-events.ts";

const Run = t.Object({
  parameters: t.Optional(t.Record(t.String(), t.Unknown())),
  dispatch_target: t.Optional(t.String()),
  target_pool: t.Optional(t.String()),
  submitter_region: t.Optional(t.String()),
  tool_type: t.Optional(t.String()),
});
const Task = t.Object({ task_id: t.String() });

function addRunDoors(app: App, gate: Gate, bell: Bell): void {
  app.post(
    "/api/v1/r/workflows/:workflow_id/run",
    async ({ caller, params, body, set }) => {
      const submitted = await runWorkflow(gate, caller, { ...body, ...params });
      bell.ring();
      set.status = 202;
      return submitted;
    },
    { ...door("task.run"), params: t.Object({ workflow_id: t.String() }), body: Run },
  );
  app.post(
    "/api/v1/r/workflows/slug/:workflow_slug/run",
    async ({ caller, params, body, set }) => {
      const submitted = await runWorkflowBySlug(gate, caller, { ...body, ...params });
      bell.ring();
      set.status = 202;
      return submitted;
    },
    { ...door("task.run_by_slug"), params: t.Object({ workflow_slug: t.String() }), body: Run },
  );
}

export function addTaskDoors(app: App, streams: TaskStreams, bell: Bell): void {
  const { gate } = streams;
  addRunDoors(app, gate, bell);
  app.get("/api/v1/r/tasks", async ({ caller, query }) => await listTasks(gate, caller, query), {
    ...door("task.list", "none"),
    query: t.Object({ ...pageQuery, status: t.Optional(t.String()), workflow_id: t.Optional(t.String()) }),
  });
  app.get("/api/v1/r/tasks/:task_id", async ({ caller, params }) => await readTask(gate, caller, params), { ...door("task.read", "none"), params: Task });
  app.get("/api/v1/r/tasks/:task_id/result", async ({ caller, params }) => await readTaskResult(gate, caller, params), { ...door("task.read_result", "none"), params: Task });
  app.post(
    "/api/v1/r/tasks/:task_id/cancel",
    async ({ caller, params }) => {
      await cancelTask(gate, caller, params);
      bell.ring();
      return { is_success: true };
    },
    { ...door("task.cancel", "none"), params: Task },
  );
  app.get(
    "/api/v1/r/tasks/:task_id/events",
    async ({ caller, params, request, server }) => {
      const after = lastEventId(request.headers.get("last-event-id"));
      const response = await followTask(streams, { caller, taskId: params.task_id, after });
      // Heartbeats keep the stream alive; the listener's idle limit would cut it between two of them.
      server?.timeout(request, 0);
      return response;
    },
    { ...door("task.follow", "none"), params: Task },
  );
}
