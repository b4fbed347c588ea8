/** Lists for people: a line of headings, a line for each row, columns as wide as what is in them. */
import { shownText } from "./api-client.ts";

/** Characters that turn the writing direction or break lines: a name from elsewhere must not repaint its neighbours. */
const unruly = /[\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const GAP = "  ";

/** One value as a terminal may show it. */
export function shownCell(value: unknown): string {
  if (typeof value === "string") return shownText(value).replace(unruly, " ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(shownCell).join(",");
  return "-";
}

/** An instant to the minute, in UTC as its `Z` says: what a list has room for. */
export function shownTime(value: unknown): string {
  return typeof value === "string" ? shownCell(value.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}).*$/s, "$1 $2Z")) : "-";
}

/** Lines without trailing spaces, and without a line end behind the last. */
export function textTable(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(shownCell))];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => Bun.stringWidth(line[column] ?? ""))));
  const padded = (cell: string, column: number) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell)));
  return lines.map((line) => line.map(padded).join(GAP).trimEnd()).join("\n");
}

/** The members of one thing, a line each. */
export function textMembers(members: Readonly<Record<string, unknown>>): string {
  return Object.entries(members)
    .map(([name, value]) => `${name}: ${shownCell(value)}`)
    .join("\n");
}
