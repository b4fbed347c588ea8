/** Who is in a team's pool of agents: caps, one of a name, takeover by session, and who is forgotten. */
import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { admitAgent, type Connecting, connectAgent, disconnectAgents, HEARD_MS, noteHeartbeats, updateAgentStatus } from "../../src/agents/connections.ts";
import type { Hello } from "../../src/agents/frames.ts";
import { type Caller, system } from "../../src/gate/caller.ts";
import { listAgents, listRuntimeAgents } from "../../src/tasks/agent-list.ts";
import { testGate, type TestGate } from "../support/gate.ts";
import { addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const hello = (agent_id: string): Hello => ({ type: "hello", protocol: 1, agent_id, agent_version: "1.0.0", labels: [], capacity: 1, holds: [] });

function agentOf(teamId: string): Caller {
  return { kind: "agent", credentialId: "00000000-0000-7000-8000-0000000000aa", teamId };
}

function connecting(agent_id: string, sessionId: string, replaces?: string): Connecting {
  return { hello: hello(agent_id), sessionId, gatewayId: "gw-1", replaces };
}

async function pool(world: TestGate, caller: Caller): Promise<readonly string[]> {
  return (await listRuntimeAgents(world.gate, caller, {})).agent_list.map(({ agent_id }) => agent_id);
}

describe("connecting", () => {
  test("puts the agent into the pool of its key's team and no other; leaving takes it out", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const other = await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" });
    expect(await connectAgent(world.gate, agentOf(teamId), connecting("a", "s1"))).toMatchObject({ teamId });
    expect([await pool(world, owner), await pool(world, other)]).toEqual([["a"], []]);
    await disconnectAgents(world.gate, system, { sessionIds: ["s1", "never"] });
    expect(await pool(world, owner)).toEqual([]);
  });

  test("is for agents alone, with a license that is open", async () => {
    await using world = await testGate();
    const { teamId } = await setUp(world.gate);
    for (const { caller, code } of strangersTo("agent.connect")) expect(await codeOf(connectAgent(world.gate, caller, connecting("a", "s1")))).toBe(code);
    for (const { caller, code } of strangersTo("agent.admit")) expect(await codeOf(admitAgent(world.gate, caller, undefined))).toBe(code);
    for (const { caller, code } of strangersTo("agent.disconnect")) expect(await codeOf(disconnectAgents(world.gate, caller, { sessionIds: [] }))).toBe(code);
    for (const state of shutStates) {
      world.license({ state });
      expect(await codeOf(connectAgent(world.gate, agentOf(teamId), connecting("a", "s1")))).toBe(state);
      expect(await codeOf(admitAgent(world.gate, agentOf(teamId), undefined))).toBe(state);
    }
  });

  test("a name that is taken is refused, but for who knows its session; in another team it is free", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    await connectAgent(world.gate, agentOf(teamId), connecting("a", "s1"));
    const refusal = await refusalOf(connectAgent(world.gate, agentOf(teamId), connecting("a", "s2")));
    expect(refusal).toMatchObject({ code: "conflict", details: { agent_id: "a" } });
    expect(refusal.message).not.toContain("s1");
    expect(await codeOf(connectAgent(world.gate, agentOf(teamId), connecting("a", "s2", "s9")))).toBe("conflict");
    expect(await codeOf(connectAgent(world.gate, agentOf(await addTeam(world.gate)), connecting("a", "s3", "s1")))).toBeUndefined();
    expect(await noteHeartbeats(world.gate, system, { sessionIds: ["s1", "s3"] })).toEqual([]);
    await connectAgent(world.gate, agentOf(teamId), connecting("a", "s2", "s1"));
    expect(await noteHeartbeats(world.gate, system, { sessionIds: ["s1", "s2"] })).toEqual(["s1"]);
    expect(await pool(world, owner)).toEqual(["a"]);
  });

  test("an agent that is not heard of is forgotten, and its name and place are free", async () => {
    await using world = await testGate({ quotas: { team: { max_agents: 1 } } });
    const { owner, teamId } = await setUp(world.gate);
    await connectAgent(world.gate, agentOf(teamId), connecting("a", "s1"));
    world.services.clock.advance(HEARD_MS - 1);
    expect(await pool(world, owner)).toEqual(["a"]);
    expect(await codeOf(connectAgent(world.gate, agentOf(teamId), connecting("b", "s2")))).toBe("quota_exceeded");
    world.services.clock.advance(1);
    expect(await pool(world, owner)).toEqual([]);
    await connectAgent(world.gate, agentOf(teamId), connecting("a", "s2"));
    await connectAgent(world.gate, agentOf(teamId), connecting("a", "s2", "s2"));
    expect(await pool(world, owner)).toEqual(["a"]);
  });
});

