import { expect, test } from "bun:test";
import { drill } from "../drill/license-fuzz.ts";

test("mutated files are refused with a reason and never break the reader (short form of the drill)", async () => {
  const { violations, facts } = await drill(4_000);
  expect(violations).toEqual([]);
  // The mutations reach every depth of the reader.
  const words = ["malformed", "bad_signature", "bad_format", "unknown_key", "wrong_purpose", "trial_too_large"];
  expect(Object.keys(Object(facts["refusals"]))).toEqual(expect.arrayContaining(words));
});
