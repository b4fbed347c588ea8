import { expect, test } from "bun:test";
import { system } from "../../src/gate/caller.ts";
import { acceptTask, appendLog, endOverdue, extendLeases, finishTask, LEASE_MS, LOST_MAX, renewLeases, reportProgress, resumeAttempt } from "../../src/tasks/attempts.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { claimTask } from "../../src/tasks/claim.ts";
import { readTaskEvents } from "../../src/tasks/events.ts";
import { readTask, readTaskResult } from "../../src/tasks/tasks.ts";
import type { DefinitionInput } from "../../src/workflows/definition.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { codeOf } from "../support/refusal.ts";
import { allEvents, type Bench, claimant, noTask, workBench } from "../support/tasks.ts";

/** A task that an agent runs. */
async function running(world: TestGate, definition: DefinitionInput = {}) {
  const bench = await workBench(world, definition);
  const task_id = await bench.run();
  return { ...bench, task_id, hold: await take(world, bench) };
}

async function take(world: TestGate, { teamId }: Pick<Bench, "teamId">, sessionId = "session-1") {
  const claimed = await claimTask(world.gate, system, claimant(teamId, { sessionId }));
  if (claimed === undefined) throw new Error("there was nothing to claim");
  const hold = { taskId: claimed.taskId, attempt: claimed.attempt, sessionId };
  expect(await acceptTask(world.gate, system, hold)).toBe(true);
  return hold;
}

const completed = { kind: "completed", output: { image_count: 1 } } as const;
const failed = { kind: "failed", error: "out of memory", isRetryable: true } as const;

test("a task runs to its result, and says each step in order, once", async () => {
  await using world = await testGate();
  const { owner, task_id, hold } = await running(world);
  await reportProgress(world.gate, system, { ...hold, content: { progress: 0.5, step_current: 1, step_total: 2 } });
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(true);
  expect(await readTaskResult(world.gate, owner, { task_id })).toMatchObject({ task_status: "completed", task_output: { image_count: 1 }, task_error: null, completed_at: "2026-01-01T00:00:00.000Z" });
  const { events, isOver } = await readTaskEvents(world.gate, owner, { task_id, after: 0 });
  expect(isOver).toBe(true);
  expect(events.map(({ sequence, kind, content }) => [sequence, kind, JSON.parse(content).status ?? JSON.parse(content).progress])).toEqual([
    [1, "status", "pending"],
    [2, "status", "queued"],
    [3, "status", "running"],
    [4, "progress", 0.5],
    [5, "completed", "completed"],
  ]);
  expect((await readTaskEvents(world.gate, owner, { task_id, after: 3 })).events.map(({ sequence }) => sequence)).toEqual([4, 5]);
});

test("of a hundred results of one attempt one counts, and a second kind of end never", async () => {
  await using world = await testGate();
  const { owner, task_id, hold } = await running(world);
  const results = await Promise.all(Array.from({ length: 100 }, (_, index) => finishTask(world.gate, system, { ...hold, outcome: index % 2 === 0 ? completed : failed })));
  expect(results.filter(Boolean)).toHaveLength(1);
  const events = await allEvents(world, owner, task_id);
  expect(events.filter(({ kind }) => kind === "completed" || kind === "failed")).toHaveLength(1);
});

const stale: readonly (readonly [string, (hold: { taskId: string; attempt: number; sessionId: string }) => { taskId: string; attempt: number; sessionId: string }])[] = [
  ["an earlier attempt", (hold) => ({ ...hold, attempt: hold.attempt - 1 })],
  ["a later attempt", (hold) => ({ ...hold, attempt: hold.attempt + 1 })],
  ["another session", (hold) => ({ ...hold, sessionId: "session-9" })],
  ["another task", (hold) => ({ ...hold, taskId: noTask })],
];
test.each(stale)("whatever %s says is stale and changes nothing", async (_name, change) => {
  await using world = await testGate();
  const { owner, task_id, hold } = await running(world);
  const before = [await readTask(world.gate, owner, { task_id }), await readTaskEvents(world.gate, owner, { task_id, after: 0 })];
  const other = change(hold);
  expect(await acceptTask(world.gate, system, other)).toBe(false);
  expect(await reportProgress(world.gate, system, { ...other, content: { progress: 1 } })).toBe(false);
  expect(await appendLog(world.gate, system, { ...other, offset: 0, bytes: 1, stream: "stdout", text: "x" })).toMatchObject({ kind: "stale" });
  expect(await finishTask(world.gate, system, { ...other, outcome: completed })).toBe(false);
  expect([await readTask(world.gate, owner, { task_id }), await readTaskEvents(world.gate, owner, { task_id, after: 0 })]).toEqual(before);
});

