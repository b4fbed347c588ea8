import { describe, expect, test } from "bun:test";
import { readDeploymentQuotas, readQuotas } from "../../src/across/quotas.ts";
import { operator } from "../../src/gate/caller.ts";
import { createCredential } from "../../src/credentials/credentials.ts";
import { signUp } from "../../src/teams/sign-up.ts";
import { acceptInvitation } from "../../src/teams/invitation-answers.ts";
import { createInvitation, listInvitations } from "../../src/teams/invitations.ts";
import { listMembers } from "../../src/teams/members.ts";
import { createTeam, listTeams } from "../../src/teams/teams.ts";
import { testGate, type TestGate } from "../support/gate.ts";
import { addKey, addPerson, addTeam, anonymous, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

test("account, team and deployment are shown to whom they concern", async () => {
  await using world = await testGate({ quotas: { account: { max_owned_teams: 3 }, team: { max_members: 7, max_integration_keys: 0 }, global: { max_users: 10 } } });
  const { owner, teamId } = await setUp(world.gate);
  await addKey(world.gate, owner, "agent");
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  const shown = async (caller: Parameters<typeof readQuotas>[1]) =>
    Object.fromEntries((await readQuotas(world.gate, caller, undefined)).quota_list.map(({ namespace, key, limit, used }) => [`${namespace}.${key}`, [limit, used]]));
  const team = { "team.max_members": [7, 2], "team.max_integration_keys": [0, 0], "team.max_agents": [-1, 1] };
  expect(await shown(owner)).toMatchObject({ "account.max_owned_teams": [3, 1], ...team, "global.max_users": [10, 2], "global.max_teams": [-1, 1] });
  const seen = await shown(viewer);
  expect(seen).toMatchObject({ "account.max_owned_teams": [3, 0], ...team });
  expect(Object.keys(seen).filter((key) => key.startsWith("global"))).toEqual([]);
  expect(Object.keys(await shown({ ...viewer, teamId: undefined }))).toEqual(["account.max_owned_teams"]);
  expect(Object.keys(await shown({ kind: "device", credentialId: "d", userId: owner.userId, teamId })).filter((key) => key.startsWith("global"))).toEqual([]);
  for (const state of shutStates) {
    world.license({ state });
    expect(await shown(viewer)).toMatchObject({ "account.max_owned_teams": [0, 0], "team.max_members": [0, 2] });
  }
  expect(await codeOf(readQuotas(world.gate, { ...viewer, teamId: await addTeam(world.gate) }, undefined))).toBe("not_found");
  for (const { caller, code } of strangersTo("quota.read")) expect(await codeOf(readQuotas(world.gate, caller, undefined))).toBe(code);
});

test("the operator sees the deployment's caps and use, and nobody else does by this way", async () => {
  await using world = await testGate({ quotas: { global: { max_users: 10 } } });
  const { owner } = await setUp(world.gate);
  await addKey(world.gate, owner, "agent");
  const { quota_list } = await readDeploymentQuotas(world.gate, operator, undefined);
  expect(quota_list).toContainEqual({ namespace: "global", key: "max_users", limit: 10, used: 1 });
  expect(quota_list).toContainEqual({ namespace: "global", key: "max_agents", limit: -1, used: 1 });
  expect(quota_list.filter(({ namespace }) => namespace !== "global")).toEqual([]);
  world.license({ state: "expired" });
  expect((await readDeploymentQuotas(world.gate, operator, undefined)).quota_list).toContainEqual({ namespace: "global", key: "max_users", limit: 0, used: 1 });
  for (const { caller, code } of strangersTo("quota.read_deployment")) expect(await codeOf(readDeploymentQuotas(world.gate, caller, undefined))).toBe(code);
});

/** How many of `count` at once are let in, and that the others meet the cap. */
async function race(count: number, attempt: (index: number) => Promise<unknown>): Promise<number> {
  const codes = await Promise.all(Array.from({ length: count }, (_each, index) => codeOf(attempt(index))));
  expect(codes.filter((code) => code !== undefined && code !== "quota_exceeded")).toEqual([]);
  return codes.filter((code) => code === undefined).length;
}

async function used({ gate }: TestGate, caller: Parameters<typeof readQuotas>[1], quota: string): Promise<number | null | undefined> {
  return (await readQuotas(gate, caller, undefined)).quota_list.find(({ namespace, key }) => `${namespace}.${key}` === quota)?.used;
}

describe("two hundred at once end exactly at the cap", () => {
  const AT_ONCE = 200;

  test("teams of the deployment", async () => {
    await using world = await testGate({ quotas: { global: { max_teams: 23 } } });
    const { owner } = await setUp(world.gate);
    const people = await Promise.all(Array.from({ length: 20 }, () => addPerson(world.gate)));
    expect(await race(AT_ONCE, (index) => createTeam(world.gate, people[index % 20] ?? owner, { display_name: `T${index}` }))).toBe(22);
    expect(await used(world, owner, "global.max_teams")).toBe(23);
  });

  test("teams of one owner", async () => {
    await using world = await testGate({ quotas: { account: { max_owned_teams: 17 } } });
    const { owner } = await setUp(world.gate);
    expect(await race(AT_ONCE, (index) => createTeam(world.gate, owner, { display_name: `T${index}` }))).toBe(16);
    expect((await listTeams(world.gate, owner, {})).page_meta.total_count).toBe(17);
  });

  test("seats by invitation", async () => {
    await using world = await testGate({ quotas: { team: { max_members: 31 } } });
    const { owner } = await setUp(world.gate);
    expect(await race(AT_ONCE, (index) => createInvitation(world.gate, owner, { email_address: `p${index}@example.com`, invitation_role: "viewer" }))).toBe(30);
    expect((await listInvitations(world.gate, owner, {})).page_meta.total_count).toBe(30);
  });

  test("members, when the cap was lowered after they were invited", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const invited = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_each, index) => {
        const email_address = `p${index}@example.com`;
        const { invitation_token = "" } = await createInvitation(world.gate, owner, { email_address, invitation_role: "viewer" });
        return { person: await addPerson(world.gate, { address: email_address }), invitation_token };
      }),
    );
    world.license({ quotas: { team: { max_members: 41 } } });
    const answers = invited.map(({ person, invitation_token }) => () => acceptInvitation(world.gate, person, { invitation_token }));
    expect(await race(AT_ONCE, async (index) => await answers[index]?.())).toBe(40);
    expect((await listMembers(world.gate, owner, {})).page_meta.total_count).toBe(41);
    expect((await listInvitations(world.gate, owner, {})).page_meta.total_count).toBe(160);
  });

  test.each([["integration", "max_integration_keys"], ["agent", "max_agents"]] as const)("%s keys", async (kind, quota) => {
    await using world = await testGate({ quotas: { team: { [quota]: 19 } } });
    const { owner } = await setUp(world.gate);
    expect(await race(AT_ONCE, (index) => createCredential(world.gate, owner, { kind, display_name: `K${index}` }))).toBe(19);
    expect(await used(world, owner, `team.${quota}`)).toBe(19);
  });

  test("agents of the deployment, in many teams", async () => {
    await using world = await testGate({ quotas: { global: { max_agents: 27 } } });
    const { owner } = await setUp(world.gate);
    const leaders = await Promise.all(Array.from({ length: 10 }, async () => await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" })));
    expect(await race(AT_ONCE, (index) => createCredential(world.gate, leaders[index % 10] ?? owner, { kind: "agent", display_name: `K${index}` }))).toBe(27);
    expect(await used(world, owner, "global.max_agents")).toBe(27);
    expect(await refusalOf(createCredential(world.gate, owner, { kind: "agent", display_name: "K" }))).toMatchObject({ details: { quota: "max_agents", namespace: "global", limit: 27 } });
  });

  // Fewer, because each costs a password's hash; so many wait for one at a time at most.
  test("users", async () => {
    await using world = await testGate({ quotas: { global: { max_users: 9 } }, features: { global: { auto_team: false } } });
    const { owner } = await setUp(world.gate);
    const person = (index: number) => ({ first_name: "P", last_name: `${index}`, email_address: `p${index}@example.com`, user_password: "nanoseconds of wire" });
    expect(await race(40, (index) => signUp(world.gate, anonymous, person(index)))).toBe(8);
    expect(await used(world, owner, "global.max_users")).toBe(9);
  });
});

