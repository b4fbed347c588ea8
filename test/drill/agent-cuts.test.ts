import { expect, test } from "bun:test";
import { drill, points } from "./agent-cuts.ts";

test("a hundred and twenty tasks through kills of link, agent and gateway: none is lost, none ends twice", async () => {
  const { violations, facts } = await drill(120);
  expect(violations).toEqual([]);
  expect(points.length).toBe(54);
  expect(Number(facts["points"])).toBeGreaterThanOrEqual(20);
}, 240_000);
