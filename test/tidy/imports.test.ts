import { expect, test } from "bun:test";
import { breachOf, importsOf, packageBreachOf, reachableFrom, ringsOf } from "./imports.ts";
import { readSource } from "./source-text.ts";

const text = `/** import { no } from "./comment.ts"; */
import { a } from "./a.ts";
import type { B } from "../teams/b.ts";
import {
  c,
  type D,
} from "../../test/c.ts";
import "./effect.ts";
import e, { f } from "elysia";
import * as g from "node:fs";
import keys from "../../embedded-keys/license-keys.json" with { type: "json" };
export { h } from "./h.ts";
const i = await import("./i.ts");
new Worker(new URL("./worker.ts", import.meta.url));
const j = 'import { k } from "./string.ts"';
`;

test("every way to import is seen, and none in comments and strings", () => {
  const seen = importsOf("src/roles/api.ts", readSource(text)).map(({ specifier, path, isType }) => [specifier, path, isType]);
  expect(seen).toEqual([
    ["./a.ts", "src/roles/a.ts", false],
    ["../teams/b.ts", "src/teams/b.ts", true],
    ["../../test/c.ts", "test/c.ts", false],
    ["./effect.ts", "src/roles/effect.ts", false],
    ["elysia", undefined, false],
    ["node:fs", undefined, false],
    ["../../embedded-keys/license-keys.json", "embedded-keys/license-keys.json", false],
    ["./h.ts", "src/roles/h.ts", false],
    ["./i.ts", "src/roles/i.ts", false],
    ["./worker.ts", "src/roles/worker.ts", false],
  ]);
});

const forbidden: readonly (readonly [from: string, to: string, says: RegExp])[] = [
  ["src/license/leases.ts", "src/identity/people.ts", /license stands to the left of identity/],
  ["src/identity/people.ts", "src/teams/teams.ts", /left of teams/],
  ["src/teams/teams.ts", "src/credentials/keys.ts", /left of credentials/],
  ["src/credentials/keys.ts", "src/workflows/workflows.ts", /left of workflows/],
  ["src/credentials/keys.ts", "src/oidc/tokens.ts", /left of oidc/],
  ["src/oidc/tokens.ts", "src/credentials/keys.ts", /left of credentials/],
  ["src/store/sqlite.ts", "src/license/lease.ts", /left of license/],
  ["src/crypto/jws.ts", "src/store/store.ts", /left of store/],
  ["src/gate/operation.ts", "src/identity/people.ts", /left of identity/],
  ["src/gate/operation.ts", "src/http/respond.ts", /left of http/],
  ["src/teams/teams.ts", "src/http/respond.ts", /left of http/],
  ["src/http/listener.ts", "src/roles/api.ts", /left of roles/],
  ["src/roles/api/teams.ts", "src/cli/serve.ts", /left of cli/],
  ["src/roles/api.ts", "src/roles/gateway.ts", /roles never import another role/],
  ["src/roles/api/teams.ts", "src/roles/issuer/token.ts", /roles never import another role/],
  ["src/cli/serve.ts", "src/vendor/sign.ts", /left of vendor/],
  ["src/license/document.ts", "src/vendor/sign.ts", /left of vendor/],
  ["src/vendor/sign.ts", "src/store/store.ts", /left of store/],
  ["src/fault.ts", "src/store/store.ts", /the top of src stands to the left of store/],
  ["src/main.ts", "src/roles/api.ts", /left of roles/],
  ["src/cli/serve.ts", "src/main.ts", /puts the house together/],
  ["src/roles/api.ts", "src/process.ts", /puts the house together/],
  ["src/license/leases.ts", "src/process.ts", /puts the house together/],
  ["src/process.ts", "src/cli/serve.ts", /left of cli/],
  ["src/process.ts", "src/vendor/sign.ts", /left of vendor/],
  ["src/cli/serve.ts", "test/support/store.ts", /nothing from test/],
  ["src/cli/serve.ts", "build/tools.ts", /nothing from build/],
  ["src/cli/serve.ts", "embedded-keys/license-keys.json", /only src\/license\/trust.ts/],
  ["src/misc/a.ts", "src/fault.ts", /src\/misc is not in the plan/],
];

test.each(forbidden)("%s may not import %s", (from, to, says) => {
  expect(breachOf(from, to)).toMatch(says);
});

const allowed: readonly (readonly [from: string, to: string])[] = [
  ["src/license/leases.ts", "src/gate/operation.ts"],
  ["src/gate/operation.ts", "src/license/entitlements.ts"],
  ["src/workflows/workflows.ts", "src/teams/membership.ts"],
  ["src/roles/api.ts", "src/roles/api/teams.ts"],
  ["src/roles/api/teams.ts", "src/roles/api/authenticate.ts"],
  ["src/roles/api.ts", "src/http/listener.ts"],
  ["src/cli/serve.ts", "src/roles/gateway.ts"],
  ["src/cli/serve.ts", "src/process.ts"],
  ["src/process.ts", "src/roles/gateway.ts"],
  ["src/process.ts", "src/fault.ts"],
  ["src/main.ts", "src/cli/main.ts"],
  ["src/vendor/sign.ts", "src/license/document.ts"],
  ["src/data-directory.ts", "src/crypto/base64url.ts"],
  ["src/teams/teams.ts", "src/fault.ts"],
  ["src/license/trust.ts", "embedded-keys/dev.lic"],
];

test.each(allowed)("%s may import %s", (from, to) => {
  expect(breachOf(from, to)).toBeUndefined();
});

const packages: readonly (readonly [from: string, statement: string, isBreach: boolean])[] = [
  ["src/store/sqlite.ts", 'import { Database } from "bun:sqlite";', false],
  ["src/store/columns.ts", 'import { pgTable } from "drizzle-orm/pg-core";', false],
  ["src/store/store.ts", 'import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";', false],
  ["src/store/store.ts", 'import { drizzle } from "drizzle-orm/bun-sqlite";', true],
  ["src/store/schema.ts", 'import { text } from "drizzle-orm/sqlite-core";', true],
  ["src/teams/teams.ts", 'import { Database } from "bun:sqlite";', true],
  ["src/teams/teams.ts", 'import type { Database } from "bun:sqlite";', true],
  ["src/teams/teams.ts", 'import postgres from "postgres";', true],
  ["src/teams/teams.ts", 'import { eq } from "drizzle-orm";', false],
  ["src/teams/teams.ts", 'import { Elysia } from "elysia";', true],
  ["src/license/lease.ts", 'import { Type } from "@sinclair/typebox";', true],
  ["src/roles/api.ts", 'import { Elysia } from "elysia";', false],
  ["src/http/listener.ts", 'import type { Elysia } from "elysia";', false],
];

test.each(packages)("in %s the statement %s is a breach: %p", (from, statement, isBreach) => {
  const [found] = importsOf(from, readSource(statement));
  expect(found === undefined ? "not seen" : packageBreachOf(from, found) !== undefined).toBe(isBreach);
});

test("a ring is found, a diamond is none", () => {
  expect(ringsOf(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]))).toEqual(["b → c → b"]);
  expect(ringsOf(new Map([["a", ["b", "c"]], ["b", ["d"]], ["c", ["d"]], ["d", []]]))).toEqual([]);
});

test("a file that nothing leads to is not reached", () => {
  const graph = new Map([["main", ["a"]], ["a", ["b"]], ["b", ["main"]], ["dead", ["a"]]]);
  expect([...reachableFrom(graph, ["main"])].toSorted()).toEqual(["a", "b", "main"]);
});
