import { expect, test } from "bun:test";
import { flagsOf, readSelf } from "../../src/identity/users.ts";
import { features, quotas } from "../../src/license/catalog.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { testEntitlements, testGate } from "../support/gate.ts";
import { addPerson, addTeam, ownerAddress, setUp, userCaller } from "../support/people.ts";
import { codeOf, shutStates, strangersTo } from "../support/refusal.ts";

test("the profile has the documented members and no other", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await addTeam(world.gate, "Somebody else's");
  const profile = await readSelf(world.gate, owner, undefined);
  expect(Object.keys(profile)).toEqual([
    "id",
    "first_name",
    "last_name",
    "display_name",
    "email_address",
    "is_administrator",
    "team_list",
    "feature_flags",
  ]);
  expect(profile).toMatchObject({
    id: owner.userId,
    first_name: "Ada",
    last_name: "Lovelace",
    display_name: "Ada Lovelace",
    email_address: ownerAddress,
    is_administrator: true,
    team_list: [{ id: teamId, display_name: "First" }],
  });
  expect(JSON.stringify(profile)).not.toContain("argon2id");
});

test("the flags are what the license says, by namespace and for each team", async () => {
  await using world = await testGate({
    features: { global: { registration: false }, team: { webhooks: false } },
    quotas: { global: { max_agents: 7 }, team: { max_agents: 3, max_webhooks: 0 } },
  });
  const { owner, teamId } = await setUp(world.gate);
  const second = await createTeam(world.gate, owner, { display_name: "Second" });
  const { feature_flags: flags } = await readSelf(world.gate, owner, undefined);
  expect(flags.global.features).toMatchObject({ registration: false, oauth: true });
  expect(flags.global.quotas).toMatchObject({ max_agents: 7, max_users: -1 });
  expect(flags.account).toEqual({ features: { manual_team_creation: true, team_invitation_accept: true }, quotas: { max_owned_teams: -1 } });
  expect(Object.keys(flags.teams).toSorted()).toEqual([teamId, second.id].toSorted());
  expect(flags.teams[teamId]).toMatchObject({ features: { webhooks: false, custom_models: true }, quotas: { max_agents: 3, max_webhooks: 0 } });
});

test("every key of the catalog is shown in its own namespace", () => {
  for (const namespace of ["global", "account", "team"] as const) {
    const flags = flagsOf(testEntitlements(), namespace);
    const keysOf = (entries: readonly { readonly namespace: string; readonly key: string }[]) =>
      entries.filter((entry) => entry.namespace === namespace).map(({ key }) => key);
    expect(Object.keys(flags.features)).toEqual(keysOf(features));
    expect(Object.keys(flags.quotas)).toEqual(keysOf(quotas));
  }
});

test("while the license is not good everything is off and the profile is still shown", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const state of shutStates) {
    world.license({ state });
    const { feature_flags: flags } = await readSelf(world.gate, owner, undefined);
    const all = [flags.global, flags.account, ...Object.values(flags.teams)];
    expect(all).toHaveLength(3);
    for (const { features: on, quotas: caps } of all) {
      expect(Object.values(on)).not.toContain(true);
      expect(new Set(Object.values(caps))).toEqual(new Set([0]));
    }
  }
});

test("a feature the license names and the catalog does not know is not shown", async () => {
  await using world = await testGate({ features: { global: { unheard_of: true } } });
  const { owner } = await setUp(world.gate);
  expect((await readSelf(world.gate, owner, undefined)).feature_flags.global.features).not.toHaveProperty("unheard_of");
});

test("a device shows its person and the one team it is paired for", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await createTeam(world.gate, owner, { display_name: "Second" });
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId } as const;
  const profile = await readSelf(world.gate, device, undefined);
  expect(profile.team_list).toEqual([{ id: teamId, display_name: "First" }]);
  expect(Object.keys(profile.feature_flags.teams)).toEqual([teamId]);
});

test("a person without a team has an empty list", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const person = await addPerson(world.gate);
  expect(await readSelf(world.gate, person, undefined)).toMatchObject({ is_administrator: false, team_list: [], feature_flags: { teams: {} } });
});

test("a caller that the row does not name is refused, and a person who is gone is not found", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const { caller, code } of strangersTo("user.read_self")) expect(await codeOf(readSelf(world.gate, caller, undefined))).toBe(code);
  expect(await codeOf(readSelf(world.gate, userCaller("nobody", undefined), undefined))).toBe("not_found");
});