test("a failed attempt is made good while retries are left, ever later, and then fails the task", async () => {
  await using world = await testGate();
  const { owner, teamId, task_id, hold } = await running(world, { max_retries: 2 });
  let current = hold;
  for (const delayMs of [1_000, 2_000]) {
    expect(await finishTask(world.gate, system, { ...current, outcome: failed })).toBe(true);
    expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "waiting", waiting_reason: { code: "retry" }, task_error: "out of memory" });
    world.services.clock.advance(delayMs - 1);
    expect(await claimTask(world.gate, system, claimant(teamId))).toBeUndefined();
    world.services.clock.advance(1);
    current = await take(world, { teamId });
  }
  expect(current.attempt).toBe(3);
  await finishTask(world.gate, system, { ...current, outcome: failed });
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "failed", retry_count: 2, task_error: "out of memory" });
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(false);
});

test("a failure that no retry would mend fails the task at once", async () => {
  await using world = await testGate();
  const { owner, task_id, hold } = await running(world, { max_retries: 5 });
  await finishTask(world.gate, system, { ...hold, outcome: { ...failed, isRetryable: false } });
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "failed", retry_count: 0 });
});

test("the timeout counts from the acceptance", async () => {
  await using world = await testGate();
  const bench = await workBench(world, { task_timeout: 60 });
  const task_id = await bench.run();
  const claimed = await claimTask(world.gate, system, claimant(bench.teamId));
  world.services.clock.advance(5_000);
  const hold = { taskId: task_id, attempt: claimed?.attempt ?? 0, sessionId: "session-1" };
  await acceptTask(world.gate, system, hold);
  world.services.clock.advance(29_000);
  await renewLeases(world.gate, system, { sessionId: "session-1", holds: [hold] });
  world.services.clock.advance(29_000);
  await renewLeases(world.gate, system, { sessionId: "session-1", holds: [hold] });
  world.services.clock.advance(1_999);
  expect(await endOverdue(world.gate, system, undefined)).toEqual([]);
  world.services.clock.advance(1);
  expect(await endOverdue(world.gate, system, undefined)).toEqual([hold]);
  expect(await readTask(world.gate, bench.owner, { task_id })).toMatchObject({ task_status: "failed", task_error: "The task ran longer than its timeout of 60 seconds." });
});

test("a lease that is renewed holds; one that is not goes elsewhere, and what the old agent says then is stale", async () => {
  await using world = await testGate();
  const { owner, teamId, task_id, hold } = await running(world, { max_retries: 1 });
  for (let renewal = 0; renewal < 5; renewal++) {
    world.services.clock.advance(LEASE_MS - 1);
    expect(await renewLeases(world.gate, system, { sessionId: hold.sessionId, holds: [hold] })).toEqual([]);
    expect(await endOverdue(world.gate, system, undefined)).toEqual([]);
  }
  world.services.clock.advance(LEASE_MS);
  expect(await endOverdue(world.gate, system, undefined)).toEqual([hold]);
  world.services.clock.advance(1_000);
  const next = await take(world, { teamId }, "session-2");
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(false);
  expect(await renewLeases(world.gate, system, { sessionId: hold.sessionId, holds: [hold] })).toEqual([hold]);
  expect(await finishTask(world.gate, system, { ...next, outcome: completed })).toBe(true);
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "completed", attempt: 2, retry_count: 1 });
});

