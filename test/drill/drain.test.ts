import { expect, test } from "bun:test";
import { drill } from "./drain.ts";

test("a server that is told to stop burns no attempt, and finds agents and tasks again when it is back", async () => {
  const { violations, facts } = await drill(40);
  expect({ violations, facts }).toMatchObject({ violations: [], facts: { burned: 0 } });
}, 240_000);
