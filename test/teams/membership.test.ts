import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { Caller } from "../../src/gate/caller.ts";
import { requireMembership, requireTeamReader } from "../../src/teams/membership.ts";
import { isAtLeast, mayDo, permissions, roles, type TeamAction } from "../../src/teams/permissions.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";

function membership({ gate }: TestGate, caller: Caller, action: TeamAction) {
  return gate.store.read((reader) => requireMembership(reader, caller, action));
}

const actions = Object.keys(permissions).filter((name): name is TeamAction => Object.hasOwn(permissions, name));

test("each role may do what those below it may, and no more", () => {
  const table = Object.fromEntries(roles.map((role) => [role, roles.filter((atLeast) => isAtLeast(role, atLeast))]));
  expect(table).toEqual({
    owner: ["owner", "admin", "member", "viewer"],
    admin: ["admin", "member", "viewer"],
    member: ["member", "viewer"],
    viewer: ["viewer"],
  });
});

test("a member is found with the role, a smaller one is refused by name", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  expect(await membership(world, owner, "team.delete")).toEqual({ teamId, userId: owner.userId, role: "owner" });
  for (const role of ["admin", "member", "viewer"] as const) {
    const person = await addPerson(world.gate, { teamId, role });
    for (const action of actions) expect([action, await codeOf(membership(world, person, action))]).toEqual([action, mayDo(role, action) ? undefined : "forbidden"]);
    expect((await refusalOf(membership(world, person, "team.delete"))).details).toEqual({ role, needed: "owner" });
  }
});

test("a foreign team and one that does not exist are refused in the same words", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const foreign = await addTeam(world.gate);
  const refusals = await Promise.all(
    [foreign, world.services.random.uuid(), "", "%", "' or 1=1 --"].map((teamId) => refusalOf(membership(world, { ...owner, teamId }, "team.read"))),
  );
  expect(new Set(refusals.map(({ code, message, hint }) => `${code} ${message} ${hint}`))).toEqual(new Set([refusals.map(({ code, message, hint }) => `${code} ${message} ${hint}`)[0] ?? ""]));
  expect(refusals[0]?.code).toBe("not_found");
});

test("a person who names no team is told to", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  expect(await refusalOf(membership(world, userCaller(owner.userId, undefined), "team.read"))).toMatchObject({ code: "team_required", status: 400 });
});

test("a changed role and a removal act at the next request", async () => {
  await using world = await testGate();
  const { teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "admin" });
  expect(await codeOf(membership(world, person, "team.update"))).toBeUndefined();
  await world.store.write(async (writer) => {
    const { memberships } = writer.tables;
    await writer.update(memberships).set({ role: "viewer" }).where(eq(memberships.user_id, person.userId));
  });
  expect(await codeOf(membership(world, person, "team.update"))).toBe("forbidden");
  await world.store.write(async (writer) => void (await writer.delete(writer.tables.memberships).where(eq(writer.tables.memberships.user_id, person.userId))));
  expect(await codeOf(membership(world, person, "team.read"))).toBe("not_found");
});

test("a key reads in its own team; a device as its person", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const foreign = await addTeam(world.gate);
  const team = (caller: Caller) => world.store.read((reader) => requireTeamReader(reader, caller, "workflow.list_runtime"));
  expect(await team({ kind: "integration", credentialId: "k", teamId })).toBe(teamId);
  expect(await team({ kind: "device", credentialId: "k", userId: owner.userId, teamId })).toBe(teamId);
  expect(await codeOf(team({ kind: "device", credentialId: "k", userId: owner.userId, teamId: foreign }))).toBe("not_found");
});
