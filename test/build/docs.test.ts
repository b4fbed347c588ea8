import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { operationNames } from "../../build/catalog-markdown.ts";
import { generatedPages } from "../../build/docs.ts";
import { commandNames } from "../../src/cli/commands.ts";
import { settingNames, settingOf } from "../../src/config/table.ts";

const root = join(import.meta.dirname, "../..");

test.each(Object.entries(generatedPages))("%s is what `bun run docs` writes", (path, page) => {
  expect(readFileSync(join(root, path), "utf8")).toBe(page());
});

test("no row of a table is left out of its page", () => {
  const page = (path: string) => generatedPages[path]?.() ?? "";
  for (const name of settingNames) expect(page("docs/configuration.md")).toContain(`| \`${settingOf(name).variable}\` |`);
  for (const name of commandNames) expect(page("docs/cli.md")).toContain(`\n### ${name}\n`);
  for (const name of operationNames()) expect(page("docs/operations.md")).toContain(`\n| \`${name}\` |`);
});

test("no cell of a table breaks it", () => {
  for (const page of Object.values(generatedPages)) {
    const rows = page().split("\n").filter((line) => line.startsWith("|"));
    const cells = (row: string) => row.replaceAll("\\|", "").split("|").length;
    for (const [index, row] of rows.entries()) if (/^\| --- /.test(row)) expect(cells(row)).toBe(cells(rows[index - 1] ?? ""));
    expect(rows.filter((row) => !row.endsWith("|"))).toEqual([]);
  }
});
