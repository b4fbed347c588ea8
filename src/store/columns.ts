/**
 * Two kits with the same column makers, one for each engine.
 *
 * Rule: this file, `sqlite.ts`, `postgres.ts` and the migration pairs are the only places that know an engine.
 * Instants are epoch milliseconds, flags are 0/1 in SQLite and boolean in PostgreSQL, JSON is text in both, so that
 * one query means the same on both.
 */
import { bigint, boolean, pgTable, text as pgText } from "drizzle-orm/pg-core";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const sqliteKit = {
  table: sqliteTable,
  text: () => text(),
  /** Epoch milliseconds. */
  instant: () => integer({ mode: "number" }),
  count: () => integer({ mode: "number" }),
  flag: () => integer({ mode: "boolean" }),
};

export type Kit = typeof sqliteKit;

/** PostgreSQL's kit. SQLite's types are the canonical ones; the single cast of this engine is in `postgres.ts`. */
export const postgresKit = {
  table: pgTable,
  text: () => pgText(),
  instant: () => bigint({ mode: "number" }),
  count: () => bigint({ mode: "number" }),
  flag: () => boolean(),
};