test("a cap of 0 lets nobody in, -1 everybody, and lowering one deletes nothing", async () => {
  await using world = await testGate({ quotas: { team: { max_integration_keys: 0, max_members: 0 }, account: { max_owned_teams: 0 } } });
  const { owner } = await setUp(world.gate);
  const attempts = {
    team: () => createTeam(world.gate, owner, { display_name: "T" }),
    invitation: () => createInvitation(world.gate, owner, { email_address: "p@example.com", invitation_role: "viewer" }),
    key: () => createCredential(world.gate, owner, { kind: "integration", display_name: "K" }),
  };
  for (const [name, attempt] of Object.entries(attempts)) expect([name, await codeOf(attempt())]).toEqual([name, "quota_exceeded"]);
  world.license({});
  for (const [name, attempt] of Object.entries(attempts)) expect([name, await codeOf(attempt())]).toEqual([name, undefined]);
  world.license({ quotas: { team: { max_integration_keys: 0, max_members: 0 }, account: { max_owned_teams: 0 } } });
  expect([await used(world, owner, "account.max_owned_teams"), await used(world, owner, "team.max_integration_keys"), await used(world, owner, "team.max_members")]).toEqual([2, 1, 1]);
  for (const [name, attempt] of Object.entries(attempts).filter(([each]) => each !== "invitation")) expect([name, await codeOf(attempt())]).toEqual([name, "quota_exceeded"]);
});
