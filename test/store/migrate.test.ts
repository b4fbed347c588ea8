import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { Fault } from "../../src/fault.ts";
import {
  type AppliedMigration,
  findPendingMigration,
  type Migration,
  migrationChecksum,
  postgresMigrations,
  sqliteMigrations,
} from "../../src/store/migrate.ts";
import type { Store } from "../../src/store/store.ts";
import { testServices } from "../support/services.ts";
import { makeTestDatabase, testEngine } from "../support/store.ts";

const known: readonly Migration[] = testEngine === "sqlite" ? sqliteMigrations : postgresMigrations;
const next = (text: string): readonly Migration[] => [...known, { number: known.length + 1, name: "next", text }];
const applied = (migrations: readonly Migration[]): readonly AppliedMigration[] =>
  migrations.map(({ number, name, text }) => ({ number, name, checksum: migrationChecksum(text) }));

const migrationRows = (store: Store) =>
  store.read(async (reader) => await reader.select().from(reader.tables.migrations).orderBy(reader.tables.migrations.number));

const hasTable = (store: Store, name: string) =>
  store.read(async (reader) => {
    const catalog = testEngine === "sqlite" ? sql`sqlite_schema` : sql`(select tablename as name from pg_tables) as t`;
    return (await reader.select({ name: sql`name` }).from(catalog).where(sql`name = ${name}`)).length === 1;
  });

async function refusal(call: Promise<Store>): Promise<{ code: string; message: string }> {
  try {
    await (await call).close();
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}

test("each list is numbered from 1 without a gap, and both lists hold the same migrations", () => {
  const names = (list: readonly Migration[]) => list.map(({ number, name }) => `${number} ${name}`);
  expect(sqliteMigrations.map(({ number }) => number)).toEqual(sqliteMigrations.map((_, index) => index + 1));
  expect(names(postgresMigrations)).toEqual(names(sqliteMigrations));
});

test("a fresh database gets every migration with its checksum and the clock's time, and opens again unchanged", async () => {
  await using database = await makeTestDatabase();
  const { clock } = testServices();
  const first = await database.open({ clock });
  const rows = await migrationRows(first);
  expect(rows).toEqual(applied(known).map((row) => ({ ...row, applied_at: clock.now() })));
  await first.close();
  const second = await database.open();
  expect(await migrationRows(second)).toEqual(rows);
  await second.close();
});

test("an upgrade applies what is new, keeps the rows, and works at once", async () => {
  await using database = await makeTestDatabase();
  const before = await database.open();
  await before.write(
    async (writer) => await writer.insert(writer.tables.teams).values({ id: "t", display_name: "kept", created_at: 1 }),
  );
  await before.close();
  const after = await database.open({ migrations: next("alter table teams add column motto text; create index m on teams (motto)") });
  expect((await migrationRows(after)).map((row) => row.name)).toEqual([...known.map((row) => row.name), "next"]);
  expect(await after.read(async (reader) => await reader.select().from(reader.tables.teams))).toHaveLength(1);
  await after.close();
});

test("a migration that fails leaves nothing of itself, and the build before it still opens", async () => {
  await using database = await makeTestDatabase();
  const broken = database.open({ migrations: next("create table half (id text); insert into nowhere values (1)") });
  await expect(broken).rejects.toThrow(/nowhere/);
  const store = await database.open();
  expect(await hasTable(store, "teams")).toBe(true);
  expect(await hasTable(store, "half")).toBe(false);
  expect(await migrationRows(store)).toHaveLength(known.length);
  await store.close();
});

test("an applied migration whose text has changed is refused", async () => {
  await using database = await makeTestDatabase();
  await (await database.open()).close();
  const edited = known.map((migration) => ({ ...migration, text: `${migration.text}\n-- edited` }));
  expect(await refusal(database.open({ migrations: edited }))).toEqual({
    code: "conflict",
    message: "Migration 1 (first) of the database is not the one of this build.",
  });
});

test("a stored checksum that was tampered with is refused", async () => {
  await using database = await makeTestDatabase();
  const store = await database.open();
  await store.write(async (writer) => await writer.update(writer.tables.migrations).set({ checksum: "0" }));
  await store.close();
  expect((await refusal(database.open())).code).toBe("conflict");
});

test("a database newer than the build is refused and left as it is", async () => {
  await using database = await makeTestDatabase();
  const newer = next("create table from_the_future (id text)");
  await (await database.open({ migrations: newer })).close();
  expect(await refusal(database.open())).toEqual({
    code: "conflict",
    message: `The database has schema ${known.length + 1}; this build knows up to ${known.length}.`,
  });
  const store = await database.open({ migrations: newer });
  expect(await hasTable(store, "from_the_future")).toBe(true);
  await store.close();
});

const lists = (...names: string[]): readonly Migration[] => names.map((name, index) => ({ number: index + 1, name, text: name }));
const refused: readonly (readonly [string, readonly Migration[], readonly AppliedMigration[]])[] = [
  ["newer by one", lists("a"), applied(lists("a", "b"))],
  ["newer, of an empty build", [], applied(lists("a"))],
  ["another name", lists("a", "b"), [{ number: 1, name: "z", checksum: migrationChecksum("a") }]],
  ["another text", lists("a", "b"), [{ number: 1, name: "a", checksum: migrationChecksum("z") }]],
  ["another text in an older one", lists("a", "b"), [{ number: 1, name: "a", checksum: "" }, ...applied(lists("a", "b")).slice(1)]],
  ["a gap at the start", lists("a", "b"), applied(lists("a", "b")).slice(1)],
  ["a gap in between", lists("a", "b", "c"), applied(lists("a", "b", "c")).filter((row) => row.number !== 2)],
  ["a number twice", lists("a", "b"), [...applied(lists("a")), ...applied(lists("a"))]],
];

for (const [name, build, rows] of refused) {
  test(`a history that is not the build's is refused: ${name}`, () => {
    expect(() => findPendingMigration(build, rows)).toThrow(Fault);
  });
}

test("the pending migration is the first that is not applied", () => {
  const build = lists("a", "b", "c");
  expect(findPendingMigration(build, [])?.name).toBe("a");
  expect(findPendingMigration(build, applied(lists("a", "b")))?.name).toBe("c");
  expect(findPendingMigration(build, applied(build))).toBeUndefined();
});

test("the checksum does not depend on the line ends of a checkout, but on all else", () => {
  expect(migrationChecksum("a\r\nb\r\n")).toBe(migrationChecksum("a\nb\n"));
  expect(migrationChecksum("a\nb\n")).not.toBe(migrationChecksum("a\nb"));
});

if (testEngine === "postgres") {
  test("processes that migrate at the same time wait for each other", async () => {
    await using database = await makeTestDatabase();
    const stores = await Promise.all(Array.from({ length: 8 }, () => database.open()));
    for (const store of stores) expect(await migrationRows(store)).toHaveLength(known.length);
    await Promise.all(stores.map((store) => store.close()));
  });
}
