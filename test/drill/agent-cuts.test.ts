import { expect, test } from "bun:test";
import { drill, points } from "./agent-cuts.ts";

test("a hundred and twenty tasks through kills of link, agent and gateway: none is lost, none ends twice", async () => {
  const { violations, facts } = await drill(120);
  expect({ violations, facts }).toMatchObject({ violations: [] });
  expect(points).toHaveLength(54);
  expect(Number(facts["points"])).toBeGreaterThanOrEqual(40);
}, 240_000);
