import { expect, test } from "bun:test";
import { drill } from "../drill/license-fuzz.ts";

test("mutated files are refused with a reason and never break the reader (short form of the drill)", async () => {
  const { accepted, crashes, readDifferently, refusals } = await drill(4_000);
  expect({ accepted, crashes, readDifferently }).toEqual({ accepted: 0, crashes: [], readDifferently: 0 });
  // The mutations reach every depth of the reader.
  expect(Object.keys(refusals)).toEqual(expect.arrayContaining(["malformed", "bad_signature", "bad_format", "unknown_key", "wrong_purpose"]));
});
