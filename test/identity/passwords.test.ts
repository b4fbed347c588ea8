import { expect, test } from "bun:test";
import { argon2id, hashPassword, isPassword, nobodysHash, requireNewPassword, requirePassword } from "../../src/identity/passwords.ts";

test("a password is right for its hash alone, in either Unicode form", async () => {
  const hash = await hashPassword(requireNewPassword("user_password", "passwort-mit-ü"));
  expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(await isPassword(requirePassword("user_password", "passwort-mit-u\u0308"), hash)).toBe(true);
  expect(await isPassword("passwort-mit-u", hash)).toBe(false);
  expect(await isPassword("Passwort-mit-ü", hash)).toBe(false);
});

test("without a hash nothing is right, and the same work is done", async () => {
  expect(await isPassword("anything at all", undefined)).toBe(false);
  expect(await isPassword("anything at all", null)).toBe(false);
  // The stand-in costs what a hash made today costs; a change of the parameters must change it too.
  const parameters = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(nobodysHash);
  expect(parameters?.slice(1).map(Number)).toEqual([argon2id.memoryCost, argon2id.timeCost]);
});

test("spaces and signs of every script are kept", () => {
  expect(requireNewPassword("user_password", "  blanks count  ")).toBe("  blanks count  ");
  expect(requireNewPassword("user_password", "𝒳𝒴𝒵𝒲𝒱".repeat(25) + "𝒳𝒴𝒵")).toHaveLength(256);
});

test.each([
  ["too short", "1234567"],
  ["too short in characters, long enough in bytes", "🔑🔑🔑🔑"],
  ["short once composed", "u\u0308".repeat(7)],
])("refused as a new password: %s", (_what, text) => {
  expect(() => requireNewPassword("new_password", text)).toThrow("The field new_password has 8 to 128 characters.");
});

test.each([
  ["nothing", ""],
  ["129 characters", "a".repeat(129)],
  ["more than 512 bytes", "語".repeat(171)],
  ["a megabyte", "a".repeat(1_000_000)],
  ["a lone surrogate", "password\uD800"],
])("refused before it is hashed, also for signing in: %s", (_what, text) => {
  expect(() => requirePassword("user_password", text)).toThrow("The field user_password");
  expect(() => requireNewPassword("user_password", text)).toThrow("The field user_password");
});

test.each(["password", "Passwort1", "P@ssw0rd!", "iloveyou", "sunshine2024!", "12345678", "qwertyuiop", "1qaz2wsx", "QWERTZ123", "liverpool", "cyberun1"])(
  "refused as a new password and not for signing in, because everybody guesses it: %s",
  (text) => {
    expect(() => requireNewPassword("new_password", text)).toThrow("The field new_password is among the passwords that are guessed first");
    expect(requirePassword("user_password", text)).toBe(text);
  },
);
