/** Bans that hold for the language itself, in every file. */
import type { Ban } from "./ban.ts";

const everywhere = () => true;
const inTests = (path: string) => path.startsWith("test/");
/** The checker's own files name what they look for. */
const outsideTidy = (path: string) => !path.startsWith("test/tidy");
const outsideDeclarations = (path: string) => !path.endsWith(".d.ts");

export const languageBans: readonly Ban[] = [
  {
    name: "the type any",
    instead: "Take unknown and narrow it, or name the type.",
    pattern: /(?<![.\w$"'])any\b(?!\s*[:(]|["'])/,
    holdsIn: everywhere,
    catches: ["const a: any = 1;", "f<any>()", "let a: any[];", "type A = Record<string, any>;", "(a: any) => a"],
    passes: ['kind: "any"', "Promise.any([])", "{ any: 1 }", "// any", "`any ${company}`", "anyone(many)"],
  },
  {
    name: "a non-null assertion",
    instead: "Refuse the absent value early, or let the type say that it is there.",
    pattern: /[\w$)\]"'`]!(?!=)/,
    holdsIn: everywhere,
    catches: ["a!.b", "f()!", "a[0]!", "let a!: string;", "a.b! + c", "return map.get(key)!;"],
    passes: ["a !== b", "a != b", "!a", "f(!a)", "a && !b", '"no!"', "return !a", "x!==y"],
  },
  {
    name: "a cast with as",
    instead: "Narrow with a check, or use satisfies. The two casts of the engines are in store.",
    pattern: /(?<!\b(?:import|export)\b[^;{}()]*\{[^{}]*)(?<=[\w$)\]}"'`>]\s)as\s+(?!const\b)(?=[\w({["'`<])/,
    holdsIn: everywhere,
    except: {
      "src/store/postgres.ts": { why: "one schema serves both engines; this is PostgreSQL's single cast to the canonical types", times: 1 },
      "src/store/sqlite.ts": { why: "one schema serves both engines; this is SQLite's single cast, by way of unknown", times: 2 },
    },
    catches: ["a as string", "(b) as Foo", "x as unknown as Y", "f({} as Options)", '"a" as Name', "a as { b: string }"],
    passes: ["[1] as const", "{} as const satisfies A", 'import type { a as b } from "x"', 'import * as c from "d"', "known as", "export { a as b };"],
  },
  {
    name: "a switched-off check",
    instead: "Mend what the check says.",
    pattern: /@ts-(?:ignore|expect-error|nocheck)|(?:eslint|oxlint|biome)-(?:disable|ignore)/,
    view: "comments",
    holdsIn: outsideTidy,
    catches: ["// @ts-ignore", "/* @ts-expect-error */", "// @ts-nocheck", "// eslint-disable-next-line", "// biome-ignore lint: x"],
    passes: ['"@ts-ignore"', "// ignore"],
  },
  {
    name: "an enum",
    instead: "Use a union of literals with a table that satisfies it.",
    pattern: /\benum\s+\w+\s*\{/,
    holdsIn: everywhere,
    catches: ["enum A { B }", "export const enum A { B }"],
    passes: ["{ enum: [1] }", '"enum A {"'],
  },
  {
    name: "a namespace",
    instead: "A file is a module already.",
    pattern: /\b(?:namespace|module)\s+[A-Za-z_$][\w.$]*\s*\{/,
    holdsIn: everywhere,
    catches: ["namespace A { }", "declare module Foo { }", "export namespace A.B {"],
    passes: ["const { namespace, key } = a;", 'declare module "*.sql" {', "namespace: { }"],
  },
  {
    name: "a default export",
    instead: "Export by name.",
    pattern: /\bexport\s+default\b|\bas\s+default\b/,
    holdsIn: outsideDeclarations,
    catches: ["export default 1;", "export default function () {}", "export { a as default };"],
    passes: ["export const a = 1;", "a.default"],
  },
  {
    name: "a re-export",
    instead: "Let each importer name the file that owns the thing.",
    pattern: /\bexport\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as\s+\w+\s+)?from\b/,
    holdsIn: everywhere,
    catches: ['export * from "./a.ts";', 'export { a, b } from "./a.ts";', 'export type { A } from "./a.ts";', 'export * as c from "./c.ts";'],
    passes: ["export { a };", 'export const from = "x";'],
  },
  {
    name: "a decorator",
    instead: "Call the function.",
    pattern: /^\s*@[A-Za-z_$]/m,
    holdsIn: everywhere,
    catches: ["@injectable()\nclass A {}", "class A {\n  @get b() {}\n}"],
    passes: ['"@types"', "a(b)"],
  },
  {
    name: "a TODO without its issue, or a FIXME",
    instead: "Write TODO(#12) with the issue's number; a FIXME is mended before it lands.",
    pattern: /\bTODO\b(?!\(#\d+\))|\bFIXME\b|\bXXX\b/,
    view: "comments",
    holdsIn: outsideTidy,
    catches: ["// TODO later", "/* FIXME */", "// TODO(me): x", "// XXX"],
    passes: ["// TODO(#12): x", '"TODO"', "todo()"],
  },
  {
    name: "a test that runs alone, or never",
    instead: "Run them all; a test that needs a tool uses testNeeding of test/support/skip.ts.",
    pattern: /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|skipIf|todo|if|failing)\b|\.only\s*\(/,
    holdsIn: inTests,
    except: { "test/support/skip.ts": { why: "the one place that may skip, with a sentence and never under CI=true", times: 1 } },
    catches: ["test.only(a)", "describe.skip(a)", "test.skipIf(true)(a)", "test.todo(a)", "test.concurrent.only(a)", "test.if(a)(b)"],
    passes: ['test("only")', "test.each(a)(b)", "a.skip(1)"],
  },
  {
    name: "a sleep in a test",
    instead: "Await the condition: an event, a file, a promise, the test clock.",
    pattern: /\bBun\.sleep(?:Sync)?\b|\btimers\/promises\b|\bresolve\w*\s*,\s*\d/,
    // A load that is measured, or a drill that breaks things for minutes, is paced by time.
    holdsIn: (path) => inTests(path) && outsideTidy(path) && !/^test\/(?:bench|drill)\//.test(path),
    catches: ["await Bun.sleep(10);", "setTimeout(resolve, 10)"],
    passes: ["await closed;", "resolve(1)"],
  },
  {
    name: "a fixed port",
    instead: "Listen on port 0 and ask for the address.",
    pattern: /\bport:\s*[1-9]\d{2,4}\b|\.listen\(\s*[1-9]/,
    holdsIn: inTests,
    catches: ["Bun.serve({ port: 8080 })", "server.listen(3000)"],
    passes: ["{ port: 0 }", ".listen(0)", "support: 8080"],
  },
  {
    name: "a vague or prefixed name",
    instead: "Name the thing by what it is: no Manager, Helper, Util, Common, Base, Data, Info, no I before an interface.",
    pattern: /\b(?:class|interface|type|function|const)\s+(?:\w+(?:Manager|Helper|Utils?|Common|Base|Data|Info)\b|I[A-Z][a-z]\w*\s*[{<=])/,
    holdsIn: everywhere,
    catches: ["class LeaseManager {}", "const leaseInfo = 1;", "interface IStore {", "function toHelper() {}", "type UserData = 1;"],
    passes: ["interface Issuer {", "const dataDirectory = 1;", "type Information = 1;", "interface DataDirectory {"],
  },
];
