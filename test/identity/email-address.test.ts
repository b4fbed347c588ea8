import { expect, test } from "bun:test";
import { findEmailAddress, requireEmailAddress } from "../../src/identity/email-address.ts";

test.each([
  ["plain", "ada@example.com"],
  ["capitals", "ADA@Example.COM"],
  ["blanks around it", "  ada@example.com\t"],
  ["full-width letters", "ａｄａ@example.com"],
  ["a full-width at sign", "ada＠example.com"],
  ["a full-width dot in the domain", "ada@example．com"],
  ["mathematical letters", "𝐚𝐝𝐚@example.com"],
])("%s: the same key", (_what, spelling) => {
  expect(findEmailAddress(spelling)?.key).toBe("ada@example.com");
});

test.each([
  ["strasse@example.com", "straße@example.com"],
  ["ΑΣ@example.com", "ας@example.com"],
  ["ασ@example.com", "ας@example.com"],
  ["café@example.com", "cafe\u0301@example.com"],
  ["ada@münchen.de", "ada@xn--mnchen-3ya.de"],
  ["ada@MÜNCHEN.de", "ada@münchen.de"],
])("%s and %s are one address", (one, other) => {
  expect(findEmailAddress(one)?.key).toBe(findEmailAddress(other)?.key ?? "none");
});

test("different people stay different", () => {
  const keys = ["ada@example.com", "ada@example.org", "ada+x@example.com", "a.da@example.com", "ada@sub.example.com"].map((text) => findEmailAddress(text)?.key);
  expect(new Set(keys).size).toBe(5);
});

test("the shown address keeps the name's letters and has the domain in ASCII", () => {
  expect(findEmailAddress("Ada.Lovelace@MÜNCHEN.de")).toEqual({ address: "Ada.Lovelace@xn--mnchen-3ya.de", key: "ada.lovelace@xn--mnchen-3ya.de" });
  expect(findEmailAddress("root@localhost")?.address).toBe("root@localhost");
});

test.each([
  ["nothing", ""],
  ["no at sign", "ada.example.com"],
  ["no name", "@example.com"],
  ["no domain", "ada@"],
  ["two at signs", "ada@x@example.com"],
  ["two at signs, one of them full-width", "ada＠x@example.com"],
  ["a small commercial at", "ada﹫x@example.com"],
  ["a blank in the name", "ada lovelace@example.com"],
  ["a line end", "ada@example.com\nBcc: eve@example.com"],
  ["a line end in the name", "ada\r\nBcc:eve@example.com"],
  ["a NUL", "ada\0@example.com"],
  ["an invisible character", "a\u200Bda@example.com"],
  ["a bidirectional override", "ada\u202E@example.com"],
  ["a lone surrogate", "ada\uD800@example.com"],
  ["quotes", '"ada"@example.com'],
  ["a display name", "Ada <ada@example.com>"],
  ["a list", "ada@example.com,eve@example.com"],
  ["a path in the domain", "ada@example.com/x"],
  ["a port in the domain", "ada@example.com:25"],
  ["percent signs in the domain", "ada@exa%6Dple.com"],
  ["a backslash in the domain", "ada@example.com\\x"],
  ["a dot at the end", "ada@example.com."],
  ["two dots in the domain", "ada@example..com"],
  ["a hyphen at a label's end", "ada@example-.com"],
  ["an address of the network", "ada@127.0.0.1"],
  ["the same in hexadecimal", "ada@0x7f.1"],
  ["an address in brackets", "ada@[::1]"],
  ["a name that is too long", `${"a".repeat(65)}@example.com`],
  ["a name that is too long in bytes", `${"é".repeat(33)}@example.com`],
  ["an address that is too long", `a@${"b.".repeat(130)}com`],
  ["a megabyte", "a".repeat(1_000_000)],
])("refused: %s", (_what, text) => {
  expect(findEmailAddress(text)).toBeUndefined();
  expect(() => requireEmailAddress(text)).toThrow("The field email_address is not an email address such as name@example.com.");
});
