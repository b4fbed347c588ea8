import { expect, test } from "bun:test";
import { drill } from "./resume-cuts.ts";

test("cuts of the link and of the readers during a task that writes much: one attempt, every byte, no gap and no repeat", async () => {
  const { violations, facts } = await drill(40);
  expect({ violations, facts }).toMatchObject({ violations: [] });
  expect(Number(facts["reader_cuts"])).toBeGreaterThan(8);
}, 240_000);
