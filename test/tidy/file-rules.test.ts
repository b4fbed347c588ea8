import { expect, test } from "bun:test";
import {
  exportsOf,
  functionFindings,
  headFindings,
  lengthFindings,
  nameFindings,
  parameterFindings,
  privateKeyFindings,
  specifierFindings,
  traceFindings,
  unusedExports,
} from "./file-rules.ts";
import { readSource } from "./source-text.ts";

const lines = (count: number) => "a();\n".repeat(count);

test("a file of 400 lines passes, one of 401 does not, the schema may", () => {
  expect(lengthFindings("src/a.ts", lines(400))).toEqual([]);
  expect(lengthFindings("src/a.ts", lines(401))).toEqual([expect.stringContaining("src/a.ts: 401 lines")]);
  expect(lengthFindings("src/store/schema.ts", lines(401))).toEqual([]);
});

test("a function of 70 lines passes, one of 71 does not", () => {
  const of = (count: number) => functionFindings("src/a.ts", readSource(`\nfunction a() {\n${lines(count - 2)}}\n`));
  expect(of(70)).toEqual([]);
  expect(of(71)).toEqual([expect.stringContaining("src/a.ts:2: a function of 71 lines")]);
});

test("three parameters pass, four do not", () => {
  expect(parameterFindings("src/a.ts", readSource("function a(b, c, d) {}"))).toEqual([]);
  expect(parameterFindings("src/a.ts", readSource("function a(b, c, d, e) {}"))).toEqual([expect.stringContaining("src/a.ts:1: 4 parameters")]);
});

test.each(["src/index.ts", "src/utils.ts", "src/http/helpers.ts", "src/types.ts", "src/lease-utils.ts", "src/ClockGuard.ts", "src/clock_guard.ts", "src/clockGuard.ts"])(
  "%s is no name for a file",
  (path) => {
    expect(nameFindings(path)).not.toEqual([]);
  },
);

test.each(["src/clock-guard.ts", "test/license/lease.test.ts", "src/store/sql.d.ts", "build/bootstrap.mjs", "src/roles/api.ts"])("%s is a name for a file", (path) => {
  expect(nameFindings(path)).toEqual([]);
});

test("a file opens with a doc comment, a test need not", () => {
  expect(headFindings("src/a.ts", "/** Purpose. */\n")).toEqual([]);
  expect(headFindings("src/a.ts", "#!/usr/bin/env bun\n/** Purpose. */\n")).toEqual([]);
  expect(headFindings("src/a.ts", "// Purpose.\n")).not.toEqual([]);
  expect(headFindings("src/a.ts", 'import a from "a";\n/** Purpose. */\n')).not.toEqual([]);
  expect(headFindings("test/a.test.ts", 'import a from "a";\n')).toEqual([]);
});

test("a relative import names its ending, a package does not need one", () => {
  const of = (text: string) => specifierFindings("src/a.ts", readSource(text));
  for (const text of ['import { b } from "./b";', 'import "./b";', 'await import("../b")', 'import type { C } from "..";']) expect(of(text)).not.toEqual([]);
  for (const text of ['import { b } from "./b.ts";', 'import { c } from "node:fs";', "// from './b'", `const a = 'from "./b"';`]) expect(of(text)).toEqual([]);
});

/** Put together here, so that this file does not name what it forbids. */
const publicRegistry = ["registry", "npmjs", "org"].join(".");
const hosts = ["https://", "http://"].flatMap((scheme) => [`${publicRegistry}/a`, "npm.example.com/", "artifactory.example/x"].map((host) => scheme + host));
const places = [["home", "alice", "project"], ["root", ".cache", "x"], ["work", "main"], ["Users", "Alice", "x"]].map((parts) => `see /${parts.join("/")}`);
test.each([...places, ...hosts])("%s betrays where it was written", (text) => {
  expect(traceFindings("docs/a.md", `one\n${text}/`)).toEqual([expect.stringContaining("docs/a.md:2")]);
});

test.each(["/var/lib/cyberun", "https://example.com/registry", "the npm registry", "src/work/a", "a/root/b", "http://localhost:9401/"])("%s betrays nothing", (text) => {
  expect(traceFindings("docs/a.md", text)).toEqual([]);
});

test.each(['{"kty":"OKP","x":"a","d":"b"}', '"d" : "b"', "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----", '{"k":"c2VjcmV0"}'])("%s is a private key", (text) => {
  expect(privateKeyFindings("embedded-keys/a.json", text)).not.toEqual([]);
});

test("a public key is none", () => {
  expect(privateKeyFindings("embedded-keys/a.json", '{"kid":"d","kty":"OKP","crv":"Ed25519","x":"p","use":"sig"}')).toEqual([]);
});

test("exported values are found, and those that nothing speaks of are told", () => {
  const a = readSource("export const one = 1;\nexport async function two() {}\nexport type Three = 1;\nexport class Four {}\nconst five = 1;\nexport const six = five;\nsix();\n");
  expect(exportsOf(a).map(({ name }) => name)).toEqual(["one", "two", "Four", "six"]);
  const b = readSource('import { one } from "./a.ts"; // two\nconst c = "Four";\nexport const unlooked = 1;');
  const files = new Map([["src/a.ts", a], ["test/b.ts", b]]);
  expect(unusedExports(files, (path) => path.startsWith("src/"))).toEqual(["src/a.ts:2: nothing uses two. Remove it", "src/a.ts:4: nothing uses Four. Remove it"]);
});
