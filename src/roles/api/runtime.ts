/** Runtime doors `/r/…`: what integrations, devices and people run with. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { listRuntimeWorkflows, readRuntimeWorkflow, readWorkflowBySlug } from "../../workflows/workflows.ts";
import { pageQuery } from "./page-query.ts";

export function addRuntimeDoors(app: App, gate: Gate): void {
  app.get("/api/v1/r/workflows", async ({ caller, query }) => await listRuntimeWorkflows(gate, caller, query), {
    ...door("workflow.list_runtime"),
    query: t.Object(pageQuery),
  });
  app.get("/api/v1/r/workflows/:workflow_id", async ({ caller, params }) => await readRuntimeWorkflow(gate, caller, params), {
    ...door("workflow.read_runtime", "none"),
    params: t.Object({ workflow_id: t.String() }),
  });
  app.get("/api/v1/r/workflows/slug/:workflow_slug", async ({ caller, params }) => await readWorkflowBySlug(gate, caller, params), {
    ...door("workflow.read_by_slug", "none"),
    params: t.Object({ workflow_slug: t.String() }),
  });
}
