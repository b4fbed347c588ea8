import { expect, test } from "bun:test";
import { system } from "../../src/gate/caller.ts";
import { claimTask, OFFER_MS } from "../../src/tasks/claim.ts";
import { acceptTask, declineTask, endOverdue, explainWaiting, finishTask } from "../../src/tasks/attempts.ts";
import { readTask } from "../../src/tasks/tasks.ts";
import { readLoad } from "../../src/tasks/waiting.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { testGate } from "../support/gate.ts";
import { addPerson, addTeam } from "../support/people.ts";
import { codeOf, strangersTo } from "../support/refusal.ts";
import { claimant, workBench } from "../support/tasks.ts";

test("the oldest task goes first, each to one agent however many ask", async () => {
  await using world = await testGate();
  const { teamId, run } = await workBench(world);
  const ids: string[] = [];
  for (let index = 0; index < 20; index++) {
    world.services.clock.advance(1);
    ids.push(await run());
  }
  const claims = await Promise.all(Array.from({ length: 60 }, (_, index) => claimTask(world.gate, system, claimant(teamId, { sessionId: `s${index}` }))));
  const taken = claims.flatMap((claim) => claim?.taskId ?? []);
  expect(taken.toSorted()).toEqual(ids.toSorted());
  expect(claims.filter((claim) => claim === undefined)).toHaveLength(40);
  expect(claims.every((claim) => claim === undefined || claim.attempt === 1)).toBe(true);
});

test("a task goes to an agent that has all its labels, of its own team", async () => {
  await using world = await testGate();
  const { teamId, run } = await workBench(world, { required_labels: ["gpu", "a100"] });
  const id = await run();
  const other = await addTeam(world.gate);
  const unfit = [claimant(teamId), claimant(teamId, { labels: ["gpu"] }), claimant(teamId, { labels: ["a100", "cpu"] }), claimant(other, { labels: ["gpu", "a100"] })];
  for (const each of unfit) expect(await claimTask(world.gate, system, each)).toBeUndefined();
  expect(await claimTask(world.gate, system, claimant(teamId, { labels: ["comfyui", "gpu", "a100"], gpuType: "A100" }))).toMatchObject({ taskId: id, attempt: 1 });
});

test("a label is itself and no pattern, whole and in its own case", async () => {
  await using world = await testGate();
  const { teamId, run } = await workBench(world, { required_labels: ["gpu_a"] });
  const id = await run();
  for (const label of ["gpuxa", "GPU_A", "gpu_ab", "xgpu_a", "gpu!_a", "gpu"]) expect([label, await claimTask(world.gate, system, claimant(teamId, { labels: [label] }))]).toEqual([label, undefined]);
  expect(await claimTask(world.gate, system, claimant(teamId, { labels: ["b", "gpu_a"] }))).toMatchObject({ taskId: id });
});

test("of the teams that have an agent here, just those with a due task are found, in any order and among any others", async () => {
  await using world = await testGate();
  await workBench(world);
  const ids: string[] = [];
  const due = new Set<string>();
  for (let index = 0; index < 12; index++) {
    const team = await addTeam(world.gate);
    ids.push(team);
    if (index % 3 === 0) continue;
    const owner = await addPerson(world.gate, { teamId: team, role: "owner" });
    await importWorkflow(world.gate, owner, { workflow_slug: "work", display_name: "W" });
    await runWorkflowBySlug(world.gate, owner, { workflow_slug: "work" });
    if (index % 3 === 1) due.add(team);
    else await claimTask(world.gate, system, claimant(team));
  }
  const now = world.services.clock.now();
  const load = async (teams: readonly string[]) => await world.gate.store.read((reader) => readLoad(reader, teams, now));
  expect([(await load(ids)).due, (await load(ids.toReversed())).due]).toEqual([due, due]);
  // Others have tasks as well, and no agent here.
  for (const some of [ids.slice(0, 1), ids.slice(1, 2), ids.slice(4, 9), ids.slice(7), []]) expect((await load(some)).due).toEqual(new Set(some.filter((id) => due.has(id))));
  expect((await load(ids)).held.size).toBe(4);
});

