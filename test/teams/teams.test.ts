import { expect, test } from "bun:test";
import { createTeam, listTeams } from "../../src/teams/teams.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

async function countTeams({ store }: TestGate): Promise<number> {
  return (await store.read(async (reader) => await reader.select().from(reader.tables.teams))).length;
}

test("whoever makes a team owns it", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const person = await addPerson(world.gate);
  const { id } = await createTeam(world.gate, person, { display_name: " Blue " });
  expect((await listTeams(world.gate, person, {})).team_list).toEqual([
    { id, display_name: "Blue", role: "owner", created_at: new Date(world.services.clock.now()).toISOString() },
  ]);
  expect((await auditRows(world.store)).at(-1)).toMatchObject({
    operation: "team.create",
    actor: `user:${person.userId}`,
    team_id: id,
    subject: `team:${id}`,
    details: '{"display_name":"Blue"}',
  });
});

test("a device makes teams for its person", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId } as const;
  const { id } = await createTeam(world.gate, device, { display_name: "Blue" });
  expect((await listTeams(world.gate, owner, {})).team_list.map((team) => team.id)).toContain(id);
  expect((await listTeams(world.gate, device, {})).team_list.map((team) => team.id)).toEqual([teamId]);
});

test("without a good license no team is made, and the refusal names the state", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const state of shutStates) {
    world.license({ state });
    const refusal = await refusalOf(createTeam(world.gate, owner, { display_name: "Blue" }));
    expect([refusal.code, refusal.status]).toEqual([state, 503]);
  }
  expect(await countTeams(world)).toBe(1);
});

test("with the feature off no team is made", async () => {
  await using world = await testGate({ features: { account: { manual_team_creation: false }, global: { manual_team_creation: true } } });
  const { owner } = await setUp(world.gate);
  const refusal = await refusalOf(createTeam(world.gate, owner, { display_name: "Blue" }));
  expect(refusal).toMatchObject({ code: "feature_disabled", status: 403, details: { feature: "manual_team_creation", namespace: "account" } });
});

test.each([
  [{ global: { max_teams: 3 } }, 2, { quota: "max_teams", namespace: "global", limit: 3 }],
  [{ account: { max_owned_teams: 2 } }, 1, { quota: "max_owned_teams", namespace: "account", limit: 2 }],
  [{ global: { max_teams: 0 } }, 0, { quota: "max_teams", namespace: "global", limit: 0 }],
  [{ account: { max_owned_teams: 0 } }, 0, { quota: "max_owned_teams", namespace: "account", limit: 0 }],
  [{ global: { max_teams: 5 }, account: { max_owned_teams: 3 } }, 2, { quota: "max_owned_teams", namespace: "account", limit: 3 }],
])("with the quotas %j the owner of one team makes %d more", async (quotas, more, details) => {
  await using world = await testGate({ quotas });
  const { owner } = await setUp(world.gate);
  for (let made = 0; made < more; made += 1) await createTeam(world.gate, owner, { display_name: `Team ${made}` });
  expect(await refusalOf(createTeam(world.gate, owner, { display_name: "One too many" }))).toMatchObject({ code: "quota_exceeded", details });
  expect(await countTeams(world)).toBe(1 + more);
});

test("an own cap counts teams that one owns, not those one belongs to", async () => {
  await using world = await testGate({ quotas: { account: { max_owned_teams: 1 } } });
  const { teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "admin" });
  expect(await codeOf(createTeam(world.gate, person, { display_name: "Own" }))).toBeUndefined();
  expect(await codeOf(createTeam(world.gate, person, { display_name: "Second" }))).toBe("quota_exceeded");
});

test("a lowered cap deletes nothing and blocks what is new", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  await createTeam(world.gate, owner, { display_name: "Blue" });
  world.license({ quotas: { global: { max_teams: 1 } } });
  expect(await codeOf(createTeam(world.gate, owner, { display_name: "Red" }))).toBe("quota_exceeded");
  expect((await listTeams(world.gate, owner, {})).page_meta.total_count).toBe(2);
});

test("thirty creators at once stop exactly at the cap of the deployment", async () => {
  await using world = await testGate({ quotas: { global: { max_teams: 8 } } });
  const { owner } = await setUp(world.gate);
  const people = [owner, await addPerson(world.gate), await addPerson(world.gate)];
  const codes = await Promise.all(
    Array.from({ length: 30 }, (_, index) => codeOf(createTeam(world.gate, people[index % people.length] ?? owner, { display_name: `Team ${index}` }))),
  );
  expect(codes.filter((code) => code === undefined)).toHaveLength(7);
  expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(23);
  expect(await countTeams(world)).toBe(8);
});

test("twenty at once stop exactly at the cap of the person", async () => {
  await using world = await testGate({ quotas: { account: { max_owned_teams: 4 } } });
  const { owner } = await setUp(world.gate);
  const codes = await Promise.all(Array.from({ length: 20 }, (_, index) => codeOf(createTeam(world.gate, owner, { display_name: `Team ${index}` }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(3);
  expect(await countTeams(world)).toBe(4);
});

test("a name that cannot be is refused and makes nothing", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const display_name of ["", " ", "a".repeat(101), "a\nb"]) {
    const refusal = await refusalOf(createTeam(world.gate, owner, { display_name }));
    expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field: "display_name" }] } });
  }
  expect(await countTeams(world)).toBe(1);
});

test("the list is one's own, paged, newest first, in every license state", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await addTeam(world.gate, "Foreign");
  for (const name of ["B", "C"]) {
    world.services.clock.advance(1_000);
    await createTeam(world.gate, owner, { display_name: name });
  }
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  for (const state of shutStates) {
    world.license({ state });
    const first = await listTeams(world.gate, owner, { per_page: 2 });
    const second = await listTeams(world.gate, owner, { per_page: 2, current_page: 2 });
    expect([...first.team_list, ...second.team_list].map((team) => team.display_name)).toEqual(["C", "B", "First"]);
    expect(second.page_meta).toEqual({ current_page: 2, per_page: 2, total_count: 3 });
    expect((await listTeams(world.gate, viewer, {})).team_list).toMatchObject([{ id: teamId, role: "viewer" }]);
  }
  expect(await codeOf(listTeams(world.gate, owner, { per_page: 0 }))).toBe("invalid_request");
});

test("a caller that the rows do not name is refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const { caller, code } of strangersTo("team.create")) expect(await codeOf(createTeam(world.gate, caller, { display_name: "Blue" }))).toBe(code);
  for (const { caller, code } of strangersTo("team.list")) expect(await codeOf(listTeams(world.gate, caller, {}))).toBe(code);
});
