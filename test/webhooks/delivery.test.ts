/** What receivers get, when they get it again, and what their answers bring about. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "bun:test";
import { system } from "../../src/gate/caller.ts";
import { listNotifications } from "../../src/notifications/notifications.ts";
import { produceNotifications } from "../../src/notifications/producing.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { type DeliveryDetail, listDeliveries, readDelivery, replayDelivery, replayRange, testWebhook } from "../../src/webhooks/delivery-log.ts";
import { LEASE_MS, takeDueDeliveries } from "../../src/webhooks/due-deliveries.ts";
import { eventTypes } from "../../src/webhooks/event-types.ts";
import { deleteWebhook, readWebhook, updateWebhook } from "../../src/webhooks/management.ts";
import { KEPT_MS, noteDeliveries } from "../../src/webhooks/noting.ts";
import { FAILING_MS_MAX } from "../../src/webhooks/outcomes.ts";
import { RETRY_AFTER_MS_MAX } from "../../src/webhooks/retry-ladder.ts";
import { rotateWebhookSecret } from "../../src/webhooks/secret-rotation.ts";
import { ANSWER_BYTES_MAX, sendDelivery } from "../../src/webhooks/sending.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addPerson, addTeam } from "../support/people.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";
import { type Bench, workBench } from "../support/tasks.ts";
import { addWebhook, type Call, deliver, finish, nothingFlying, receivers, type Receivers, verifies } from "../support/webhooks.ts";

const noCall: Pick<Call, "headers" | "body"> = { headers: {}, body: "" };

interface Site {
  readonly world: TestGate;
  readonly bench: Bench;
  readonly post: Receivers;
  readonly webhook_id: string;
  readonly secret: string;
}

async function site(world: TestGate): Promise<Site> {
  const bench = await workBench(world);
  const { id, webhook_secret } = await addWebhook(world, bench.owner);
  return { world, bench, post: receivers(world), webhook_id: id, secret: webhook_secret };
}

async function onlyDelivery({ world, bench, webhook_id }: Site): Promise<DeliveryDetail> {
  const { delivery_list } = await listDeliveries(world.gate, bench.owner, { webhook_id });
  expect(delivery_list.length).toBe(1);
  return await readDelivery(world.gate, bench.owner, { webhook_id, delivery_id: delivery_list[0]?.id ?? "" });
}

const documentedSignature = (secret: string, body: string) => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

test("a finished task is told in the documented body, signed in both ways, and the standard's own library takes it", async () => {
  await using world = await testGate();
  const here = await site(world);
  const taskId = await finish(world, here.bench);
  expect(await deliver(world)).toEqual(["delivered"]);
  const [call] = here.post.calls;
  if (call === undefined) throw new Error("nothing was called");
  expect(call.url).toBe("https://receiver.example/hook");
  expect(JSON.parse(call.body)).toEqual({ event_type: "task.completed", task_id: taskId, task_status: "completed", task_output: { image_count: 1 }, task_error: "", timestamp: "2026-01-01T00:00:00.000Z" });
  expect(Object.keys(JSON.parse(call.body))).toEqual(["event_type", "task_id", "task_status", "task_output", "task_error", "timestamp"]);
  expect(call.headers["x-webhook-signature-256"]).toBe(documentedSignature(here.secret, call.body));
  expect(Object.keys(call.headers).sort()).toEqual(["accept-encoding", "content-type", "user-agent", "webhook-id", "webhook-signature", "webhook-timestamp", "x-webhook-signature-256"]);
  expect(call.headers["content-type"]).toBe("application/json");
  expect(verifies(world, here.secret, call)).toBe(true);
  for (const changed of [{ ...call, body: `${call.body} ` }, { ...call, headers: { ...call.headers, "webhook-id": "other" } }, { ...call, headers: { ...call.headers, "webhook-timestamp": "1767225601" } }]) expect(verifies(world, here.secret, changed)).toBe(false);
  const { webhook_secret: other } = await addWebhook(world, here.bench.owner);
  expect(verifies(world, other, call)).toBe(false);
  expect(await onlyDelivery(here)).toMatchObject({ id: call.headers["webhook-id"], event_type: "task.completed", task_id: taskId, delivery_status: "delivered", attempt_count: 1, response_status: 200, next_attempt_at: null, request_body: call.body });
  expect(await readWebhook(world.gate, here.bench.owner, { webhook_id: here.webhook_id })).toMatchObject({ last_delivered_at: "2026-01-01T00:00:00.000Z", failing_since: null });
  expect(await deliver(world)).toEqual([]);
});

test("a failed task is told with its error and without an output", async () => {
  await using world = await testGate();
  const here = await site(world);
  const taskId = await finish(world, here.bench, { kind: "failed", error: "out of memory — \u0001 “x”", isRetryable: false });
  await deliver(world);
  const [call] = here.post.calls;
  expect(JSON.parse(call?.body ?? "")).toMatchObject({ event_type: "task.failed", task_id: taskId, task_status: "failed", task_output: null, task_error: "out of memory — \u0001 “x”" });
  expect(verifies(world, here.secret, call ?? noCall)).toBe(true);
});

test("who asks for every state is told of each in order, and who asks for two of those; a log and a progress are no state", async () => {
  await using world = await testGate();
  const here = await site(world);
  await addWebhook(world, here.bench.owner, { webhook_url: "https://all.example/", webhook_events: eventTypes });
  await finish(world, here.bench);
  const cancelled = await here.bench.run();
  await cancelTask(world.gate, here.bench.owner, { task_id: cancelled });
  await deliver(world);
  const told = (host: string) => here.post.calls.flatMap(({ url, body }) => (url.startsWith(`https://${host}`) ? [String(JSON.parse(body).event_type)] : []));
  expect(told("receiver.example")).toEqual(["task.completed"]);
  expect(told("all.example")).toEqual(["task.pending", "task.queued", "task.running", "task.completed", "task.pending", "task.cancelled"]);
});

test("what happened before a webhook was made, or while it was disabled, is not told; another team's never", async () => {
  await using world = await testGate();
  const bench = await workBench(world);
  const post = receivers(world);
  await finish(world, bench);
  const stranger = await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" });
  await addWebhook(world, stranger, { webhook_url: "https://stranger.example/" });
  world.services.clock.advance(1);
  const { id: webhook_id } = await addWebhook(world, bench.owner);
  await updateWebhook(world.gate, bench.owner, { webhook_id, webhook_status: "disabled" });
  await finish(world, bench);
  expect(await deliver(world)).toEqual([]);
  await updateWebhook(world.gate, bench.owner, { webhook_id, webhook_status: "active" });
  const last = await finish(world, bench);
  await deliver(world);
  expect(post.calls.map(({ url, body }) => [url, JSON.parse(body).task_id])).toEqual([["https://receiver.example/hook", last]]);
});

test("what two teams do at the same time is told to each of its own, and a second webhook not what came before it", async () => {
  await using world = await testGate();
  const bench = await workBench(world);
  const post = receivers(world);
  const teamId = await addTeam(world.gate);
  const other = await addPerson(world.gate, { teamId, role: "owner" });
  await importWorkflow(world.gate, other, { workflow_slug: "work", display_name: "Work" });
  const theirBench: Bench = { owner: other, teamId, run: async () => (await runWorkflowBySlug(world.gate, other, { workflow_slug: "work" })).task_id };
  await addWebhook(world, bench.owner, { webhook_url: "https://ours.example/" });
  await addWebhook(world, other, { webhook_url: "https://theirs.example/" });
  const [ours, theirs] = [await finish(world, bench), await finish(world, theirBench)];
  world.services.clock.advance(1);
  await addWebhook(world, bench.owner, { webhook_url: "https://later.example/" });
  expect(await deliver(world)).toEqual(["delivered", "delivered"]);
  expect(post.calls.map(({ url, body }) => [url, JSON.parse(body).task_id]).toSorted()).toEqual([["https://ours.example/", ours], ["https://theirs.example/", theirs]]);
});

test("an event is told to a webhook once, however many processes look at once", async () => {
  await using world = await testGate();
  const here = await site(world);
  for (let count = 0; count < 5; count += 1) await finish(world, here.bench);
  const noted = await Promise.all(Array.from({ length: 20 }, () => noteDeliveries(world.gate, system, undefined)));
  expect(noted.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  const taken = (await Promise.all(Array.from({ length: 20 }, () => takeDueDeliveries(world.gate, system, nothingFlying)))).flat();
  expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
  await Promise.all(taken.map((each) => sendDelivery(world.gate, system, { taken: each, signal: new AbortController().signal })));
  await deliver(world);
  expect(new Set(here.post.calls.map(({ headers }) => headers["webhook-id"])).size).toBe(5);
  expect(here.post.calls.length).toBe(5);
});

describe("tried again", () => {
  test("at once, after 5 seconds, 30 seconds and 2 minutes, a little later each, with one id and one body; then it has failed", async () => {
    await using world = await testGate();
    const here = await site(world);
    here.post.answer = () => ({ status: 500, body: "no" });
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["retried"]);
    for (const [step, ended] of [[5_000, "retried"], [30_000, "retried"], [120_000, "failed"]] as const) {
      world.services.clock.advance(step - 1);
      expect(await deliver(world)).toEqual([]);
      world.services.clock.advance(step * 0.2 + 1);
      expect(await deliver(world)).toEqual([ended]);
    }
    world.services.clock.advance(86_400_000);
    expect(await deliver(world)).toEqual([]);
    expect(here.post.calls.length).toBe(4);
    expect(new Set(here.post.calls.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
    expect(new Set(here.post.calls.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(4);
    const failed = await onlyDelivery(here);
    expect(failed).toMatchObject({ delivery_status: "failed", attempt_count: 4, response_status: 500, response_body: "no", next_attempt_at: null, delivered_at: null });
    expect(failed.attempts.map(({ response_status }) => response_status)).toEqual([500, 500, 500, 500]);
  });

  test.each([100, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504])("the status %i is a failure, and a redirect is not followed", async (status) => {
    await using world = await testGate();
    const here = await site(world);
    here.post.answer = () => ({ status, headers: { location: "https://127.0.0.1/" } });
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["retried"]);
    expect(here.post.calls.length).toBe(1);
  });

  test.each([200, 201, 202, 204, 299])("the status %i is a success", async (status) => {
    await using world = await testGate();
    const here = await site(world);
    here.post.answer = () => status;
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["delivered"]);
  });

  test("an answer that does not come, or is no answer, is told without what the network said", async () => {
    await using world = await testGate();
    const here = await site(world);
    here.post.answer = () => {
      throw new Error("ECONNREFUSED 10.9.8.7:443");
    };
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["retried"]);
    const shown = await onlyDelivery(here);
    expect(shown.attempts).toEqual([{ attempted_at: "2026-01-01T00:00:00.000Z", response_status: null, error: "The address did not give an answer that can be used." }]);
    expect(JSON.stringify(shown)).not.toContain("10.9.8.7");
  });

  test("no sooner than the receiver asks, within an hour, and its other deliveries wait as well", async () => {
    await using world = await testGate();
    const here = await site(world);
    for (const [text, waitMs] of [["60", 60_000], ["Thu, 01 Jan 2026 00:10:00 GMT", 600_000], ["99999999", RETRY_AFTER_MS_MAX]] as const) {
      world.services.clock.stepWall(Date.UTC(2026, 0, 1) - world.services.clock.now());
      here.post.answer = () => ({ status: 429, headers: { "retry-after": text } });
      await finish(world, here.bench);
      expect(await deliver(world)).toEqual(["retried"]);
      await finish(world, here.bench);
      here.post.answer = () => 200;
      world.services.clock.advance(waitMs - 1);
      expect(await deliver(world)).toEqual([]);
      world.services.clock.advance(1);
      expect(await deliver(world)).toEqual(["delivered", "delivered"]);
    }
    here.post.answer = () => ({ status: 503, headers: { "retry-after": "soon" } });
    await finish(world, here.bench);
    await deliver(world);
    here.post.answer = () => 200;
    world.services.clock.advance(6_000);
    expect(await deliver(world)).toEqual(["delivered"]);
  });

  test("an attempt that was never heard of again is made again with its id, and its late outcome changes nothing", async () => {
    await using world = await testGate();
    const here = await site(world);
    await finish(world, here.bench);
    await noteDeliveries(world.gate, system, undefined);
    const [lost] = await takeDueDeliveries(world.gate, system, nothingFlying);
    if (lost === undefined) throw new Error("nothing was taken");
    expect(await takeDueDeliveries(world.gate, system, nothingFlying)).toEqual([]);
    world.services.clock.advance(LEASE_MS);
    expect(await deliver(world)).toEqual(["delivered"]);
    expect((await sendDelivery(world.gate, system, { taken: lost, signal: new AbortController().signal })).recorded).toBe("stale");
    expect(here.post.calls.map(({ headers }) => headers["webhook-id"])).toEqual([lost.id, lost.id]);
    expect(await onlyDelivery(here)).toMatchObject({ delivery_status: "delivered", attempt_count: 1 });
  });
});

describe("a webhook is disabled", () => {
  test("when its receiver says that it is gone; what waits is given up, its admins are told once, and can replay it", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { owner, teamId } = here.bench;
    const admin = await addPerson(world.gate, { teamId, role: "admin" });
    const member = await addPerson(world.gate, { teamId, role: "member" });
    here.post.answer = () => 410;
    await finish(world, here.bench);
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["disabled", "stale"]);
    expect(here.post.calls.length).toBe(1);
    expect(await readWebhook(world.gate, owner, { webhook_id: here.webhook_id })).toMatchObject({ webhook_status: "disabled", disabled_reason: "gone" });
    for (let looks = 0; looks < 2; looks += 1) await produceNotifications(world.gate, system, undefined);
    for (const [caller, count] of [[owner, 1], [admin, 1], [member, 0]] as const) {
      const { notification_list } = await listNotifications(world.gate, caller, {});
      expect(notification_list.map(({ kind, title }) => [kind, title])).toEqual(Array.from({ length: count }, () => ["webhook_disabled", "The webhook Receiver was disabled"]));
    }
    const { webhook_id } = here;
    expect(await codeOf(testWebhook(world.gate, owner, { webhook_id }))).toBe("conflict");
    expect(await codeOf(replayRange(world.gate, owner, { webhook_id, since: "2026-01-01T00:00:00Z" }))).toBe("conflict");
    await updateWebhook(world.gate, owner, { webhook_id, webhook_status: "active" });
    here.post.answer = () => 200;
    expect(await replayRange(world.gate, owner, { webhook_id, since: "2026-01-01T00:00:00Z" })).toEqual({ replayed: 2, next_since: null });
    expect(await deliver(world)).toEqual(["delivered", "delivered"]);
  });

  test("after three days in which nothing arrived, and not while something does", async () => {
    await using world = await testGate();
    const here = await site(world);
    const fail = async () => {
      await finish(world, here.bench);
      const all: string[] = [];
      for (let step = 0; step < 4; step += 1) {
        all.push(...(await deliver(world)));
        world.services.clock.advance(150_000);
      }
      return all.at(-1);
    };
    here.post.answer = () => 500;
    expect(await fail()).toBe("failed");
    world.services.clock.advance(FAILING_MS_MAX - 2 * 600_000);
    expect(await fail()).toBe("failed");
    here.post.answer = () => 200;
    await finish(world, here.bench);
    await deliver(world);
    here.post.answer = () => 500;
    world.services.clock.advance(600_000);
    expect(await fail()).toBe("failed");
    world.services.clock.advance(FAILING_MS_MAX);
    expect(await fail()).toBe("disabled");
    expect(await readWebhook(world.gate, here.bench.owner, { webhook_id: here.webhook_id })).toMatchObject({ webhook_status: "disabled", disabled_reason: "failing" });
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual([]);
  });
});

describe("rotation", () => {
  test("without an overlap the secret before ends at once", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { webhook_secret, previous_secret_expires_at } = await rotateWebhookSecret(world.gate, here.bench.owner, { webhook_id: here.webhook_id });
    await finish(world, here.bench);
    await deliver(world);
    const call = here.post.calls[0] ?? noCall;
    expect([previous_secret_expires_at, verifies(world, webhook_secret, call), verifies(world, here.secret, call)]).toEqual([null, true, false]);
  });

  test("with one both verify until it is over, the documented header is the new one's, and a second waits", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { owner } = here.bench;
    const { webhook_id } = here;
    const { webhook_secret } = await rotateWebhookSecret(world.gate, owner, { webhook_id, overlap_seconds: 600 });
    expect(await readWebhook(world.gate, owner, { webhook_id })).toMatchObject({ previous_secret_expires_at: "2026-01-01T00:10:00.000Z", webhook_secret_prefix: webhook_secret.slice(0, 10), webhook_secret: null });
    expect(await refusalOf(rotateWebhookSecret(world.gate, owner, { webhook_id, overlap_seconds: 1 }))).toMatchObject({ code: "conflict", details: { previous_secret_expires_at: "2026-01-01T00:10:00.000Z" } });
    world.services.clock.advance(599_999);
    await finish(world, here.bench);
    await deliver(world);
    const during = here.post.calls[0] ?? noCall;
    expect([verifies(world, webhook_secret, during), verifies(world, here.secret, during), during.headers["webhook-signature"]?.split(" ").length]).toEqual([true, true, 2]);
    expect(during.headers["x-webhook-signature-256"]).toBe(documentedSignature(webhook_secret, during.body));
    world.services.clock.advance(1);
    await finish(world, here.bench);
    await deliver(world);
    const after = here.post.calls[1] ?? noCall;
    expect([verifies(world, webhook_secret, after), verifies(world, here.secret, after)]).toEqual([true, false]);
    expect(await readWebhook(world.gate, owner, { webhook_id })).toMatchObject({ previous_secret_expires_at: null });
  });

  test("after a leak during an overlap one without ends both", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { webhook_id } = here;
    const leaked = await rotateWebhookSecret(world.gate, here.bench.owner, { webhook_id, overlap_seconds: 86_400 });
    const { webhook_secret } = await rotateWebhookSecret(world.gate, here.bench.owner, { webhook_id, overlap_seconds: 0 });
    await finish(world, here.bench);
    await deliver(world);
    const call = here.post.calls[0] ?? noCall;
    expect([webhook_secret, leaked.webhook_secret, here.secret].map((secret) => verifies(world, secret, call))).toEqual([true, false, false]);
  });
});

describe("the log of deliveries", () => {
  test("a test call goes the way of all deliveries, and says that it is one", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { delivery_id } = await testWebhook(world.gate, here.bench.owner, { webhook_id: here.webhook_id });
    expect(await onlyDelivery(here)).toMatchObject({ id: delivery_id, delivery_status: "pending", event_type: "webhook.test", task_id: null, next_attempt_at: "2026-01-01T00:00:00.000Z" });
    expect(await deliver(world)).toEqual(["delivered"]);
    const [call] = here.post.calls;
    expect(JSON.parse(call?.body ?? "")).toEqual({ event_type: "webhook.test", task_id: "00000000-0000-0000-0000-000000000000", task_status: "completed", task_output: null, task_error: "", timestamp: "2026-01-01T00:00:00.000Z" });
    expect(verifies(world, here.secret, call ?? noCall)).toBe(true);
  });

  test("an answer is kept up to its first kilobyte, as text that both engines can store", async () => {
    await using world = await testGate();
    const here = await site(world);
    here.post.answer = () => ({ status: 200, body: new Uint8Array([0, 255, ...new TextEncoder().encode("x".repeat(5_000))]) });
    await finish(world, here.bench);
    expect(await deliver(world)).toEqual(["delivered"]);
    const { response_body } = await onlyDelivery(here);
    expect(response_body).toBe(`\ufffd\ufffd${"x".repeat(ANSWER_BYTES_MAX - 2)}`);
  });

  test("one delivery is sent again with its id and body, whatever became of it; not while it is on its way", async () => {
    await using world = await testGate();
    const here = await site(world);
    await finish(world, here.bench);
    await deliver(world);
    const { id: delivery_id } = await onlyDelivery(here);
    const again = async () => await replayDelivery(world.gate, here.bench.owner, { webhook_id: here.webhook_id, delivery_id });
    expect(await again()).toEqual({ delivery_id });
    expect(await codeOf(again())).toBe("conflict");
    expect(await deliver(world)).toEqual(["delivered"]);
    const [first, second] = here.post.calls;
    expect([second?.headers["webhook-id"], second?.body]).toEqual([first?.headers["webhook-id"], first?.body ?? ""]);
    expect((await onlyDelivery(here)).attempts.length).toBe(2);
  });

  test("a range is replayed by its times and status, the oldest first", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { owner } = here.bench;
    const { webhook_id } = here;
    here.post.answer = ({ body }) => (String(JSON.parse(body).timestamp).startsWith("2026-01-01T00:00") ? 200 : 410);
    await finish(world, here.bench);
    await deliver(world);
    for (const minute of [10, 20]) {
      world.services.clock.stepWall(Date.UTC(2026, 0, 1, 0, minute) - world.services.clock.now());
      await finish(world, here.bench);
      await deliver(world);
      await updateWebhook(world.gate, owner, { webhook_id, webhook_status: "active" });
    }
    here.post.answer = () => 200;
    here.post.calls.length = 0;
    expect(await replayRange(world.gate, owner, { webhook_id, since: "2026-01-01T00:00:00Z", until: "2026-01-01T00:20:00Z" })).toEqual({ replayed: 1, next_since: null });
    await deliver(world);
    expect(here.post.calls.map(({ body }) => JSON.parse(body).timestamp)).toEqual(["2026-01-01T00:10:00.000Z"]);
    expect(await replayRange(world.gate, owner, { webhook_id, since: "2026-01-01T01:00:00+01:00", delivery_status: "delivered" })).toEqual({ replayed: 2, next_since: null });
    expect(await replayRange(world.gate, owner, { webhook_id, since: "2026-01-01T00:21:00Z" })).toEqual({ replayed: 0, next_since: null });
  });

  test("is filtered by status, and what is settled is forgotten after thirty days", async () => {
    await using world = await testGate();
    const here = await site(world);
    const { owner } = here.bench;
    const { webhook_id } = here;
    await finish(world, here.bench);
    await deliver(world);
    await testWebhook(world.gate, owner, { webhook_id });
    for (const [delivery_status, count] of [["delivered", 1], ["pending", 1], ["failed", 0]] as const) expect((await listDeliveries(world.gate, owner, { webhook_id, delivery_status })).page_meta.total_count).toBe(count);
    world.services.clock.advance(KEPT_MS);
    await noteDeliveries(world.gate, system, undefined);
    expect((await listDeliveries(world.gate, owner, { webhook_id })).delivery_list.map(({ event_type }) => event_type)).toEqual(["webhook.test"]);
  });
});

test("what happened while the license was not good is told when it is again, within a day", async () => {
  await using world = await testGate();
  const here = await site(world);
  await finish(world, here.bench);
  world.services.clock.advance(86_399_999);
  expect(await deliver(world)).toEqual(["delivered"]);
  await finish(world, here.bench);
  world.services.clock.advance(86_400_000);
  expect(await deliver(world)).toEqual([]);
});

test("a webhook that is deleted while its call is on its way ends nothing but itself", async () => {
  await using world = await testGate();
  const here = await site(world);
  await finish(world, here.bench);
  here.post.answer = async () => {
    await deleteWebhook(world.gate, here.bench.owner, { webhook_id: here.webhook_id });
    return 200;
  };
  expect(await deliver(world)).toEqual(["stale"]);
});

test("a process that stops gives its attempts back, to be made at once with the same id", async () => {
  await using world = await testGate();
  const here = await site(world);
  await finish(world, here.bench);
  await noteDeliveries(world.gate, system, undefined);
  const [taken] = await takeDueDeliveries(world.gate, system, nothingFlying);
  if (taken === undefined) throw new Error("nothing was taken");
  const stopping = new AbortController();
  here.post.answer = () => {
    stopping.abort();
    throw new Error("cut");
  };
  expect((await sendDelivery(world.gate, system, { taken, signal: stopping.signal })).recorded).toBe("retried");
  here.post.answer = () => 200;
  expect(await deliver(world)).toEqual(["delivered"]);
  expect(here.post.calls.map(({ headers }) => headers["webhook-id"])).toEqual([taken.id, taken.id]);
  expect(await onlyDelivery(here)).toMatchObject({ attempt_count: 1 });
});
