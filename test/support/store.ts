/**
 * A fresh real store on the engine under test: `TEST_ENGINE=sqlite` (default) or `postgres`.
 *
 *     await using database = await openTestStore();
 *     await database.store.write(async (writer) => …);
 *
 * PostgreSQL is the server of `TEST_POSTGRES_URL`, or one that is started for this process and stopped with it.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { type Clock, realServices } from "../../src/services.ts";
import type { Migration } from "../../src/store/migrate.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

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

/** A new database, migrated and open. */
export async function openTestStore(options: OpenOptions = {}): Promise<TestStore> {
  const database = await makeTestDatabase();
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
  const dataDir = mkdtempSync(join(tmpdir(), "cyberun-store-"));
  const file = join(dataDir, "cyberun.db");
  const server = testEngine === "postgres" ? await makePostgresDatabase() : undefined;
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

let databases = 0;
let administrator: Promise<{ readonly sql: Sql; readonly url: string }> | undefined;

async function makePostgresDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }> {
  administrator ??= administer();
  const { sql, url } = await administrator;
  const name = `test_${process.pid}_${++databases}`;
  await sql.unsafe(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    drop: async () => {
      await sql.unsafe(`drop database ${name} with (force)`);
    },
  };
}

async function administer() {
  const url = process.env["TEST_POSTGRES_URL"] ?? (await startPostgres());
  return { url, sql: postgres(url, { max: 1, idle_timeout: 1, onnotice: () => {} }) };
}

/** A throw-away server on a free port of 127.0.0.1. It refuses to run as root, so root starts it as `postgres`. */
async function startPostgres(): Promise<string> {
  const binaries = postgresBinaries();
  const asUser = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--"] : [];
  const directory = mkdtempSync(join(tmpdir(), "cyberun-postgres-"));
  chmodSync(directory, 0o777);
  const data = join(directory, "data");
  const run = (program: string, ...args: string[]) => {
    const done = Bun.spawnSync([...asUser, join(binaries, program), ...args], { cwd: directory, stdout: "pipe", stderr: "pipe" });
    if (!done.success) throw new Error(`${program} failed: ${done.stdout.toString()}${done.stderr.toString()}`);
  };
  run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
  const port = freePort();
  const settings = `-c listen_addresses=127.0.0.1 -p ${port} -k ${directory} -c fsync=off -c max_connections=200`;
  run("pg_ctl", "-D", data, "-l", join(directory, "log"), "-w", "-o", settings, "start");
  const stop = [...asUser, join(binaries, "pg_ctl"), "-D", data, "-m", "immediate", "stop"];
  afterThisProcess(`${stop.join(" ")}; rm -rf ${directory}`);
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

/** Runs a shell line when this process is gone, however it ends: a pipe tells, because the test runner has no last call. */
function afterThisProcess(line: string): void {
  const script = `trap '' INT TERM HUP; cat >/dev/null; ${line}`;
  const watcher = Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "ignore", stderr: "ignore" });
  watcher.unref();
  watchers.push(watcher);
}

/** Held, so that no pipe is closed before the process is. */
const watchers: Bun.Subprocess[] = [];

function postgresBinaries(): string {
  const versions = "/usr/lib/postgresql";
  const found = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  if (found[0] === undefined) throw new Error("PostgreSQL is not installed; install it, or set TEST_POSTGRES_URL");
  return join(versions, found[0], "bin");
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  listener.stop(true);
  return listener.port;
}
