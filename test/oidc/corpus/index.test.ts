/** The corpus against what really runs: each lesson has its tests, by the names that the test runner tells. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folder.ts";
import { advisories } from "./advisories.ts";

const root = join(import.meta.dir, "..", "..", "..");
const TESTS_MIN = 200;
/** No test has such a name, so that all of them are listed and none is run. */
const NOBODY = "nothing-is-called-like-this";

function attributes(tag: string): Readonly<Record<string, string>> {
  const plain: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#10;": " ", "&amp;": "&" };
  const text = (value: string) => value.replace(/&(?:lt|gt|quot|apos|amp|#10);/g, (entity) => plain[entity] ?? entity);
  return Object.fromEntries([...tag.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, text(value)]));
}

/** Full names of the tests of each file, as a dry run lists them. */
async function listTests(files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  using folder = temporaryFolder();
  const output = join(folder.path, "list.xml");
  const command = [process.execPath, "test", `--test-name-pattern=${NOBODY}`, "--reporter=junit", `--reporter-outfile=${output}`, ...files.map((file) => `./test/${file}`)];
  await Bun.spawn(command, { cwd: root, stdio: ["ignore", "ignore", "ignore"] }).exited;
  const cases = [...readFileSync(output, "utf8").matchAll(/<testcase( [^>]*?)\/?>/g)].map(([, tag = ""]) => attributes(tag));
  const named = cases.map(({ file = "", classname = "", name = "" }) => ({ file: file.replace(/^test\//, ""), name: classname === "" ? name : `${classname} ${name}` }));
  return new Map([...Map.groupBy(named, ({ file }) => file)].map(([file, each]) => [file, each.map(({ name }) => name)]));
}

const filesIn = (folder: string) => [...new Bun.Glob(`${folder}/*.test.ts`).scanSync({ cwd: join(root, "test") })];
const own = [...filesIn("oidc/corpus"), ...filesIn("e2e")].filter((file) => !file.endsWith("corpus/index.test.ts"));
const elsewhere = advisories.flatMap(({ also = [] }) => also.map(({ file }) => file));
let listed: ReadonlyMap<string, readonly string[]>;
let corpus: readonly string[];

beforeAll(async () => {
  listed = await listTests([...new Set([...own, ...elsewhere])]);
  corpus = own.flatMap((file) => listed.get(file) ?? []).filter((name) => /^advisory \d+: /.test(name));
}, 60_000);

const of = (number: number) => corpus.filter((name) => name.startsWith(`advisory ${number}: `));

test("all 55 are here, in order", () => {
  expect(advisories.map(({ number }) => number)).toEqual(Array.from({ length: 55 }, (_each, index) => index + 1));
});

test("each has at least one test of its own", () => {
  expect(advisories.filter(({ number }) => of(number).length === 0).map(({ number }) => number)).toEqual([]);
});

test("the corpus has its size, and no test names an advisory that there is not", () => {
  expect(corpus.length).toBeGreaterThanOrEqual(TESTS_MIN);
  const known = advisories.flatMap(({ number }) => of(number));
  expect(known.length).toBe(corpus.length);
});

test.each(advisories.flatMap(({ number, also = [] }) => also.map((proof) => [number, proof.file, proof.test] as const)))("lesson %d is held down in %s too: %s", (_number, file, part) => {
  expect((listed.get(file) ?? []).some((name) => name.includes(part))).toBe(true);
});
