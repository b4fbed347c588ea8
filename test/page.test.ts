import { expect, test } from "bun:test";
import { isoTime, pageOf } from "../src/page.ts";

test("without a wish it is the first twenty", () => {
  expect(pageOf({})).toMatchObject({ limit: 20, offset: 0 });
  expect(pageOf({}).meta(41)).toEqual({ current_page: 1, per_page: 20, total_count: 41 });
});

test("a page begins after those before it", () => {
  expect(pageOf({ current_page: 3, per_page: 100 })).toMatchObject({ limit: 100, offset: 200 });
});

test.each([
  { per_page: 5, current_page: 1, rows: 3, total: 3, counts: 0 },
  { per_page: 5, current_page: 1, rows: 0, total: 0, counts: 0 },
  { per_page: 5, current_page: 3, rows: 4, total: 14, counts: 0 },
  { per_page: 5, current_page: 1, rows: 5, total: 99, counts: 1 },
  { per_page: 5, current_page: 3, rows: 0, total: 99, counts: 1 },
])("counts only where the page does not tell the total: %p", async ({ rows, total, counts, ...request }) => {
  let counted = 0;
  const { total_count } = await pageOf(request).metaAfter(rows, async () => {
    counted += 1;
    return 99;
  });
  expect({ total_count, counted }).toEqual({ total_count: total, counted: counts });
});

test.each([
  ["current_page", 0],
  ["current_page", -1],
  ["current_page", 1.5],
  ["current_page", Number.NaN],
  ["current_page", Infinity],
  ["current_page", 1_000_001],
  ["per_page", 0],
  ["per_page", 101],
  ["per_page", -20],
  ["per_page", 2.5],
  ["per_page", Number.NaN],
])("refused: %s %p", (field, value) => {
  expect(() => pageOf({ [field]: value })).toThrow(`The field ${field} is a whole number from 1 to`);
});

test("instants are told in ISO 8601, UTC", () => {
  expect(isoTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe("2026-01-02T03:04:05.006Z");
});
