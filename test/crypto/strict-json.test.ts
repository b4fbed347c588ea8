import { expect, test } from "bun:test";
import { parseStrictJson, StrictJsonError } from "../../src/crypto/strict-json.ts";

function parsed(text: string): unknown {
  return parseStrictJson(Buffer.from(text));
}

test.each([
  "{}",
  "[]",
  "null",
  "true",
  '""',
  "0",
  "-1",
  "9007199254740991",
  "-9007199254740991",
  ' { "a" : [ 1 , { "b" : false } , null ] }\r\n\t',
  '"\\u00e9\\n\\/\\"\\\\\\ud83d\\ude00 é 😀"',
  '{"a":1,"A":2,"á":3}',
  '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  "[[[[[[[[1]]]]]]]]",
])("%j is read as JSON.parse reads it", (text) => {
  expect(parsed(text)).toEqual(JSON.parse(text));
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  ["nothing", "", /whole number/],
  ["white space only", " \n", /whole number/],
  ["a repeated name", '{"a":1,"a":1}', /repeated/],
  ["a name repeated through an escape", '{"a":1,"\\u0061":1}', /repeated/],
  ["a repeated name deep inside", '[{"b":{"a":1,"a":2}}]', /repeated/],
  ["__proto__", '{"__proto__":1}', /__proto__/],
  ["__proto__ through an escape", '{"\\u005f_proto__":{}}', /__proto__/],
  ["text after the document", "{} {}", /text after/],
  ["a second document", "1 2", /text after/],
  ["a trailing comma in an object", '{"a":1,}', /string was expected/],
  ["a trailing comma in an array", "[1,]", /whole number/],
  ["a leading comma", "[,1]", /whole number/],
  ["a missing colon", '{"a" 1}', /colon/],
  ["a name without quotes", "{a:1}", /string was expected/],
  ["single quotes", "{'a':1}", /string was expected/],
  ["an object that is not closed", '{"a":1', /not closed/],
  ["an array that is not closed", "[1", /not closed/],
  ["a bracket of the other kind", "[1}", /not closed/],
  ["a string that is not closed", '"abc', /string was expected/],
  ["a line end in a string", '"a\nb"', /string was expected/],
  ["an unknown escape", '"\\x41"', /string was expected/],
  ["a short escape", '"\\u12"', /string was expected/],
  ["a backslash at the end", '"\\"', /string was expected/],
  ["a lone high surrogate", '"\\ud800"', /lone surrogate/],
  ["a lone low surrogate", '"\\udc00"', /lone surrogate/],
  ["surrogates in the wrong order", '"\\udc00\\ud800"', /lone surrogate/],
  ["a lone surrogate in a name", '{"\\ud800":1}', /lone surrogate/],
  ["a fraction", "1.5", /whole number/],
  ["a fraction of zero", "1.0", /whole number/],
  ["an exponent", "1e3", /whole number/],
  ["an exponent in capitals", "1E3", /whole number/],
  ["minus zero", "-0", /whole number/],
  ["a plus sign", "+1", /whole number/],
  ["a leading zero", "01", /whole number/],
  ["a lone minus", "-", /whole number/],
  ["a number of hexadecimal digits", "0x10", /text after/],
  ["2^53", "9007199254740992", /whole number/],
  ["-2^53", "-9007199254740992", /whole number/],
  ["ten thousand digits", "9".repeat(10_000), /whole number/],
  ["NaN", "NaN", /whole number/],
  ["Infinity", "-Infinity", /whole number/],
  ["undefined", "undefined", /whole number/],
  ["True", "True", /whole number/],
  ["nulls", "nulls", /text after/],
  ["a comment", "/* a */1", /whole number/],
  ["a space of another kind", "\u00a01", /whole number/],
  ["a byte order mark", "\ufeff{}", /whole number/],
  ["nine levels", "[[[[[[[[[1]]]]]]]]]", /deeper/],
  ["a hundred thousand levels", "[".repeat(100_000), /deeper/],
  ["a hundred thousand objects in each other", '{"a":'.repeat(100_000), /deeper/],
];

test.each(refused)("%s is refused", (_, text, reason) => {
  expect(() => parsed(text)).toThrow(StrictJsonError);
  expect(() => parsed(text)).toThrow(reason);
});

test.each([
  ["a lone continuation byte", "80"],
  ["a truncated sequence", "e282"],
  ["an overlong slash", "c0af"],
  ["an overlong zero", "c080"],
  ["a surrogate", "eda080"],
  ["a code point above the last", "f4908080"],
  ["a five-byte sequence", "f8888080"],
  ["the byte ff", "ff"],
])("%s in a string is not UTF-8 and is refused", (_, hex) => {
  const bytes = Buffer.concat([Buffer.from('"'), Buffer.from(hex, "hex"), Buffer.from('"')]);
  expect(() => parseStrictJson(bytes)).toThrow(/not valid UTF-8/);
});

test("a string of two million characters is read, with and without escapes", () => {
  const plain = "a".repeat(2_000_000);
  expect(parsed(JSON.stringify(plain))).toBe(plain);
  const escaped = '\\u00e9"'.repeat(100_000);
  expect(parsed(JSON.stringify(escaped))).toBe(escaped);
});

test("a member named like a method of every object is a plain member", () => {
  const value = parsed('{"constructor":{"prototype":1},"valueOf":2}');
  expect(Object.entries(value ?? {})).toEqual([
    ["constructor", { prototype: 1 }],
    ["valueOf", 2],
  ]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});
