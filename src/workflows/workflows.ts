/** Workflows as they are listed and run: by the team's people and by its keys. How one is made is `management.ts`. */
import { asc, count, eq } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { query, type QueryAct } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { type Given, planRead } from "../store/plan.ts";
import { requireMembership, requireTeamReader } from "../teams/membership.ts";
import { requireSlug } from "./definition.ts";
import { detailFor } from "./management.ts";
import { findWorkflow, findWorkflowBySlug } from "./workflow-rows.ts";

export interface Workflow {
  readonly id: string;
  readonly workflow_slug: string;
  readonly display_name: string;
  readonly description: string;
  readonly tool_type: string;
  readonly workflow_status: string;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

const countOfTeam = planRead((reader, given: Given<{ teamId: string }>) => {
  const { workflows } = reader.tables;
  return reader.select({ count: count() }).from(workflows).where(eq(workflows.team_id, given("teamId")));
});

const listOfTeam = planRead((reader, given: Given<{ teamId: string; limit: number; offset: number }>) => {
  const { workflows } = reader.tables;
  return reader
    .select({
      id: workflows.id,
      workflow_slug: workflows.workflow_slug,
      display_name: workflows.display_name,
      description: workflows.description,
      tool_type: workflows.tool_type,
      workflow_status: workflows.workflow_status,
      version: workflows.version,
      created_at: workflows.created_at,
      updated_at: workflows.updated_at,
    })
    .from(workflows)
    .where(eq(workflows.team_id, given("teamId")))
    .orderBy(asc(workflows.workflow_slug), asc(workflows.id))
    .limit(given("limit"))
    .offset(given("offset"));
});

export interface WorkflowList {
  readonly workflow_list: readonly Workflow[];
  readonly page_meta: PageMeta;
}

async function listOf({ reader }: QueryAct, teamId: string, input: PageRequest): Promise<WorkflowList> {
  const page = pageOf(input);
  const rows = await listOfTeam(reader, { teamId, limit: page.limit, offset: page.offset });
  const shown = rows.map((row) => ({ ...row, created_at: isoTime(row.created_at), updated_at: isoTime(row.updated_at) }));
  return { workflow_list: shown, page_meta: await page.metaAfter(rows.length, async () => (await countOfTeam(reader, { teamId }))[0]?.count ?? 0) };
}

/** The workflows of the caller's team by slug. The definition itself is not shown here. */
export const listRuntimeWorkflows = query("workflow.list_runtime", async (act, input: PageRequest): Promise<WorkflowList> => {
  return await listOf(act, await requireTeamReader(act.reader, act.caller, "workflow.list_runtime"), input);
});

/** The same for those who keep them, in every license state. */
export const listWorkflows = query("workflow.list", async (act, input: PageRequest): Promise<WorkflowList> => {
  const { teamId } = await requireMembership(act.reader, act.caller, "workflow.list");
  return await listOf(act, teamId, input);
});

/** One workflow of the caller's team, to be run. */
export const readRuntimeWorkflow = query("workflow.read_runtime", async (act, input: { readonly workflow_id: string }) => {
  const id = requireId("workflow_id", input.workflow_id);
  const teamId = await requireTeamReader(act.reader, act.caller, "workflow.read_runtime");
  const row = await findWorkflow(act.reader, { teamId, id });
  if (row === undefined) throw notFound();
  return detailFor(act, row);
});

/** The same by its slug. */
export const readWorkflowBySlug = query("workflow.read_by_slug", async (act, input: { readonly workflow_slug: string }) => {
  const slug = requireSlug("workflow_slug", input.workflow_slug);
  const teamId = await requireTeamReader(act.reader, act.caller, "workflow.read_by_slug");
  const row = await findWorkflowBySlug(act.reader, { teamId, slug });
  if (row === undefined) throw notFound();
  return detailFor(act, row);
});
