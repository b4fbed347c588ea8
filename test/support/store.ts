/**
 * A fresh real store on the engine under test: `TEST_ENGINE=sqlite` (default) or `postgres`.
 *
 *     await using database = await openTestStore();
 *     await database.store.write(async (writer) => …);
 *
 * PostgreSQL is the server of `TEST_POSTGRES_URL`, or one that is started for this process (see `postgres.ts`).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, realServices } from "../../src/services.ts";
import { type Migration, migrationChecksum, postgresMigrations } from "../../src/store/migrate.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createDatabase, createDatabaseLike, type TestDatabase as ServerDatabase } from "./postgres.ts";

export type Engine = Store["engine"];

/** The engine that this run tests. */
export const testEngine: Engine = engineOf(process.env["TEST_ENGINE"] ?? "sqlite");

function engineOf(name: string): Engine {
  if (name === "sqlite" || name === "postgres") return name;
  throw new Error(`TEST_ENGINE is ${name}; it can be sqlite or postgres`);
}

/** An empty place for a store: a directory, and with PostgreSQL a database of its own. */
export interface TestDatabase extends AsyncDisposable {
  /** The directory that would be the data directory. */
  readonly dataDir: string;
  /** SQLite's file. */
  readonly file: string;
  /** What `CYBERUN_DATABASE_URL` would be; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  open(options?: OpenOptions): Promise<Store>;
  /** Removes everything. Close its stores before. */
  remove(): Promise<void>;
}

export interface OpenOptions {
  /**
   * The store's own clock: time limits and the times of migrations. The real one unless told, because a test that
   * moves time while a command runs would run into the command's time limit.
   */
  readonly clock?: Clock;
  readonly migrations?: readonly Migration[];
}

export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  /** Closes the store and opens the same data again, as a restart does. */
  reopen(): Promise<Store>;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

/**
 * A new database, migrated and open. The schema is copied from one that was migrated before, since nearly every test
 * opens a store and the migrations would be most of its time; the tests of migrations begin at {@link makeTestDatabase}.
 */
export async function openTestStore(options: OpenOptions = {}): Promise<TestStore> {
  const database = await (options.migrations === undefined ? makeMigratedDatabase() : makeTestDatabase());
  let store = await database.open(options);
  const close = async () => {
    await store.close();
    await database.remove();
  };
  return {
    get store() {
      return store;
    },
    dataDir: database.dataDir,
    databaseUrl: database.databaseUrl,
    reopen: async () => {
      await store.close();
      store = await database.open(options);
      return store;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A new empty database of the engine under test, not yet opened. */
export async function makeTestDatabase(): Promise<TestDatabase> {
  return place(testEngine === "postgres" ? await createDatabase() : undefined);
}

/** A new database that has this build's schema and nothing in it, not yet opened. */
async function makeMigratedDatabase(): Promise<TestDatabase> {
  if (testEngine === "postgres") return place(await createDatabaseLike(schemaName, migrateServer));
  migratedFile ??= migrateFile();
  const bytes = await migratedFile;
  const database = place(undefined);
  writeFileSync(database.file, bytes, { mode: 0o600 });
  return database;
}

let migratedFile: Promise<Uint8Array> | undefined;

async function migrateFile(): Promise<Uint8Array> {
  await using database = await makeTestDatabase();
  await (await database.open()).close();
  return readFileSync(database.file);
}

/** Names the schema by what made it: another build on the same server has another one. */
const schemaName = migrationChecksum(postgresMigrations.map(({ text }) => text).join("\n"));

async function migrateServer(url: string): Promise<void> {
  const store = await openPostgresStore({ url, clock: realServices().clock });
  await store.close();
}

function place(server: ServerDatabase | undefined): TestDatabase {
  const dataDir = mkdtempSync(join(tmpdir(), "cyberun-store-"));
  const file = join(dataDir, "cyberun.db");
  const remove = async () => {
    await server?.drop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return {
    dataDir,
    file,
    databaseUrl: server?.url,
    open: ({ clock = realServices().clock, migrations } = {}) => {
      const options = { clock, ...(migrations === undefined ? {} : { migrations }) };
      return server === undefined ? openSqliteStore({ file, ...options }) : openPostgresStore({ url: server.url, ...options });
    },
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
