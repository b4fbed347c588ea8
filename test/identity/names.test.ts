import { expect, test } from "bun:test";
import { requireName } from "../../src/identity/names.ts";

test("a name is trimmed and brought to one Unicode form", () => {
  expect(requireName("display_name", "  Cafe\u0301 ")).toBe("Café");
  expect(requireName("display_name", "👩‍🔬 研究")).toBe("👩‍🔬 研究");
  expect(requireName("display_name", "𝒳".repeat(100))).toHaveLength(200);
});

test.each([
  ["nothing", ""],
  ["blanks", " \t "],
  ["too long", "a".repeat(101)],
  ["too long in characters beyond the first plane", "𝒳".repeat(101)],
  ["a megabyte", "a".repeat(1_000_000)],
  ["a megabyte of blanks", " ".repeat(1_000_000)],
  ["a line end", "a\nb"],
  ["a NUL", "a\0b"],
  ["a line separator", "a\u2028b"],
  ["an override of the direction", "a\u202Eb"],
  ["an isolate", "a\u2066b"],
  ["a lone surrogate", "a\uD800b"],
])("refused: %s", (_what, text) => {
  expect(() => requireName("team_name", text)).toThrow("The field team_name");
});
