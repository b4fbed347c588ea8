import { expect, test } from "bun:test";
import { setMemberRole } from "../../src/across/member-role.ts";
import { listMembers } from "../../src/teams/members.ts";
import { readTeam, updateTeam } from "../../src/teams/current-team.ts";
import { auditRows, testGate } from "../support/gate.ts";
import { addPerson, addTeam, ownerAddress, PASSWORD, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";

test("members are listed in pages, in the order they joined, without their secrets", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await addPerson(world.gate, { teamId: await addTeam(world.gate), address: "hidden@example.com" });
  world.services.clock.advance(1_000);
  const viewer = await addPerson(world.gate, { teamId, role: "viewer", address: "grace@example.com" });
  for (const state of shutStates) {
    world.license({ state });
    const { member_list, page_meta } = await listMembers(world.gate, viewer, {});
    expect(member_list).toMatchObject([
      { user_id: owner.userId, role: "owner", email_address: ownerAddress, display_name: "Ada Lovelace" },
      { user_id: viewer.userId, role: "viewer", email_address: "grace@example.com", created_at: new Date(world.services.clock.now()).toISOString() },
    ]);
    expect(page_meta).toEqual({ current_page: 1, per_page: 20, total_count: 2 });
    expect(Object.keys(member_list[0] ?? {}).toSorted()).toEqual(["created_at", "display_name", "email_address", "first_name", "last_name", "role", "user_id"]);
  }
  expect((await listMembers(world.gate, viewer, { per_page: 1, current_page: 2 })).member_list.map(({ role }) => role)).toEqual(["viewer"]);
  expect(await codeOf(listMembers(world.gate, { ...viewer, teamId: await addTeam(world.gate) }, {}))).toBe("not_found");
  expect(JSON.stringify(await listMembers(world.gate, viewer, {}))).not.toMatch(new RegExp(`argon2|password|${PASSWORD}`));
});

test("a role that was changed acts at the next request, up and down", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "viewer" });
  expect(await codeOf(updateTeam(world.gate, person, { display_name: "a" }))).toBe("forbidden");
  await setMemberRole(world.gate, owner, { user_id: person.userId, role: "admin" });
  expect(await codeOf(updateTeam(world.gate, person, { display_name: "a" }))).toBeUndefined();
  await setMemberRole(world.gate, owner, { user_id: person.userId, role: "member" });
  expect(await codeOf(updateTeam(world.gate, person, { display_name: "b" }))).toBe("forbidden");
  expect((await auditRows(world.store)).findLast(({ operation }) => operation === "member.set_role")).toMatchObject({ subject: `user:${person.userId}`, team_id: teamId, details: '{"role":"member"}' });
});

test("a role is not given to oneself, to the owner, to strangers, or by those below admin", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const [admin, other, member, viewer] = [await addPerson(world.gate, { teamId, role: "admin" }), await addPerson(world.gate, { teamId, role: "admin" }), await addPerson(world.gate, { teamId }), await addPerson(world.gate, { teamId, role: "viewer" })];
  const outsider = await addPerson(world.gate, { teamId: await addTeam(world.gate) });
  const attempts = [
    [admin, admin.userId, "member", "forbidden"],
    [owner, owner.userId, "admin", "forbidden"],
    [admin, owner.userId, "viewer", "forbidden"],
    [member, viewer.userId, "member", "forbidden"],
    [viewer, viewer.userId, "admin", "forbidden"],
    [admin, outsider.userId, "viewer", "not_found"],
    [admin, absent, "viewer", "not_found"],
    [admin, member.userId, "owner", "invalid_request"],
    [admin, member.userId, "root", "invalid_request"],
    [admin, member.userId, "", "invalid_request"],
    [admin, "x", "viewer", "invalid_request"],
    [admin, `${teamId}/${member.userId}`, "viewer", "invalid_request"],
    [{ ...admin, teamId: outsider.teamId }, outsider.userId, "viewer", "not_found"],
    [{ ...admin, teamId: undefined }, member.userId, "viewer", "team_required"],
  ] as const;
  for (const [caller, user_id, role, code] of attempts) expect([user_id, role, await codeOf(setMemberRole(world.gate, caller, { user_id, role }))]).toEqual([user_id, role, code]);
  expect((await refusalOf(setMemberRole(world.gate, admin, { user_id: outsider.userId, role: "viewer" }))).message).toBe((await refusalOf(setMemberRole(world.gate, admin, { user_id: absent, role: "viewer" }))).message);
  expect((await listMembers(world.gate, owner, {})).member_list.map(({ role }) => role).toSorted()).toEqual(["admin", "admin", "member", "owner", "viewer"]);
  expect(await codeOf(setMemberRole(world.gate, admin, { user_id: other.userId, role: "viewer" }))).toBeUndefined();
});

test("rights are taken away whatever the license says", async () => {
  await using world = await testGate({ state: "expired" });
  const { owner, teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "admin" });
  await setMemberRole(world.gate, owner, { user_id: person.userId, role: "viewer" });
  expect((await readTeam(world.gate, person, undefined)).role).toBe("viewer");
});

test("callers that the rows do not name are refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const { caller, code } of strangersTo("member.list")) expect(await codeOf(listMembers(world.gate, caller, {}))).toBe(code);
  for (const { caller, code } of strangersTo("member.set_role")) expect(await codeOf(setMemberRole(world.gate, caller, { user_id: absent, role: "viewer" }))).toBe(code);
});
