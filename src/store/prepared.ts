/**
 * Statements that are built once and run again with other values: for the few that stand on a hot path, where building
 * the text with the query builder costs several times as much as running it.
 *
 *     const touch = prepared<"id" | "at">((writer, value) =>
 *       writer.update(writer.tables.clients).set({ seen_at: sql`${value("at")}` }).where(eq(id, value("id"))).returning());
 *     const rows = await writer.repeat(touch, { id, at });
 *
 * Rule: the same text and the same order of values on every run; the builder must not look at anything but its arguments.
 */
import { fillPlaceholders, type Placeholder, sql } from "drizzle-orm";
import { assert } from "../fault.ts";
import type { Writer } from "./store.ts";

export type PreparedValue = string | number | null;

interface Built {
  toSQL(): { readonly sql: string; readonly params: unknown[] };
}

export interface Prepared<Name extends string> {
  build(writer: Writer, value: (name: Name) => Placeholder<Name>): Built;
}

export function prepared<Name extends string>(build: Prepared<Name>["build"]): Prepared<Name> {
  return { build };
}

function asValue(value: unknown): PreparedValue {
  assert(value === null || typeof value === "string" || typeof value === "number", "a prepared statement takes text, numbers and null");
  return value;
}

/** The texts of one engine, built at their first run. */
export class PreparedTexts {
  readonly #texts = new WeakMap<object, ReturnType<Built["toSQL"]>>();

  /** The text of `statement` and what its parameters are with `values`. */
  bind<Name extends string>(writer: Writer, statement: Prepared<Name>, values: Readonly<Record<Name, PreparedValue>>) {
    const known = this.#texts.get(statement) ?? statement.build(writer, (name) => sql.placeholder(name)).toSQL();
    this.#texts.set(statement, known);
    return { text: known.sql, parameters: fillPlaceholders(known.params, values).map(asValue) };
  }
}
