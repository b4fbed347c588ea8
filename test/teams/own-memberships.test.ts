import { expect, test } from "bun:test";
import { listOwnMemberships } from "../../src/teams/own-memberships.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { testGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, shutStates, strangersTo } from "../support/refusal.ts";

test("people see where they belong and as what, in every license state, and nothing of others", async () => {
  await using world = await testGate();
  const { teamId } = await setUp(world.gate);
  const person = await addPerson(world.gate, { teamId, role: "viewer" });
  await addPerson(world.gate, { teamId: await addTeam(world.gate, "Foreign") });
  world.services.clock.advance(1_000);
  const { id } = await createTeam(world.gate, person, { display_name: "Own" });
  for (const state of shutStates) {
    world.license({ state });
    expect(await listOwnMemberships(world.gate, person, {})).toEqual({
      membership_list: [
        { team_id: teamId, display_name: "First", role: "viewer", created_at: "2026-01-01T00:00:00.000Z" },
        { team_id: id, display_name: "Own", role: "owner", created_at: "2026-01-01T00:00:01.000Z" },
      ],
      page_meta: { current_page: 1, per_page: 20, total_count: 2 },
    });
  }
  expect((await listOwnMemberships(world.gate, person, { per_page: 1, current_page: 2 })).membership_list.map(({ team_id }) => team_id)).toEqual([id]);
  expect((await listOwnMemberships(world.gate, await addPerson(world.gate), {})).membership_list).toEqual([]);
});

test("a device sees the team it is paired for; pages have their bounds; keys of a team belong nowhere", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await createTeam(world.gate, owner, { display_name: "Second" });
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId } as const;
  expect((await listOwnMemberships(world.gate, device, {})).membership_list.map(({ team_id }) => team_id)).toEqual([teamId]);
  expect(await codeOf(listOwnMemberships(world.gate, owner, { per_page: 101 }))).toBe("invalid_request");
  for (const { caller, code } of strangersTo("membership.list_own")) expect(await codeOf(listOwnMemberships(world.gate, caller, {}))).toBe(code);
});
