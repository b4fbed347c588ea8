import { describe, expect, test } from "bun:test";
import { readQuotas } from "../../src/across/quotas.ts";
import { deleteTeam } from "../../src/across/team-deletion.ts";
import { system, type Caller } from "../../src/gate/caller.ts";
import { listDeliveries, readDelivery, replayDelivery, replayRange, testWebhook } from "../../src/webhooks/delivery-log.ts";
import { takeDueDeliveries } from "../../src/webhooks/due-deliveries.ts";
import { redactText } from "../../src/log.ts";
import { createWebhook, deleteWebhook, listWebhooks, readWebhook, updateWebhook } from "../../src/webhooks/management.ts";
import { hasDeliveryWork, noteDeliveries } from "../../src/webhooks/noting.ts";
import { rotateWebhookSecret } from "../../src/webhooks/secret-rotation.ts";
import { sendDelivery } from "../../src/webhooks/sending.ts";
import { auditRows, storeText, testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";
import { aWebhook, addWebhook } from "../support/webhooks.ts";

const absent = "00000000-0000-7000-8000-00000000000f";
const AT = "2026-01-01T00:00:00.000Z";

test("a webhook is made with a secret that is shown once, and read as the documentation has it, without it", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id, webhook_secret } = await addWebhook(world, owner);
  expect(webhook_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const shown = await readWebhook(world.gate, owner, { webhook_id: id });
  expect(shown).toEqual({
    id,
    ...aWebhook,
    webhook_secret: null,
    webhook_secret_prefix: webhook_secret.slice(0, 10),
    previous_secret_expires_at: null,
    webhook_status: "active",
    disabled_reason: null,
    failing_since: null,
    created_at: AT,
    updated_at: AT,
    last_delivered_at: null,
  });
  expect(await listWebhooks(world.gate, owner, {})).toEqual({ webhook_list: [shown], page_meta: { current_page: 1, per_page: 20, total_count: 1 } });
  expect(redactText(`told ${webhook_secret}, again`)).toBe("told •••, again");
  const stored = await storeText(world.store);
  expect([stored.includes(webhook_secret), stored.includes(webhook_secret.slice(6))]).toEqual([false, false]);
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "webhook.create", subject: `webhook:${id}`, details: '{"host":"receiver.example:443","webhook_events":"task.completed task.failed"}' });
});

test("a change touches what it names; a webhook that is disabled and enabled again begins anew", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await addWebhook(world, owner);
  const read = async () => await readWebhook(world.gate, owner, { webhook_id: id });
  const before = await read();
  world.services.clock.advance(1_000);
  expect(await updateWebhook(world.gate, owner, { webhook_id: id, webhook_events: ["task.running"] })).toEqual({ id });
  expect(await read()).toEqual({ ...before, webhook_events: ["task.running"], updated_at: "2026-01-01T00:00:01.000Z" });
  await updateWebhook(world.gate, owner, { webhook_id: id, display_name: " New ", webhook_url: "https://other.example:8443/x", webhook_status: "disabled" });
  expect(await read()).toMatchObject({ display_name: "New", webhook_url: "https://other.example:8443/x", webhook_status: "disabled", disabled_reason: "by_hand" });
  await updateWebhook(world.gate, owner, { webhook_id: id, webhook_status: "active" });
  expect(await read()).toMatchObject({ webhook_status: "active", disabled_reason: null, failing_since: null });
});

test("a deleted webhook is gone with its deliveries, and its place is free", async () => {
  await using world = await testGate({ quotas: { team: { max_webhooks: 1 } } });
  const { owner } = await setUp(world.gate);
  const { id } = await addWebhook(world, owner);
  await testWebhook(world.gate, owner, { webhook_id: id });
  expect(await refusalOf(addWebhook(world, owner))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_webhooks", namespace: "team", limit: 1 } });
  await deleteWebhook(world.gate, owner, { webhook_id: id });
  expect(await codeOf(readWebhook(world.gate, owner, { webhook_id: id }))).toBe("not_found");
  expect(await codeOf(deleteWebhook(world.gate, owner, { webhook_id: id }))).toBe("not_found");
  expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.webhookDeliveries))).toEqual([]);
  await addWebhook(world, owner);
  await deleteTeam(world.gate, owner, undefined);
  expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.webhooks))).toEqual([]);
});

