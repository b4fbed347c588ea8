import { expect, test } from "bun:test";
import { runWorkflow, runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { listTasks, readTask, readTaskResult } from "../../src/tasks/tasks.ts";
import { claimTask } from "../../src/tasks/claim.ts";
import { system } from "../../src/gate/caller.ts";
import { importWorkflow, updateWorkflow } from "../../src/workflows/management.ts";
import { readWorkflowBySlug } from "../../src/workflows/workflows.ts";
import { testGate } from "../support/gate.ts";
import { addKey, addPerson } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";
import { claimant, noTask, workBench } from "../support/tasks.ts";

test("a run is a task that knows all it needs, told as documented", async () => {
  await using world = await testGate();
  const { owner } = await workBench(world, { parameters: [{ key: "steps", type: "integer", default: 20 }], required_labels: ["gpu"] });
  const { id: workflow_id } = await readWorkflowBySlug(world.gate, owner, { workflow_slug: "work" });
  const { caller: key } = await addKey(world.gate, owner, "integration");
  const { task_id } = await runWorkflow(world.gate, key, { workflow_id, parameters: {} });
  expect(await readTask(world.gate, owner, { task_id })).toEqual({
    id: task_id,
    workflow_id,
    workflow_slug: "work",
    workflow_version: 1,
    created_via: "api_key",
    task_status: "pending",
    waiting_reason: null,
    parameters: { steps: 20 },
    created_at: "2026-01-01T00:00:00.000Z",
    started_at: null,
    completed_at: null,
    task_error: null,
    attempt: 0,
    retry_count: 0,
    agent_id: null,
    agent_labels: [],
    gateway_id: null,
    gpu_type: null,
    dispatch_target: "agent",
    target_pool: "team",
    tool_type: "comfyui",
  });
  expect(await readTaskResult(world.gate, key, { task_id })).toEqual({ id: task_id, task_status: "pending", task_output: null, download_url: null, download_urls: null, expires_at: null, task_error: null, completed_at: null });
  expect((await readTask(world.gate, owner, { task_id: (await runWorkflow(world.gate, owner, { workflow_id })).task_id })).created_via).toBe("jwt");
});

test("what runs is what was submitted, whatever is saved later; an earlier version runs by its number", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world, { workflow_json: { "1": "first" } });
  const first = await run();
  await importWorkflow(world.gate, owner, { workflow_slug: "work", display_name: "Work", workflow_json: { "1": "second" } });
  const second = await run();
  const { task_id: pinned } = await runWorkflowBySlug(world.gate, owner, { workflow_slug: "work@1" });
  const claims = [await claimTask(world.gate, system, claimant(teamId)), await claimTask(world.gate, system, claimant(teamId)), await claimTask(world.gate, system, claimant(teamId))];
  expect(claims.map((claim) => [claim?.taskId, claim?.workflowJson, claim?.workflowVersion])).toEqual([
    [first, { "1": "first" }, 1],
    [second, { "1": "second" }, 2],
    [pinned, { "1": "first" }, 1],
  ]);
  expect(await codeOf(runWorkflowBySlug(world.gate, owner, { workflow_slug: "work@3" }))).toBe("not_found");
});

test("a repeat with the same idempotency key is one task", async () => {
  await using world = await testGate();
  const { owner } = await workBench(world);
  const repeated = () => runWorkflowBySlug(world.gate, { ...owner, attempt: { key: "k1", isReplay: false } }, { workflow_slug: "work" });
  const ids = (await Promise.all(Array.from({ length: 20 }, repeated))).map(({ task_id }) => task_id);
  expect(new Set(ids).size).toBe(1);
  expect((await listTasks(world.gate, owner, {})).page_meta.total_count).toBe(1);
});

