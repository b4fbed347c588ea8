import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { readTeam, transferTeam, updateTeam } from "../../src/teams/current-team.ts";
import { createTeam, listTeams } from "../../src/teams/teams.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";

async function owners({ store }: TestGate, teamId: string): Promise<readonly string[]> {
  const rows = await store.read(async (reader) => await reader.select().from(reader.tables.memberships));
  return rows.filter((row) => row.team_id === teamId && row.role === "owner").map((row) => row.user_id);
}

test("the team is read by every member, in every license state, and by nobody else", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  const stranger = await addPerson(world.gate);
  const created_at = new Date(world.services.clock.now()).toISOString();
  for (const state of shutStates) {
    world.license({ state });
    expect(await readTeam(world.gate, viewer, undefined)).toEqual({ id: teamId, display_name: "First", role: "viewer", owner_id: owner.userId, member_count: 2, created_at });
  }
  expect(await codeOf(readTeam(world.gate, { ...stranger, teamId }, undefined))).toBe("not_found");
  expect(await codeOf(readTeam(world.gate, { ...owner, teamId: undefined }, undefined))).toBe("team_required");
});

test("owner and admin rename; the others do not, and a name that cannot be changes nothing", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  expect(await updateTeam(world.gate, owner, { display_name: " Blue " })).toEqual({ id: teamId });
  expect((await readTeam(world.gate, admin, undefined)).display_name).toBe("Blue");
  expect(await codeOf(updateTeam(world.gate, admin, { display_name: "Green" }))).toBeUndefined();
  for (const role of ["member", "viewer"] as const) {
    expect(await codeOf(updateTeam(world.gate, await addPerson(world.gate, { teamId, role }), { display_name: "Red" }))).toBe("forbidden");
  }
  for (const display_name of ["", "a\u0000", "x".repeat(101)]) expect(await codeOf(updateTeam(world.gate, owner, { display_name }))).toBe("invalid_request");
  expect(await codeOf(updateTeam(world.gate, { ...owner, teamId: await addTeam(world.gate) }, { display_name: "Red" }))).toBe("not_found");
  world.license({ state: "expired" });
  expect(await codeOf(updateTeam(world.gate, owner, { display_name: "Red" }))).toBe("expired");
  expect((await readTeam(world.gate, owner, undefined)).display_name).toBe("Green");
});

test("a transfer makes one owner and one admin, and is in the log", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const member = await addPerson(world.gate, { teamId, role: "viewer" });
  await transferTeam(world.gate, owner, { new_owner_id: member.userId.toUpperCase() });
  expect(await owners(world, teamId)).toEqual([member.userId]);
  expect((await readTeam(world.gate, owner, undefined)).role).toBe("admin");
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "team.transfer", team_id: teamId, details: JSON.stringify({ old_owner_id: owner.userId, new_owner_id: member.userId }) });
  expect(await codeOf(transferTeam(world.gate, owner, { new_owner_id: owner.userId }))).toBe("forbidden");
  await transferTeam(world.gate, member, { new_owner_id: owner.userId });
  expect(await owners(world, teamId)).toEqual([owner.userId]);
});

test("a transfer that is refused leaves everything as it was", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const [admin, disabled, outsider] = [await addPerson(world.gate, { teamId, role: "admin" }), await addPerson(world.gate, { teamId }), await addPerson(world.gate, { teamId: await addTeam(world.gate) })];
  await world.store.write(async (writer) => {
    const { users } = writer.tables;
    await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, disabled.userId));
  });
  const attempts = [
    [admin, admin.userId, "forbidden"],
    [owner, outsider.userId, "not_found"],
    [owner, absent, "not_found"],
    [owner, disabled.userId, "conflict"],
    [owner, owner.userId, "invalid_request"],
    [owner, "x", "invalid_request"],
    [owner, "", "invalid_request"],
    [{ ...owner, teamId: outsider.teamId }, outsider.userId, "not_found"],
    [userCaller(owner.userId, undefined), admin.userId, "team_required"],
  ] as const;
  for (const [caller, new_owner_id, code] of attempts) expect([new_owner_id, await codeOf(transferTeam(world.gate, caller, { new_owner_id }))]).toEqual([new_owner_id, code]);
  const answers = await Promise.all([outsider.userId, absent].map((new_owner_id) => refusalOf(transferTeam(world.gate, owner, { new_owner_id }))));
  expect(answers[0]?.message).toBe(answers[1]?.message ?? "");
  world.license({ state: "expired" });
  expect(await codeOf(transferTeam(world.gate, owner, { new_owner_id: admin.userId }))).toBe("expired");
  expect(await owners(world, teamId)).toEqual([owner.userId]);
});

test("the receiver's cap on owned teams holds, also when many teams come at once", async () => {
  await using world = await testGate({ quotas: { account: { max_owned_teams: 3 } } });
  const { teamId } = await setUp(world.gate);
  const receiver = await addPerson(world.gate, { teamId });
  const givers = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const giver = await addPerson(world.gate);
      const { id } = await createTeam(world.gate, giver, { display_name: "Given" });
      await world.store.write(async (writer) => {
        await writer.insert(writer.tables.memberships).values({ id: `${id}/${receiver.userId}`, team_id: id, user_id: receiver.userId, role: "member", created_at: 1 });
      });
      return { ...giver, teamId: id };
    }),
  );
  const codes = await Promise.all(givers.map((giver) => codeOf(transferTeam(world.gate, giver, { new_owner_id: receiver.userId }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(3);
  expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(5);
  expect((await listTeams(world.gate, receiver, { per_page: 100 })).team_list.filter(({ role }) => role === "owner")).toHaveLength(3);
  for (const { teamId: given } of givers) expect(await owners(world, given)).toHaveLength(1);
});

test("of many transfers of one team one comes about", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const people = await Promise.all(Array.from({ length: 10 }, () => addPerson(world.gate, { teamId })));
  const codes = await Promise.all(people.map(({ userId }) => codeOf(transferTeam(world.gate, owner, { new_owner_id: userId }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(codes.filter((code) => code === "forbidden")).toHaveLength(9);
  expect(await owners(world, teamId)).toHaveLength(1);
});

test("callers that the rows do not name are refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const { caller, code } of strangersTo("team.read")) expect(await codeOf(readTeam(world.gate, caller, undefined))).toBe(code);
  for (const { caller, code } of strangersTo("team.update")) expect(await codeOf(updateTeam(world.gate, caller, { display_name: "a" }))).toBe(code);
  for (const { caller, code } of strangersTo("team.transfer")) expect(await codeOf(transferTeam(world.gate, caller, { new_owner_id: absent }))).toBe(code);
});
