/**
 * The SQLite engine: one connection that writes, one that reads, one process.
 *
 * Commands run one after the other. Those that arrive while the writer is busy, or in the same turn of the event
 * loop, share one commit (one flush of the disk), each behind its own savepoint; every promise settles after the commit.
 *
 * Rule: only this file and its connection know bun:sqlite. A statement runs synchronously, so a command that awaits
 * nothing but the store never lets go of the thread between its statements.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { Fault } from "../fault.ts";
import type { Clock } from "../services.ts";
import { sqliteKit } from "./columns.ts";
import { newFigures, type StoreFigures } from "./figures.ts";
import { migrate, type Migration, type MigrationStep, sqliteMigrations } from "./migrate.ts";
import { PlanSwitch } from "./plan.ts";
import { defineTables } from "./schema.ts";
import { type Scope, Scopes } from "./scope.ts";
import { asFault, type Connection, openReader, openWriter, takeProcessLock, withRoom } from "./sqlite-connection.ts";
import type { OnTail, Reader, Store, Strand, Writer } from "./store.ts";

export interface SqliteOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly onTail?: OnTail;
  readonly figures?: StoreFigures;
  /** Other than the build's own in tests only. */
  readonly migrations?: readonly Migration[];
}

/** Commands that share one commit at most. More would make the first wait for the last. */
const BATCH_MAX = 128;
/** Commands or queries that wait at most; beyond it the caller is told to come back. */
const WAITING_MAX = 10_000;
/** A command or query that holds its connection longer awaits something that is not the store. */
const SCOPE_MS_MAX = 10_000;

const tables = defineTables(sqliteKit);

/** A command in the queue. `run` gives what settles its promise once the commit is on disk. */
interface Waiting {
  run(writer: Writer): Promise<() => void>;
  reject(error: unknown): void;
}

/**
 * Opens `file`, makes it if absent, and brings its schema up to date.
 * Throws Fault `conflict` when another process has it or the schema is not this build's, `unavailable` when the file
 * cannot be used.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const lock = takeProcessLock(options.file);
  const opened: { close(): void }[] = [{ close: () => lock.release() }];
  const closeAll = () => opened.toReversed().forEach((one) => one.close());
  try {
    const writer = openWriter(options.file);
    opened.push(writer);
    await migrateFile(writer, options);
    const reader = openReader(options.file);
    opened.push(reader);
    return new SqliteStore({ writer, reader, closeAll }, options);
  } catch (error) {
    closeAll();
    throw asFault(withRoom(options.file, error));
  }
}

interface OpenFile {
  readonly writer: Connection;
  readonly reader: Connection;
  /** Closes both and lets go of the lock. */
  closeAll(): void;
}

class SqliteStore implements Store {
  readonly engine = "sqlite";
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #closeAll: () => void;
  readonly #scopes: Scopes;
  readonly #sessions = new Sessions();
  readonly #strand: Strand = { isOnly: true, tail: undefined };
  readonly #onTail: OnTail;
  readonly #figures: StoreFigures;
  readonly #waiting: Waiting[] = [];
  readonly #snapshot: Snapshot;
  #writing: Promise<void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #readers = 0;
  #closing: Promise<void> | undefined;

  constructor({ writer, reader, closeAll }: OpenFile, { clock, onTail = ignore, figures = newFigures() }: Pick<SqliteOptions, "clock" | "onTail" | "figures">) {
    this.#writer = writer;
    this.#reader = reader;
    this.#snapshot = new Snapshot(reader);
    this.#closeAll = closeAll;
    this.#onTail = onTail;
    this.#figures = figures;
    this.#scopes = new Scopes(clock, { ms: SCOPE_MS_MAX, error: tooLong });
  }

  async read<T>(query: (reader: Reader) => Promise<T>): Promise<T> {
    this.#requireOpen(this.#readers);
    this.#readers += 1;
    const result = this.#reading.then(() => this.#readAlone(query));
    this.#reading = result.then(ignore, ignore);
    try {
      return await result;
    } finally {
      this.#readers -= 1;
    }
  }

