/**
 * The store as the domains see it: queries read, commands write in one transaction, and what was acknowledged is on disk.
 *
 * Rule: domains get a `Reader` or a `Writer` and never an engine. A query that writes does not compile.
 * It must not know any domain.
 */
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { Tables } from "./schema.ts";

type Database = BunSQLiteDatabase<Record<string, never>>;

/** What makes statements that read. */
export interface ReadBuilders {
  readonly tables: Tables;
  readonly select: Database["select"];
  readonly selectDistinct: Database["selectDistinct"];
}

/** What makes any statement. */
export interface WriteBuilders extends ReadBuilders {
  readonly insert: Database["insert"];
  readonly update: Database["update"];
  readonly delete: Database["delete"];
}

/**
 * Reads one consistent state. Await the builders; never call `.get()`, `.all()` or `.run()`.
 *
 * Text compares by its bytes and `like` minds case on both engines. Nulls come first in SQLite's ascending order and
 * last in PostgreSQL's: do not order by a column that can be null.
 */
export interface Reader extends ReadBuilders {
  /** For `plan.ts` alone. */
  readonly plans: PlanRoute;
}

/**
 * Reads and writes inside one transaction. Nothing is true until the command that holds it has returned.
 * The first statement that fails fails the command, even if it catches the error: expect a conflict with
 * `onConflictDoNothing().returning()`, not with a catch.
 */
export interface Writer extends Reader, WriteBuilders {
  readonly strand: Strand;
}

/** The end of a line of rows in which each continues the one before. */
export interface Tail {
  readonly stream: string;
  readonly sequence: number;
  readonly chain: string;
}

/**
 * A line of commands that run one after the other, never beside each other: SQLite has one, PostgreSQL as many as
 * commands run at once. So a row that continues the line's last row is in nobody's way.
 */
export interface Strand {
  /** Every command of every process is in this one. */
  readonly isOnly: boolean;
  /** What the last command left here, if it was committed; undefined at first. */
  tail: Tail | undefined;
}

/** Is told where a strand ends, after each commit that moved the end and before the command is acknowledged. */
export type OnTail = (tail: Tail) => void;

/** How the plans of a store run in one of its commands or queries. */
export interface PlanRoute {
  /** The same for every command and query of the store. What it builds can be prepared, and run by nothing but a plan. */
  readonly planner: WriteBuilders;
  /** The statements that `start` starts before it returns belong to this command or query. */
  through(start: () => void): void;
}

export interface Store {
  readonly engine: "sqlite" | "postgres";
  /** Runs `query` on committed state; it sees every commit that was acknowledged before. */
  read<T>(query: (reader: Reader) => Promise<T>): Promise<T>;
  /**
   * Runs `command` in one transaction and resolves after it is durable (SQLite: synchronous=FULL).
   * A throw rolls all of it back and rejects. Commands that arrive together may share one commit; each still
   * succeeds or fails alone. Commands behave as if they ran one after the other, also across processes.
   *
   * A command must not await anything but the store, must not call the store again, and may be run more than once
   * (PostgreSQL, when another command got in its way): what it changes outside its Writer must bear repetition.
   * Throws Fault `unavailable` when disk, server or connection fail, or too much waits.
   */
  write<T>(command: (writer: Writer) => Promise<T>): Promise<T>;
  /** Waits for running work, then closes. Later calls reject. */
  close(): Promise<void>;
}
