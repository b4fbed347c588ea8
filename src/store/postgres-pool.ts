/**
 * Connections to PostgreSQL, each used by one transaction at a time and thrown away at the first doubt.
 *
 * The driver's own pool is not used: when a connection breaks inside a transaction it sends the rest of it over a new
 * one, where each statement would commit by itself. Here every connection is a driver of its own that is held
 * reserved, and nothing is sent through it once it has been lost.
 *
 * Rule: it must not know drizzle, nor what the statements mean.
 */
import postgres, { type PendingQuery, type ReservedSql, type Row, type Sql } from "postgres";
import { assert, Fault } from "../fault.ts";

/** Connections of one process. More commands at once only get into each other's way. */
const CONNECTIONS_MAX = 16;
/** Transactions on one connection before it is replaced, which lets go of the statements that it keeps prepared. */
const USES_MAX = 50_000;
const CONNECT_SECONDS_MAX = 10;
const CLOSE_SECONDS_MAX = 5;
/** On the server: a statement that takes longer is cancelled, an open transaction without one is rolled back. */
const STATEMENT_MS_MAX = 20_000;
const IDLE_IN_TRANSACTION_MS_MAX = 30_000;

type Value = string | number | boolean | null;

export class PostgresConnection {
  #lost = false;
  #uses = 0;
  readonly #client: Sql;
  #reserved: ReservedSql | undefined;

  private constructor(url: string) {
    this.#client = connect(url, () => (this.#lost = true));
  }

  static async open(url: string): Promise<PostgresConnection> {
    const connection = new PostgresConnection(url);
    try {
      // Connect first: without its fetch of types, the driver never answers a reservation that has to connect.
      await connection.#client`select 1`;
      connection.#reserved = await connection.#client.reserve();
      return connection;
    } catch (error) {
      await connection.discard();
      throw error;
    }
  }

  /** Where drizzle finds parsers for the types of columns. */
  get options(): Sql["options"] {
    return this.#client.options;
  }

  get usable(): boolean {
    return !this.#lost && this.#uses < USES_MAX;
  }

  /**
   * Sends a statement, prepared by name so that it takes one round trip (`?prepare=false` in the address turns it off,
   * for poolers that cannot). Throws at once when the connection is gone.
   */
  query(text: string, values: Value[] = []): PendingQuery<Row[]> {
    const query: PendingQuery<Row[]> = this.requireConnected().unsafe(text, values, { prepare: values.length > 0 });
    query.catch((error: unknown) => this.#noteLoss(error));
    return query;
  }

  /** Throws an error of code CONNECTION_CLOSED when the connection is gone. */
  requireConnected(): ReservedSql {
    if (!this.#lost && this.#reserved !== undefined) return this.#reserved;
    throw Object.assign(new Error("the connection to the database is gone"), { code: "CONNECTION_CLOSED" });
  }

  /** After an error of the socket or a fatal one of the server nothing more is sent: the driver might never answer. */
  #noteLoss(error: unknown): void {
    if (error instanceof postgres.PostgresError && !["FATAL", "PANIC"].includes(error.severity)) return;
    this.#lost = true;
  }

  async begin(mode: string): Promise<void> {
    this.#uses += 1;
    await this.query(`begin ${mode}`);
  }

  async commit(): Promise<void> {
    const { command } = await this.query("commit");
    assert(command === "COMMIT", `the server answered ${command} to a commit`);
  }

  /** Undoes the transaction; when even that fails the server does it, as soon as the connection is closed. */
  async rollback(): Promise<void> {
    try {
      await this.query("rollback");
    } catch {
      await this.discard();
    }
  }

  /** Cuts the connection. */
  async discard(): Promise<void> {
    this.#lost = true;
    await this.#client.end({ timeout: 0 });
  }

  /** Says good-bye to the server first. No statement may be running. */
  async close(): Promise<void> {
    if (this.#lost) return await this.discard();
    this.#reserved?.release();
    await this.#client.end({ timeout: CLOSE_SECONDS_MAX });
  }
}

function connect(url: string, onLoss: () => void): Sql {
  try {
    return postgres(url, {
      max: 1,
      connect_timeout: CONNECT_SECONDS_MAX,
      max_lifetime: null,
      fetch_types: false,
      onnotice: () => {},
      onclose: onLoss,
      connection: {
        application_name: "cyberun",
        statement_timeout: STATEMENT_MS_MAX,
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS_MAX,
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

export class PostgresPool {
  readonly #url: string;
  readonly #idle: PostgresConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Lends a connection to `work`; it goes back when `work` has settled. Callers are served in their order. */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    await this.#takePlace();
    let connection: PostgresConnection | undefined;
    try {
      connection = (await this.#findIdle()) ?? (await PostgresConnection.open(this.#url));
      return await work(connection);
    } finally {
      if (connection !== undefined) this.#idle.push(connection);
      this.#leavePlace();
    }
  }

  /** Closes what is idle. Nothing may be in use. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  async #findIdle(): Promise<PostgresConnection | undefined> {
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (found.usable) return found;
      await found.close();
    }
    return undefined;
  }

  async #takePlace(): Promise<void> {
    if (this.#taken < CONNECTIONS_MAX) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to the one who has waited longest, if any. */
  #leavePlace(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