  async write<T>(command: (writer: Writer) => Promise<T>): Promise<T> {
    this.#requireOpen(this.#waiting.length);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = async (writer: Writer) => {
      const value = await command(writer);
      return () => resolve(value);
    };
    this.#waiting.push({ run, reject });
    this.#writing ??= this.#writeAll();
    return await promise;
  }

  async close(): Promise<void> {
    this.#scopes.requireOutside();
    this.#closing ??= this.#finish();
    await this.#closing;
  }

  async #finish(): Promise<void> {
    await this.#reading;
    await this.#writing;
    this.#snapshot.outdate();
    this.#closeAll();
  }

  #requireOpen(waiting: number): void {
    this.#scopes.requireOutside();
    if (this.#closing !== undefined) throw new Fault("unavailable", "The store is closed.");
    if (waiting < WAITING_MAX) return;
    throw new Fault("unavailable", "Too many requests wait for the database.", { retryAfterSeconds: 1 });
  }

  /** One query at a time, in a transaction: it sees one state, and a later query sees every commit before it. */
  async #readAlone<T>(query: (reader: Reader) => Promise<T>): Promise<T> {
    this.#snapshot.enter();
    try {
      return await this.#scopes.run((scope) => query(this.#sessions.open(this.#reader, scope, this.#strand)));
    } catch (error) {
      this.#snapshot.outdate();
      throw error;
    } finally {
      this.#snapshot.leave();
    }
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // Requests that the same turn of the event loop brings in join the batch instead of paying a flush each.
        await nextTurn();
        await this.#writeBatch();
      }
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeBatch(): Promise<void> {
    const batch: Waiting[] = [];
    const before = this.#strand.tail;
    try {
      const settle: (() => void)[] = [];
      this.#writer.run("begin immediate");
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        batch.push(next);
        settle.push(await this.#runOne(next));
        if (batch.length === BATCH_MAX) break;
      }
      this.#snapshot.outdate();
      this.#writer.run("commit");
      if (this.#strand.tail !== undefined && this.#strand.tail !== before) this.#onTail(this.#strand.tail);
      this.#figures.commits += 1;
      this.#figures.commands += settle.length;
      for (const tell of settle) tell();
    } catch (error) {
      this.#strand.tail = before;
      this.#abandon(batch, error);
    }
  }

  /** Runs one command behind a savepoint. Throws only when the whole transaction is gone. */
  async #runOne(waiting: Waiting): Promise<() => void> {
    this.#writer.run("savepoint command");
    const before = this.#strand.tail;
    try {
      const resolve = await this.#scopes.run((scope) => waiting.run(this.#sessions.open(this.#writer, scope, this.#strand)));
      this.#writer.run("release command");
      return resolve;
    } catch (error) {
      // A full disk makes SQLite roll everything back by itself; then the commands before this one are lost too.
      if (!this.#writer.inTransaction) throw error;
      this.#strand.tail = before;
      this.#writer.run("rollback to command");
      this.#writer.run("release command");
      return () => waiting.reject(error);
    }
  }

  /**
   * Nothing of the batch is on disk: all of it is refused, and with no batch at all, everything that waits.
   * A connection that cannot even roll back is beyond use; that throws out of the loop and ends the process.
   */
  #abandon(batch: readonly Waiting[], error: unknown): void {
    this.#figures.failures += 1;
    const refused = batch.length > 0 ? batch : this.#waiting.splice(0);
    for (const waiting of refused) waiting.reject(asFault(error));
    if (this.#writer.inTransaction) this.#writer.run("rollback");
  }
}

/**
 * The reading connection's transaction. Queries of one turn of the event loop share it while nothing is committed, since
 * opening one costs locks of the file, more than most queries do.
 */
class Snapshot {
  readonly #connection: Connection;
  #isOpen = false;
  #isInUse = false;
  #isOutdated = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** For one query at a time; {@link leave} ends its use. */
  enter(): void {
    if (!this.#isOpen) {
      this.#connection.run("begin");
      this.#isOpen = true;
      setImmediate(() => this.outdate());
    }
    this.#isInUse = true;
  }