test("a hundred made at once end exactly at the cap, each team by itself; disabled ones count", async () => {
  await using world = await testGate({ quotas: { team: { max_webhooks: 7 } } });
  const { owner } = await setUp(world.gate);
  const { id } = await addWebhook(world, owner);
  await updateWebhook(world.gate, owner, { webhook_id: id, webhook_status: "disabled" });
  const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(addWebhook(world, owner))));
  expect([codes.filter((code) => code === undefined).length, codes.filter((code) => code === "quota_exceeded").length]).toEqual([6, 94]);
  expect((await readQuotas(world.gate, owner, undefined)).quota_list.find(({ key }) => key === "max_webhooks")).toMatchObject({ limit: 7, used: 7 });
  const other = await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "admin" });
  expect((await listWebhooks(world.gate, other, {})).webhook_list).toEqual([]);
  expect(await codeOf(addWebhook(world, other))).toBeUndefined();
});

test("a repeat with the same idempotency key makes one webhook and hears the same secret", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const again = async () => await addWebhook(world, { ...owner, attempt: { key: "k1", isReplay: false } });
  const first = await again();
  expect(await again()).toEqual(first);
  const rotate = async () => await rotateWebhookSecret(world.gate, { ...owner, attempt: { key: "k2", isReplay: false } }, { webhook_id: first.id });
  expect(await rotate()).toEqual(await rotate());
  expect((await listWebhooks(world.gate, owner, {})).page_meta.total_count).toBe(1);
  expect(await storeText(world.store)).not.toContain(first.webhook_secret);
});

test("without the license's feature, or a good license, nothing is made or sent; what is there is read and deleted", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id: webhook_id } = await addWebhook(world, owner);
  const { delivery_id } = await testWebhook(world.gate, owner, { webhook_id });
  for (const [license, code] of [[{ features: { team: { webhooks: false } } }, "feature_disabled"] as const, ...shutStates.map((state) => [{ state }, state] as const)]) {
    world.license(license);
    expect(await codeOf(addWebhook(world, owner))).toBe(code);
    expect(await codeOf(updateWebhook(world.gate, owner, { webhook_id, display_name: "X" }))).toBe(code);
    expect(await codeOf(testWebhook(world.gate, owner, { webhook_id }))).toBe(code);
    expect(await codeOf(replayDelivery(world.gate, owner, { webhook_id, delivery_id }))).toBe(code);
    expect(await codeOf(replayRange(world.gate, owner, { webhook_id, since: AT }))).toBe(code);
    expect(await hasDeliveryWork(world.gate, system, undefined)).toEqual({ toNote: false, toSend: false });
    expect((await listWebhooks(world.gate, owner, {})).page_meta.total_count).toBe(1);
    expect((await readDelivery(world.gate, owner, { webhook_id, delivery_id })).delivery_status).toBe("pending");
    expect((await rotateWebhookSecret(world.gate, owner, { webhook_id })).webhook_secret).toStartWith("whsec_");
  }
  world.license({ state: "expired" });
  await deleteWebhook(world.gate, owner, { webhook_id });
});

