/**
 * Connections to the SQLite file: settings in the right order, statements kept prepared, and the lock that gives the
 * file to one process.
 *
 * Rule: nothing else opens `FILE` or `FILE.lock` by plain file calls while the store is open. POSIX drops a process's
 * locks on a file as soon as that process closes any descriptor of it.
 */
import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../fault.ts";
import { codeOf, refusedByHost, withReason } from "../host-refusal.ts";

/** How long a statement waits for a lock of another tool (backup, shell). It blocks the thread, so it is short. */
const BUSY_TIMEOUT_MS = 2_000;
/** Prepared statements kept for each connection; the least recently used goes first. */
const STATEMENTS_MAX = 256;
/** Pages (4 kB) in the write-ahead log before a commit moves them into the database. */
const CHECKPOINT_PAGES = 1_000;
/** What a log that once grew larger is cut back to. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * `sql` so that its statement stays prepared. SQLite plans by the value of a bare `limit ?`, and so prepares the statement
 * again whenever that is bound, which takes several times as long as the statement; a sum it leaves alone.
 */
function keptPrepared(sql: string): string {
  return sql.replaceAll(/ limit \?(?= |\)|$)/g, " limit ?+0");
}

/** One connection with its prepared statements. */
export class Connection {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement<unknown, SQLQueryBindings[]>>();

  constructor(database: Database) {
    this.#database = database;
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** The prepared form of `sql`. Use it at once: it may be let go when other statements are asked for. */
  statement(sql: string): Statement<unknown, SQLQueryBindings[]> {
    const statement = this.#statements.get(sql) ?? this.#database.prepare<unknown, SQLQueryBindings[]>(keptPrepared(sql));
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_MAX) this.#letGoOldest();
    return statement;
  }

  /** Runs one statement without parameters. */
  run(sql: string): void {
    this.statement(sql).run();
  }

  /** Runs every statement of a script. */
  script(text: string): void {
    this.#database.run(text);
  }

  /** SQLite frees the file's locks only when no statement is left, so they go first. */
  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#database.close(true);
  }

  #letGoOldest(): void {
    const oldest = this.#statements.entries().next().value;
    if (oldest === undefined) return;
    this.#statements.delete(oldest[0]);
    oldest[1].finalize();
  }
}

/** What this connection needs before any other setting: without it a busy file is an error at once. */
const FIRST = `pragma busy_timeout = ${BUSY_TIMEOUT_MS}`;

/** Settings under which a query means the same as on PostgreSQL, and which trust the file as little as possible. */
const SHARED = ["pragma case_sensitive_like = on", "pragma trusted_schema = off", "pragma temp_store = memory"];

/** `fullfsync` matters on macOS only, where a plain fsync leaves the data in the drive's cache. */
const WRITER = [
  "pragma synchronous = full",
  "pragma fullfsync = on",
  "pragma checkpoint_fullfsync = on",
  `pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  `pragma journal_size_limit = ${LOG_BYTES_MAX}`,
];

/** The connection that writes. Makes the file, mode 0600, when it is absent. `foreign_keys` is still off. */
export function openWriter(file: string): Connection {
  return withOpening(file, () => {
    for (const beside of [`${file}-wal`, `${file}-shm`]) if (existsSync(beside)) requireAccess(beside);
    makePrivate(file);
    const database = new Database(file, { readwrite: true, create: false });
    database.run(FIRST);
    requireWriteAheadLog(database, file);
    for (const pragma of [...SHARED, ...WRITER]) database.run(pragma);
    return new Connection(database);
  });
}

/** A connection that cannot write. Open it after the writer. */
export function openReader(file: string): Connection {
  return withOpening(file, () => {
    const database = new Database(file, { readonly: true });
    for (const pragma of [FIRST, ...SHARED, "pragma query_only = on"]) database.run(pragma);
    return new Connection(database);
  });
}

/**
 * Takes `FILE.lock` for the life of this process; the operating system lets go of it however the process ends.
 * Throws Fault `conflict` at once when another holds it.
 */
export function takeProcessLock(file: string): { release(): void } {
  const path = `${file}.lock`;
  return withOpening(path, () => {
    makePrivate(path);
    const database = new Database(path, { readwrite: true, create: false });
    try {
      for (const sql of ["pragma busy_timeout = 0", "pragma journal_mode = memory", "begin exclusive"]) database.run(sql);
    } catch (error) {
      database.close();
      throw isBusy(error) ? heldElsewhere(file) : error;
    }
    return { release: () => database.close() };
  });
}

function heldElsewhere(file: string): Fault {
  return new Fault("conflict", "Another cyberun process uses this data directory.", {
    hint: "Stop it, or choose another directory with --data-dir or CYBERUN_DATA_DIR.",
    details: { file },
  });
}

/** SQLite opens a file that cannot be written all the same, and makes others beside it that then cannot be written either. */
function requireAccess(path: string): void {
  accessSync(path, constants.R_OK | constants.W_OK);
}

/** Never opens a file that exists: see the rule above. */
function makePrivate(path: string): void {
  if (existsSync(path)) {
    requireAccess(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return;
  }
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function requireWriteAheadLog(database: Database, file: string): void {
  using statement = database.prepare<unknown, []>("pragma journal_mode = wal");
  const [mode] = statement.values()[0] ?? [];
  if (mode === "wal") return;
  throw new Fault("unavailable", `The file system of ${file} does not carry SQLite's write-ahead log.`, {
    hint: "Put the data directory on a local disk.",
  });
}

function withOpening<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw refusedByHost(`The database file ${file} cannot be opened`, withRoom(file, error), "Check that it is a database of this product, that this user may write it and its directory, and the disk.");
  }
}

/** What SQLite's log and its index take at the least. */
const ROOM_BYTES_MIN = 65_536;

/** `error`, or that the disk is full: SQLite does not say so when it finds no room for the files beside `file`. */
export function withRoom(file: string, error: unknown): unknown {
  if (!/^SQLITE_(IOERR|CANTOPEN)/.test(codeOf(error) ?? "")) return error;
  const { bavail, bsize } = statfsSync(dirname(file));
  return bavail * bsize < ROOM_BYTES_MIN ? Object.assign(new Error("no room", { cause: error }), { code: "SQLITE_FULL" }) : error;
}

function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith("SQLITE_BUSY") ?? false;
}

/** Failures of the disk or of the file, not of the statement. */
const machineFailures = /^SQLITE_(BUSY|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PROTOCOL)/;

/** A failure of the machine as Fault `unavailable`; everything else as it is. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault || !machineFailures.test(codeOf(error) ?? "")) return error;
  return new Fault("unavailable", withReason("The database could not read or write its file", error), {
    hint: "Nothing was changed. Check free space, permissions and health of the disk that holds the data directory.",
    cause: error,
  });
}

