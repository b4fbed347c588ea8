/** Rows of snapshots: one for each saved version. */
import { and, eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import type { Tables } from "../store/schema.ts";
import type { WorkflowRow } from "./workflow-rows.ts";

export type SnapshotRow = Tables["workflowSnapshots"]["$inferSelect"];

/** Keeps the version that `workflow` is now. Once for each version. */
export async function insertSnapshot({ writer, services }: CommandAct, workflow: WorkflowRow, note: string): Promise<void> {
  const { workflowSnapshots } = writer.tables;
  const { id: workflow_id, team_id, workflow_slug, display_name, description, tool_type, definition, version } = workflow;
  await writer
    .insert(workflowSnapshots)
    .values({ id: services.random.uuid(), team_id, workflow_id, workflow_slug, display_name, description, tool_type, definition, workflow_version: version, snapshot_note: note, created_at: services.clock.now() })
    .onConflictDoNothing({ target: [workflowSnapshots.workflow_id, workflowSnapshots.workflow_version] });
}

interface SnapshotKey {
  readonly teamId: string;
  readonly workflowId: string;
}

export async function findSnapshot(reader: Reader, { teamId, workflowId, id }: SnapshotKey & { readonly id: string }): Promise<SnapshotRow | undefined> {
  const { workflowSnapshots: snapshots } = reader.tables;
  const [found] = await reader
    .select()
    .from(snapshots)
    .where(and(eq(snapshots.id, id), eq(snapshots.workflow_id, workflowId), eq(snapshots.team_id, teamId)));
  return found;
}

const byVersion = planRead((reader, given: Given<SnapshotKey & { readonly version: number }>) => {
  const { workflowSnapshots: snapshots } = reader.tables;
  return reader
    .select()
    .from(snapshots)
    .where(and(eq(snapshots.workflow_id, given("workflowId")), eq(snapshots.workflow_version, given("version")), eq(snapshots.team_id, given("teamId"))));
});

/** The kept version; undefined when it was not kept. */
export async function findVersion(reader: Reader, key: SnapshotKey & { readonly version: number }): Promise<SnapshotRow | undefined> {
  return (await byVersion(reader, key))[0];
}
