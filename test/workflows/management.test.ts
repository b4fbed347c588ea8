import { expect, test } from "bun:test";
import type { DefinitionInput } from "../../src/workflows/definition.ts";
import { createWorkflow, deleteWorkflow, importWorkflow, readWorkflow, updateWorkflow } from "../../src/workflows/management.ts";
import { listSnapshots, readSnapshot, restoreSnapshot } from "../../src/workflows/snapshots.ts";
import { listRuntimeWorkflows, listWorkflows, readRuntimeWorkflow, readWorkflowBySlug } from "../../src/workflows/workflows.ts";
import { auditRows, testGate } from "../support/gate.ts";
import { addKey, addPerson, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const graph = { "6": { inputs: { text: "a cat" }, class_type: "CLIPTextEncode" } };
const render: DefinitionInput = {
  workflow_slug: "text-to-image",
  display_name: "Text to image",
  description: "Makes a picture.",
  workflow_json: graph,
  parameters: [{ key: "prompt", type: "string", label: "Prompt", required: true, node_id: "6", field: "text" }],
  required_labels: ["gpu", "comfyui"],
  task_timeout: 600,
  max_retries: 2,
  preferred_gpu: "RTX_4090",
  min_vram_gb: 24,
  required_models: ["checkpoints/sdxl-base.safetensors"],
};

test("a workflow is made with everything that was said, and read as the documentation has it", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  const at = "2026-01-01T00:00:00.000Z";
  expect<unknown>(await readWorkflow(world.gate, owner, { workflow_id: id })).toEqual({
    ...render,
    id,
    tool_type: "comfyui",
    default_dispatch_target: "agent",
    workflow_status: "active",
    version: 1,
    created_at: at,
    updated_at: at,
  });
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "workflow.create", subject: `workflow:${id}`, details: '{"workflow_slug":"text-to-image","version":1}' });
});

test("who comes with a key sees everything but how the workflow is made", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId } as const;
  const { caller: key } = await addKey(world.gate, owner, "integration");
  const seen = [await readRuntimeWorkflow(world.gate, key, { workflow_id: id }), await readWorkflowBySlug(world.gate, key, { workflow_slug: "text-to-image" }), await readWorkflow(world.gate, device, { workflow_id: id })];
  for (const one of seen) {
    expect(one).toMatchObject({ id, parameters: render.parameters, required_labels: ["gpu", "comfyui"] });
    expect(JSON.stringify(one)).not.toContain("CLIPTextEncode");
  }
  expect(await readWorkflowBySlug(world.gate, owner, { workflow_slug: "text-to-image" })).toMatchObject({ workflow_json: graph });
});

test("a change touches what it names and makes a new version; the name of another workflow is not taken", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  await createWorkflow(world.gate, owner, { workflow_slug: "other", display_name: "Other" });
  world.services.clock.advance(1_000);
  await updateWorkflow(world.gate, owner, { workflow_id: id, display_name: "Picture", workflow_status: "disabled" });
  const changed = await readWorkflow(world.gate, owner, { workflow_id: id });
  expect(changed).toMatchObject({ display_name: "Picture", workflow_status: "disabled", version: 2, task_timeout: 600, updated_at: "2026-01-01T00:00:01.000Z", created_at: "2026-01-01T00:00:00.000Z" });
  expect(await codeOf(updateWorkflow(world.gate, owner, { workflow_id: id, workflow_slug: "other" }))).toBe("conflict");
  expect(await codeOf(createWorkflow(world.gate, owner, { ...render }))).toBe("conflict");
  expect(await readWorkflow(world.gate, owner, { workflow_id: id })).toEqual(changed);
  await updateWorkflow(world.gate, owner, { workflow_id: id, workflow_slug: "picture" });
  expect((await listWorkflows(world.gate, owner, {})).workflow_list.map(({ workflow_slug }) => workflow_slug)).toEqual(["other", "picture"]);
});

test("an import replaces the workflow of the same slug, all of it, and never another team's", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await importWorkflow(world.gate, owner, render);
  expect(await importWorkflow(world.gate, owner, { workflow_slug: "text-to-image", display_name: "New" })).toEqual({ id });
  expect(await readWorkflow(world.gate, owner, { workflow_id: id })).toMatchObject({ version: 2, display_name: "New", description: "", parameters: [], required_labels: [], task_timeout: 0, workflow_json: {} });
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await importWorkflow(world.gate, owner, { workflow_slug: "raced", display_name: "R" })).id));
  expect(new Set(ids).size).toBe(1);
  expect(await readWorkflow(world.gate, owner, { workflow_id: ids[0] ?? "" })).toMatchObject({ version: 20 });
});

