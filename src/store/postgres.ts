/**
 * The PostgreSQL engine, for deployments of several processes.
 *
 * Commands are serializable transactions: they behave as if they had run one after the other, as on SQLite, so that a
 * count, a cap or a check of authority holds without a lock. The server refuses one of two that cannot be put in an
 * order; that one is run again, first at once, then behind a lock that lets repeaters through one at a time.
 *
 * Rule: only this file knows the driver. Errors never carry the address, which holds a password.
 */
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql, type TransactionSql } from "postgres";
import { Fault } from "../fault.ts";
import type { Clock } from "../services.ts";
import { type Kit, postgresKit } from "./columns.ts";
import { migrate, type Migration, type MigrationStep, postgresMigrations } from "./migrate.ts";
import { asFault, isConnectionLoss, isOutOfOrder } from "./postgres-errors.ts";
import { defineTables } from "./schema.ts";
import { type Scope, Scopes } from "./scope.ts";
import type { Reader, Store, Writer } from "./store.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  readonly clock: Clock;
  /** Other than the build's own in tests only. */
  readonly migrations?: readonly Migration[];
}

/** Connections of one process. More commands at once only get into each other's way. */
const CONNECTIONS_MAX = 16;
/** Commands and queries that run or wait at most; beyond it the caller is told to come back. */
const PENDING_MAX = 10_000;
/** One run of a command or query, waiting for a connection included. */
const SCOPE_MS_MAX = 30_000;
const STATEMENT_MS_MAX = 20_000;
const CONNECT_SECONDS_MAX = 10;
const CLOSE_SECONDS_MAX = 5;
/** Runs of a command that others keep getting in the way of. */
const RUNS_MAX = 20;
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
  const sql = connect(options.url);
  try {
    await migrate((step) => migrationTransaction(sql, step), options.migrations ?? postgresMigrations, options.clock);
    return new PostgresStore(sql, options.clock);
  } catch (error) {
    await sql.end({ timeout: CLOSE_SECONDS_MAX });
    throw asFault(error);
  }
}

function connect(url: string): Sql {
  try {
    return postgres(url, {
      max: CONNECTIONS_MAX,
      connect_timeout: CONNECT_SECONDS_MAX,
      fetch_types: false,
      onnotice: () => {},
      connection: {
        application_name: "cyberun",
        statement_timeout: STATEMENT_MS_MAX,
        idle_in_transaction_session_timeout: SCOPE_MS_MAX,
      },
      // int8 and numeric: counts and sums are numbers, as in SQLite.
      types: { number: { to: 20, from: [20, 1700], parse: Number, serialize: String } },
    });
  } catch {
    // Without the cause: the runtime's error repeats the address with its password.
    throw new Fault("invalid_request", "The database address is not a PostgreSQL address.", {
      hint: "Write postgres://user:password@host:port/database in CYBERUN_DATABASE_URL.",
    });
  }
}

class PostgresStore implements Store {
  readonly engine = "postgres";
  readonly #sql: Sql;
  readonly #scopes: Scopes;
  #pending = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql;
    this.#scopes = new Scopes(clock, { ms: SCOPE_MS_MAX, error: tooLong });
  }

  async read<T>(query: (reader: Reader) => Promise<T>): Promise<T> {
    return await this.#counted(() => this.#run("isolation level repeatable read read only", query));
  }

  async write<T>(command: (writer: Writer) => Promise<T>): Promise<T> {
    return await this.#counted(async () => {
      for (let run = 1; ; run++) {
        try {
          return await this.#run("isolation level serializable", command, run > FREE_RUNS_MAX);
        } catch (error) {
          if (!isOutOfOrder(error) || run === RUNS_MAX) throw error;
        }
      }
    });
  }

  async close(): Promise<void> {
    this.#scopes.requireOutside();
    this.#closing ??= this.#finish();
    await this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#sql.end({ timeout: CLOSE_SECONDS_MAX });
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

  /** One transaction. The driver returns from `begin` after the server has acknowledged the commit. */
  async #run<T>(mode: string, work: (writer: Writer) => Promise<T>, alone = false): Promise<T> {
    let committing = false;
    const transaction = async (client: TransactionSql, scope: Scope) => {
      // The lock comes before anything that reads, so that what is read was written before the lock was given.
      if (alone) await client.unsafe("lock table migrations in share row exclusive mode");
      const result = await inScope(client, this.#sql, scope, work);
      committing = true;
      return { result };
    };
    try {
      const { result } = await this.#scopes.run((scope) => this.#sql.begin(mode, (client) => transaction(client, scope)));
      return result;
    } catch (error) {
      throw committing && isConnectionLoss(error) ? outcomeUnknown(error) : error;
    }
  }
}

async function inScope<T>(client: TransactionSql, sql: Sql, scope: Scope, work: (writer: Writer) => Promise<T>): Promise<T> {
  scope.requireUsable();
  try {
    return await work(session(client, sql, scope));
  } finally {
    // Before the commit: a statement that was not awaited must not land behind it, outside the transaction.
    scope.requireUnharmed();
    scope.end();
  }
}

/** The Writer (in a read-only transaction: the Reader) of one scope. */
function session(client: TransactionSql, sql: Sql, scope: Scope): Writer {
  const unsafe = (text: string, values: never[], settings: object) => {
    scope.requireUsable();
    // Prepared by name: one round trip for each statement instead of two. `?prepare=false` in the address turns it off.
    const query = client.unsafe(text, values, { ...settings, prepare: true });
    query.catch((error: unknown) => scope.fail(error));
    return query;
  };
  return asCanonical<Writer>(Object.assign(drizzle(asCanonical<Sql>({ unsafe, options: sql.options })), { tables }));
}

function tooLong(): Fault {
  return new Fault("unavailable", `The database did not finish within ${SCOPE_MS_MAX / 1000} seconds.`, {
    hint: "It is not known whether the change was made; look before you repeat it.",
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

async function migrationTransaction<T>(sql: Sql, step: (connection: MigrationStep) => Promise<T>): Promise<T> {
  const { result } = await sql.begin(async (client) => {
    await client`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    return { result: await step(migrationStep(client)) };
  });
  return result;
}

function migrationStep(client: TransactionSql): MigrationStep {
  return {
    applied: async () => {
      const [row] = await client<{ present: boolean }[]>`select to_regclass('migrations') is not null as present`;
      if (row?.present !== true) return [];
      return await client<{ number: number; name: string; checksum: string }[]>`
        select number, name, checksum from migrations order by number`;
    },
    execute: async (text) => {
      await client.unsafe(text);
    },
    record: async ({ number, name, checksum }, appliedAt) => {
      await client`
        insert into migrations (number, name, checksum, applied_at)
        values (${number}, ${name}, ${checksum}, ${appliedAt})`;
    },
  };
}
