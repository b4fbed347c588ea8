import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { root } from "../../build/executables.ts";
import { toolNames, packagesOf } from "../../build/tools.ts";

const Manifest = Type.Object({
  dependencies: Type.Record(Type.String(), Type.String()),
  devDependencies: Type.Record(Type.String(), Type.String()),
});
const Installed = Type.Object({ version: Type.String(), license: Type.String() });

const manifest = Value.Parse(Manifest, JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
const named = { ...manifest.dependencies, ...manifest.devDependencies };
const page = readFileSync(join(root, "docs/dependencies.md"), "utf8");

/** The cells of every table row of the page that begins with a name in backticks. */
const rows = page.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
const direct = rows.filter((cells) => cells.length === 6);
const indirect = rows.filter((cells) => cells.length === 4);
const nameOf = (cells: readonly string[]) => (cells[0] ?? "").replaceAll("`", "");

function installed(name: string) {
  return Value.Parse(Installed, JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")));
}

/** Bytes of the files below `folder`; hard links to one file count once. */
function bytesBelow(folder: string, seen = new Set<number>()): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + bytesBelow(path, seen);
    const { size, ino } = statSync(path);
    if (seen.has(ino)) return sum;
    seen.add(ino);
    return sum + size;
  }, 0);
}

function bytesOf(size: string): number {
  const [, count = "", unit = ""] = /^([\d.]+) (kB|MB)$/.exec(size) ?? [];
  return Number(count) * (unit === "MB" ? 1_000_000 : 1_000);
}

test("package.json names exact versions only", () => {
  for (const [name, version] of Object.entries(named)) expect(`${name} ${version}`).toMatch(/^\S+ \d+\.\d+\.\d+(?:-[a-z]+\.\d+)?$/);
});

test("each dependency of package.json has its line, with its version, and no other package has one", () => {
  expect(direct.map((cells) => `${nameOf(cells)} ${cells[1]}`).toSorted()).toEqual(Object.entries(named).map(([name, version]) => `${name} ${version}`).toSorted());
});

test("each line says what for and why not own code", () => {
  for (const cells of direct) expect(cells.slice(4).every((cell) => cell.length > 15)).toBe(true);
});

test.each(direct.map((cells) => [nameOf(cells), cells] as const))("the licence and the size of %s are those of the package", (name, cells) => {
  expect(cells[2]).toBe(installed(name).license);
  const ratio = bytesOf(cells[3] ?? "") / bytesBelow(join(root, "node_modules", name));
  expect(ratio).toBeGreaterThan(0.9);
  expect(ratio).toBeLessThan(1.1);
});

test("every other package of the lock file is told with its version and licence", () => {
  const lock = readFileSync(join(root, "bun.lock"), "utf8");
  const locked = [...lock.matchAll(/^ {4}"[^"]+": \["((?:@[^/"]+\/)?[^@"]+)@([^"]+)"/gm)].map(([, name = "", version = ""]) => ({ name, version }));
  expect(locked.length).toBeGreaterThan(20);
  const others = locked.filter(({ name }) => !Object.hasOwn(named, name) && !name.startsWith("@oven/bun-"));
  const expected = [...new Set(others.map(({ name, version }) => `${name} ${version} ${installed(name).license}`))];
  const told = indirect.filter((cells) => nameOf(cells) !== "@oven/bun-*").map((cells) => `${nameOf(cells)} ${cells[1]} ${cells[2]}`);
  expect(told.toSorted()).toEqual(expected.toSorted());
});

test("the system's packages are those that the test run installs", () => {
  for (const name of packagesOf(toolNames)) expect(page).toContain(`\`${name}\``);
});

test("src imports no package but the dependencies", () => {
  const allowed = [...Object.keys(manifest.dependencies), "bun"];
  for (const path of new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })) {
    const packages = [...readFileSync(join(root, path), "utf8").matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^."][^"]*)";/gm)].map(([, name = ""]) => name);
    const foreign = packages.filter((name) => !/^(?:node|bun):/.test(name) && !allowed.some((each) => name === each || name.startsWith(`${each}/`)));
    expect({ path, foreign }).toEqual({ path, foreign: [] });
  }
});
