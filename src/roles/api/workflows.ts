/** `/workflows`: definitions and their earlier versions, for those who keep them. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { createWorkflow, deleteWorkflow, importWorkflow, readWorkflow, updateWorkflow } from "../../workflows/management.ts";
import { listSnapshots, readSnapshot, restoreSnapshot } from "../../workflows/snapshots.ts";
import { listWorkflows } from "../../workflows/workflows.ts";
import { pageQuery } from "./page-query.ts";

/** The members; what each may be is the domain's to say, which names the field that cannot be. */
const members = {
  workflow_slug: t.Optional(t.Unknown()),
  display_name: t.Optional(t.Unknown()),
  description: t.Optional(t.Unknown()),
  tool_type: t.Optional(t.Unknown()),
  workflow_json: t.Optional(t.Unknown()),
  parameters: t.Optional(t.Unknown()),
  required_labels: t.Optional(t.Unknown()),
  task_timeout: t.Optional(t.Unknown()),
  max_retries: t.Optional(t.Unknown()),
  preferred_gpu: t.Optional(t.Unknown()),
  default_dispatch_target: t.Optional(t.Unknown()),
  min_vram_gb: t.Optional(t.Unknown()),
  required_models: t.Optional(t.Unknown()),
};
const Definition = t.Object(members);
const Change = t.Object({ ...members, workflow_status: t.Optional(t.String()) });
const Workflow = t.Object({ workflow_id: t.String() });
const Snapshot = t.Object({ workflow_id: t.String(), snapshot_id: t.String() });
const path = "/api/v1/workflows";

function addDefinitionDoors(app: App, gate: Gate): void {
  app.get(path, async ({ caller, query }) => await listWorkflows(gate, caller, query), { ...door("workflow.list", "none"), query: t.Object(pageQuery) });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const created = await createWorkflow(gate, caller, body);
      set.status = 201;
      return created;
    },
    { ...door("workflow.create"), body: Definition },
  );
  app.post(`${path}/import`, async ({ caller, body }) => await importWorkflow(gate, caller, body), { ...door("workflow.import"), body: Definition });
  app.get(`${path}/:workflow_id`, async ({ caller, params }) => await readWorkflow(gate, caller, params), { ...door("workflow.read", "none"), params: Workflow });
  app.put(`${path}/:workflow_id`, async ({ caller, params, body }) => await updateWorkflow(gate, caller, { ...body, ...params }), { ...door("workflow.update"), params: Workflow, body: Change });
  app.delete(
    `${path}/:workflow_id`,
    async ({ caller, params, set }) => {
      await deleteWorkflow(gate, caller, params);
      set.status = 204;
    },
    { ...door("workflow.delete", "none"), params: Workflow },
  );
}

function addSnapshotDoors(app: App, gate: Gate): void {
  const snapshots = `${path}/:workflow_id/snapshots`;
  app.get(snapshots, async ({ caller, params, query }) => await listSnapshots(gate, caller, { ...query, ...params }), {
    ...door("workflow_snapshot.list", "none"),
    params: Workflow,
    query: t.Object(pageQuery),
  });
  app.get(`${snapshots}/:snapshot_id`, async ({ caller, params }) => await readSnapshot(gate, caller, params), { ...door("workflow_snapshot.read", "none"), params: Snapshot });
  app.post(`${snapshots}/:snapshot_id/restore`, async ({ caller, params }) => await restoreSnapshot(gate, caller, params), { ...door("workflow_snapshot.restore", "none"), params: Snapshot });
}

export function addWorkflowDoors(app: App, gate: Gate): void {
  addDefinitionDoors(app, gate);
  addSnapshotDoors(app, gate);
}
