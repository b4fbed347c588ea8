/**
 * The PostgreSQL engine, for deployments of several processes.
 *
 * Commands are serializable transactions: they behave as if they had run one after the other, as on SQLite, so that a
 * count, a cap or a check of authority holds without a lock. The server refuses one of two that cannot be put in an
 * order; that one is run again, first at once, then behind a lock that lets repeaters through one at a time. A command
 * whose connection dies before its commit is run again too; when it dies during the commit nobody knows, and it is not.
 *
 * Rule: only this file and its pool know the driver. Errors never carry the address, which holds a password.
 */
import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { Fault } from "../fault.ts";
import type { Clock } from "../services.ts";
import { type Kit, postgresKit } from "./columns.ts";
import { newFigures, type StoreFigures } from "./figures.ts";
import { migrate, type Migration, type MigrationStep, postgresMigrations } from "./migrate.ts";
import { PlanSwitch } from "./plan.ts";
import { asFault, isConnectionLoss, isOutOfOrder } from "./postgres-errors.ts";
import { type PostgresConnection, PostgresPool } from "./postgres-pool.ts";
import { defineTables } from "./schema.ts";
import { type Scope, Scopes } from "./scope.ts";
import type { OnTail, Reader, Store, Strand, WriteBuilders, Writer } from "./store.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  readonly clock: Clock;
  readonly onTail?: OnTail;
  readonly figures?: StoreFigures;
  /** Other than the build's own in tests only. */
  readonly migrations?: readonly Migration[];
}

/** Commands and queries that run or wait at most; beyond it the caller is told to come back. */
const PENDING_MAX = 10_000;
/** One run of a command or query, waiting for a connection included. */
const SCOPE_MS_MAX = 30_000;
/** Runs of a command that others keep getting in the way of, or whose connection was found dead before its commit. */
const RUNS_MAX = 50;
/** Runs before a command queues up with the other repeaters. */
const FREE_RUNS_MAX = 2;
/** Any number that no other user of the server's advisory locks takes. */
const MIGRATION_LOCK = 4_909_226_001;

const tables = defineTables(asCanonical<Kit>(postgresKit));

/** The engine's one cast: SQLite's types are the canonical ones, and the conformance suite proves the likeness. */
function asCanonical<T>(own: unknown): T {
  return own as T;
}

/**
 * Connects and brings the schema up to date.
 * Throws Fault `invalid_request` when `url` is not an address, `unavailable` when the server cannot be reached or
 * refuses, `conflict` when its schema is not this build's.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const pool = new PostgresPool(options.url);
  try {
    await migrate((step) => migrationTransaction(pool, step), options.migrations ?? postgresMigrations, options.clock);
    return new PostgresStore(pool, options);
  } catch (error) {
    await pool.close();
    throw asFault(error);
  }
}

interface Run {
  /** The transaction's isolation. */
  readonly mode: string;
  readonly writes: boolean;
  /** 1 for the first. */
  readonly number: number;
}

class PostgresStore implements Store {
  readonly engine = "postgres";
  readonly #pool: PostgresPool;
  readonly #scopes: Scopes;
  readonly #sessions = new Sessions();
  readonly #strands: Strands;
  readonly #figures: StoreFigures;
  #pending = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(pool: PostgresPool, { clock, onTail = () => {}, figures = newFigures() }: Pick<PostgresOptions, "clock" | "onTail" | "figures">) {
    this.#pool = pool;
    this.#strands = new Strands(onTail);
    this.#figures = figures;
    this.#scopes = new Scopes(clock, { ms: SCOPE_MS_MAX, error: tooLong });
  }

  async read<T>(query: (reader: Reader) => Promise<T>): Promise<T> {
    const mode = "isolation level repeatable read read only";
    return await this.#repeat((number) => this.#run({ mode, writes: false, number }, query));
  }

  async write<T>(command: (writer: Writer) => Promise<T>): Promise<T> {
    const mode = "isolation level serializable";
    const value = await this.#repeat((number) => this.#run({ mode, writes: true, number }, command));
    this.#figures.commits += 1;
    this.#figures.commands += 1;
    return value;
  }

  async close(): Promise<void> {
    this.#scopes.requireOutside();
    this.#closing ??= this.#finish();
    await this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#pool.close();
  }

  /** Repeats what changed nothing and may succeed another time. */
  async #repeat<T>(once: (number: number) => Promise<T>): Promise<T> {
    return await this.#counted(async () => {
      for (let number = 1; ; number++) {
        try {
          return await once(number);
        } catch (error) {
          const transient = isOutOfOrder(error) || isConnectionLoss(error);
          if (!transient || number === RUNS_MAX) {
            if (transient) this.#figures.failures += 1;
            throw error;
          }
          this.#figures.retries += 1;
        }
      }
    });
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#scopes.requireOutside();
    if (this.#closing !== undefined) throw new Fault("unavailable", "The store is closed.");
    if (this.#pending >= PENDING_MAX) {
      throw new Fault("unavailable", "Too many requests wait for the database.", { retryAfterSeconds: 1 });
    }
    this.#pending += 1;
    try {
      return await work();
    } catch (error) {
      throw asFault(error);
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0) this.#idle?.();
    }
  }

  async #run<T>(run: Run, work: (writer: Writer) => Promise<T>): Promise<T> {
    const sessions = this.#sessions;
    return await this.#scopes.run((scope) =>
      this.#pool.use((connection) => this.#strands.use(run.writes, (strand) => transaction({ connection, scope, sessions, run, strand }, work))),
    );
  }
}

interface Transaction {
  readonly connection: PostgresConnection;
  readonly scope: Scope;
  readonly sessions: Sessions;
  readonly run: Run;
  readonly strand: LentStrand;
}

