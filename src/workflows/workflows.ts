/** Workflows: what a team's callers may run. */
import { asc, count, eq } from "drizzle-orm";
import { query } from "../gate/operation.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { type Given, planRead } from "../store/plan.ts";
import { requireTeamReader } from "../teams/membership.ts";

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

/** The workflows of the caller's team by slug. The definition itself is not shown here. */
export const listRuntimeWorkflows = query(
  "workflow.list_runtime",
  async ({ caller, reader }, input: PageRequest): Promise<{ readonly workflow_list: readonly Workflow[]; readonly page_meta: PageMeta }> => {
    const page = pageOf(input);
    const teamId = await requireTeamReader(reader, caller, "workflow.list_runtime");
    const [total] = await countOfTeam(reader, { teamId });
    const rows = await listOfTeam(reader, { teamId, limit: page.limit, offset: page.offset });
    const shown = rows.map((row) => ({ ...row, created_at: isoTime(row.created_at), updated_at: isoTime(row.updated_at) }));
    return { workflow_list: shown, page_meta: page.meta(total?.count ?? 0) };
  },
);
