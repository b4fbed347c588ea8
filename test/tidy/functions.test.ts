import { expect, test } from "bun:test";
import { functionsOf, parameterListsOf } from "./functions.ts";
import { readSource } from "./source-text.ts";

const body = "\n  one();\n  two();\n";

const functions: readonly (readonly [name: string, text: string])[] = [
  ["a declaration", `export async function load(a: string): Promise<void> {${body}}`],
  ["a declaration that returns an object type", `function load(a: string): { readonly b: string } {${body}}`],
  ["a declaration that returns a promise of an object", `function load(): Promise<{ a: string } | undefined> {${body}}`],
  ["a declaration behind another block", `if (a) {\n}\nfunction load() {${body}}`],
  ["an arrow", `const load = async (a: string) => {${body}};`],
  ["an arrow that is an argument", `call("x", async () => {${body}});`],
  ["an arrow with a return type", `const load = (a: string): { b: string } => {${body}};`],
  ["a method of an object", `return {\n  load(a) {${body}},\n};`],
  ["a method of a class", `class A {\n  readonly b = 1;\n  async load(a: string): Promise<void> {${body}}\n}`],
  ["a getter", `const a = {\n  get load() {${body}},\n};`],
  ["a constructor", `class A {\n  constructor(load: string) {${body}}\n}`],
  ["a generator", `function* load() {${body}}`],
  ["a function with a default object", `function load({ a = {}, b }: Options = {}) {${body}}`],
];

test.each(functions)("%s of four lines is seen", (_name, text) => {
  expect(functionsOf(readSource(text).code).map(({ lines }) => lines)).toContain(4);
});

const others: readonly (readonly [name: string, text: string])[] = [
  ["an interface", `export interface Load {${body}}`],
  ["an interface with a call signature before it", `type A = (b: string) => void;\nexport interface Load {${body}}`],
  ["a type", `type Load = {${body}};`],
  ["a class", `export class Load extends Base {${body}}`],
  ["an object", `const load = {${body}};`],
  ["an object as argument", `call({${body}}, 1);`],
  ["an object behind a call", `const load = a(b) ?? {${body}};`],
  ["a loop", `for (const a of b()) {${body}}`],
  ["a branch", `if (a(b)) {${body}} else if (c()) {${body}} else {${body}}`],
  ["a switch", `switch (a()) {${body}}`],
  ["a try", `try {${body}} catch (error) {${body}} finally {${body}}`],
  ["a returned object", `return {${body}};`],
  ["an import", `import {${body}} from "a";`],
  ["a table", `const rows = [{${body}}, {${body}}] as const satisfies X;`],
  ["a template's nested code", "const a = `${b({ c: 1 })}\n\n\n`;"],
];

test.each(others)("%s is no function", (_name, text) => {
  expect(functionsOf(readSource(text).code)).toEqual([]);
});

test("a function tells its line", () => {
  expect(functionsOf("\n\nfunction load() {\n}\n")).toEqual([{ line: 3, lines: 2 }]);
});

const parameters: readonly (readonly [text: string, count: number])[] = [
  ["function a() {}", 0],
  ["function a(b: Map<string, number>, c: (d: string, e: string) => void) {}", 2],
  ["function a<T, U>({ b, c }: Options, d: string, e = [1, 2], f?: string) {}", 4],
  ["const a = async (b: string, c: string, d: string, e: string): Promise<void> => b;", 4],
  ["call((a, b, c, d) => a);", 4],
  ["class A { constructor(a: string, b: string) {} }", 2],
  ["function a(\n  b: string,\n  c: string,\n) {}", 2],
];

test.each(parameters)("%s takes %i", (text, count) => {
  expect(Math.max(...parameterListsOf(readSource(text).code).map((list) => list.count))).toBe(count);
});
