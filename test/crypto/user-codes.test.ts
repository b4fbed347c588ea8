import { expect, test } from "bun:test";
import { createUserCode, findUserCode, shownUserCode } from "../../src/crypto/user-codes.ts";
import { realServices } from "../../src/services.ts";

const { random } = realServices();

test("every character of a new code is one of 32, and each is as likely as any other", () => {
  const counts = new Map<string, number>();
  const draws = 20_000;
  for (let draw = 0; draw < draws; draw += 1) {
    const code = createUserCode(random);
    expect(code).toHaveLength(8);
    for (const character of code) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted().join("")).toBe("23456789ABCDEFGHJKLMNPQRSTUVWXYZ");
  const expected = (draws * 8) / 32;
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 31 degrees of freedom: above 82 comes once in a million honest runs.
  expect(chiSquared).toBeLessThan(82);
});

test("every byte picks one character, and each character as many bytes", () => {
  const counts = new Map<string, number>();
  for (let byte = 0; byte < 256; byte += 1) {
    const character = createUserCode({ ...random, bytes: (length) => Buffer.alloc(length, byte) }).charAt(0);
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect([...counts.values()]).toEqual(Array.from({ length: 32 }, () => 8));
});

test("a code is shown in two halves", () => {
  expect(shownUserCode("AB7KPNQ3")).toBe("AB7K-PNQ3");
});

test.each([["AB7K-PNQ3"], ["AB7KPNQ3"], ["ab7k-pnq3"], [" ab7k pnq3 "], ["a b-7-k p n q 3"], ["AB7K\u00a0PNQ3"]])("%j is the code AB7KPNQ3", (typed) => {
  expect(findUserCode(typed)).toBe("AB7KPNQ3");
});

test.each([[""], ["AB7KPNQ"], ["AB7KPNQ34"], ["AB7KPNQ0"], ["AB7KPNQO"], ["AB7KPNQ1"], ["AB7KPNQI"], ["AB7K_PNQ3"], ["AB7K–PNQ3"], ["AB7KPNQ3\u0000"], [" ".repeat(40)], [`${"-".repeat(30)}AB7KPNQ3`], ["ÄB7KPNQ3"], ["ﬀ7KPNQ3"]])(
  "%j is no code",
  (typed) => {
    expect(findUserCode(typed)).toBeUndefined();
  },
);
