/** Webhooks out of the compiled executable: a receiver over TLS that the operator allowed gets what happens to a task. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { testAuthority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import type { Running } from "../support/executable.ts";
import { type Administrator, call, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let site: Running;
let owner: Administrator;
let receiver: ReturnType<typeof Bun.serve>;
const got: { readonly headers: Record<string, string>; readonly body: string }[] = [];

beforeAll(async () => {
  workshop = await openWorkshop();
  const authority = testAuthority(workshop.folder);
  const { certFile, keyFile } = authority.sign("localhost");
  receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    tls: { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") },
    async fetch(request) {
      got.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
      return new Response("thanks");
    },
  });
  const license = await workshop.sign("webhooks", ["--template", "enterprise", "--days", "30"]);
  site = await workshop.serve(license, { flags: ["--dial-allow", "localhost", "--extra-ca-file", authority.file] });
  owner = await setUp(workshop, site);
}, 60_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await receiver.stop(true);
  workshop.close();
});

async function post(path: string, body: object = {}): Promise<Readonly<Record<string, unknown>>> {
  const { status, body: answer } = await call(site.urls.api, `/api/v1${path}`, { method: "POST", body: JSON.stringify(body), bearer: owner.token, teamId: owner.teamId });
  expect([path, status < 300]).toEqual([path, true]);
  return answer;
}

test("a task that is submitted and cancelled is told in order, signed, and logged without the secret", async () => {
  const { id, webhook_secret } = await post("/webhooks", { display_name: "Receiver", webhook_url: `https://localhost:${receiver.port}/hook`, webhook_events: ["task.pending", "task.cancelled"] });
  await post("/workflows", { workflow_slug: "work", display_name: "Work" });
  const { task_id } = await post("/r/workflows/slug/work/run");
  await eventually(() => got.length === 1);
  await post(`/r/tasks/${String(task_id)}/cancel`);
  await eventually(() => got.length === 2);
  for (const { headers, body } of got) expect(new Webhook(String(webhook_secret)).verify(body, headers)).toMatchObject({ task_id });
  expect(got.map(({ body }) => JSON.parse(body).event_type)).toEqual(["task.pending", "task.cancelled"]);
  const delivered = async () => await call(site.urls.api, `/api/v1/webhooks/${String(id)}/deliveries?delivery_status=delivered`, { method: "GET", bearer: owner.token, teamId: owner.teamId });
  await eventually(async () => JSON.stringify((await delivered()).body).includes('"total_count":2'));
  expect(site.stderr()).not.toContain(String(webhook_secret).slice(6));
}, 60_000);

test("an address that the operator did not allow is not called, by whatever name", async () => {
  const { id } = await post("/webhooks", { display_name: "Inside", webhook_url: `https://ip6-localhost:${receiver.port}/hook`, webhook_events: ["task.failed"] });
  const { delivery_id } = await post(`/webhooks/${String(id)}/test`);
  const read = async () => await call(site.urls.api, `/api/v1/webhooks/${String(id)}/deliveries/${String(delivery_id)}`, { method: "GET", bearer: owner.token, teamId: owner.teamId });
  await eventually(async () => (await read()).body["attempt_count"] === 1);
  expect((await read()).body).toMatchObject({ response_status: null, response_body: null, delivery_status: "pending" });
  expect(got.length).toBe(2);
}, 60_000);