  leave(): void {
    this.#isInUse = false;
    if (this.#isOutdated) this.outdate();
  }

  /** No query that comes later sees this state. */
  outdate(): void {
    this.#isOutdated = this.#isInUse;
    if (this.#isInUse || !this.#isOpen) return;
    this.#isOpen = false;
    this.#connection.run("rollback");
  }
}

function ignore(): void {}

function tooLong(): Error {
  return new Error(`a command or query ran longer than ${SCOPE_MS_MAX} ms; it may await nothing but the store`);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What drizzle uses of bun's Database. */
interface Client {
  prepare(sql: string): {
    run(...values: SQLQueryBindings[]): unknown;
    all(...values: SQLQueryBindings[]): unknown[];
    values(...values: SQLQueryBindings[]): unknown[][];
  };
}

/** The engine's one cast: of bun's Database drizzle uses `prepare` alone, and the rest must not be within reach. */
function builders(client: Client) {
  return Object.assign(drizzle(client as unknown as Database), { tables });
}

/** Makes the Writers (on the reading connection: the Readers) of one store. */
class Sessions {
  readonly #switch = new PlanSwitch<Client>();
  readonly #planner = builders({
    prepare: (sql) => ({
      run: (...values) => this.#switch.client.prepare(sql).run(...values),
      all: (...values) => this.#switch.client.prepare(sql).all(...values),
      values: (...values) => this.#switch.client.prepare(sql).values(...values),
    }),
  });

  open(connection: Connection, scope: Scope, strand: Strand): Writer {
    const client: Client = { prepare: (sql) => scopedStatement(connection, scope, sql) };
    return Object.assign(builders(client), { plans: this.#switch.route(this.#planner, client), strand });
  }
}

function scopedStatement(connection: Connection, scope: Scope, sql: string): ReturnType<Client["prepare"]> {
  type Statement = ReturnType<Connection["statement"]>;
  const guarded = <T>(run: (statement: Statement) => T): T => {
    scope.requireUsable();
    try {
      return run(connection.statement(sql));
    } catch (error) {
      throw scope.fail(asFault(error));
    }
  };
  return {
    run: (...values) => guarded((statement) => statement.run(...values)),
    all: (...values) => guarded((statement) => statement.all(...values)),
    values: (...values) => guarded((statement) => statement.values(...values)),
  };
}

/** Foreign keys are off meanwhile, as SQLite asks for when tables are rebuilt, and are checked before each commit. */
async function migrateFile(writer: Connection, options: SqliteOptions): Promise<void> {
  await migrate((step) => migrationTransaction(writer, step), options.migrations ?? sqliteMigrations, options.clock);
  writer.run("pragma foreign_keys = on");
}

async function migrationTransaction<T>(writer: Connection, step: (connection: MigrationStep) => Promise<T>): Promise<T> {
  writer.run("begin immediate");
  try {
    const result = await step(migrationStep(writer));
    const [broken] = writer.statement("pragma foreign_key_check").values();
    if (broken !== undefined) throw new Error(`a migration left rows of ${broken[0]} without their parent`);
    writer.run("commit");
    return result;
  } catch (error) {
    if (writer.inTransaction) writer.run("rollback");
    throw error;
  }
}

function migrationStep(writer: Connection): MigrationStep {
  return {
    applied: async () => {
      const [present] = writer.statement("select 1 from sqlite_schema where type = 'table' and name = 'migrations'").values();
      if (present === undefined) return [];
      const rows = writer.statement("select number, name, checksum from migrations order by number").values();
      return rows.map(([number, name, checksum]) => ({
        number: Number(number),
        name: String(name),
        checksum: String(checksum),
      }));
    },
    execute: async (text) => writer.script(text),
    record: async (row, appliedAt) => {
      const sql = "insert into migrations (number, name, checksum, applied_at) values (?, ?, ?, ?)";
      writer.statement(sql).run(row.number, row.name, row.checksum, appliedAt);
    },
  };
}
