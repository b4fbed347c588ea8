import { expect, test } from "bun:test";
import { operator } from "../../src/gate/caller.ts";
import { readDeployment } from "../../src/identity/deployment.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { listTeams } from "../../src/teams/teams.ts";
import { completeSetup, createAdministrator, type SetupInput } from "../../src/teams/setup.ts";
import { readSelf } from "../../src/identity/users.ts";
import { afterEachRead, auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, PASSWORD, signIn, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const person = { first_name: "Ada", last_name: "Lovelace", email_address: "Ada@Example.com", user_password: PASSWORD };

async function filledIn({ gate }: TestGate, changes: Partial<SetupInput> = {}): Promise<SetupInput> {
  const { setup_token } = await createSetupLink(gate, operator, undefined);
  return { setup_token, deployment_name: "Plant 7", team_name: "Assembly", ...person, ...changes };
}

async function countUsers({ store }: TestGate): Promise<number> {
  return (await store.read(async (reader) => await reader.select({ id: reader.tables.users.id }).from(reader.tables.users))).length;
}

test("set-up makes the deployment, its first administrator and a first team that they own", async () => {
  await using world = await testGate();
  const founded = await completeSetup(world.gate, anonymous, await filledIn(world));
  expect(await readDeployment(world.gate, anonymous, undefined)).toEqual({ is_set_up: true, display_name: "Plant 7" });
  const caller = userCaller(founded.user_id, undefined);
  expect(await readSelf(world.gate, caller, undefined)).toMatchObject({
    id: founded.user_id,
    display_name: "Ada Lovelace",
    email_address: "Ada@example.com",
    is_administrator: true,
    team_list: [{ id: founded.team_id, display_name: "Assembly" }],
  });
  expect((await listTeams(world.gate, caller, {})).team_list).toMatchObject([{ role: "owner" }]);
  expect((await signIn(world.gate, "ADA@EXAMPLE.COM")).userId).toBe(founded.user_id);
});

/** As new, but for the audit. */
async function forget({ store }: TestGate): Promise<void> {
  await store.write(async (writer) => {
    const { deployments, teams, users } = writer.tables;
    for (const table of [deployments, teams, users]) await writer.delete(table);
  });
}

test("set-up needs no license, whatever state there is and whatever quotas", async () => {
  await using world = await testGate();
  for (const state of shutStates) {
    world.license({ state, quotas: { global: { max_users: 0, max_teams: 0 }, account: { max_owned_teams: 0 } } });
    expect(await codeOf(completeSetup(world.gate, anonymous, await filledIn(world)))).toBeUndefined();
    await forget(world);
  }
});

test("the audit row names who was made, and neither store nor audit holds password or token", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  const founded = await completeSetup(world.gate, { kind: "anonymous", address: "192.0.2.1" }, input);
  expect((await auditRows(world.store)).at(-1)).toMatchObject({
    operation: "setup.complete",
    outcome: "done",
    actor: "anonymous",
    address: "192.0.2.1",
    subject: `user:${founded.user_id}`,
    team_id: founded.team_id,
  });
  const text = await storeText(world.store);
  expect(text).not.toContain(input.setup_token);
  expect(text).not.toContain(PASSWORD);
});

test("a link is used up: a second time it is gone", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  await completeSetup(world.gate, anonymous, input);
  expect(await codeOf(completeSetup(world.gate, anonymous, { ...input, email_address: "eve@example.com" }))).toBe("gone");
  expect(await countUsers(world)).toBe(1);
});

test("ten who send the form at once make one administrator, one team and one deployment", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  const attempts = Array.from({ length: 10 }, (_, index) => completeSetup(world.gate, anonymous, { ...input, email_address: `p${index}@example.com` }));
  const codes = await Promise.all(attempts.map(codeOf));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(codes.filter((code) => code === "gone")).toHaveLength(9);
  expect(await countUsers(world)).toBe(1);
});

