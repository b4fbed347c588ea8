/**
 * Workflows in the hands of their team: made, imported, changed, deleted. Every save is a new version, and where the
 * license has snapshots, a snapshot.
 */
import { and, count, eq, sql } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query, type QueryAct } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { hasFeature, type Qualified, requireLicensed } from "../license/entitlements.ts";
import { isoTime } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { below } from "../gate/quota.ts";
import { requireMembership } from "../teams/membership.ts";
import { type Definition, type DefinitionInput, requireDefinition, type WorkflowStatus, workflowStatuses, writeBody } from "./definition.ts";
import { insertSnapshot } from "./snapshot-rows.ts";
import { definitionOf, findWorkflow, type WorkflowRow } from "./workflow-rows.ts";

/** Of one team. Far above any real one; it bounds what a stolen session can fill. */
export const WORKFLOWS_MAX = 5_000;
export const snapshotsFeature: Qualified = { namespace: "team", key: "workflow_snapshots" };
const nerfstudioFeature: Qualified = { namespace: "team", key: "nerfstudio" };

export interface Saved {
  readonly id: string;
}

export interface WorkflowDetail extends Definition {
  readonly id: string;
  readonly workflow_status: WorkflowStatus;
  /** One more with every save. */
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export function requireStatus(text: string | undefined): WorkflowStatus | undefined {
  const found = workflowStatuses.find((status) => status === text);
  if (text !== undefined && found === undefined) throw invalidField("workflow_status", `is one of ${workflowStatuses.join(", ")}`);
  return found;
}

/** Throws Fault `feature_disabled` where the tool needs a feature that is off. */
function requireTool({ entitlements }: CommandAct, { tool_type }: Definition): void {
  if (tool_type === "nerfstudio") requireLicensed(entitlements, nerfstudioFeature);
}

function columnsOf(definition: Definition) {
  const { workflow_slug, display_name, description, tool_type } = definition;
  return { workflow_slug, display_name, description, tool_type, definition: writeBody(definition) };
}

function slugTaken(slug: string): Fault {
  return new Fault("conflict", `The team has a workflow with the slug ${slug} already.`, { hint: "Choose another slug, or import the workflow to replace that one." });
}

/** Keeps the version that was just saved, where the license has snapshots. */
export async function keepSnapshot(act: CommandAct, workflow: WorkflowRow, note: string): Promise<void> {
  if (hasFeature(act.entitlements, snapshotsFeature)) await insertSnapshot(act, workflow, note);
}

async function insertWorkflow(act: CommandAct, teamId: string, definition: Definition): Promise<WorkflowRow> {
  const { writer, services } = act;
  const { workflows } = writer.tables;
  const now = services.clock.now();
  const row = { id: services.random.uuid(), team_id: teamId, ...columnsOf(definition), workflow_status: "active", version: 1, created_at: now, updated_at: now };
  const isFree = below(writer.select({ count: count() }).from(workflows).where(eq(workflows.team_id, teamId)), WORKFLOWS_MAX);
  const [inserted] = await writer.insert(workflows).select(rowWhere(workflows, row, isFree)).onConflictDoNothing({ target: [workflows.team_id, workflows.workflow_slug] }).returning();
  if (inserted !== undefined) return inserted;
  const [same] = await writer.select({ id: workflows.id }).from(workflows).where(and(eq(workflows.team_id, teamId), eq(workflows.workflow_slug, definition.workflow_slug)));
  if (same !== undefined) throw slugTaken(definition.workflow_slug);
  throw new Fault("conflict", `The team has ${WORKFLOWS_MAX} workflows, and no more can be made.`, { hint: "Delete some that are no longer needed." });
}

/** Saves a new version over `row`. Throws Fault `conflict` when the slug is another workflow's. */
export async function saveWorkflow(act: CommandAct, row: WorkflowRow, { definition, status }: { readonly definition: Definition; readonly status: WorkflowStatus | undefined }): Promise<WorkflowRow> {
  const { writer, services } = act;
  const { workflows } = writer.tables;
  const { workflow_slug } = definition;
  if (workflow_slug !== row.workflow_slug) {
    const [other] = await writer.select({ id: workflows.id }).from(workflows).where(and(eq(workflows.team_id, row.team_id), eq(workflows.workflow_slug, workflow_slug)));
    if (other !== undefined) throw slugTaken(workflow_slug);
  }
  const [saved] = await writer
    .update(workflows)
    .set({ ...columnsOf(definition), workflow_status: status ?? row.workflow_status, version: sql`${workflows.version} + 1`, updated_at: services.clock.now() })
    .where(and(eq(workflows.id, row.id), eq(workflows.team_id, row.team_id)))
    .returning();
  if (saved === undefined) throw notFound();
  return saved;
}

function tell(act: CommandAct, { id, workflow_slug, version }: WorkflowRow): Saved {
  act.note({ subject: `workflow:${id}`, details: { workflow_slug, version } });
  return { id };
}

/** Makes a workflow. Needs the role admin. */
export const createWorkflow = command("workflow.create", async (act, input: DefinitionInput): Promise<Saved> => {
  const { teamId } = await requireMembership(act.writer, act.caller, "workflow.create");
  const definition = requireDefinition(input);
  requireTool(act, definition);
  const made = await insertWorkflow(act, teamId, definition);
  await keepSnapshot(act, made, "");
  return tell(act, made);
});

/** Makes a workflow, or replaces all of the one with the same slug in the team. Needs the role admin. */
export const importWorkflow = command("workflow.import", async (act, input: DefinitionInput): Promise<Saved> => {
  const { teamId } = await requireMembership(act.writer, act.caller, "workflow.import");
  const definition = requireDefinition(input);
  requireTool(act, definition);
  const { workflows } = act.writer.tables;
  const [before] = await act.writer.select().from(workflows).where(and(eq(workflows.team_id, teamId), eq(workflows.workflow_slug, definition.workflow_slug)));
  const saved = before === undefined ? await insertWorkflow(act, teamId, definition) : await saveWorkflow(act, before, { definition, status: undefined });
  await keepSnapshot(act, saved, "imported");
  return tell(act, saved);
});

export interface WorkflowChange extends DefinitionInput {
  readonly workflow_id: string;
  readonly workflow_status?: string | undefined;
}

/** Changes what is given. Needs the role admin. Tasks that exist keep what they were submitted with. */
export const updateWorkflow = command("workflow.update", async (act, { workflow_id, workflow_status, ...input }: WorkflowChange): Promise<Saved> => {
  const id = requireId("workflow_id", workflow_id);
  const { teamId } = await requireMembership(act.writer, act.caller, "workflow.update");
  const row = await findWorkflow(act.writer, { teamId, id });
  if (row === undefined) throw notFound();
  const definition = requireDefinition(input, definitionOf(row));
  requireTool(act, definition);
  const saved = await saveWorkflow(act, row, { definition, status: requireStatus(workflow_status) });
  await keepSnapshot(act, saved, "");
  return tell(act, saved);
});

/** Deletes a workflow with its snapshots. Needs the role admin. Tasks that exist go on. */
export const deleteWorkflow = command("workflow.delete", async (act, input: { readonly workflow_id: string }): Promise<void> => {
  const id = requireId("workflow_id", input.workflow_id);
  const { teamId } = await requireMembership(act.writer, act.caller, "workflow.delete");
  const { workflows } = act.writer.tables;
  const [deleted] = await act.writer.delete(workflows).where(and(eq(workflows.id, id), eq(workflows.team_id, teamId))).returning({ slug: workflows.workflow_slug });
  if (deleted === undefined) throw notFound();
  act.note({ subject: `workflow:${id}`, details: { workflow_slug: deleted.slug } });
});

export function shownDetail(row: WorkflowRow): WorkflowDetail {
  const status = workflowStatuses.find((each) => each === row.workflow_status) ?? "disabled";
  return { id: row.id, ...definitionOf(row), workflow_status: status, version: row.version, created_at: isoTime(row.created_at), updated_at: isoTime(row.updated_at) };
}

/** The detail as callers get it: who comes with a key does not see how the workflow is made. */
export function detailFor({ caller }: Pick<QueryAct, "caller">, row: WorkflowRow): Omit<WorkflowDetail, "workflow_json"> & { readonly workflow_json?: Definition["workflow_json"] } {
  const { workflow_json, ...rest } = shownDetail(row);
  return caller.kind === "user" ? { ...rest, workflow_json } : rest;
}

/** One workflow of the team. */
export const readWorkflow = query("workflow.read", async (act, input: { readonly workflow_id: string }) => {
  const id = requireId("workflow_id", input.workflow_id);
  const { teamId } = await requireMembership(act.reader, act.caller, "workflow.read");
  const row = await findWorkflow(act.reader, { teamId, id });
  if (row === undefined) throw notFound();
  return detailFor(act, row);
});
