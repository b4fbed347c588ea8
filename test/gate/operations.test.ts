/** The table of operations is total: every row has exactly one implementation, and nothing else is an operation. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { operations, rowOf, type OperationName } from "../../src/gate/operations.ts";
import { findFeature, findQuota } from "../../src/license/catalog.ts";

const source = join(import.meta.dir, "../../src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** Every `query("…"`, `command("…"` and `procedure("…"` in the source, with its file. */
function implementations(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of files) {
    for (const [, name] of readFileSync(join(source, file), "utf8").matchAll(/\b(?:query|command|procedure)\(\s*"([a-z_]+\.[a-z_]+)"/g)) {
      if (name !== undefined) found.set(name, [...(found.get(name) ?? []), file]);
    }
  }
  return found;
}

const names = Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name));

test("every row has exactly one implementation", () => {
  const found = implementations();
  const wrong = names.filter((name) => found.get(name)?.length !== 1).map((name) => `${name}: ${found.get(name)?.join(", ") ?? "none"}`);
  expect(wrong).toEqual([]);
});

test("nothing is implemented that has no row", () => {
  expect([...implementations().keys()].filter((name) => !Object.hasOwn(operations, name))).toEqual([]);
});

test("every row accepts somebody and says what it is for", () => {
  for (const name of names) {
    expect(rowOf(name).accepts.length).toBeGreaterThan(0);
    expect(rowOf(name).purpose).toMatch(/^[A-Z].{5,}\.$/);
  }
});

test("every feature and quota that a row names stands in the catalog", () => {
  for (const name of names) {
    const { license, quotas = [] } = rowOf(name);
    if (typeof license !== "string") expect([name, findFeature(license.namespace, license.key) !== undefined]).toEqual([name, true]);
    for (const quota of quotas) expect([name, findQuota(quota.namespace, quota.key) !== undefined]).toEqual([name, true]);
  }
});

test("what the design calls core is core", () => {
  const core: readonly OperationName[] = ["session.create", "session.refresh", "user.read_self", "team.list", "license.read", "license.install", "license.reload", "license.test", "credential.revoke"];
  for (const name of core) expect([name, rowOf(name).license]).toEqual([name, "core"]);
});