test("a link in the browser and a command on the host at once: one of them sets up", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  const codes = await Promise.all([
    codeOf(completeSetup(world.gate, anonymous, input)),
    codeOf(createAdministrator(world.gate, operator, { ...person, email_address: "bob@example.com" })),
  ]);
  const teams = await world.store.read(async (reader) => await reader.select().from(reader.tables.teams));
  expect(teams).toHaveLength(1);
  expect(codes[1]).toBeUndefined();
  expect([undefined, "gone", "conflict"]).toContain(codes[0]);
});

const badFields = [
  ["deployment_name", ""],
  ["team_name", "a".repeat(101)],
  ["first_name", "a\nb"],
  ["last_name", " "],
  ["email_address", "ada"],
  ["user_password", "short"],
  ["user_password", "a".repeat(129)],
] as const;

test("a bad field is refused by name without repeating it, and the link stays good", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  for (const [field, value] of badFields) {
    const refusal = await refusalOf(completeSetup(world.gate, anonymous, { ...input, [field]: value }));
    expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field }] } });
    if (value.trim() !== "") expect(JSON.stringify([refusal.message, refusal.hint, refusal.details])).not.toContain(value);
  }
  expect(await codeOf(completeSetup(world.gate, anonymous, input))).toBeUndefined();
});

test("a link that runs out while the password is hashed is gone", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  const late = afterEachRead(world.gate, async () => world.services.clock.advance(30 * 60_000));
  expect(await codeOf(completeSetup(late, anonymous, input))).toBe("gone");
  expect(await countUsers(world)).toBe(0);
});

test("without a good link the input is not even looked at", async () => {
  await using world = await testGate();
  const input = await filledIn(world, { setup_token: "wrong", email_address: "no address", user_password: "" });
  expect(await codeOf(completeSetup(world.gate, anonymous, input))).toBe("gone");
});

test("an administrator made on the host before set-up is the set-up, with names that have defaults", async () => {
  await using world = await testGate({ state: "missing" });
  const link = await createSetupLink(world.gate, operator, undefined);
  const founded = await createAdministrator(world.gate, operator, person);
  expect(founded.team_id).toBeString();
  expect(await readDeployment(world.gate, anonymous, undefined)).toEqual({ is_set_up: true, display_name: "Cyberun" });
  const late = { setup_token: link.setup_token, deployment_name: "Other", team_name: "Other", ...person, email_address: "eve@example.com" };
  expect(await codeOf(completeSetup(world.gate, anonymous, late))).toBe("gone");
});

test("a later administrator gets an account and no team, also without a license", async () => {
  await using world = await testGate({ state: "expired" });
  await createAdministrator(world.gate, operator, person);
  const second = await createAdministrator(world.gate, operator, { ...person, email_address: "bob@example.com", deployment_name: "Ignored" });
  expect(second.team_id).toBeNull();
  expect(await readDeployment(world.gate, anonymous, undefined)).toMatchObject({ display_name: "Cyberun" });
});

test("one address has one account, in whatever spelling", async () => {
  await using world = await testGate();
  await createAdministrator(world.gate, operator, person);
  for (const email_address of ["ada@example.com", "ADA@EXAMPLE.COM", "ａｄａ@example.com"]) {
    expect(await codeOf(createAdministrator(world.gate, operator, { ...person, email_address }))).toBe("conflict");
  }
  expect(await countUsers(world)).toBe(1);
});

test("a refused administrator before set-up leaves nothing behind", async () => {
  await using world = await testGate();
  await addPerson(world.gate, { address: "ada@example.com" });
  expect(await codeOf(createAdministrator(world.gate, operator, person))).toBe("conflict");
  expect(await readDeployment(world.gate, anonymous, undefined)).toMatchObject({ is_set_up: false });
});

test("only a stranger completes set-up, and only the operator makes administrators", async () => {
  await using world = await testGate();
  const input = await filledIn(world);
  for (const { caller, code } of strangersTo("setup.complete")) expect(await codeOf(completeSetup(world.gate, caller, input))).toBe(code);
  for (const { caller, code } of strangersTo("administrator.create")) expect(await codeOf(createAdministrator(world.gate, caller, person))).toBe(code);
  expect(await countUsers(world)).toBe(0);
});
