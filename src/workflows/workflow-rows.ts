/** Rows of workflows, and the definition in them. */
import { and, eq } from "drizzle-orm";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import type { Tables } from "../store/schema.ts";
import { type Definition, readBody, readToolType } from "./definition.ts";

export type WorkflowRow = Tables["workflows"]["$inferSelect"];

export function definitionOf(row: Pick<WorkflowRow, "workflow_slug" | "display_name" | "description" | "tool_type" | "definition">): Definition {
  const { workflow_slug, display_name, description } = row;
  return { ...readBody(row.definition), workflow_slug, display_name, description, tool_type: readToolType(row.tool_type) };
}

const byId = planRead((reader, given: Given<{ teamId: string; id: string }>) => {
  const { workflows } = reader.tables;
  return reader.select().from(workflows).where(and(eq(workflows.id, given("id")), eq(workflows.team_id, given("teamId"))));
});

const bySlug = planRead((reader, given: Given<{ teamId: string; slug: string }>) => {
  const { workflows } = reader.tables;
  return reader.select().from(workflows).where(and(eq(workflows.workflow_slug, given("slug")), eq(workflows.team_id, given("teamId"))));
});

/** The team's workflow; another team's is none. */
export async function findWorkflow(reader: Reader, key: { readonly teamId: string; readonly id: string }): Promise<WorkflowRow | undefined> {
  return (await byId(reader, key))[0];
}

export async function findWorkflowBySlug(reader: Reader, key: { readonly teamId: string; readonly slug: string }): Promise<WorkflowRow | undefined> {
  return (await bySlug(reader, key))[0];
}
