import { expect, test } from "bun:test";
import { readDeployment } from "../../src/identity/deployment.ts";
import { testGate } from "../support/gate.ts";
import { anonymous, setUp } from "../support/people.ts";
import { codeOf, shutStates, strangersTo } from "../support/refusal.ts";

test("anybody may read whether the deployment is set up, and its name once it is", async () => {
  await using world = await testGate();
  expect(await readDeployment(world.gate, anonymous, undefined)).toEqual({ is_set_up: false, display_name: null });
  await setUp(world.gate);
  expect(await readDeployment(world.gate, anonymous, undefined)).toEqual({ is_set_up: true, display_name: "Test site" });
});

test("no license state shuts it", async () => {
  await using world = await testGate();
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(readDeployment(world.gate, anonymous, undefined))).toBeUndefined();
  }
});

test("a caller that the row does not name is refused", async () => {
  await using world = await testGate();
  for (const { caller, code } of strangersTo("deployment.read")) expect(await codeOf(readDeployment(world.gate, caller, undefined))).toBe(code);
});
