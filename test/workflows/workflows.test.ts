import { expect, test } from "bun:test";
import { listRuntimeWorkflows } from "../../src/workflows/workflows.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, addTeam, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

async function addWorkflow({ gate }: TestGate, teamId: string, slug: string): Promise<string> {
  const id = gate.services.random.uuid();
  const now = gate.services.clock.now();
  const values = { display_name: slug, description: "", tool_type: "command", workflow_status: "active", version: 1, created_at: now, updated_at: now, definition: "{}" };
  await gate.store.write(async (writer) => await writer.insert(writer.tables.workflows).values({ id, team_id: teamId, workflow_slug: slug, ...values }));
  return id;
}

test("person, device and integration key see the team's workflows, and nobody else's", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  const key = await addKey(world.gate, owner, "integration");
  const id = await addWorkflow(world, teamId, "render");
  await addWorkflow(world, await addTeam(world.gate), "foreign");
  const device = { kind: "device", credentialId: "d", userId: owner.userId, teamId } as const;
  for (const caller of [owner, viewer, key.caller, device]) {
    expect(await listRuntimeWorkflows(world.gate, caller, {})).toEqual({
      workflow_list: [
        {
          id,
          workflow_slug: "render",
          display_name: "render",
          description: "",
          tool_type: "command",
          workflow_status: "active",
          version: 1,
          created_at: "2026-01-01T00:00:00.000Z",
          updated_at: "2026-01-01T00:00:00.000Z",
        },
      ],
      page_meta: { current_page: 1, per_page: 20, total_count: 1 },
    });
  }
});

test("pages follow the slugs", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  for (const slug of ["c", "a", "b"]) await addWorkflow(world, teamId, slug);
  const slugs = async (current_page: number) =>
    (await listRuntimeWorkflows(world.gate, owner, { current_page, per_page: 2 })).workflow_list.map(({ workflow_slug }) => workflow_slug);
  expect([await slugs(1), await slugs(2), await slugs(3)]).toEqual([["a", "b"], ["c"], []]);
  expect(await codeOf(listRuntimeWorkflows(world.gate, owner, { per_page: 1_000 }))).toBe("invalid_request");
});

test("an outsider, a removed device and a person without a team are refused", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const outsider = await addPerson(world.gate);
  const table = [
    [{ ...outsider, teamId }, "not_found"],
    [{ ...owner, teamId: await addTeam(world.gate) }, "not_found"],
    [{ kind: "device", credentialId: "d", userId: outsider.userId, teamId }, "not_found"],
    [userCaller(owner.userId, undefined), "team_required"],
  ] as const;
  for (const [caller, code] of table) expect(await codeOf(listRuntimeWorkflows(world.gate, caller, {}))).toBe(code);
});

test("without a good license nothing runs, and the refusal names the state", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  for (const state of shutStates) {
    world.license({ state });
    for (const caller of [owner, key.caller]) {
      expect(await refusalOf(listRuntimeWorkflows(world.gate, caller, {}))).toMatchObject({ code: state, status: 503 });
    }
  }
});

test("an agent and a stranger are refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const { caller, code } of strangersTo("workflow.list_runtime")) expect(await codeOf(listRuntimeWorkflows(world.gate, caller, {}))).toBe(code);
});