interface LentStrand extends Strand {
  /** Nobody knows whether the last command was committed. */
  isDoubtful: boolean;
}

/** The strands of one process. Each is lent to one command at a time, and let go of for good once it is in doubt. */
class Strands {
  readonly #free: LentStrand[] = [];
  readonly #onTail: OnTail;

  constructor(onTail: OnTail) {
    this.#onTail = onTail;
  }

  async use<T>(writes: boolean, work: (strand: LentStrand) => Promise<T>): Promise<T> {
    const strand = (writes ? this.#free.pop() : undefined) ?? { isOnly: false, tail: undefined, isDoubtful: false };
    const before = strand.tail;
    try {
      const result = await work(strand);
      if (strand.tail !== undefined && strand.tail !== before) this.#onTail(strand.tail);
      return result;
    } catch (error) {
      strand.tail = before;
      throw error;
    } finally {
      if (writes && !strand.isDoubtful) this.#free.push(strand);
    }
  }
}

async function transaction<T>(parts: Transaction, work: (writer: Writer) => Promise<T>): Promise<T> {
  const { connection, scope, run, strand } = parts;
  scope.requireUsable();
  try {
    await scope.orLate(connection.begin(run.mode));
    const result = await beforeCommit(parts, work);
    strand.isDoubtful = true;
    await scope.orLate(commit(connection, run));
    strand.isDoubtful = false;
    return result;
  } catch (error) {
    // What the server refuses to commit, it has undone.
    if (isOutOfOrder(error)) strand.isDoubtful = false;
    throw error;
  } finally {
    // When time is up the server may never answer; a new connection is cheaper than the wait for this one.
    if (scope.late) await connection.discard();
  }
}

async function commit(connection: PostgresConnection, { writes }: Run): Promise<void> {
  try {
    await connection.commit();
  } catch (error) {
    throw writes && isConnectionLoss(error) ? outcomeUnknown(error) : error;
  }
}

async function beforeCommit<T>({ connection, scope, sessions, run, strand }: Transaction, work: (writer: Writer) => Promise<T>): Promise<T> {
  try {
    // The lock comes before anything that reads, so that what is read was written before the lock was given.
    if (run.writes && run.number > FREE_RUNS_MAX) await connection.query("lock table migrations in share row exclusive mode");
    const result = await scope.orLate(work(sessions.open(connection, scope, strand)));
    scope.requireUnharmed();
    connection.requireConnected();
    return result;
  } catch (error) {
    await scope.orLate(connection.rollback());
    throw error;
  } finally {
    // A statement that was not awaited must not land behind the commit, outside the transaction.
    scope.end();
  }
}

/** What drizzle uses of the driver. */
interface Client {
  unsafe(text: string, values: Parameters<PostgresConnection["query"]>[1]): ReturnType<PostgresConnection["query"]>;
  readonly options: PostgresConnection["options"];
}

function builders(client: Client): WriteBuilders {
  return asCanonical<WriteBuilders>(Object.assign(drizzle(asCanonical<Sql>(client)), { tables }));
}

/** Makes the Writers (in a read-only transaction: the Readers) of one store. */
class Sessions {
  readonly #switch = new PlanSwitch<Client>();
  #planner: WriteBuilders | undefined;

  open(connection: PostgresConnection, scope: Scope, strand: Strand): Writer {
    const client = scopedClient(connection, scope);
    // drizzle sets parsers in the options it is given, the same on every connection.
    this.#planner ??= builders({ unsafe: (text, values) => this.#switch.client.unsafe(text, values), options: connection.options });
    return Object.assign(builders(client), { plans: this.#switch.route(this.#planner, client), strand });
  }
}

function scopedClient(connection: PostgresConnection, scope: Scope): Client {
  return {
    options: connection.options,
    unsafe: (text, values) => {
      scope.requireUsable();
      try {
        const query = connection.query(text, values);
        query.catch((error: unknown) => scope.fail(error));
        return query;
      } catch (error) {
        throw scope.fail(error);
      }
    },
  };
}

function tooLong(): Fault {
  return new Fault("unavailable", `The database did not finish within ${SCOPE_MS_MAX / 1000} seconds.`, {
    hint: "It is not known whether a change was made; look before you repeat it.",
    retryAfterSeconds: 1,
  });
}

function outcomeUnknown(cause: unknown): Fault {
  return new Fault("unavailable", "The connection to the database was lost while it made the change.", {
    hint: "It is not known whether the change was made; look before you repeat it.",
    retryAfterSeconds: 1,
    cause,
  });
}

async function migrationTransaction<T>(pool: PostgresPool, step: (connection: MigrationStep) => Promise<T>): Promise<T> {
  return await pool.use(async (connection) => {
    await connection.begin("isolation level read committed");
    try {
      await connection.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      const result = await step(migrationStep(connection));
      await connection.commit();
      return result;
    } catch (error) {
      await connection.rollback();
      throw error;
    }
  });
}

function migrationStep(connection: PostgresConnection): MigrationStep {
  return {
    applied: async () => {
      const [row] = await connection.query("select to_regclass('migrations') is not null as present");
      if (row?.["present"] !== true) return [];
      const rows = await connection.query("select number, name, checksum from migrations order by number");
      return rows.map((one) => ({ number: Number(one["number"]), name: String(one["name"]), checksum: String(one["checksum"]) }));
    },
    execute: async (text) => void (await connection.query(text)),
    record: async ({ number, name, checksum }, appliedAt) => {
      const text = "insert into migrations (number, name, checksum, applied_at) values ($1, $2, $3, $4)";
      await connection.query(text, [number, name, checksum, appliedAt]);
    },
  };
}
