/** `schema.ts` and the migrations say the same: compared against a real database of the engine under test. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { getTableColumns, getTableName, sql } from "drizzle-orm";
import { type Migration, postgresMigrations, sqliteMigrations } from "../../src/store/migrate.ts";
import type { Reader, Store } from "../../src/store/store.ts";
import { makeTestDatabase, openTestStore, testEngine, type TestStore } from "../support/store.ts";

/** `table.column type …`, one line for each column. */
type Description = readonly string[];

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly primary: boolean;
  readonly unique: boolean;
}

function describe(columns: readonly Column[]): Description {
  return columns
    .map(({ table, name, type, required, primary, unique }) =>
      [`${table}.${name}`, type, required ? "not null" : "", primary ? "primary key" : "", unique ? "unique" : ""]
        .filter((word) => word !== "")
        .join(" "),
    )
    .toSorted();
}

function describeSchema({ tables }: Reader): Description {
  return describe(
    Object.values(tables).flatMap((table) =>
      Object.values(getTableColumns(table)).map((column) => ({
        table: getTableName(table),
        name: column.name,
        type: column.getSQLType(),
        required: column.notNull,
        primary: column.primary,
        unique: column.isUnique,
      })),
    ),
  );
}

async function describeDatabase(reader: Reader): Promise<Description> {
  return describe(testEngine === "sqlite" ? await sqliteColumns(reader) : await postgresColumns(reader));
}

async function sqliteColumns(reader: Reader): Promise<Column[]> {
  const unique = sql`exists (
    select 1 from pragma_index_list(m.name) i
    where i.origin = 'u' and (select group_concat(name) from pragma_index_info(i.name)) = c.name)`;
  const rows = await reader
    .select({
      table: sql<string>`m.name`,
      name: sql<string>`c.name`,
      type: sql<string>`lower(c.type)`,
      required: sql`c."notnull"`.mapWith(Boolean),
      primary: sql`c.pk`.mapWith(Boolean),
      unique: sql`${unique}`.mapWith(Boolean),
    })
    .from(sql`sqlite_schema m join pragma_table_xinfo(m.name) c`)
    .where(sql`m.type = 'table' and m.name not like 'sqlite_%'`);
  return rows;
}

async function postgresColumns(reader: Reader): Promise<Column[]> {
  const constrained = (kind: string) => sql<boolean>`exists (
    select 1 from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    where k.contype = ${kind} and k.conrelid = c.table_name::regclass and a.attname = c.column_name)`;
  return await reader
    .select({
      table: sql<string>`c.table_name`,
      name: sql<string>`c.column_name`,
      type: sql<string>`c.data_type`,
      required: sql<boolean>`c.is_nullable = 'NO'`,
      primary: constrained("p"),
      unique: constrained("u"),
    })
    .from(sql`information_schema.columns c`)
    .where(sql`c.table_schema = 'public'`);
}

/** What only one of the two has, with a sign for the side that has it. */
function differences(schema: Description, database: Description): Description {
  return [
    ...schema.filter((line) => !database.includes(line)).map((line) => `schema.ts only: ${line}`),
    ...database.filter((line) => !schema.includes(line)).map((line) => `database only: ${line}`),
  ];
}

async function drift(store: Store): Promise<Description> {
  return await store.read(async (reader) => differences(describeSchema(reader), await describeDatabase(reader)));
}

let database: TestStore;

beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

test("schema.ts and the migrated database have the same tables and columns", async () => {
  const lines = await database.store.read(async (reader) => describeSchema(reader));
  expect(lines).toContain("users.email_key text not null unique");
  expect(lines.length).toBeGreaterThan(50);
  expect(await drift(database.store)).toEqual([]);
});

const number = testEngine === "sqlite" ? "integer" : "bigint";
const changes: readonly (readonly [string, readonly string[]])[] = [
  ["alter table teams add column motto text", ["database only: teams.motto text"]],
  ["alter table teams drop column display_name", ["schema.ts only: teams.display_name text not null"]],
  [
    "drop table join_tokens; create table join_tokens (id text not null primary key)",
    [
      `schema.ts only: join_tokens.created_at ${number} not null`,
      `schema.ts only: join_tokens.expires_at ${number} not null`,
      "schema.ts only: join_tokens.secret text not null",
      `schema.ts only: join_tokens.used_at ${number}`,
    ],
  ],
  [
    "alter table setup_links rename column used_at to taken_at",
    [`schema.ts only: setup_links.used_at ${number}`, `database only: setup_links.taken_at ${number}`],
  ],
  [
    "drop table deployments; create table deployments (id text not null unique, display_name text not null, set_up_at text)",
    [
      "schema.ts only: deployments.id text not null primary key",
      `schema.ts only: deployments.set_up_at ${number} not null`,
      "database only: deployments.id text not null unique",
      "database only: deployments.set_up_at text",
    ],
  ],
];

for (const [text, expected] of changes) {
  test(`a change on one side only is found: ${text}`, async () => {
    const known: readonly Migration[] = testEngine === "sqlite" ? sqliteMigrations : postgresMigrations;
    await using changed = await makeTestDatabase();
    const store = await changed.open({ migrations: [...known, { number: known.length + 1, name: "drift", text }] });
    expect(await drift(store)).toEqual(expected);
    await store.close();
  });
}

test("the first migration says the same for both engines, but for the types and SQLite's storage", () => {
  const [sqlite, postgres] = [sqliteMigrations, postgresMigrations].map(([first]) =>
    (first?.text ?? "")
      .replaceAll(/^--.*\n/gm, "")
      .replaceAll(/ check \(\w+ in \(0, 1\)\)| collate "C"| strict|, without rowid/g, "")
      .replaceAll(/ (bigint|boolean|integer)\b/g, " number"),
  );
  expect(sqlite).toContain("create table users");
  expect(postgres).toBe(sqlite);
});

test("columns hold only what their type says, and text is compared by its bytes", async () => {
  const weak = await database.store.read(async (reader) =>
    testEngine === "sqlite"
      ? await reader
          .select({ name: sql<string>`name` })
          .from(sql`pragma_table_list`)
          .where(sql`schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite_%'`)
      : await reader
          .select({ name: sql<string>`table_name || '.' || column_name` })
          .from(sql`information_schema.columns`)
          .where(sql`table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C'`),
  );
  expect(weak).toEqual([]);
});
