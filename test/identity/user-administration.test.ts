import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { createUser, disableUser, enableUser, updateUser } from "../../src/identity/user-administration.ts";
import { listUsers, readUser } from "../../src/identity/user-directory.ts";
import { updateSelf } from "../../src/identity/own-profile.ts";
import { completePasswordReset } from "../../src/identity/password-reset.ts";
import { createSession } from "../../src/identity/sessions.ts";
import { findUserBySession } from "../../src/identity/authentication.ts";
import { readSelf } from "../../src/identity/users.ts";
import { operator, type UserCaller } from "../../src/gate/caller.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";
const grace = { email_address: "grace@example.com", first_name: "Grace", last_name: "Hopper" };

const tokenIn = (url: string) => url.slice(url.lastIndexOf("/") + 1);
const signIn = (world: TestGate, email_address: string, user_password = PASSWORD) => createSession(world.gate, anonymous, { email_address, user_password, kind: "token" });

/** Whether the person of a session is let in. */
async function isLetIn(world: TestGate, session: { readonly sessionId: string; readonly userId: string }): Promise<boolean> {
  return (await findUserBySession(world.gate, session, { teamId: undefined, address: undefined })) !== undefined;
}

test("an account is made without a password, and its link chooses the first one", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const created = await createUser(world.gate, owner, grace);
  expect(created.reset_url).toStartWith(`${world.gate.settings.issuerUrl}/reset-password/`);
  expect(await codeOf(signIn(world, grace.email_address))).toBe("unauthenticated");
  await completePasswordReset(world.gate, anonymous, { reset_token: tokenIn(created.reset_url), new_password: PASSWORD });
  expect((await signIn(world, "GRACE@example.com")).userId).toBe(created.id);
  expect(await readUser(world.gate, owner, { user_id: created.id })).toMatchObject({ ...grace, display_name: "Grace Hopper", is_administrator: false, user_status: "active", email_verified: true });
  expect(await storeText(world.store)).not.toContain(tokenIn(created.reset_url));
  expect((await auditRows(world.store)).find(({ operation }) => operation === "user.create")).toMatchObject({ subject: `user:${created.id}`, details: '{"is_administrator":false}' });
});

test("an address has one account, in whatever spelling; a sign-up that nobody finished gives way", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  await createUser(world.gate, owner, grace);
  expect(await codeOf(createUser(world.gate, owner, { ...grace, email_address: " GRACE@EXAMPLE.COM" }))).toBe("conflict");
  expect(await codeOf(createUser(world.gate, owner, { ...grace, email_address: ownerAddress }))).toBe("conflict");
  const { userId } = await addPerson(world.gate, { address: "pending@example.com" });
  await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ pending_until: 1 }).where(eq(writer.tables.users.id, userId))));
  const { id } = await createUser(world.gate, owner, { ...grace, email_address: "pending@example.com" });
  expect(id).not.toBe(userId);
  expect((await listUsers(world.gate, owner, { search: "pending@" })).user_list.map((user) => user.id)).toEqual([id]);
});