describe("a hundred at once end exactly at the cap", () => {
  test.each([["team", 7, 7], ["global", 9, 9]] as const)("of the %s", async (namespace, cap, want) => {
    await using world = await testGate({ quotas: { [namespace]: { max_agents: cap } } });
    const { teamId } = await setUp(world.gate);
    const codes = await Promise.all(Array.from({ length: 100 }, (_each, index) => codeOf(connectAgent(world.gate, agentOf(teamId), connecting(`a${index}`, `s${index}`)))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(want);
    expect(codes.filter((code) => code !== undefined && code !== "quota_exceeded")).toEqual([]);
  });

  test("a quota of 0 lets nobody in", async () => {
    await using world = await testGate({ quotas: { team: { max_agents: 0 } } });
    const { teamId } = await setUp(world.gate);
    expect(await codeOf(connectAgent(world.gate, agentOf(teamId), connecting("a", "s1")))).toBe("quota_exceeded");
  });
});

test("agents are counted as they come, are taken over, are forgotten, and go with their team", async () => {
  await using world = await testGate();
  const { teamId } = await setUp(world.gate);
  const other = await addTeam(world.gate);
  const counts = async () =>
    await world.gate.store.read(async (reader) => {
      const { agents, agentCounts } = reader.tables;
      const rows = await reader.select({ team: agents.team_id }).from(agents);
      const counted = new Map((await reader.select().from(agentCounts)).map(({ scope, connected }) => [scope, connected]));
      // The rows themselves are what the counts have to be.
      for (const scope of [teamId, other]) expect(counted.get(scope) ?? 0).toBe(rows.filter(({ team }) => team === scope).length);
      return [counted.get("") ?? 0, [...counted.keys()].filter((scope) => scope !== "").length];
    });
  for (const name of ["a", "b", "c"]) await connectAgent(world.gate, agentOf(teamId), connecting(name, `s-${name}`));
  await connectAgent(world.gate, agentOf(other), connecting("a", "o-a"));
  expect(await counts()).toEqual([4, 2]);
  await connectAgent(world.gate, agentOf(teamId), connecting("a", "s-new", "s-a"));
  expect(await codeOf(connectAgent(world.gate, agentOf(teamId), connecting("b", "s-rival")))).toBe("conflict");
  expect(await counts()).toEqual([4, 2]);
  await disconnectAgents(world.gate, system, { sessionIds: ["s-new", "s-b"] });
  expect(await counts()).toEqual([2, 2]);
  world.services.clock.advance(HEARD_MS);
  await noteHeartbeats(world.gate, system, { sessionIds: ["o-a"] });
  expect(await counts()).toEqual([1, 1]);
  await world.gate.store.write(async (writer) => void (await writer.delete(writer.tables.teams).where(eq(writer.tables.teams.id, other))));
  expect(await counts()).toEqual([0, 0]);
});

test("what an agent says about itself is shown as documented, and nothing of its connection", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  await connectAgent(world.gate, agentOf(teamId), connecting("a", "s1"));
  await updateAgentStatus(world.gate, system, { sessionId: "s1", status: "syncing", isDraining: true, report: { sync_phase: "downloading", sync_percent: 45 } });
  await updateAgentStatus(world.gate, system, { sessionId: "unknown", status: "unhealthy", isDraining: false, report: {} });
  const { agent_list } = await listAgents(world.gate, owner, {});
  expect(agent_list).toMatchObject([{ agent_id: "a", agent_status: "syncing", is_draining: true, sync_phase: "downloading", sync_percent: 45, running_count: 0, current_task_id: null }]);
  expect(JSON.stringify(agent_list)).not.toMatch(/s1|session|credential|gw-1/);
  expect(await codeOf(listAgents(world.gate, owner, { per_page: 1_000 }))).toBe("invalid_request");
  for (const { caller, code } of strangersTo("agent.list")) expect(await codeOf(listAgents(world.gate, caller, {}))).toBe(code);
});
