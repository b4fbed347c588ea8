import { expect, test } from "bun:test";
import { drill, points } from "./executable-kills.ts";

test("compiled server and agents under SIGKILL: no task is lost, none ends twice, who is stale is fenced", async () => {
  const { violations, facts } = await drill(12);
  expect({ violations, facts }).toMatchObject({ violations: [] });
  expect(points).toHaveLength(54);
  expect(Number(facts["kills"])).toBeGreaterThanOrEqual(4);
}, 240_000);
