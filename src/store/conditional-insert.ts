/** `insert … select … where`: a row that goes in only while a condition holds, decided by the one statement that inserts. */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * The values of one row, selected only where `condition` holds; columns that are not named are null.
 *
 *     const [team] = await writer
 *       .insert(teams)
 *       .select(rowWhere(teams, row, sql`(select count(*) from ${teams}) < ${cap}`))
 *       .returning();
 *     if (team === undefined) throw new Fault("quota_exceeded", …);
 *
 * A cap holds under any number of callers, because commands behave as if they ran one after the other.
 */
export function rowWhere<Table extends SQLiteTable>(table: Table, row: Table["$inferInsert"], condition: SQL): SQL {
  const given = new Map<string, unknown>(Object.entries(row));
  const values = Object.entries(getTableColumns(table)).map(([name, column]) => sql.param(given.get(name) ?? null, column));
  return sql`select ${sql.join(values, sql`, `)} where ${condition}`;
}

/** The same for a plan: each column is a value of that name, given with each run. */
export function givenRowWhere(table: SQLiteTable, condition: SQL): SQL {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) => sql.param(sql.placeholder(name), column));
  return sql`select ${sql.join(values, sql`, `)} where ${condition}`;
}
