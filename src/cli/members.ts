/** `cyberun members …`: who belongs to the team that is spoken in. */
import { itemPath, type Members } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { shownCell, shownTime } from "./text-table.ts";

const path = "/api/v1/members";

const words = {
  name: "member_list",
  headings: ["USER", "ADDRESS", "NAME", "ROLE", "JOINED"],
  row: ({ user_id, email_address, display_name, role, created_at }: Members) => [user_id, email_address, display_name, role, shownTime(created_at)],
  none: "The team has no member.",
};

export async function membersList(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: true });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page }) }));
}

export async function membersSetRole(context: Context): Promise<Result> {
  const [id = "", role = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  const done = await person.call({ method: "PUT", path: itemPath(path, id), body: { role } });
  return { data: done, text: `The member ${shownCell(id)} has the role ${shownCell(role)} now.` };
}

export async function membersRemove(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  requireConfirmable(context);
  await using person = await openPerson(context, { inTeam: true });
  await confirm(context, `The member ${id} is removed from the team, with the devices that speak for them there.`);
  await person.call({ method: "DELETE", path: itemPath(path, id) });
  return { data: { user_id: id, is_removed: true }, text: `The member ${shownCell(id)} is removed.` };
}