describe("refused with 400, and nothing is changed", () => {
  const long = "x".repeat(2_049);
  const bad: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ["no name", { display_name: "" }, "display_name"],
    ["a name of spaces", { display_name: "   " }, "display_name"],
    ["a name of 256 characters", { display_name: "x".repeat(256) }, "display_name"],
    ["a name of many more", { display_name: "x".repeat(100_000) }, "display_name"],
    ["a name with a line end", { display_name: "a\nb" }, "display_name"],
    ["a name with a NUL", { display_name: "a\u0000b" }, "display_name"],
    ["a name that turns the direction", { display_name: "a\u202eb" }, "display_name"],
    ["half a character", { display_name: "a\ud800" }, "display_name"],
    ["a name that is a number", { display_name: 7 }, "display_name"],
    ["a name that is null", { display_name: null }, "display_name"],
    ["no address", { webhook_url: "" }, "webhook_url"],
    ["an address that is a number", { webhook_url: 7 }, "webhook_url"],
    ["an address that is a list", { webhook_url: ["https://a.example/"] }, "webhook_url"],
    ["http", { webhook_url: "http://a.example/" }, "webhook_url"],
    ["HTTPS in capitals", { webhook_url: "HTTPS://a.example/" }, "webhook_url"],
    ["a space before it", { webhook_url: " https://a.example/" }, "webhook_url"],
    ["ftp", { webhook_url: "ftp://a.example/" }, "webhook_url"],
    ["file", { webhook_url: "file:///etc/passwd" }, "webhook_url"],
    ["javascript", { webhook_url: "javascript:alert(1)" }, "webhook_url"],
    ["2049 characters", { webhook_url: `https://a.example/${long}` }, "webhook_url"],
    ["a tab inside", { webhook_url: "https://a.exa\tmple/" }, "webhook_url"],
    ["a line end inside", { webhook_url: "https://a.example/\r\nx: y" }, "webhook_url"],
    ["letters that are not ASCII", { webhook_url: "https://ä.example/" }, "webhook_url"],
    ["loopback", { webhook_url: "https://127.0.0.1/" }, "webhook_url"],
    ["loopback as one number", { webhook_url: "https://2130706433/" }, "webhook_url"],
    ["the metadata of a cloud", { webhook_url: "https://169.254.169.254/latest/meta-data" }, "webhook_url"],
    ["a private address", { webhook_url: "https://10.0.0.1/" }, "webhook_url"],
    ["a mapped address", { webhook_url: "https://[::ffff:10.0.0.1]/" }, "webhook_url"],
    ["an address at the port of mail", { webhook_url: "https://93.184.216.34:25/" }, "webhook_url"],
    ["events that are no list", { webhook_events: "task.completed" }, "webhook_events"],
    ["no event", { webhook_events: [] }, "webhook_events"],
    ["an event that is unknown", { webhook_events: ["task.completed", "task.exploded"] }, "webhook_events"],
    ["an event twice", { webhook_events: ["task.failed", "task.failed"] }, "webhook_events"],
    ["all events by a star", { webhook_events: ["*"] }, "webhook_events"],
    ["the test call", { webhook_events: ["webhook.test"] }, "webhook_events"],
    ["events that are null", { webhook_events: null }, "webhook_events"],
    ["a number among the events", { webhook_events: [1] }, "webhook_events"],
    ["the name of a member of all objects", { webhook_events: ["__proto__"] }, "webhook_events"],
    ["thousands of events", { webhook_events: Array.from({ length: 5_000 }, () => "task.failed") }, "webhook_events"],
  ];
  test.each(bad)("%s", async (_name, input, field) => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { id } = await addWebhook(world, owner);
    const before = await listWebhooks(world.gate, owner, {});
    for (const refusal of [await refusalOf(createWebhook(world.gate, owner, { ...aWebhook, ...input })), await refusalOf(updateWebhook(world.gate, owner, { webhook_id: id, ...input }))]) {
      expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field }] } });
      expect(refusal.hint).toBeDefined();
    }
    expect(await listWebhooks(world.gate, owner, {})).toEqual(before);
  });

  test.each(["https://u:p@a.example/", "https://u@a.example/", "https://", "https://:443/", "https://a.example:99999/", "https://[fe80::1%25eth0]/"])("%s is no address", async (webhook_url) => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    expect(await codeOf(createWebhook(world.gate, owner, { ...aWebhook, webhook_url }))).toBe("invalid_request");
  });

  test("missing members, a status that is none, ids that are none, overlaps and times out of bounds", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { id: webhook_id } = await addWebhook(world, owner);
    for (const name of ["display_name", "webhook_url", "webhook_events"] as const) {
      const { [name]: _left, ...rest } = aWebhook;
      expect(await refusalOf(createWebhook(world.gate, owner, rest))).toMatchObject({ code: "invalid_request", details: { fields: [{ field: name }] } });
    }
    for (const webhook_status of ["paused", "", null, 1, "ACTIVE"]) expect(await codeOf(updateWebhook(world.gate, owner, { webhook_id, webhook_status }))).toBe("invalid_request");
    for (const overlap_seconds of [-1, 86_401, 0.5, Number.NaN]) expect(await codeOf(rotateWebhookSecret(world.gate, owner, { webhook_id, overlap_seconds }))).toBe("invalid_request");
    for (const since of ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "0"]) expect(await codeOf(replayRange(world.gate, owner, { webhook_id, since }))).toBe("invalid_request");
    expect(await codeOf(replayRange(world.gate, owner, { webhook_id, since: AT, delivery_status: "pending" }))).toBe("invalid_request");
    expect(await codeOf(listDeliveries(world.gate, owner, { webhook_id, delivery_status: "lost" }))).toBe("invalid_request");
    for (const bad of ["", "x", "../x", `${webhook_id}'`]) expect(await codeOf(readWebhook(world.gate, owner, { webhook_id: bad }))).toBe("invalid_request");
  });
});

