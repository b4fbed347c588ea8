import { expect, test } from "bun:test";
import { lineAt, readSource } from "./source-text.ts";

const cases: readonly (readonly [name: string, text: string, code: string])[] = [
  ["a line comment", "a; // any\nb", "a;       \nb"],
  ["a block comment over lines", "a /* x\n y */ b", "a     \n      b"],
  ["a comment at the end of the file", "a // x", "a     "],
  ["a string with an escaped quote", String.raw`f("a\"b", 1)`, 'f("    ", 1)'],
  ["comment marks in a string", '"// no" + x', '"     " + x'],
  ["a template", "`any ${x} any`", "`    ${x}    `".replace("${", " {")],
  ["code nested in a template, with braces and a template of its own", "`a${ {b: `c${d}`} }e` + f", ""],
  ["a regular expression with a quote and a class", `x.match(/["/]'/g) || y`, "x.match(/     /g) || y"],
  ["a division", "a / b / c", "a / b / c"],
  ["a division after a bracket", "(a) / b[0] / c", "(a) / b[0] / c"],
  ["a regular expression after return", "return /x'/.test(a)", "return /  /.test(a)"],
];

test.each(cases)("%s keeps its length and its code", (_name, text, code) => {
  const read = readSource(text);
  for (const view of [read.code, read.withLiterals, read.comments]) expect(view.length).toBe(text.length);
  if (code !== "") expect(read.code).toBe(code);
});

test("code nested in a template is code, its text is not", () => {
  const { code } = readSource("`any ${ { b: `any ${deep} any` }.b } any` + after");
  expect(code).toContain("deep");
  expect(code).toContain("+ after");
  expect(code).not.toContain("any");
});

test("comments alone hold comments alone", () => {
  const { comments, withLiterals } = readSource('a("TODO"); // TODO later');
  expect(comments.trim()).toBe("// TODO later");
  expect(withLiterals.trim()).toBe('a("TODO");');
});

test("lines are counted from one", () => {
  expect(lineAt("a\nb\nc", 4)).toBe(3);
});