test("the caps of team and deployment hold under many claims at once, and a finished task makes room", async () => {
  await using world = await testGate({ quotas: { team: { max_concurrent_tasks: 3 }, global: { max_concurrent_tasks: 5 } } });
  const { teamId, run } = await workBench(world);
  const otherTeam = await addTeam(world.gate);
  const other = await addPerson(world.gate, { teamId: otherTeam, role: "owner" });
  await importWorkflow(world.gate, other, { workflow_slug: "work", display_name: "W" });
  for (let index = 0; index < 10; index++) {
    await run();
    await runWorkflowBySlug(world.gate, other, { workflow_slug: "work" });
  }
  const claim = (team: string) => claimTask(world.gate, system, claimant(team));
  const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => claim(index % 2 === 0 ? teamId : otherTeam)));
  const got = claims.flatMap((each) => each ?? []);
  expect(got).toHaveLength(5);
  expect(Math.max(...[teamId, otherTeam].map((team) => got.filter((each) => each.teamId === team).length))).toBeLessThanOrEqual(3);
  expect(await claim(teamId)).toBeUndefined();
  const [first] = got;
  if (first === undefined) throw new Error("nothing was claimed");
  const hold = { taskId: first.taskId, attempt: 1, sessionId: "session-1" };
  await acceptTask(world.gate, system, hold);
  await finishTask(world.gate, system, { ...hold, outcome: { kind: "completed", output: {} } });
  expect(await claim(first.teamId)).toBeDefined();
});

test("a quota of zero lets nothing run, and an unlimited one everything", async () => {
  await using world = await testGate({ quotas: { team: { max_concurrent_tasks: 0 } } });
  const { teamId, run } = await workBench(world);
  await run();
  expect(await claimTask(world.gate, system, claimant(teamId))).toBeUndefined();
  world.license({ quotas: { team: { max_concurrent_tasks: -1 } } });
  expect(await claimTask(world.gate, system, claimant(teamId))).toBeDefined();
});

test("an offer that is declined or not answered is free again and costs no retry", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const task_id = await run();
  const first = await claimTask(world.gate, system, claimant(teamId));
  expect(await declineTask(world.gate, system, { taskId: task_id, attempt: first?.attempt ?? 0, sessionId: "session-1" })).toBe(true);
  expect(await claimTask(world.gate, system, claimant(teamId, { sessionId: "session-2", agentId: "agent-2" }))).toMatchObject({ taskId: task_id, attempt: 2 });
  world.services.clock.advance(OFFER_MS - 1);
  expect(await endOverdue(world.gate, system, undefined)).toEqual([]);
  world.services.clock.advance(1);
  expect(await endOverdue(world.gate, system, undefined)).toEqual([{ taskId: task_id, attempt: 2, sessionId: "session-2" }]);
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "waiting", retry_count: 0, attempt: 2, agent_id: null });
  expect(await acceptTask(world.gate, system, { taskId: task_id, attempt: 2, sessionId: "session-2" })).toBe(false);
  expect(await claimTask(world.gate, system, claimant(teamId))).toMatchObject({ attempt: 3 });
});

test("why a task waits is told once for each reason, and only while it waits", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const task_id = await run();
  await explainWaiting(world.gate, system, { taskIds: [task_id], reason: "labels" });
  await explainWaiting(world.gate, system, { taskIds: [task_id], reason: "labels" });
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "waiting", waiting_reason: { code: "labels", message: "No connected agent has all the labels that the workflow requires." } });
  const events = await world.store.read(async (reader) => await reader.select().from(reader.tables.taskEvents));
  expect(events).toHaveLength(2);
  await claimTask(world.gate, system, claimant(teamId));
  await explainWaiting(world.gate, system, { taskIds: [task_id], reason: "no_agent" });
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "queued", waiting_reason: null });
});

test("nobody but the gateway itself claims, and not under a license that is not good", async () => {
  await using world = await testGate();
  const { teamId, run } = await workBench(world);
  await run();
  for (const { caller, code } of strangersTo("task.claim")) expect(await codeOf(claimTask(world.gate, caller, claimant(teamId)))).toBe(code);
  world.license({ state: "expired" });
  expect(await codeOf(claimTask(world.gate, system, claimant(teamId)))).toBe("expired");
});
