/** Earlier states of a workflow: listed, looked at, restored. Behind the feature `workflow_snapshots`. */
import { and, count, desc, eq } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { command, query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { requireMembership } from "../teams/membership.ts";
import type { Parameter } from "./parameters.ts";
import { keepSnapshot, saveWorkflow, type Saved } from "./management.ts";
import { findSnapshot, insertSnapshot } from "./snapshot-rows.ts";
import { definitionOf, findWorkflow } from "./workflow-rows.ts";

export interface Snapshot {
  readonly id: string;
  readonly workflow_id: string;
  readonly workflow_version: number;
  readonly snapshot_note: string;
  readonly created_at: string;
}

export interface SnapshotDetail extends Snapshot {
  /** Only for people who are signed in; who comes with a key does not see how the workflow is made. */
  readonly workflow_json?: Readonly<Record<string, unknown>>;
  readonly workflow_params: readonly Parameter[];
}

interface SnapshotInput {
  readonly workflow_id: string;
  readonly snapshot_id: string;
}

/** The workflow's snapshots, newest first. */
export const listSnapshots = query(
  "workflow_snapshot.list",
  async ({ reader, caller }, input: PageRequest & { readonly workflow_id: string }): Promise<{ readonly snapshot_list: readonly Snapshot[]; readonly page_meta: PageMeta }> => {
    const page = pageOf(input);
    const workflowId = requireId("workflow_id", input.workflow_id);
    const { teamId } = await requireMembership(reader, caller, "workflow_snapshot.list");
    if ((await findWorkflow(reader, { teamId, id: workflowId })) === undefined) throw notFound();
    const { workflowSnapshots: snapshots } = reader.tables;
    const isMeant = and(eq(snapshots.workflow_id, workflowId), eq(snapshots.team_id, teamId));
    const [total] = await reader.select({ count: count() }).from(snapshots).where(isMeant);
    const rows = await reader
      .select({ id: snapshots.id, workflow_id: snapshots.workflow_id, workflow_version: snapshots.workflow_version, snapshot_note: snapshots.snapshot_note, created_at: snapshots.created_at })
      .from(snapshots)
      .where(isMeant)
      .orderBy(desc(snapshots.workflow_version))
      .limit(page.limit)
      .offset(page.offset);
    return { snapshot_list: rows.map((row) => ({ ...row, created_at: isoTime(row.created_at) })), page_meta: page.meta(total?.count ?? 0) };
  },
);

/** One snapshot. */
export const readSnapshot = query("workflow_snapshot.read", async ({ reader, caller }, input: SnapshotInput): Promise<SnapshotDetail> => {
  const [workflowId, id] = [requireId("workflow_id", input.workflow_id), requireId("snapshot_id", input.snapshot_id)];
  const { teamId } = await requireMembership(reader, caller, "workflow_snapshot.read");
  const row = await findSnapshot(reader, { teamId, workflowId, id });
  if (row === undefined) throw notFound();
  const { workflow_json, parameters } = definitionOf(row);
  const { workflow_version, snapshot_note, created_at } = row;
  const shown = { id, workflow_id: workflowId, workflow_version, snapshot_note, created_at: isoTime(created_at), workflow_params: parameters };
  return caller.kind === "user" ? { ...shown, workflow_json } : shown;
});

/** Puts a snapshot back as a new version; what was live before is kept as a snapshot as well. Needs the role admin. */
export const restoreSnapshot = command("workflow_snapshot.restore", async (act, input: SnapshotInput): Promise<Saved> => {
  const [workflowId, id] = [requireId("workflow_id", input.workflow_id), requireId("snapshot_id", input.snapshot_id)];
  const { teamId } = await requireMembership(act.writer, act.caller, "workflow_snapshot.restore");
  const [live, snapshot] = [await findWorkflow(act.writer, { teamId, id: workflowId }), await findSnapshot(act.writer, { teamId, workflowId, id })];
  if (live === undefined || snapshot === undefined) throw notFound();
  await insertSnapshot(act, live, "before a restore");
  // The slug stays: it is the name that others call the workflow by, and may be another's by now.
  const definition = { ...definitionOf(snapshot), workflow_slug: live.workflow_slug };
  const saved = await saveWorkflow(act, live, { definition, status: undefined });
  await keepSnapshot(act, saved, `restored from version ${snapshot.workflow_version}`);
  act.note({ subject: `workflow:${workflowId}`, details: { from_version: snapshot.workflow_version, version: saved.version } });
  return { id: workflowId };
});