test("two hundred creators at the cap make exactly the cap", async () => {
  await using world = await testGate({ quotas: { global: { max_users: 12 } } });
  const { owner } = await setUp(world.gate);
  const codes = await Promise.all(Array.from({ length: 200 }, (_, number) => codeOf(createUser(world.gate, owner, { ...grace, email_address: `p${number}@example.com` }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(11);
  expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(189);
  expect((await listUsers(world.gate, owner, {})).page_meta.total_count).toBe(12);
}, 60_000);

test("accounts are listed in pages, newest first, and found by part of the address", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const address of ["a_b@example.com", "axb@example.com", "Émile@example.com"]) {
    world.services.clock.advance(1_000);
    await createUser(world.gate, owner, { ...grace, email_address: address });
  }
  const found = async (search: string) => (await listUsers(world.gate, owner, { search })).user_list.map(({ email_address }) => email_address);
  expect((await listUsers(world.gate, owner, { per_page: 2 })).user_list.map(({ email_address }) => email_address)).toEqual(["Émile@example.com", "axb@example.com"]);
  expect((await listUsers(world.gate, owner, { per_page: 3, current_page: 2 })).page_meta).toEqual({ current_page: 2, per_page: 3, total_count: 4 });
  expect(await found("A_B")).toEqual(["a_b@example.com"]);
  expect(await found("%")).toEqual([]);
  expect(await found("\\")).toEqual([]);
  expect(await found("éMI")).toEqual(["Émile@example.com"]);
  expect(await codeOf(listUsers(world.gate, owner, { search: "x".repeat(255) }))).toBe("invalid_request");
  expect(JSON.stringify(await listUsers(world.gate, owner, {}))).not.toMatch(/argon2|password|digest/);
});

test("a disabled account is out at once, with everything that was begun; opened again it starts without sessions", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const person = await addPerson(world.gate, { address: grace.email_address });
  const session = await signIn(world, grace.email_address);
  expect(await isLetIn(world, session)).toBe(true);
  await disableUser(world.gate, owner, { user_id: person.userId });
  expect(await isLetIn(world, session)).toBe(false);
  expect(await codeOf(signIn(world, grace.email_address))).toBe("unauthenticated");
  expect(await readUser(world.gate, owner, { user_id: person.userId })).toMatchObject({ user_status: "disabled" });
  await disableUser(world.gate, owner, { user_id: person.userId });
  await enableUser(world.gate, owner, { user_id: person.userId });
  expect(await isLetIn(world, session)).toBe(false);
  expect((await signIn(world, grace.email_address)).userId).toBe(person.userId);
});

test("a link that was handed out dies with the account's disabling", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const created = await createUser(world.gate, owner, grace);
  await disableUser(world.gate, owner, { user_id: created.id });
  await enableUser(world.gate, owner, { user_id: created.id });
  expect(await codeOf(completePasswordReset(world.gate, anonymous, { reset_token: tokenIn(created.reset_url), new_password: PASSWORD }))).toBe("gone");
});

test("of two administrators who disable or demote each other at once, one is left", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const deed of ["disable", "demote"] as const) {
    const other = await addPerson(world.gate);
    await updateUser(world.gate, owner, { user_id: other.userId, is_administrator: true });
    const both: readonly (readonly [UserCaller, string])[] = [
      [owner, other.userId],
      [{ ...other, isAdministrator: true }, owner.userId],
    ];
    const codes = await Promise.all(
      both.map(([caller, user_id]) => codeOf(deed === "disable" ? disableUser(world.gate, caller, { user_id }) : updateUser(world.gate, caller, { user_id, is_administrator: false }))),
    );
    expect(codes.toSorted()).toEqual(["conflict", undefined]);
    for (const { userId } of [owner, other]) await enableUser(world.gate, operator, { user_id: userId });
    await updateUser(world.gate, operator, { user_id: owner.userId, is_administrator: true });
    await updateUser(world.gate, operator, { user_id: other.userId, is_administrator: false });
  }
});

test("nobody does it to themselves, and the last administrator stays, whoever asks", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  expect(await codeOf(disableUser(world.gate, owner, { user_id: owner.userId }))).toBe("forbidden");
  expect(await codeOf(updateUser(world.gate, owner, { user_id: owner.userId, is_administrator: false }))).toBe("forbidden");
  expect(await codeOf(disableUser(world.gate, operator, { user_id: owner.userId }))).toBe("conflict");
  expect(await codeOf(updateUser(world.gate, operator, { user_id: owner.userId, is_administrator: false }))).toBe("conflict");
  expect(await codeOf(updateUser(world.gate, owner, { user_id: owner.userId, first_name: "Augusta" }))).toBeUndefined();
  expect(await readUser(world.gate, owner, { user_id: owner.userId })).toMatchObject({ is_administrator: true, user_status: "active", first_name: "Augusta", last_name: "Lovelace" });
});