test("every save is kept, can be looked at and put back; what was live goes nowhere", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  await updateWorkflow(world.gate, owner, { workflow_id: id, workflow_json: { "1": {} }, parameters: [], workflow_slug: "renamed" });
  const versions = async () => (await listSnapshots(world.gate, owner, { workflow_id: id })).snapshot_list.map(({ workflow_version, snapshot_note }) => [workflow_version, snapshot_note]);
  expect(await versions()).toEqual([[2, ""], [1, ""]]);
  const [, first] = (await listSnapshots(world.gate, owner, { workflow_id: id })).snapshot_list;
  const snapshot = { workflow_id: id, snapshot_id: first?.id ?? "" };
  expect(await readSnapshot(world.gate, owner, snapshot)).toMatchObject({ workflow_id: id, workflow_version: 1, workflow_json: graph, workflow_params: render.parameters });
  expect(await restoreSnapshot(world.gate, owner, snapshot)).toEqual({ id });
  expect(await readWorkflow(world.gate, owner, { workflow_id: id })).toMatchObject({ version: 3, workflow_json: graph, workflow_slug: "renamed" });
  expect(await versions()).toEqual([[3, "restored from version 1"], [2, ""], [1, ""]]);
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId: owner.teamId ?? "" } as const;
  expect(JSON.stringify(await readSnapshot(world.gate, device, snapshot))).not.toContain("CLIPTextEncode");
});

test("without the feature nothing is kept or shown, and a restore keeps what was live when it comes back", async () => {
  await using world = await testGate({ features: { team: { workflow_snapshots: false } } });
  const { owner } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  expect(await refusalOf(listSnapshots(world.gate, owner, { workflow_id: id }))).toMatchObject({ code: "feature_disabled", details: { feature: "workflow_snapshots" } });
  world.license({});
  expect((await listSnapshots(world.gate, owner, { workflow_id: id })).snapshot_list).toEqual([]);
  await updateWorkflow(world.gate, owner, { workflow_id: id, display_name: "Second" });
  world.license({ features: { team: { workflow_snapshots: false } } });
  await updateWorkflow(world.gate, owner, { workflow_id: id, display_name: "Third" });
  world.license({});
  const [second] = (await listSnapshots(world.gate, owner, { workflow_id: id })).snapshot_list;
  await restoreSnapshot(world.gate, owner, { workflow_id: id, snapshot_id: second?.id ?? "" });
  expect((await listSnapshots(world.gate, owner, { workflow_id: id })).snapshot_list.map(({ workflow_version, snapshot_note }) => [workflow_version, snapshot_note])).toEqual([
    [4, "restored from version 2"],
    [3, "before a restore"],
    [2, ""],
  ]);
});

