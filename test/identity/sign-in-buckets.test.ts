import { expect, test } from "bun:test";
import { delayMs } from "../../src/identity/sign-in-buckets.ts";

test.each([
  [0, 0],
  [1, 0],
  [4, 0],
  [5, 1_000],
  [6, 2_000],
  [7, 4_000],
  [14, 512_000],
  [15, 900_000],
  [16, 900_000],
  [1_000_000, 900_000],
])("after %d failures the address waits %d ms", (failures, expected) => {
  expect(delayMs(failures)).toBe(expected);
});
