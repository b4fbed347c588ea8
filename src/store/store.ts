/**
 * The store as the domains see it: queries read, commands write in one transaction, and what was acknowledged is on disk.
 *
 * Rule: domains get a `Reader` or a `Writer` and never an engine. A query that writes does not compile.
 * It must not know any domain.
 */
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { Tables } from "./schema.ts";

type Database = BunSQLiteDatabase<Record<string, never>>;

/** Reads one consistent state. Await the builders; never call `.get()`, `.all()` or `.run()`. */
export interface Reader {
  readonly tables: Tables;
  readonly select: Database["select"];
  readonly selectDistinct: Database["selectDistinct"];
}

/** Reads and writes inside one transaction. Nothing is true until the command that holds it has returned. */
export interface Writer extends Reader {
  readonly insert: Database["insert"];
  readonly update: Database["update"];
  readonly delete: Database["delete"];
}

export interface Store {
  readonly engine: "sqlite" | "postgres";
  /** Runs `query` on committed state. */
  read<T>(query: (reader: Reader) => Promise<T>): Promise<T>;
  /**
   * Runs `command` in one transaction and resolves after it is durable (SQLite: synchronous=FULL).
   * A throw rolls all of it back and rejects. Commands that arrive together may share one commit; each still
   * succeeds or fails alone. A command must not await anything but the store, and must not call `write`.
   */
  write<T>(command: (writer: Writer) => Promise<T>): Promise<T>;
  /** Waits for running work, then closes. Later calls reject. */
  close(): Promise<void>;
}