test("one team's webhooks and deliveries are nobody else's", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id: webhook_id } = await addWebhook(world, owner);
  const { delivery_id } = await testWebhook(world.gate, owner, { webhook_id });
  const other = await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" });
  const { id: theirs } = await addWebhook(world, other);
  const before = await readWebhook(world.gate, owner, { webhook_id });
  for (const attempt of [
    () => readWebhook(world.gate, other, { webhook_id }),
    () => updateWebhook(world.gate, other, { webhook_id, webhook_url: "https://evil.example/" }),
    () => deleteWebhook(world.gate, other, { webhook_id }),
    () => rotateWebhookSecret(world.gate, other, { webhook_id }),
    () => testWebhook(world.gate, other, { webhook_id }),
    () => listDeliveries(world.gate, other, { webhook_id }),
    () => readDelivery(world.gate, other, { webhook_id, delivery_id }),
    () => readDelivery(world.gate, other, { webhook_id: theirs, delivery_id }),
    () => replayDelivery(world.gate, other, { webhook_id: theirs, delivery_id }),
    () => replayRange(world.gate, other, { webhook_id, since: AT }),
    () => readWebhook(world.gate, owner, { webhook_id: absent }),
  ]) expect(await codeOf(attempt())).toBe("not_found");
  expect(await readWebhook(world.gate, owner, { webhook_id })).toEqual(before);
});

test("callers that the rows do not name are refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const one = { webhook_id: absent, delivery_id: absent };
  const calls: { readonly [name: string]: (caller: Caller) => Promise<unknown> } = {
    "webhook.create": (caller) => createWebhook(world.gate, caller, aWebhook),
    "webhook.list": (caller) => listWebhooks(world.gate, caller, {}),
    "webhook.read": (caller) => readWebhook(world.gate, caller, one),
    "webhook.update": (caller) => updateWebhook(world.gate, caller, one),
    "webhook.delete": (caller) => deleteWebhook(world.gate, caller, one),
    "webhook.rotate_secret": (caller) => rotateWebhookSecret(world.gate, caller, one),
    "webhook.test": (caller) => testWebhook(world.gate, caller, one),
    "webhook_delivery.list": (caller) => listDeliveries(world.gate, caller, one),
    "webhook_delivery.read": (caller) => readDelivery(world.gate, caller, one),
    "webhook_delivery.replay": (caller) => replayDelivery(world.gate, caller, one),
    "webhook_delivery.replay_range": (caller) => replayRange(world.gate, caller, { ...one, since: AT }),
  };
  for (const name of ["webhook.create", "webhook.list", "webhook.read", "webhook.update", "webhook.delete", "webhook.rotate_secret", "webhook.test", "webhook_delivery.list", "webhook_delivery.read", "webhook_delivery.replay", "webhook_delivery.replay_range"] as const) {
    for (const { caller, code } of strangersTo(name)) expect([name, caller.kind, await codeOf(calls[name]?.(caller) ?? Promise.resolve())]).toEqual([name, caller.kind, code]);
  }
  const flying = { total: 0, hosts: new Map<string, number>(), teams: new Map<string, number>() };
  const taken = { id: absent, team_id: absent, webhook_id: absent, body: "", host: "", takenUntil: 0 };
  for (const { caller, code } of strangersTo("webhook_delivery.send")) {
    expect(await codeOf(noteDeliveries(world.gate, caller, undefined))).toBe(code);
    expect(await codeOf(hasDeliveryWork(world.gate, caller, undefined))).toBe(code);
    expect(await codeOf(takeDueDeliveries(world.gate, caller, flying))).toBe(code);
    expect(await codeOf(sendDelivery(world.gate, caller, { taken, signal: new AbortController().signal }))).toBe(code);
  }
});
