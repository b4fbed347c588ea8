import { describe, expect, test } from "bun:test";
import { createCredential } from "../../src/credentials/credentials.ts";
import { type Caller, system, type UserCaller } from "../../src/gate/caller.ts";
import { disableUser } from "../../src/identity/user-administration.ts";
import { testEntitlements } from "../support/gate.ts";
import { listNotifications, readAllNotifications, readNotification } from "../../src/notifications/notifications.ts";
import { KEPT_MS, produceNotifications } from "../../src/notifications/producing.ts";
import { cancelInvitation, createInvitation } from "../../src/teams/invitations.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, shutStates, strangersTo } from "../support/refusal.ts";

const DAY = 86_400_000;
const absent = "00000000-0000-7000-8000-00000000000f";

const produce = (world: TestGate) => produceNotifications(world.gate, system, undefined);
const titles = async (world: TestGate, caller: Caller) => (await listNotifications(world.gate, caller, {})).notification_list.map(({ title }) => title);

/** The license as it would be `days` before its end. */
function licensed(world: TestGate, days: number, state: "ok" | "expiring" = "ok"): TestGate["gate"] {
  const expiresAt = Math.floor((world.services.clock.now() + days * DAY) / 1_000);
  const license = { licenseId: "L", deploymentId: "D", customerName: "C", template: "enterprise", sequence: 1, expiresAt };
  return { ...world.gate, entitled: { entitlements: () => ({ ...testEntitlements({ state }), license }) } };
}

describe("invitations", () => {
  test("are told to people with an account, once, and forgotten when they are answered or taken back", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const guest = await addPerson(world.gate, { address: "guest@example.com" });
    const { id } = await createInvitation(world.gate, owner, { email_address: "Guest@example.com", invitation_role: "viewer" });
    await createInvitation(world.gate, owner, { email_address: "nobody@example.com", invitation_role: "viewer" });
    expect(await produce(world)).toBe(1);
    expect(await produce(world)).toBe(0);
    const { notification_list, unread_count } = await listNotifications(world.gate, guest, {});
    expect(unread_count).toBe(1);
    expect(notification_list).toMatchObject([{ kind: "invitation", title: "You are invited into the team First", content: { invitation_id: id, invitation_role: "viewer" }, read_at: null }]);
    expect(await titles(world, owner)).toEqual([]);
    await cancelInvitation(world.gate, owner, { invitation_id: id });
    await produce(world);
    expect(await titles(world, guest)).toEqual([]);
  });

  test("of many looks at once one tells", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    await addPerson(world.gate, { address: "guest@example.com" });
    await createInvitation(world.gate, owner, { email_address: "guest@example.com", invitation_role: "viewer" });
    const told = await Promise.all(Array.from({ length: 20 }, () => produce(world)));
    expect(told.reduce((sum, each) => sum + each, 0)).toBe(1);
  });
});

describe("keys that end", () => {
  const key = (world: TestGate, caller: UserCaller, expires_in_days?: number) => createCredential(world.gate, caller, { kind: "integration", display_name: "CI", ...(expires_in_days === undefined ? {} : { expires_in_days }) });

  test("are told to owner and admins a week and a day before, and to nobody else", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const [admin, member, stranger] = [await addPerson(world.gate, { teamId, role: "admin" }), await addPerson(world.gate, { teamId }), await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" })];
    const { key_prefix } = await key(world, owner, 30);
    await key(world, owner);
    const counts = async () => await Promise.all([owner, admin, member, stranger].map(async (each) => (await titles(world, each)).length));
    await produce(world);
    expect(await counts()).toEqual([0, 0, 0, 0]);
    world.services.clock.advance(23 * DAY);
    await produce(world);
    await produce(world);
    expect(await counts()).toEqual([1, 1, 0, 0]);
    expect(await titles(world, admin)).toEqual([`The key ${key_prefix}… ends in 7 days`]);
    world.services.clock.advance(6 * DAY);
    await produce(world);
    expect(await titles(world, owner)).toEqual([`The key ${key_prefix}… ends within a day`, `The key ${key_prefix}… ends in 7 days`]);
    world.services.clock.advance(2 * DAY);
    await produce(world);
    expect(await counts()).toEqual([2, 2, 0, 0]);
  });

  test("are not told while the feature is off; whoever asks hears why", async () => {
    await using world = await testGate({ features: { global: { notifications: false } } });
    const { owner } = await setUp(world.gate);
    await key(world, owner, 1);
    expect(await produce(world)).toBe(0);
    expect(await codeOf(listNotifications(world.gate, owner, {}))).toBe("feature_disabled");
    world.license({});
    expect(await produce(world)).toBe(1);
  });
});

