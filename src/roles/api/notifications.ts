/** `/notifications`: what the caller should know. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { listNotifications, readAllNotifications, readNotification } from "../../notifications/notifications.ts";
import { pageQuery } from "./page-query.ts";

export function addNotificationDoors(app: App, gate: Gate): void {
  const path = "/api/v1/notifications";
  app.get(path, async ({ caller, query: { unread, ...page } }) => await listNotifications(gate, caller, { ...page, unread: unread === "true" }), {
    ...door("notification.list", "none"),
    query: t.Object({ ...pageQuery, unread: t.Optional(t.Union([t.Literal("true"), t.Literal("false")])) }),
  });
  app.post(`${path}/read-all`, async ({ caller }) => await readAllNotifications(gate, caller, undefined), door("notification.read_all", "none"));
  app.post(
    `${path}/:notification_id/read`,
    async ({ caller, params }) => {
      await readNotification(gate, caller, params);
      return { is_success: true };
    },
    { ...door("notification.read", "none"), params: t.Object({ notification_id: t.String() }) },
  );
}
