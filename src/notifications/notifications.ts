/** The own notifications: listed, and marked as read. */
import { and, count, desc, eq, isNull } from "drizzle-orm";
import { assert, notFound } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { command, query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { type Notice, type NoticeKind, readNotice, wordsOf } from "./notices.ts";

export interface Notification {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly title: string;
  readonly message: string;
  /** The facts, for programs: ids of what it is about. */
  readonly content: Notice;
  readonly created_at: string;
  readonly read_at: string | null;
}

export interface NotificationSearch extends PageRequest {
  readonly unread?: boolean | undefined;
}

function requirePerson(caller: Caller): string {
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  return caller.userId;
}

/** The caller's notifications, newest first, with how many are unread. */
export const listNotifications = query(
  "notification.list",
  async ({ caller, reader }, input: NotificationSearch): Promise<{ readonly notification_list: readonly Notification[]; readonly unread_count: number; readonly page_meta: PageMeta }> => {
    const userId = requirePerson(caller);
    const page = pageOf(input);
    const { notifications } = reader.tables;
    const isOwn = eq(notifications.user_id, userId);
    const isUnread = and(isOwn, isNull(notifications.read_at));
    const where = input.unread === true ? isUnread : isOwn;
    const [total] = await reader.select({ count: count() }).from(notifications).where(where);
    const [unread] = await reader.select({ count: count() }).from(notifications).where(isUnread);
    const rows = await reader.select().from(notifications).where(where).orderBy(desc(notifications.created_at), desc(notifications.id)).limit(page.limit).offset(page.offset);
    const shown = rows.map(({ id, content, created_at, read_at }) => {
      const notice = readNotice(content);
      return { id, kind: notice.kind, ...wordsOf(notice), content: notice, created_at: isoTime(created_at), read_at: read_at === null ? null : isoTime(read_at) };
    });
    return { notification_list: shown, unread_count: unread?.count ?? 0, page_meta: page.meta(total?.count ?? 0) };
  },
);

/** Marks one as read; again changes nothing. */
export const readNotification = command("notification.read", async ({ caller, writer, services }, input: { readonly notification_id: string }): Promise<void> => {
  const userId = requirePerson(caller);
  const { notifications } = writer.tables;
  const isMeant = and(eq(notifications.id, requireId("notification_id", input.notification_id)), eq(notifications.user_id, userId));
  const marked = await writer.update(notifications).set({ read_at: services.clock.now() }).where(and(isMeant, isNull(notifications.read_at))).returning({ id: notifications.id });
  if (marked.length > 0) return;
  const [found] = await writer.select({ id: notifications.id }).from(notifications).where(isMeant);
  if (found === undefined) throw notFound();
});

/** Marks all of the caller's as read, and says how many were not. */
export const readAllNotifications = command("notification.read_all", async ({ caller, writer, services }, _input: undefined): Promise<{ readonly read: number }> => {
  const { notifications } = writer.tables;
  const isOwn = and(eq(notifications.user_id, requirePerson(caller)), isNull(notifications.read_at));
  const read = await writer.update(notifications).set({ read_at: services.clock.now() }).where(isOwn).returning({ id: notifications.id });
  return { read: read.length };
});
