import { expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import { parseArguments } from "../../src/vendor/arguments.ts";

const options = {
  out: { kind: "value", placeholder: "FILE", says: "" },
  "keys-dir": { kind: "value", default: "embedded-keys", says: "" },
  feature: { kind: "list", placeholder: "KEY=on|off", says: "" },
  json: { kind: "switch", says: "" },
} as const;

function mistakesIn(argv: readonly string[], operands: readonly string[] = []): readonly string[] {
  try {
    parseArguments(argv, options, operands).mistakes.refuse();
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const mistakes = error.details?.["mistakes"];
    return Array.isArray(mistakes) ? mistakes.map(String) : [];
  }
}

test("values, lists, switches and operands are told apart", () => {
  const given = parseArguments(["a.lic", "--out", "x", "--feature=one=on", "--json", "--feature", "two=off"], options, ["FILE"]);
  given.mistakes.refuse();
  expect(given.operands).toEqual(["a.lic"]);
  expect(given.value("out")).toBe("x");
  expect(given.list("feature")).toEqual(["one=on", "two=off"]);
  expect([given.has("json"), given.has("keys-dir")]).toEqual([true, false]);
});

test("an option that is absent has its default, or nothing", () => {
  const given = parseArguments([], options, []);
  expect([given.value("keys-dir"), given.value("out")]).toEqual(["embedded-keys", undefined]);
});

test("what follows -- is an operand, whatever it looks like", () => {
  expect(parseArguments(["--", "--out"], options, ["FILE"]).operands).toEqual(["--out"]);
});

test("a value may begin with one dash, and with two after an equals sign", () => {
  expect(parseArguments(["--out", "-1"], options, []).value("out")).toBe("-1");
  const given = parseArguments(["--out=--odd"], options, []);
  given.mistakes.refuse();
  expect(given.value("out")).toBe("--odd");
});

test.each([
  ["an unknown option", ["--nope"], [], [/no option --nope/]],
  ["an unknown short option", ["-x"], [], [/no option -x/]],
  ["an option named like a method of every object", ["--constructor"], [], [/no option --constructor/]],
  ["an option given twice", ["--out", "a", "--out", "b"], [], [/--out is given more than once/]],
  ["an option without a value at the end", ["--out"], [], [/--out needs a value: --out FILE/]],
  ["an option with an empty value", ["--out="], [], [/--out needs a value/]],
  ["an option that would swallow the next one", ["--out", "--json"], [], [/--json follows it/]],
  ["a switch with a value", ["--json=yes"], [], [/--json takes no value/]],
  ["a missing operand", [], ["FILE"], [/FILE is missing/]],
  ["an operand too many", ["a", "b"], ["FILE"], [/"b" is one word too many/]],
  ["several at once", ["--nope", "--out", "--feature"], ["FILE"], [/--nope/, /--feature follows/, /FILE is missing/]],
] as const)("%s is a mistake", (_, argv, operands, expected) => {
  const found = mistakesIn(argv, operands);
  expect(found.length).toBe(expected.length);
  for (const [at, pattern] of expected.entries()) expect(found[at] ?? "").toMatch(pattern);
});

test("an operand in square brackets may be left out", () => {
  expect(mistakesIn([], ["[NAME]"])).toEqual([]);
});
