import { expect, test } from "bun:test";
import { removeMember } from "../../src/across/member-removal.ts";
import { setMemberRole } from "../../src/across/member-role.ts";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { confirmPairing, pollPairing, startPairing } from "../../src/credentials/pairing.ts";
import type { UserCaller } from "../../src/gate/caller.ts";
import { readTeam } from "../../src/teams/current-team.ts";
import { listMembers } from "../../src/teams/members.ts";
import { auditRows, testGate, type TestGate } from "../support/gate.ts";
import { addKey, addPerson, addTeam, anonymous, setUp } from "../support/people.ts";
import { codeOf, refusalOf, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";

/** A device of the person in the team they speak in, and the agent key that came with it. */
async function pair({ gate }: TestGate, person: UserCaller): Promise<{ readonly device: string; readonly agent: string }> {
  const { device_code, user_code } = await startPairing(gate, anonymous, undefined);
  await confirmPairing(gate, person, { user_code });
  const paired = await pollPairing(gate, anonymous, { device_code });
  if (paired.status === "pending") throw new Error("the pairing was confirmed");
  return { device: paired.raw_key, agent: paired.agent_key };
}

test("with a member go their devices and the devices' agents, of this team alone; the team's keys stay", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  const elsewhere = { ...admin, teamId: await addTeam(world.gate) };
  await world.store.write(async (writer) => {
    await writer.insert(writer.tables.memberships).values({ id: `${elsewhere.teamId}/${admin.userId}`, team_id: elsewhere.teamId, user_id: admin.userId, role: "member", created_at: 1 });
  });
  const theirs = Object.values(await pair(world, admin));
  const others = [await pair(world, owner), await pair(world, elsewhere)].flatMap(({ device, agent }) => [device, agent]);
  const staying = [(await addKey(world.gate, admin, "integration")).rawKey, (await addKey(world.gate, admin, "agent")).rawKey, ...others];
  const isGood = async (key: string) => (await findCallerByKey(world.gate, key, undefined)) !== undefined;
  for (const key of [...theirs, ...staying]) expect(await isGood(key)).toBe(true);
  await removeMember(world.gate, owner, { user_id: admin.userId });
  expect(await Promise.all([...theirs, ...staying].map(isGood))).toEqual([false, false, true, true, true, true, true, true]);
  expect(await codeOf(readTeam(world.gate, admin, undefined))).toBe("not_found");
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "member.remove", team_id: teamId, subject: `user:${admin.userId}`, details: '{"left":false}' });
  // Who comes back starts without devices.
  await world.store.write(async (writer) => {
    await writer.insert(writer.tables.memberships).values({ id: `${teamId}/${admin.userId}`, team_id: teamId, user_id: admin.userId, role: "member", created_at: 1 });
  });
  expect(await Promise.all(theirs.map(isGood))).toEqual([false, false]);
});

test("who becomes a viewer keeps the device and loses its agent; other changes of role end nothing", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "admin" });
  const [theirs, others] = [await pair(world, person), await pair(world, owner)];
  const isGood = async (key: string) => (await findCallerByKey(world.gate, key, undefined)) !== undefined;
  const all = async () => await Promise.all([theirs.device, theirs.agent, others.device, others.agent].map(isGood));
  for (const role of ["member", "admin"]) await setMemberRole(world.gate, owner, { user_id: person.userId, role });
  expect(await all()).toEqual([true, true, true, true]);
  await setMemberRole(world.gate, owner, { user_id: person.userId, role: "viewer" });
  expect(await all()).toEqual([true, false, true, true]);
});

test("everybody but the owner leaves, whatever the license says", async () => {
  await using world = await testGate({ state: "expired" });
  const { owner, teamId } = await setUp(world.gate);
  for (const role of ["admin", "member", "viewer"] as const) {
    const person = await addPerson(world.gate, { teamId, role });
    await removeMember(world.gate, person, { user_id: person.userId });
    expect(await codeOf(readTeam(world.gate, person, undefined))).toBe("not_found");
  }
  expect(await refusalOf(removeMember(world.gate, owner, { user_id: owner.userId }))).toMatchObject({ code: "conflict", hint: expect.stringContaining("another member") });
  expect((await listMembers(world.gate, owner, {})).page_meta.total_count).toBe(1);
});

test("a removal that is refused removes nobody and ends no key", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const [admin, member, viewer] = [await addPerson(world.gate, { teamId, role: "admin" }), await addPerson(world.gate, { teamId }), await addPerson(world.gate, { teamId, role: "viewer" })];
  const outsider = await addPerson(world.gate, { teamId: await addTeam(world.gate) });
  const keys = [await pair(world, owner), await pair(world, member), await pair(world, outsider)].flatMap(({ device, agent }) => [device, agent]);
  const attempts = [
    [admin, owner.userId, "forbidden"],
    [member, viewer.userId, "forbidden"],
    [viewer, member.userId, "forbidden"],
    [admin, outsider.userId, "not_found"],
    [admin, absent, "not_found"],
    [admin, "x", "invalid_request"],
    [admin, "%", "invalid_request"],
    [outsider, member.userId, "forbidden"],
    [{ ...admin, teamId: outsider.teamId }, outsider.userId, "not_found"],
    [{ ...admin, teamId: undefined }, member.userId, "team_required"],
  ] as const;
  for (const [caller, user_id, code] of attempts) expect([user_id, await codeOf(removeMember(world.gate, caller, { user_id }))]).toEqual([user_id, code]);
  for (const { caller, code } of strangersTo("member.remove")) expect(await codeOf(removeMember(world.gate, caller, { user_id: member.userId }))).toBe(code);
  expect((await listMembers(world.gate, owner, {})).page_meta.total_count).toBe(4);
  for (const key of keys) expect(await findCallerByKey(world.gate, key, undefined)).toBeDefined();
});

test("of many removals of one member one is done", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId });
  const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(removeMember(world.gate, owner, { user_id: person.userId }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(codes.filter((code) => code === "not_found")).toHaveLength(9);
});