const bad: readonly (readonly [string, DefinitionInput])[] = [
  ["no slug", { display_name: "X" }],
  ["no name", { workflow_slug: "xx" }],
  ["a slug of one letter", { ...render, workflow_slug: "x" }],
  ["capitals in the slug", { ...render, workflow_slug: "Text" }],
  ["a slug that ends in a hyphen", { ...render, workflow_slug: "text-" }],
  ["a slug with two hyphens", { ...render, workflow_slug: "text--x" }],
  ["a slug with a version", { ...render, workflow_slug: "text@2" }],
  ["a slug of 101", { ...render, workflow_slug: "x".repeat(101) }],
  ["a name that is too long", { ...render, display_name: "x".repeat(256) }],
  ["a name with a line end", { ...render, display_name: "a\rb" }],
  ["a description that is too long", { ...render, description: "x".repeat(2_001) }],
  ["an unknown tool", { ...render, tool_type: "bash" }],
  ["a graph that is a list", { ...render, workflow_json: [] }],
  ["a graph that is text", { ...render, workflow_json: "{}" }],
  ["a definition that is too large", { ...render, workflow_json: { a: "x".repeat(600_001) } }],
  ["labels of another kind", { ...render, required_labels: ["a b"] }],
  ["a label twice", { ...render, required_labels: ["gpu", "gpu"] }],
  ["a timeout below zero", { ...render, task_timeout: -1 }],
  ["a timeout of years", { ...render, task_timeout: 10 ** 9 }],
  ["half a retry", { ...render, max_retries: 0.5 }],
  ["too many retries", { ...render, max_retries: 21 }],
  ["a parameter with an unknown member", { ...render, parameters: [{ key: "a", type: "string", shell: "rm" }] }],
  ["a parameter of an unknown type", { ...render, parameters: [{ key: "a", type: "code" }] }],
  ["a hundred and one parameters", { ...render, parameters: Array.from({ length: 101 }, (_, index) => ({ key: `a${index}`, type: "string" })) }],
  ["a command line", { ...render, tool_type: "command", workflow_json: { command: "rm -rf /" } }],
  ["a command by path", { ...render, tool_type: "command", workflow_json: { command: "../bin/sh" } }],
  ["a command with arguments", { ...render, tool_type: "command", workflow_json: { command: "render", args: ["-x"] } }],
  ["a command without a name", { ...render, tool_type: "command", workflow_json: {} }],
];
test.each(bad)("%s is refused with 400 and changes nothing", async (_name, input) => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, { ...render, workflow_slug: "kept" });
  const before = await readWorkflow(world.gate, owner, { workflow_id: id });
  expect(await codeOf(createWorkflow(world.gate, owner, input))).toBe("invalid_request");
  expect(await codeOf(importWorkflow(world.gate, owner, input))).toBe("invalid_request");
  if ("workflow_slug" in input && "display_name" in input) expect(await codeOf(updateWorkflow(world.gate, owner, { ...input, workflow_id: id }))).toBe("invalid_request");
  expect(await readWorkflow(world.gate, owner, { workflow_id: id })).toEqual(before);
  expect((await listWorkflows(world.gate, owner, {})).page_meta.total_count).toBe(1);
});

test("nerfstudio needs its feature, a command a name on the agent's list", async () => {
  await using world = await testGate({ features: { team: { nerfstudio: false } } });
  const { owner } = await setUp(world.gate);
  expect(await refusalOf(createWorkflow(world.gate, owner, { ...render, tool_type: "nerfstudio" }))).toMatchObject({ code: "feature_disabled", details: { feature: "nerfstudio" } });
  expect(await codeOf(createWorkflow(world.gate, owner, { ...render, tool_type: "command", workflow_json: { command: "render" } }))).toBeUndefined();
});

test("without a good license nothing is saved; what is there is read and can be deleted", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const { id } = await createWorkflow(world.gate, owner, render);
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(createWorkflow(world.gate, owner, render))).toBe(state);
    expect(await codeOf(importWorkflow(world.gate, owner, render))).toBe(state);
    expect(await codeOf(updateWorkflow(world.gate, owner, { workflow_id: id, display_name: "X" }))).toBe(state);
    expect(await codeOf(listRuntimeWorkflows(world.gate, owner, {}))).toBe(state);
    expect((await listWorkflows(world.gate, viewer, {})).page_meta.total_count).toBe(1);
    expect((await readWorkflow(world.gate, viewer, { workflow_id: id })).id).toBe(id);
  }
  await deleteWorkflow(world.gate, owner, { workflow_id: id });
  expect(await codeOf(readWorkflow(world.gate, owner, { workflow_id: id }))).toBe("not_found");
  expect(await codeOf(deleteWorkflow(world.gate, owner, { workflow_id: id }))).toBe("not_found");
});

test("callers that the rows do not name are refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const calls = { "workflow.create": createWorkflow, "workflow.import": importWorkflow, "workflow.update": updateWorkflow, "workflow.delete": deleteWorkflow, "workflow.read": readWorkflow, "workflow.list": listWorkflows, "workflow.read_runtime": readRuntimeWorkflow, "workflow_snapshot.list": listSnapshots, "workflow_snapshot.read": readSnapshot, "workflow_snapshot.restore": restoreSnapshot } as const;
  const input = { ...render, workflow_id: "00000000-0000-7000-8000-00000000000f", snapshot_id: "00000000-0000-7000-8000-00000000000f" };
  for (const name of Object.keys(calls).filter((each): each is keyof typeof calls => Object.hasOwn(calls, each))) {
    for (const { caller, code } of strangersTo(name)) expect([name, caller.kind, await codeOf(calls[name](world.gate, caller, input))]).toEqual([name, caller.kind, code]);
  }
});
