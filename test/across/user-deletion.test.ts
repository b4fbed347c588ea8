import { expect, test } from "bun:test";
import { eq, getTableColumns } from "drizzle-orm";
import { deleteTeam } from "../../src/across/team-deletion.ts";
import { deleteUser } from "../../src/across/user-deletion.ts";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { operator } from "../../src/gate/caller.ts";
import { createSession, type HeldSession } from "../../src/identity/sessions.ts";
import { updateUser } from "../../src/identity/user-administration.ts";
import { findUserBySession } from "../../src/identity/authentication.ts";
import { listAllTeams } from "../../src/teams/team-directory.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { addClient } from "../support/oidc-client.ts";
import { addKey, addPerson, addTeam, anonymous, PASSWORD, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";

/** Every table with a column that holds the id of a person, but the audit log, whose rows outlive whom they tell of. */
async function personTables({ store }: TestGate): Promise<readonly string[]> {
  return await store.read(async ({ tables }) => Object.entries(tables).filter(([name, table]) => name !== "audit" && "user_id" in getTableColumns(table)).map(([name]) => name));
}

async function tablesNaming({ store }: TestGate, userId: string): Promise<readonly string[]> {
  return await store.read(async (reader) => {
    const found: string[] = [];
    for (const [name, table] of Object.entries(reader.tables)) {
      if (name !== "audit" && JSON.stringify(await reader.select().from(table)).includes(userId)) found.push(name);
    }
    return found;
  });
}

/** What a row of any table has to have, whatever it is; references lead to what is there. */
async function fill(world: TestGate, { userId, teamId }: { readonly userId: string; readonly teamId: string }): Promise<void> {
  const { store } = world;
  const { id: client_id } = await addClient(world.gate);
  const known: Readonly<Record<string, string>> = { user_id: userId, team_id: teamId, client_id };
  const names = await personTables(world);
  await store.write(async (writer) => {
    for (const name of names) {
      const table = Object.entries(writer.tables).find(([each]) => each === name)?.[1];
      if (table === undefined) throw new Error(`there is no table ${name}`);
      const needed = Object.entries(getTableColumns(table)).filter(([key, column]) => column.notNull || key === "user_id");
      const row = needed.map(([key, { dataType }]) => [key, known[key] ?? (dataType === "number" ? 1 : dataType === "boolean" ? false : `${name}-${key}`)]);
      await writer.insert(table).values(Object.fromEntries(row)).onConflictDoNothing();
    }
  });
}

test("with an account goes everything that stands for its person, and nothing of anybody else", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "admin", address: "grace@example.com" });
  const other = await addPerson(world.gate, { teamId, address: "other@example.com" });
  const signIn = (email_address: string) => createSession(world.gate, anonymous, { email_address, user_password: PASSWORD, kind: "token" });
  const [session, others] = [await signIn("grace@example.com"), await signIn("other@example.com")];
  const teamKey = (await addKey(world.gate, person, "integration")).rawKey;
  await fill(world, { userId: person.userId, teamId });
  expect((await tablesNaming(world, person.userId)).toSorted()).toEqual(["users", ...(await personTables(world))].toSorted());
  await deleteUser(world.gate, owner, { user_id: person.userId });
  // The key that they made says by whom, other sites have yet to hear that they are gone, and nothing else is left of them.
  expect((await tablesNaming(world, person.userId)).toSorted()).toEqual(["credentials", "federationDeparted"]);
  const isIn = async (held: HeldSession) => (await findUserBySession(world.gate, held, { teamId: undefined, address: undefined })) !== undefined;
  expect([await isIn(session), await isIn(others)]).toEqual([false, true]);
  expect(await findCallerByKey(world.gate, teamKey, undefined)).toBeDefined();
  expect(await codeOf(deleteUser(world.gate, owner, { user_id: person.userId }))).toBe("not_found");
  expect(await codeOf(deleteUser(world.gate, owner, { user_id: other.userId }))).toBeUndefined();
  expect((await auditRows(world.store)).findLast(({ operation }) => operation === "user.delete")).toMatchObject({ subject: `user:${other.userId}` });
});

test("an account that owns a team stays until the team is handed on or gone; the refusal names it", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const other = await addPerson(world.gate);
  await updateUser(world.gate, owner, { user_id: other.userId, is_administrator: true });
  const administrator = { ...other, isAdministrator: true };
  expect(await refusalOf(deleteUser(world.gate, administrator, { user_id: owner.userId }))).toMatchObject({ code: "conflict", details: { team_ids: [teamId] } });
  await deleteTeam(world.gate, owner, undefined);
  expect(await codeOf(deleteUser(world.gate, administrator, { user_id: owner.userId }))).toBeUndefined();
});

test("the last administrator is not deleted, by nobody, and loses nothing in the attempt", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  await deleteTeam(world.gate, owner, undefined);
  const session = await createSession(world.gate, anonymous, { email_address: "ada@example.com", user_password: PASSWORD, kind: "token" });
  expect(await codeOf(deleteUser(world.gate, owner, { user_id: owner.userId }))).toBe("forbidden");
  expect(await codeOf(deleteUser(world.gate, operator, { user_id: owner.userId }))).toBe("conflict");
  expect(await findUserBySession(world.gate, session, { teamId: undefined, address: undefined })).toBeDefined();
});

test("it needs an administrator, in any license state", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const [target, admin] = [await addPerson(world.gate), await addPerson(world.gate, { teamId, role: "admin" })];
  for (const { caller, code } of strangersTo("user.delete")) expect(await codeOf(deleteUser(world.gate, caller, { user_id: target.userId }))).toBe(code);
  const attempts = [
    [admin, target.userId, "forbidden"],
    [admin, admin.userId, "forbidden"],
    [owner, absent, "not_found"],
    [owner, "x", "invalid_request"],
  ] as const;
  for (const [caller, user_id, code] of attempts) expect([user_id, await codeOf(deleteUser(world.gate, caller, { user_id }))]).toEqual([user_id, code]);
  for (const state of shutStates) {
    world.license({ state });
    const person = await addPerson(world.gate);
    expect(await codeOf(deleteUser(world.gate, owner, { user_id: person.userId }))).toBeUndefined();
  }
});

test("all teams are listed for administrators alone, with owner and size", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await addPerson(world.gate, { teamId });
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  world.services.clock.advance(1_000);
  const empty = await addTeam(world.gate, "Nobody's");
  expect((await listAllTeams(world.gate, owner, {})).team_list).toMatchObject([
    { id: empty, display_name: "Nobody's", owner_id: null, owner_email_address: null, member_count: 0 },
    { id: teamId, display_name: "First", owner_id: owner.userId, owner_email_address: "ada@example.com", member_count: 3 },
  ]);
  expect((await listAllTeams(world.gate, owner, { per_page: 1 })).page_meta).toEqual({ current_page: 1, per_page: 1, total_count: 2 });
  expect(await codeOf(listAllTeams(world.gate, admin, {}))).toBe("forbidden");
  for (const { caller, code } of strangersTo("team.list_all")) expect(await codeOf(listAllTeams(world.gate, caller, {}))).toBe(code);
  expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.memberships).where(eq(reader.tables.memberships.team_id, empty)))).toEqual([]);
});
