import { expect, test } from "bun:test";
import { drill } from "./restore-kill.ts";

test("a restore under SIGKILL at each of its steps leaves the old deployment or the new one", async () => {
  // Every second round is at a step, one after the other.
  const { violations, facts } = await drill(64);
  expect({ violations, facts }).toMatchObject({ violations: [] });
  expect(Number(facts["steps"])).toBeGreaterThanOrEqual(10);
  expect(Number(facts["old"])).toBeGreaterThan(0);
  expect(Number(facts["new"])).toBeGreaterThan(0);
}, 240_000);
