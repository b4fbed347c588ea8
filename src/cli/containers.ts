/** `cyberun containers …`: services that the team's agents run or call. */
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { itemPath, type Members, membersOf, shownText } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { listed } from "./pages.ts";
import { openPerson, type Person, withQuery } from "./person.ts";
import { shownCell, shownTime, textMembers, textTable } from "./text-table.ts";

const path = "/api/v1/containers";
const needs = { inTeam: true } as const;
const FILE_BYTES_MAX = 1_000_000;

const words = {
  name: "service_list",
  headings: ["SLUG", "NAME", "TYPE", "STATUS", "ADDRESS"],
  row: ({ service_slug, display_name, service_type, service_status, service_url }: Members) => [service_slug, display_name, service_type, service_status, service_url],
  none: "The team has no container service.",
};

/** The service's id by its slug. Throws Fault `invalid_request` for what is none: `..` would lead to another path. */
async function idOf(person: Person, { operands: [slug = ""] }: Context): Promise<string> {
  if (!/^[a-z0-9-]+$/.test(slug)) throw new Fault("invalid_request", `${JSON.stringify(shownText(slug))} is not the slug of a service.`, { hint: "cyberun containers list shows the slugs." });
  return String((await person.call({ method: "GET", path: `/api/v1/r/containers/${slug}` }))["id"]);
}

function definitionIn(file: string): object {
  const body = findJson(readNamedFile(file, FILE_BYTES_MAX).toString("utf8"));
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Fault("invalid_request", `The file ${file} is not a JSON object.`, { hint: "It has service_slug, display_name and what else the service is (docs/containers.md)." });
}

export async function containersList(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery("/api/v1/r/containers", { ...page }) }));
}

export async function containersShow(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const service = await person.call({ method: "GET", path: itemPath(path, await idOf(person, context)) });
  const { id, service_slug, display_name, service_type, service_status, docker_image, external_url, updated_at } = service;
  const replicas = Array.isArray(service["replicas"]) ? service["replicas"].map(membersOf) : [];
  const rows = replicas.map(({ replica_index, agent_id, replica_state, detail }) => [replica_index, agent_id ?? "no agent is fit", replica_state, detail]);
  const told = { id, service_slug, display_name, service_type, service_status, image: docker_image ?? external_url, updated_at: shownTime(updated_at) };
  return { data: service, text: rows.length === 0 ? textMembers(told) : `${textMembers(told)}\n${textTable(["REPLICA", "AGENT", "STATE", "DETAIL"], rows)}` };
}

export async function containersCreate(context: Context): Promise<Result> {
  const body = definitionIn(context.operands[0] ?? "");
  await using person = await openPerson(context, needs);
  const made = await person.call({ method: "POST", path, body });
  const slug = shownCell(membersOf(body)["service_slug"]);
  return { data: made, text: `${shownText(made["id"])}\nThe service ${slug} is defined; cyberun containers deploy ${slug} runs it.` };
}

export async function containersUpdate(context: Context): Promise<Result> {
  const body = definitionIn(context.operands[1] ?? "");
  await using person = await openPerson(context, needs);
  const updated = await person.call({ method: "PUT", path: itemPath(path, await idOf(person, context)), body });
  return { data: updated, text: `The service ${shownCell(context.operands[0])} is changed; a deployed one from its next deployment on.` };
}

async function act(context: Context, verb: "deploy" | "stop"): Promise<Result> {
  await using person = await openPerson(context, needs);
  const told = await person.call({ method: "POST", path: `${itemPath(path, await idOf(person, context))}/${verb}` });
  const [slug] = context.operands;
  return { data: { service_slug: slug, ...told }, text: `The service ${shownCell(slug)} is ${shownCell(told["service_status"])}; cyberun containers show ${shownCell(slug)} tells how it goes.` };
}

export async function containersDeploy(context: Context): Promise<Result> {
  return await act(context, "deploy");
}

export async function containersStop(context: Context): Promise<Result> {
  return await act(context, "stop");
}

export async function containersDelete(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using person = await openPerson(context, needs);
  const id = await idOf(person, context);
  await confirm(context, `The service ${shownText(context.operands[0])} is deleted, and what runs of it is stopped.`);
  await person.call({ method: "DELETE", path: itemPath(path, id) });
  return { data: { id, is_deleted: true }, text: `The service ${shownCell(context.operands[0])} is deleted.` };
}
