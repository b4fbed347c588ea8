/** The short form of the key rotation drill: no change of keys costs a token its time. */
import { expect, test } from "bun:test";
import { byWord, drill } from "../drill/key-rotation.ts";

const CHANGES = 200;

test("200 changes, by schedule and by word, by two processes with clocks that differ: no token is refused before its end", async () => {
  const { violations, facts } = await drill(CHANGES);
  expect(violations).toEqual([]);
  expect(facts.checked).toBeGreaterThan(CHANGES * 8);
  expect(facts.kids).toBeGreaterThan(CHANGES * 0.9);
}, 60_000);

test("the verifiers would notice: a change without the wait is refused until they read the keys again", async () => {
  const { refused } = await byWord(20, "now");
  expect(refused.length).toBeGreaterThan(5);
  expect(refused.filter((text) => text.startsWith("our own"))).toEqual([]);
});
