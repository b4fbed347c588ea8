/** `cyberun teams …`: the own teams, and the one that is spoken in. */
import { type Members, shownText } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { shownCell, shownTime, textMembers } from "./text-table.ts";

const path = "/api/v1/teams";
const current = `${path}/current`;

const words = {
  name: "team_list",
  headings: ["ID", "NAME", "ROLE", "CREATED"],
  row: ({ id, display_name, role, created_at }: Members) => [id, display_name, role, shownTime(created_at)],
  none: "You belong to no team.",
};

export async function teamsList(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: false });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page }) }));
}

export async function teamsCreate(context: Context): Promise<Result> {
  const [display_name = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: false });
  const created = await person.call({ method: "POST", path, body: { display_name } });
  return { data: created, text: `The team ${shownCell(display_name)} is made: ${shownText(created["id"])}` };
}

export async function teamsShow(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: true });
  const team = await person.call({ method: "GET", path: current });
  return { data: team, text: textMembers(team) };
}

export async function teamsRename(context: Context): Promise<Result> {
  const [display_name = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  const renamed = await person.call({ method: "PUT", path: current, body: { display_name } });
  return { data: renamed, text: `The team is called ${shownCell(display_name)} now.` };
}

export async function teamsTransfer(context: Context): Promise<Result> {
  const [new_owner_id = ""] = context.operands;
  requireConfirmable(context);
  await using person = await openPerson(context, { inTeam: true });
  const { display_name, id } = await person.call({ method: "GET", path: current });
  await confirm(context, `The team ${shownCell(display_name)} (${shownCell(id)}) is handed on to ${new_owner_id}, and only they can give it back.`);
  const done = await person.call({ method: "POST", path: `${current}/transfer`, body: { new_owner_id } });
  return { data: done, text: `The team ${shownCell(display_name)} belongs to ${shownCell(new_owner_id)} now.` };
}

export async function teamsDelete(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using person = await openPerson(context, { inTeam: true });
  const { display_name, id } = await person.call({ method: "GET", path: current });
  await confirm(context, `The team ${shownCell(display_name)} (${shownCell(id)}) is deleted for good, with everything it owns; its keys end at once.`);
  await person.call({ method: "DELETE", path: current });
  return { data: { id, is_deleted: true }, text: `The team ${shownCell(display_name)} is gone.` };
}
