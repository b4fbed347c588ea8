/** `cyberun notifications …`: what the person should know. */
import { itemPath, type Members } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { shownCell, shownTime } from "./text-table.ts";

const path = "/api/v1/notifications";

const words = {
  name: "notification_list",
  headings: ["ID", "TIME", "READ", "TITLE", "MESSAGE"],
  row: ({ id, created_at, read_at, title, message }: Members) => [id, shownTime(created_at), read_at !== null, title, message],
  none: "There is no notification.",
};

export async function notificationsList(context: Context): Promise<Result> {
  const unread = context.options.has("unread") ? "true" : undefined;
  await using person = await openPerson(context, { inTeam: false });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page, unread }) }));
}

export async function notificationsRead(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: false });
  const done = await person.call({ method: "POST", path: `${itemPath(path, id)}/read` });
  return { data: done, text: `The notification ${shownCell(id)} is read.` };
}

export async function notificationsReadAll(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: false });
  const done = await person.call({ method: "POST", path: `${path}/read-all` });
  const { read } = done;
  return { data: done, text: `${shownCell(read)} ${read === 1 ? "notification was" : "notifications were"} marked as read.` };
}