const bad = [
  ["a slug that is none", { workflow_slug: "Work" }, "invalid_request"],
  ["a version that is none", { workflow_slug: "work@latest" }, "invalid_request"],
  ["version zero", { workflow_slug: "work@0" }, "invalid_request"],
  ["two versions", { workflow_slug: "work@1@1" }, "invalid_request"],
  ["an unknown slug", { workflow_slug: "nothing" }, "not_found"],
  ["an unknown parameter", { workflow_slug: "work", parameters: { a: 1 } }, "invalid_request"],
  ["another target", { workflow_slug: "work", dispatch_target: "cloud" }, "invalid_request"],
  ["another pool", { workflow_slug: "work", target_pool: "public" }, "invalid_request"],
  ["a region that is none", { workflow_slug: "work", submitter_region: "us east\n" }, "invalid_request"],
  ["another tool", { workflow_slug: "work", tool_type: "nerfstudio" }, "invalid_request"],
] as const;
test.each(bad)("a run with %s is refused and leaves no task", async (_name, input, code) => {
  await using world = await testGate();
  const { owner } = await workBench(world);
  expect(await codeOf(runWorkflowBySlug(world.gate, owner, input))).toBe(code);
  expect((await listTasks(world.gate, owner, {})).page_meta.total_count).toBe(0);
});

test("a disabled workflow takes no new tasks, and says so", async () => {
  await using world = await testGate();
  const { owner, run } = await workBench(world);
  const { id: workflow_id } = await readWorkflowBySlug(world.gate, owner, { workflow_slug: "work" });
  const before = await run();
  await updateWorkflow(world.gate, owner, { workflow_id, workflow_status: "disabled" });
  expect(await refusalOf(run())).toMatchObject({ code: "conflict", hint: expect.stringContaining("enable") });
  expect((await readTask(world.gate, owner, { task_id: before })).task_status).toBe("pending");
});

test("viewers read, members run; keys need the scope; strangers get nothing", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const task_id = await run();
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  expect((await readTask(world.gate, viewer, { task_id })).id).toBe(task_id);
  expect(await codeOf(runWorkflowBySlug(world.gate, viewer, { workflow_slug: "work" }))).toBe("forbidden");
  const { caller } = await addKey(world.gate, owner, "integration");
  const narrow = { ...caller, scopes: ["tasks:read"] as const };
  expect(await codeOf(readTask(world.gate, narrow, { task_id }))).toBeUndefined();
  expect(await refusalOf(runWorkflowBySlug(world.gate, narrow, { workflow_slug: "work" }))).toMatchObject({ code: "insufficient_scope", details: { scope: "workflows:run" } });
  for (const { caller: stranger, code } of strangersTo("task.run")) expect(await codeOf(runWorkflow(world.gate, stranger, { workflow_id: noTask }))).toBe(code);
  for (const { caller: stranger, code } of strangersTo("task.read")) expect(await codeOf(readTask(world.gate, stranger, { task_id }))).toBe(code);
});

test("without a good license nothing new is run; what is there is read", async () => {
  await using world = await testGate();
  const { owner, run } = await workBench(world);
  const task_id = await run();
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(run())).toBe(state);
    expect((await readTask(world.gate, owner, { task_id })).id).toBe(task_id);
  }
});

test("tasks are listed newest first, by status and workflow", async () => {
  await using world = await testGate();
  const { owner, teamId, run } = await workBench(world);
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) {
    world.services.clock.advance(1_000);
    ids.push(await run());
  }
  await claimTask(world.gate, system, claimant(teamId));
  const listed = async (search: object) => (await listTasks(world.gate, owner, search)).task_list.map(({ id }) => id);
  expect(await listed({})).toEqual(ids.toReversed());
  expect(await listed({ status: "queued" })).toEqual(ids.slice(0, 1));
  expect(await listed({ status: "pending", per_page: 1 })).toEqual(ids.slice(2));
  expect(await listed({ workflow_id: noTask })).toEqual([]);
  expect(await codeOf(listTasks(world.gate, owner, { status: "done" }))).toBe("invalid_request");
  const other = await addPerson(world.gate);
  expect(await codeOf(listTasks(world.gate, { ...other, teamId }, {}))).toBe("not_found");
});