const deeds: readonly (readonly [string, (world: TestGate, caller: UserCaller, user_id: string) => Promise<unknown>])[] = [
  ["list", (world, caller) => listUsers(world.gate, caller, {})],
  ["read", (world, caller, user_id) => readUser(world.gate, caller, { user_id })],
  ["create", (world, caller) => createUser(world.gate, caller, grace)],
  ["update", (world, caller, user_id) => updateUser(world.gate, caller, { user_id, is_administrator: true })],
  ["disable", (world, caller, user_id) => disableUser(world.gate, caller, { user_id })],
  ["enable", (world, caller, user_id) => enableUser(world.gate, caller, { user_id })],
];

test.each(deeds)("to %s needs an administrator, whoever else one is", async (_name, deed) => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const [target, member] = [await addPerson(world.gate), await addPerson(world.gate, { teamId, role: "admin" })];
  expect(await codeOf(deed(world, member, target.userId))).toBe("forbidden");
  expect(await codeOf(deed(world, member, member.userId))).toBe("forbidden");
  expect(await readUser(world.gate, owner, { user_id: target.userId })).toMatchObject({ is_administrator: false, user_status: "active" });
  expect(await codeOf(deed(world, owner, target.userId))).toBeUndefined();
});

test.each(["user.list", "user.read", "user.create", "user.update", "user.disable", "user.enable", "user.update_self"] as const)("%s refuses every caller that its row does not name", async (name) => {
  await using world = await testGate();
  await setUp(world.gate);
  const inputs = { ...grace, user_id: absent };
  const operations = { "user.list": listUsers, "user.read": readUser, "user.create": createUser, "user.update": updateUser, "user.disable": disableUser, "user.enable": enableUser, "user.update_self": updateSelf };
  for (const { caller, code } of strangersTo(name)) expect([caller.kind, await codeOf(operations[name](world.gate, caller, inputs))]).toEqual([caller.kind, code]);
});

test("what cannot be is refused and changes nothing; a missing account is a missing one", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const before = await listUsers(world.gate, owner, {});
  const bad = [
    { ...grace, email_address: "" },
    { ...grace, email_address: "grace" },
    { ...grace, email_address: "grace@example.com\r\nBcc: x@example.com" },
    { ...grace, first_name: "" },
    { ...grace, last_name: "x".repeat(101) },
    { ...grace, first_name: "a\u202Eb" },
  ];
  for (const input of bad) expect([input, await codeOf(createUser(world.gate, owner, input))]).toEqual([input, "invalid_request"]);
  for (const user_id of ["", "x", "%", `${absent}x`]) {
    expect(await codeOf(readUser(world.gate, owner, { user_id }))).toBe("invalid_request");
    expect(await codeOf(disableUser(world.gate, owner, { user_id }))).toBe("invalid_request");
  }
  for (const deed of [readUser, updateUser, disableUser, enableUser]) expect((await refusalOf(deed(world.gate, owner, { user_id: absent }))).code).toBe("not_found");
  expect(await listUsers(world.gate, owner, {})).toEqual(before);
});

test("without a good license no account is made, and existing ones can be shut", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const person = await addPerson(world.gate);
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(createUser(world.gate, owner, grace))).toBe(state);
    expect(await codeOf(disableUser(world.gate, owner, { user_id: person.userId }))).toBeUndefined();
    expect(await codeOf(listUsers(world.gate, owner, {}))).toBeUndefined();
  }
});

test("people change their own names and nothing else of their account", async () => {
  await using world = await testGate();
  const { teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId });
  expect(await updateSelf(world.gate, person, { first_name: " Amazing ", display_name: "Amazing Grace" })).toEqual({ id: person.userId });
  const wide = { last_name: "Murray", is_administrator: true, email_verified: false, email_address: "x@example.com", disabled_at: 1 };
  await updateSelf(world.gate, person, wide);
  expect(await readSelf(world.gate, person, undefined)).toMatchObject({ first_name: "Amazing", last_name: "Murray", display_name: "Amazing Grace", is_administrator: false });
  for (const input of [{}, { first_name: "" }, { display_name: "a\nb" }]) expect(await codeOf(updateSelf(world.gate, person, input))).toBe("invalid_request");
});
