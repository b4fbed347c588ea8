/** The short form of the issuer's fuzz drill: whatever comes is answered, by a refusal or by what it asked for, and never by a 5xx. */
import { expect, test } from "bun:test";
import { drill } from "../../drill/issuer-fuzz.ts";

const REQUESTS = 1_000;

test("random requests at every door are answered without a 5xx, a foreign redirect or a refusal of another shape", async () => {
  const { violations, facts } = await drill(REQUESTS);
  expect(violations).toEqual([]);
  expect(facts.doors).toBeGreaterThan(15);
  // Not everything ends at the first check: some were legitimate.
  expect(Object.keys(facts.statuses)).toEqual(expect.arrayContaining(["200", "303", "400", "401"]));
}, 60_000);