describe("the license", () => {
  test("is told of to administrators at each of its last days, and again after a renewal", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const person = await addPerson(world.gate);
    for (const days of [120, 90, 89, 30, 14, 7, 1]) await produceNotifications(licensed(world, days), system, undefined);
    // Each of these licenses ends at another second, as renewed ones would; only the day counts here.
    expect(await titles(world, owner)).toHaveLength(6);
    expect(await titles(world, person)).toEqual([]);
    const gate = licensed(world, 7, "expiring");
    expect(await produceNotifications(gate, system, undefined)).toBe(0);
  });

  test("is told of in every state that shuts something, once for each time it begins", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    for (const state of shutStates) {
      world.license({ state });
      expect(await produce(world)).toBe(1);
      expect(await produce(world)).toBe(0);
    }
    world.license({ state: "unreachable" });
    expect(await produce(world)).toBe(0);
    world.license({});
    expect((await titles(world, owner)).length).toBe(shutStates.length);
  });

  test("is not told of to disabled administrators", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const other = await addPerson(world.gate);
    await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ is_administrator: true })));
    await disableUser(world.gate, owner, { user_id: other.userId });
    world.license({ state: "expired" });
    expect(await produce(world)).toBe(1);
  });
});

test("a notification is the own one: others cannot read, mark or find it; marking again changes nothing", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const guest = await addPerson(world.gate, { address: "guest@example.com" });
  await createInvitation(world.gate, owner, { email_address: "guest@example.com", invitation_role: "viewer" });
  await produce(world);
  const [first] = (await listNotifications(world.gate, guest, {})).notification_list;
  const id = first?.id ?? "";
  expect(await codeOf(readNotification(world.gate, owner, { notification_id: id }))).toBe("not_found");
  expect(await codeOf(readNotification(world.gate, guest, { notification_id: absent }))).toBe("not_found");
  expect(await codeOf(readNotification(world.gate, guest, { notification_id: "x" }))).toBe("invalid_request");
  expect(await readAllNotifications(world.gate, owner, undefined)).toEqual({ read: 0 });
  await readNotification(world.gate, guest, { notification_id: id });
  const read = await listNotifications(world.gate, guest, {});
  world.services.clock.advance(1_000);
  await readNotification(world.gate, guest, { notification_id: id });
  expect(await listNotifications(world.gate, guest, {})).toEqual(read);
  expect(read.unread_count).toBe(0);
  expect((await listNotifications(world.gate, guest, { unread: true })).notification_list).toEqual([]);
  expect(await readAllNotifications(world.gate, guest, undefined)).toEqual({ read: 0 });
  for (const name of ["notification.list", "notification.read", "notification.read_all"] as const) {
    const call = { "notification.list": listNotifications, "notification.read": readNotification, "notification.read_all": (gate: TestGate["gate"], caller: Caller) => readAllNotifications(gate, caller, undefined) }[name];
    for (const { caller, code } of strangersTo(name)) expect([name, await codeOf(call(world.gate, caller, { notification_id: id }))]).toEqual([name, code]);
  }
});

test("old notifications are forgotten", async () => {
  await using world = await testGate({ state: "expired" });
  const { owner } = await setUp(world.gate);
  await produce(world);
  world.license({});
  expect(await titles(world, owner)).toHaveLength(1);
  world.services.clock.advance(KEPT_MS);
  await produce(world);
  expect(await titles(world, owner)).toHaveLength(0);
});
