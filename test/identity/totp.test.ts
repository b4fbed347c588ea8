import { describe, expect, test } from "bun:test";
import { codeAt, encodeBase32, findTotpStep, otpauthUrl, STEP_MS } from "../../src/identity/totp.ts";

const secret = Buffer.from("12345678901234567890");

test("RFC 4226 appendix D: the first ten codes of the counter", () => {
  const codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
  expect(codes.map((_code, counter) => codeAt(secret, counter))).toEqual(codes);
});

describe("RFC 6238 appendix B, in its last six digits", () => {
  test.each([
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ])("at %d seconds the code is %s", (seconds, code) => {
    expect(codeAt(secret, Math.floor((seconds * 1_000) / STEP_MS))).toBe(code);
    expect(findTotpStep(secret, code, seconds * 1_000)).toBe(Math.floor(seconds / 30));
  });
});

test("a code is good one step before and after its own, and no further", () => {
  const at = 1_111_111_110_000;
  const step = at / STEP_MS;
  const found = [-61_000, -60_000, -30_001, -30_000, 0, 29_999, 30_000, 59_999, 60_000].map((offset) => findTotpStep(secret, codeAt(secret, step), at + offset));
  expect(found).toEqual([undefined, undefined, undefined, step, step, step, step, step, undefined]);
});

test("nothing else is a code", () => {
  for (const text of ["", "28708", "2870822", "755225", "28708２", "abcdef", "-87082"]) expect(findTotpStep(secret, text, 59_000)).toBeUndefined();
});

test("RFC 4648 section 10: base32, without padding", () => {
  const vectors = [["", ""], ["f", "MY"], ["fo", "MZXQ"], ["foo", "MZXW6"], ["foob", "MZXW6YQ"], ["fooba", "MZXW6YTB"], ["foobar", "MZXW6YTBOI"]] as const;
  expect(vectors.map(([text]) => encodeBase32(Buffer.from(text)))).toEqual(vectors.map(([, encoded]) => encoded));
});

test("names cannot break out of the address that an app reads", () => {
  const url = new URL(otpauthUrl(secret, "Site & Söhne?secret=X", "a:b/c@example.com"));
  expect(Object.fromEntries(url.searchParams)).toEqual({ secret: encodeBase32(secret), issuer: "Site & Söhne?secret=X", algorithm: "SHA1", digits: "6", period: "30" });
});