test("an agent that comes back on another connection goes on with its attempt, and the old connection is fenced", async () => {
  await using world = await testGate();
  const { teamId, task_id, hold } = await running(world);
  const back = { taskId: task_id, attempt: 1, teamId, agentId: "agent-1", sessionId: "session-2" };
  expect(await resumeAttempt(world.gate, system, { ...back, agentId: "agent-2" })).toBeUndefined();
  expect(await resumeAttempt(world.gate, system, { ...back, attempt: 2 })).toBeUndefined();
  expect(await resumeAttempt(world.gate, system, { ...back, teamId: noTask })).toBeUndefined();
  expect(await resumeAttempt(world.gate, system, back)).toBeDefined();
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(false);
  expect(await finishTask(world.gate, system, { ...hold, sessionId: "session-2", outcome: completed })).toBe(true);
});

test("after a start of the server no attempt is lost to the time in which it could hear nobody", async () => {
  await using world = await testGate();
  const { hold } = await running(world);
  world.services.clock.advance(3_600_000);
  await extendLeases(world.gate, system, { ms: LEASE_MS });
  expect(await endOverdue(world.gate, system, undefined)).toEqual([]);
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(true);
});

test("a task that loses every agent is parked", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const task_id = await run();
  for (let lost = 0; lost <= LOST_MAX; lost++) {
    expect(await claimTask(world.gate, system, claimant(teamId))).toBeDefined();
    world.services.clock.advance(60_000);
    await endOverdue(world.gate, system, undefined);
  }
  expect(await readTask(world.gate, owner, { task_id })).toMatchObject({ task_status: "failed", task_error: expect.stringContaining("Parked") });
  expect(await claimTask(world.gate, system, claimant(teamId))).toBeUndefined();
});

test("the log is one text, however often its pieces come", async () => {
  await using world = await testGate();
  const { owner, task_id, hold } = await running(world);
  const text = "first line\nsecond ünd third\n";
  const pieces = [...text].map((character, index, all) => ({ offset: Buffer.byteLength(all.slice(0, index).join("")), bytes: Buffer.byteLength(character), stream: "stdout" as const, text: character }));
  for (const [index, piece] of pieces.entries()) {
    expect(await appendLog(world.gate, system, { ...hold, ...piece })).toMatchObject({ kind: "appended" });
    if (index % 3 === 0) expect(await appendLog(world.gate, system, { ...hold, ...piece })).toMatchObject({ kind: "present" });
    if (index % 5 === 0) expect(await appendLog(world.gate, system, { ...hold, ...piece, offset: piece.offset + 10_000 })).toMatchObject({ kind: "gap" });
  }
  const events = await allEvents(world, owner, task_id);
  expect(events.filter(({ kind }) => kind === "log").map(({ content }) => JSON.parse(content).text).join("")).toBe(text);
});

test("a task is cancelled in every state that is not an end, and an end stays", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const [pending, queued, ran, done] = [await run(), await run(), await run(), await run()];
  const states: Record<string, string> = {};
  await cancelTask(world.gate, owner, { task_id: pending });
  states["pending"] = (await readTask(world.gate, owner, { task_id: pending })).task_status;
  await claimTask(world.gate, system, claimant(teamId, { sessionId: "q" }));
  await cancelTask(world.gate, owner, { task_id: queued });
  states["queued"] = (await readTask(world.gate, owner, { task_id: queued })).task_status;
  const hold = await take(world, { teamId }, "r");
  await cancelTask(world.gate, owner, { task_id: ran });
  states["running"] = (await readTask(world.gate, owner, { task_id: ran })).task_status;
  expect(await finishTask(world.gate, system, { ...hold, outcome: completed })).toBe(false);
  expect<unknown>(await renewLeases(world.gate, system, { sessionId: "r", holds: [hold] })).toEqual([{ taskId: ran, attempt: hold.attempt, sessionId: "r" }]);
  const last = await take(world, { teamId }, "d");
  await finishTask(world.gate, system, { ...last, outcome: completed });
  await cancelTask(world.gate, owner, { task_id: done });
  states["completed"] = (await readTask(world.gate, owner, { task_id: done })).task_status;
  expect(states).toEqual({ pending: "cancelled", queued: "cancelled", running: "cancelled", completed: "completed" });
  expect(await codeOf(cancelTask(world.gate, owner, { task_id: noTask }))).toBe("not_found");
  expect((await readTaskEvents(world.gate, owner, { task_id: ran, after: 0 })).events.at(-1)?.kind).toBe("cancelled");
});
