/** `/webhooks` over real sockets: the documented shapes, and those of ours. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { signIn } from "../support/people.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { type Shown, startRoles, type TestRoles } from "../support/roles.ts";
import { aWebhook, deliver, receivers } from "../support/webhooks.ts";

let site: TestRoles;
let as: Shown;
beforeAll(async () => {
  site = await startRoles();
  receivers(site.world);
  as = (await site.credentials()).user;
});
afterAll(() => site.close());

const path = "/api/v1/webhooks";
async function make(): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await site.call(path, { as, json: aWebhook });
  expect([status, Object.keys(body).sort()]).toEqual([201, ["id", "webhook_secret"]]);
  return body;
}

test("made, read, listed, changed, rotated and deleted as documented; the secret is in two answers and no other", async () => {
  const { id, webhook_secret } = await make();
  const detail = await site.call(`${path}/${String(id)}`, { as });
  expect([detail.status, detail.body]).toMatchObject([200, { id, ...aWebhook, webhook_secret: null, webhook_status: "active", last_delivered_at: null }]);
  const list = await site.call(`${path}?current_page=1&per_page=5`, { as });
  expect([list.status, list.body["page_meta"]]).toMatchObject([200, { current_page: 1, per_page: 5 }]);
  expect(detail.text + list.text).not.toContain(String(webhook_secret).slice(12));
  expect((await site.call(`${path}/${String(id)}`, { as, method: "PUT", json: { display_name: "New", webhook_status: "active" } })).body).toEqual({ id });
  // As documented without a body, and with ours.
  const rotated = await site.call(`${path}/${String(id)}/rotate-secret`, { as, method: "POST" });
  expect([rotated.status, rotated.body["previous_secret_expires_at"]]).toEqual([200, null]);
  expect(String(rotated.body["webhook_secret"])).toMatch(/^whsec_/);
  expect((await site.call(`${path}/${String(id)}/rotate-secret`, { as, json: { overlap_seconds: 60 } })).body["previous_secret_expires_at"]).not.toBeNull();
  expect((await site.call(`${path}/${String(id)}`, { as, method: "DELETE" })).status).toBe(204);
  expect((await site.call(`${path}/${String(id)}`, { as })).body["error_message"]).toBe("resource not found");
});

test("a test call is accepted, its delivery is read and replayed", async () => {
  const { id } = await make();
  const one = `${path}/${String(id)}`;
  const sent = await site.call(`${one}/test`, { as, method: "POST" });
  expect(sent.status).toBe(202);
  const deliveryId = String(sent.body["delivery_id"]);
  await deliver(site);
  const read = await site.call(`${one}/deliveries/${deliveryId}`, { as });
  expect([read.status, read.body]).toMatchObject([200, { id: deliveryId, event_type: "webhook.test", delivery_status: "delivered", response_status: 200, attempt_count: 1 }]);
  const list = await site.call(`${one}/deliveries?delivery_status=delivered`, { as });
  expect([list.status, list.text.includes(deliveryId), list.text.includes("request_body")]).toEqual([200, true, false]);
  expect((await site.call(`${one}/deliveries/${deliveryId}/replay`, { as, method: "POST" })).status).toBe(202);
  await deliver(site);
  const range = await site.call(`${one}/deliveries/replay`, { as, json: { since: "2020-01-01T00:00:00Z", delivery_status: "delivered" } });
  expect([range.status, range.body]).toEqual([202, { replayed: 1, next_since: null }]);
});

test.each([
  ["no body", undefined],
  ["a list", []],
  ["an unknown member", { ...aWebhook, webhook_secret: "whsec_mine" }],
  ["another team's id", { ...aWebhook, team_id: "00000000-0000-7000-8000-00000000000f" }],
  ["http", { ...aWebhook, webhook_url: "http://receiver.example/" }],
  ["no events", { ...aWebhook, webhook_events: [] }],
])("%s is refused with 400", async (_name, json) => {
  const { status, body } = await site.call(path, { as, method: "POST", ...(json === undefined ? {} : { json }) });
  expect([status, body["error_code"], typeof body["hint"]]).toEqual([400, "invalid_request", "string"]);
});

test("an integration key manages no webhooks, and nobody does without a team", async () => {
  const { integration, agent } = await site.credentials();
  for (const key of [integration, agent]) expect([401, 403]).toContain((await site.call(path, { as: key })).status);
  const session = await signIn(site.gate);
  const token = await issueAccessToken(site.gate, site.keyring, session);
  expect((await site.call(path, { as: { authorization: `Bearer ${token}` } })).body["error_code"]).toBe("team_required");
});
