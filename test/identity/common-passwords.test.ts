import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commonPasswords } from "../../build/common-passwords.ts";
import { root } from "../../build/executables.ts";
import { isCommonPassword } from "../../src/identity/common-passwords.ts";

test("the list is what the script makes of the words, and several thousand lines", () => {
  const list = readFileSync(join(root, "src/identity/common-passwords.txt"), "utf8");
  expect(list).toBe(commonPasswords(readFileSync(join(root, "build/common-password-words.txt"), "utf8")));
  expect(list.split("\n").length).toBeGreaterThan(8_000);
  expect(list.length).toBeLessThan(200_000);
});

test.each([
  // Itself, in any case.
  "password", "PASSWORD", "PassWord", "ｐａｓｓｗｏｒｄ", " password ", "trustno1", "letmein", "superman", "football",
  // With digits and signs at its end, and signs for letters.
  "password1", "password123", "Password2026!", "sunshine1999", "dragon123!", "p@ssw0rd", "P455w0rd", "l3tm31n!", "adm1n2024", "Michael1985",
  // With the usual openings.
  "mypassword", "ilovemichael", "iloveyou2", "thedragon1",
  // Twice and more often.
  "aaaaaaaa", "abababab", "12121212", "abcabcabc", "abcdabcdabcd", "passwordpassword", "monkeymonkeymonkey", "🔑🔑🔑🔑🔑🔑🔑🔑",
  // Over the keyboard.
  "12345678", "1234567890", "87654321", "qwertyuiop", "poiuytrewq", "qwertz123", "asdfghjkl", "1234qwer", "qwerasdf", "abcdefgh", "hgfedcba", "qweasdzxc", "aaa111bbb", "zxcvbnm123",
  "1qaz2wsx", "q1w2e3r4t5", "147258369",
  // A birthday.
  "24121985", "12241985", "19851224", "01012000",
])("%s is common", (text) => {
  expect(isCommonPassword(text)).toBe(true);
});

test.each([
  "correct horse battery", "korrektes Pferd", "8f3Kd02mQz", "rhubarb-otter", "password of the third kind", "sunshineoverdelft", "20261301", "99999998", "qwxertvyuiop", "12345679012398",
  "mike likes thyme", "passwort-mit-ü", "  blanks count  ", "k7!vR2#p", "0x7f3a9c21",
])("%s is not", (text) => {
  expect(isCommonPassword(text)).toBe(false);
});

test("the longest password is judged at once", () => {
  for (const text of ["a", "ab", "abc!1", "1234567890"].map((unit) => unit.repeat(128).slice(0, 128))) expect(isCommonPassword(`${text}x`.slice(1))).toBeBoolean();
});
