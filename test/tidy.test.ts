/** The house rules that a machine can check. What each looks for, and the proof that it finds it, is in `test/tidy/`. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../build/executables.ts";
import { findingsOf } from "./tidy/ban.ts";
import {
  functionFindings,
  headFindings,
  lengthFindings,
  nameFindings,
  parameterFindings,
  privateKeyFindings,
  specifierFindings,
  traceFindings,
  unusedExports,
} from "./tidy/file-rules.ts";
import { houseBans } from "./tidy/house-bans.ts";
import { breachOf, importsOf, packageBreachOf, reachableFrom, ringsOf } from "./tidy/imports.ts";
import { languageBans } from "./tidy/language-bans.ts";
import { readSource, type SourceText } from "./tidy/source-text.ts";

/** What is looked at: what git tracks or would, else what lies here when the sources came as an archive. */
function projectFiles(): readonly string[] {
  const git = Bun.spawnSync(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { stderr: "ignore" });
  const all = git.success ? git.stdout.toString().split("\0") : [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })];
  const ours = all.filter((path) => path !== "" && !/^(?:node_modules|dist|test-output|\.git)\//.test(path));
  return ours.filter((path) => existsSync(join(root, path))).toSorted();
}

const paths = projectFiles();
const texts = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
const codePaths = paths.filter((path) => /^(?:src|build|test|client)\/.*\.(?:tsx?|mjs)$/.test(path));
const sources = new Map(codePaths.map((path) => [path, readSource(texts.get(path) ?? "")]));
const under = (...folders: readonly string[]) => [...sources].filter(([path]) => folders.some((folder) => path.startsWith(`${folder}/`)));
const textOf = (path: string) => texts.get(path) ?? "";

test("there is something to look at", () => {
  expect(under("src").length).toBeGreaterThan(20);
});

describe("shape", () => {
  test("files of src and build are short", () => {
    expect(under("src", "build", "client").flatMap(([path]) => lengthFindings(path, textOf(path)))).toEqual([]);
  });

  test("functions of src and build are short", () => {
    expect(under("src", "build", "client").flatMap(([path, source]) => functionFindings(path, source))).toEqual([]);
  });

  test("functions of src and build take three parameters at most", () => {
    expect(under("src", "build", "client").flatMap(([path, source]) => parameterFindings(path, source))).toEqual([]);
  });

  test("files are named by what they hold", () => {
    expect(codePaths.flatMap(nameFindings)).toEqual([]);
  });

  test("files open with their purpose", () => {
    expect(codePaths.flatMap((path) => headFindings(path, textOf(path)))).toEqual([]);
  });
});

describe("bans", () => {
  test.each([...languageBans, ...houseBans].map((ban) => [ban.name, ban] as const))("%s", (_name, ban) => {
    expect([...sources].flatMap(([path, source]) => findingsOf(ban, path, source))).toEqual([]);
  });
});

type Graph = ReadonlyMap<string, readonly string[]>;

/** Who runs whom in `src`; with `withTypes`, who reads whom. */
function graphOf(withTypes: boolean): Graph {
  const edges = (path: string, source: SourceText) => importsOf(path, source).flatMap((each) => (each.path !== undefined && (withTypes || !each.isType) ? [each.path] : []));
  return new Map(under("src").map(([path, source]) => [path, edges(path, source)]));
}

describe("imports", () => {
  const imports = under("src").flatMap(([path, source]) => importsOf(path, source).map((each) => ({ path, each })));

  test("folders import only what stands to their left", () => {
    const findings = imports.flatMap(({ path, each }) => {
      const breach = each.path === undefined ? packageBreachOf(path, each) : breachOf(path, each.path);
      return breach === undefined ? [] : [`${path}:${each.line}: ${breach}`];
    });
    expect(findings).toEqual([]);
  });

  test("relative imports name their ending", () => {
    expect([...sources].flatMap(([path, source]) => specifierFindings(path, source))).toEqual([]);
  });

  test("no files run each other in a ring", () => {
    expect(ringsOf(graphOf(false))).toEqual([]);
  });
});

describe("dead weight", () => {
  const reached = reachableFrom(graphOf(true), ["src/main.ts", "src/vendor/main.ts", "src/dashboard/app/main.tsx"]);

  test("every file of src is reached from an entry", () => {
    // A declaration file is read by the compiler, not imported.
    const dead = under("src").flatMap(([path]) => (reached.has(path) || path.endsWith(".d.ts") ? [] : [`${path}: nothing leads here from an entry. Remove it`]));
    expect(dead).toEqual([]);
  });

  test("every exported value is used", () => {
    expect(unusedExports(sources, (path) => !path.startsWith("test/tidy"))).toEqual([]);
  });
});

describe("what must not be in the project", () => {
  test("no place of one machine and no host of a registry", () => {
    const looked = paths.filter((path) => !path.startsWith("test/tidy"));
    expect(looked.flatMap((path) => traceFindings(path, textOf(path)))).toEqual([]);
  });

  test("no private half of a key in embedded-keys", () => {
    const embedded = paths.filter((path) => path.startsWith("embedded-keys/"));
    expect(embedded).toContain("embedded-keys/license-keys.json");
    expect(embedded.flatMap((path) => privateKeyFindings(path, textOf(path)))).toEqual([]);
  });
});
