import { expect, test } from "bun:test";
import { decodeBase64url, encodeBase64url } from "../../src/crypto/base64url.ts";

test("bytes of every length come back as they were", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    expect(decodeBase64url(encodeBase64url(bytes))).toEqual(Buffer.from(bytes));
  }
});

test("a text is encoded as its UTF-8 bytes", () => {
  expect(encodeBase64url("é>?")).toBe("w6k-Pw");
});

const refused: readonly (readonly [string, string])[] = [
  ["padding", "AA=="],
  ["padding where none is due", "AAAA="],
  ["the standard alphabet's plus", "AA+A"],
  ["the standard alphabet's slash", "AA/A"],
  ["a space", "AA A"],
  ["a line end", "AAAA\n"],
  ["a length that stands for no bytes", "A"],
  ["a length of 4n + 1", "AAAAA"],
  ["idle bits that are set, two characters", "AB"],
  ["idle bits that are set, three characters", "AAB"],
  ["a letter of another script", "AAАA"],
  ["a wide character", "AA😀A"],
  ["a zero byte", "AA\0A"],
  ["a dot", "AA.A"],
];

test.each(refused)("%s is refused", (_, text) => {
  expect(decodeBase64url(text)).toBeUndefined();
});

test("of all four-character spellings of the last byte exactly one is read", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const read = [...alphabet].filter((last) => decodeBase64url(`A${last}`) !== undefined);
  expect(read).toEqual(["A", "Q", "g", "w"]);
});
