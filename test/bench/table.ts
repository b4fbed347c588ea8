/** Tables and numbers of a report in Markdown. Pure. */
import type { Summary } from "./statistics.ts";

const SIGNIFICANT_DIGITS = 3;

/** Three significant digits, thousands separated: 4,280 · 16.4 · 0.0312. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Number(value.toPrecision(SIGNIFICANT_DIGITS)).toLocaleString("en-US", { maximumSignificantDigits: SIGNIFICANT_DIGITS });
}

/** `median (min to max)`. */
export function spread(values: Summary | undefined): string {
  if (values === undefined) return "–";
  const { median, min, max } = values;
  return min === max ? shown(median) : `${shown(median)} (${shown(min)} to ${shown(max)})`;
}

/** Text that cannot end a cell or a row. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(" | ")} |`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}
