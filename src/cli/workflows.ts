/** `cyberun workflows …`: what the team can run. */
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { itemPath, type Members, membersOf, shownText } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { listed } from "./pages.ts";
import { openPerson, type Person, withQuery } from "./person.ts";
import { shownCell, shownTime, textMembers, textTable } from "./text-table.ts";

const path = "/api/v1/workflows";
const FILE_BYTES_MAX = 1_000_000;

const words = {
  name: "workflow_list",
  headings: ["SLUG", "NAME", "TOOL", "STATUS", "VERSION", "CHANGED"],
  row: ({ workflow_slug, display_name, tool_type, workflow_status, version, updated_at }: Members) => [workflow_slug, display_name, tool_type, workflow_status, version, shownTime(updated_at)],
  none: "The team has no workflow.",
};

/** The path of a workflow by its slug. Throws Fault `invalid_request` for what is none: `..` would lead to another path. */
export function slugPath(slug: string): string {
  if (/^[a-z0-9-]+(?:@[0-9]+)?$/.test(slug)) return `/api/v1/r/workflows/slug/${slug}`;
  throw new Fault("invalid_request", `${JSON.stringify(shownText(slug))} is not the slug of a workflow.`, { hint: "cyberun workflows list shows the slugs." });
}

export async function workflowsList(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: true });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery("/api/v1/r/workflows", { ...page }) }));
}

/** What a workflow declares. */
export function parametersOf({ parameters }: Members): readonly Members[] {
  return Array.isArray(parameters) ? parameters.map(membersOf) : [];
}

export async function readWorkflow(person: Person, slug: string): Promise<Members> {
  return await person.call({ method: "GET", path: slugPath(slug) });
}

export async function workflowsShow(context: Context): Promise<Result> {
  const [slug = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  const workflow = await readWorkflow(person, slug);
  const { id, workflow_slug, display_name, tool_type, workflow_status, version } = workflow;
  const rows = parametersOf(workflow).map(({ key, type, required, default: fallback, label }) => [key, type, required === true, fallback, label]);
  const table = rows.length === 0 ? "It takes no parameters." : textTable(["PARAMETER", "TYPE", "REQUIRED", "DEFAULT", "LABEL"], rows);
  return { data: workflow, text: `${textMembers({ id, workflow_slug, display_name, tool_type, workflow_status, version })}\n${table}` };
}

export async function workflowsImport(context: Context): Promise<Result> {
  const [file = ""] = context.operands;
  const body = findJson(readNamedFile(file, FILE_BYTES_MAX).toString("utf8"));
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Fault("invalid_request", `The file ${file} is not a JSON object.`, { hint: "It has workflow_slug, display_name and what else the workflow is." });
  await using person = await openPerson(context, { inTeam: true });
  const saved = await person.call({ method: "POST", path: `${path}/import`, body });
  return { data: saved, text: `${shownText(saved["id"])}\nThe workflow ${shownCell(membersOf(body)["workflow_slug"])} is in force for the runs from now on.` };
}

export async function workflowsDelete(context: Context): Promise<Result> {
  const [slug = ""] = context.operands;
  requireConfirmable(context);
  await using person = await openPerson(context, { inTeam: true });
  const { id } = await readWorkflow(person, slug);
  await confirm(context, `The workflow ${slug} is deleted with its earlier versions. Tasks that were submitted go on.`);
  await person.call({ method: "DELETE", path: itemPath(path, String(id)) });
  return { data: { id, is_deleted: true }, text: `The workflow ${shownCell(slug)} is deleted.` };
}
