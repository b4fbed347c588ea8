/**
 * A SQLite store as one file of its own, taken while commands go on, and what such a file holds.
 *
 * Rule: SQLite's own words for copying and checking a database stand here; nobody outside of `store/` opens one.
 * `vacuum into` reads one committed state and keeps no writer waiting; it blocks its own thread, so a server runs it in a
 * worker.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { sqliteMigrations } from "./migrate.ts";

const BUSY_TIMEOUT_MS = 10_000;

/** What a database holds. */
export interface DatabaseContent {
  /** Number of its last migration. */
  readonly schema: number;
  /** Table → rows. */
  readonly tables: Readonly<Record<string, number>>;
}

/** The schema that this build's SQLite stores have. */
export const schemaOfBuild: number = sqliteMigrations.length;

function openForReading(file: string): Database {
  const database = new Database(file, { readonly: true });
  database.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.run("pragma trusted_schema = off");
  return database;
}

/**
 * Writes the store's last committed state to `into`, a file that does not exist yet. It is not flushed: it is copied on
 * and removed, and a flush of all of it at once would hold up the commits of the store.
 */
export function writeSnapshot(file: string, into: string): void {
  const database = openForReading(file);
  try {
    database.query("vacuum into ?").run(into);
  } finally {
    database.close();
  }
}

function contentOf(database: Database): DatabaseContent {
  const number = database.query<{ number: number }, []>("select max(number) as number from migrations").get()?.number ?? 0;
  const names = database.query<{ name: string }, []>("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name").all();
  const rows = (name: string) => database.query<{ rows: number }, []>(`select count(*) as rows from "${name}"`).get()?.rows ?? 0;
  return { schema: number, tables: Object.fromEntries(names.map(({ name }) => [name, rows(name)])) };
}

/** What the database at `file` holds; nobody may have it open for writing. */
export function readContent(file: string): DatabaseContent {
  const database = openForReading(file);
  try {
    return contentOf(database);
  } finally {
    database.close();
  }
}

/** What SQLite's own check finds wrong; empty for a sound database. */
export function findDamage(file: string): readonly string[] {
  const database = openForReading(file);
  try {
    const found = database.query<{ integrity_check: string }, []>("pragma integrity_check(20)").all().map(({ integrity_check }) => integrity_check);
    return found.filter((line) => line !== "ok");
  } finally {
    database.close();
  }
}

/**
 * Takes everything away from a copy that a server would send to others: what is due, and whom to tell of what comes. For a copy that is tried,
 * of a store that goes on.
 */
export function muteCopy(file: string): void {
  const database = new Database(file, { readwrite: true, create: false });
  try {
    database.run("pragma foreign_keys = on");
    for (const table of ["outbox", "oidc_logout_notices", "webhooks"]) database.run(`delete from ${table}`);
  } finally {
    database.close();
  }
}

/** The schema of the database at `file`; undefined when there is none. */
export function findSchema(file: string): number | undefined {
  return existsSync(file) ? readContent(file).schema : undefined;
}
