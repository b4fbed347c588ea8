import { expect, test } from "bun:test";
import { drill } from "../drill/key-fuzz.ts";

test("50,000 mutated keys and look-alikes are refused without a digest or a read (short form of the drill)", async () => {
  const { violations, facts } = await drill(50_000);
  expect(violations).toEqual([]);
  expect(facts).toMatchObject({ reads: 0, digests: 0 });
  const tried = Object.entries(Object(facts["tried"]));
  expect(tried).toHaveLength(7);
  for (const [kind, count] of tried) expect([kind, Number(count) > 5_000]).toEqual([kind, true]);
}, 60_000);
