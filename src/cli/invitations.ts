/** `cyberun invitations …`: who is asked into the team that is spoken in. */
import { itemPath, type Members, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { shownCell, shownTime } from "./text-table.ts";

const path = "/api/v1/invitations";
const ROLE = "member";

const words = {
  name: "invitation_list",
  headings: ["ID", "ADDRESS", "ROLE", "MADE", "UNTIL"],
  row: ({ id, email_address, invitation_role, created_at, expires_at }: Members) => [id, email_address, invitation_role, shownTime(created_at), shownTime(expires_at)],
  none: "No invitation waits for an answer.",
};

export async function invitationsList(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: true });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page }) }));
}

export async function invitationsCreate(context: Context): Promise<Result> {
  const [email_address = ""] = context.operands;
  const invitation_role = context.options.get("role") ?? ROLE;
  await using person = await openPerson(context, { inTeam: true });
  const created = await person.call({ method: "POST", path, body: { email_address, invitation_role } });
  const { id, invitation_url } = created;
  const shown = `${shownCell(email_address)} is invited as ${shownCell(invitation_role)}: ${shownText(id)}`;
  const text = typeof invitation_url === "string" ? `${shownText(invitation_url)}\n${shown}\nThe link is shown here and never again; hand it to nobody else.` : `${shown}\nThe link goes to this address by mail.`;
  return { data: created, text };
}

export async function invitationsCancel(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  await person.call({ method: "DELETE", path: itemPath(path, id) });
  return { data: { id, is_cancelled: true }, text: `The invitation ${shownCell(id)} is taken back; its link is good for nothing.` };
}
