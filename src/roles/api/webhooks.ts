/** `/webhooks`: where a team is called on its events, and what was told to whom. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { listDeliveries, readDelivery, replayDelivery, replayRange, testWebhook } from "../../webhooks/delivery-log.ts";
import { createWebhook, deleteWebhook, listWebhooks, readWebhook, updateWebhook } from "../../webhooks/management.ts";
import { rotateWebhookSecret } from "../../webhooks/secret-rotation.ts";
import { pageQuery } from "./page-query.ts";

/** The members; what each may be is the domain's to say, which names the field that cannot be. */
const members = { display_name: t.Optional(t.Unknown()), webhook_url: t.Optional(t.Unknown()), webhook_events: t.Optional(t.Unknown()) };
const One = t.Object({ webhook_id: t.String() });
const Delivery = t.Object({ webhook_id: t.String(), delivery_id: t.String() });
const Rotation = t.Optional(t.Object({ overlap_seconds: t.Optional(t.Number()) }));
const Range = t.Object({ since: t.String(), until: t.Optional(t.String()), delivery_status: t.Optional(t.String()) });
const path = "/api/v1/webhooks";
const one = `${path}/:webhook_id`;
const deliveries = `${one}/deliveries`;

function addManagementDoors(app: App, gate: Gate): void {
  app.get(path, async ({ caller, query }) => await listWebhooks(gate, caller, query), { ...door("webhook.list", "none"), query: t.Object(pageQuery) });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const made = await createWebhook(gate, caller, body);
      set.status = 201;
      return made;
    },
    { ...door("webhook.create"), body: t.Object(members) },
  );
  app.get(one, async ({ caller, params }) => await readWebhook(gate, caller, params), { ...door("webhook.read", "none"), params: One });
  app.put(one, async ({ caller, params, body }) => await updateWebhook(gate, caller, { ...body, ...params }), {
    ...door("webhook.update"),
    params: One,
    body: t.Object({ ...members, webhook_status: t.Optional(t.Unknown()) }),
  });
  app.delete(
    one,
    async ({ caller, params, set }) => {
      await deleteWebhook(gate, caller, params);
      set.status = 204;
    },
    { ...door("webhook.delete", "none"), params: One },
  );
  app.post(`${one}/rotate-secret`, async ({ caller, params, body }) => await rotateWebhookSecret(gate, caller, { ...body, ...params }), {
    ...door("webhook.rotate_secret"),
    params: One,
    body: Rotation,
  });
}

/** What is sent later is accepted, and the log of deliveries says what came of it. */
function addDeliveryDoors(app: App, gate: Gate): void {
  app.post(
    `${one}/test`,
    async ({ caller, params, set }) => {
      const sent = await testWebhook(gate, caller, params);
      set.status = 202;
      return sent;
    },
    { ...door("webhook.test", "none"), params: One },
  );
  app.get(deliveries, async ({ caller, params, query }) => await listDeliveries(gate, caller, { ...query, ...params }), {
    ...door("webhook_delivery.list", "none"),
    params: One,
    query: t.Object({ ...pageQuery, delivery_status: t.Optional(t.String()) }),
  });
  app.get(`${deliveries}/:delivery_id`, async ({ caller, params }) => await readDelivery(gate, caller, params), { ...door("webhook_delivery.read", "none"), params: Delivery });
  app.post(
    `${deliveries}/:delivery_id/replay`,
    async ({ caller, params, set }) => {
      const sent = await replayDelivery(gate, caller, params);
      set.status = 202;
      return sent;
    },
    { ...door("webhook_delivery.replay", "none"), params: Delivery },
  );
  app.post(
    `${deliveries}/replay`,
    async ({ caller, params, body, set }) => {
      const sent = await replayRange(gate, caller, { ...body, ...params });
      set.status = 202;
      return sent;
    },
    { ...door("webhook_delivery.replay_range"), params: One, body: Range },
  );
}

export function addWebhookDoors(app: App, gate: Gate): void {
  addManagementDoors(app, gate);
  addDeliveryDoors(app, gate);
}
