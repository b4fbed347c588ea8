/** What has to be said of every operation, table and quota that concerns teams; whoever adds one says it too. */
import { expect, test } from "bun:test";
import { getTableColumns } from "drizzle-orm";
import { belongings } from "../../src/across/belongings.ts";
import { counters } from "../../src/across/quotas.ts";
import { operations, type OperationName, rowOf } from "../../src/gate/operations.ts";
import { surfaceOf } from "../../src/gate/surfaces.ts";
import { permissions } from "../../src/teams/permissions.ts";
import { openTestStore } from "../support/store.ts";

const names = Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name));

test("every operation within a team has a row in the table of permissions; what is left is about the caller's own", () => {
  const surfaces: readonly string[] = ["management", "runtime", "credentials"];
  const rest = names.filter((name) => surfaces.includes(surfaceOf[name]) && !Object.hasOwn(permissions, name));
  expect(rest.toSorted()).toEqual(["entitlements.read", "pairing.read", "pairing.refuse", "team.create", "team.list"]);
});

test("every table that names a team is ended with it by one domain (across/belongings.ts)", async () => {
  await using database = await openTestStore();
  const tables = await database.store.read(async (reader) => Object.entries(reader.tables));
  // The audit log outlives what it tells of.
  const ofTeams = tables.filter(([name, table]) => name !== "audit" && "team_id" in getTableColumns(table)).map(([name]) => name);
  expect<readonly string[]>(belongings.flatMap((each) => each.tables).toSorted()).toEqual(ofTeams.toSorted());
});

test("every quota that an operation counts is shown with its use (across/quotas.ts)", () => {
  const shown = new Set(counters.map(({ quota }) => `${quota.namespace}.${quota.key}`));
  const counted = names.flatMap((name) => (rowOf(name).quotas ?? []).map(({ namespace, key }) => `${namespace}.${key}`));
  expect(counted.length).toBeGreaterThan(5);
  expect(counted.filter((quota) => !shown.has(quota))).toEqual([]);
});
