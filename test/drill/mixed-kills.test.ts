import { expect, test } from "bun:test";
import { drill } from "./mixed-kills.ts";

test("six kills under mixed load: the server opens clean, and nothing that it acknowledged is missing or back", async () => {
  const { violations, facts } = await drill(6);
  expect({ violations, facts }).toMatchObject({ violations: [] });
  expect(Number(facts["acknowledged"])).toBeGreaterThanOrEqual(60);
  expect(facts["kills_while_starting"]).toBe(1);
}, 240_000);
