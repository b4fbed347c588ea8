import { expect, test } from "bun:test";
import { readExposition } from "./exposition.ts";

const good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\",y=\"q\\\"\"} 2\na_total{x=\"2\"} 3\n";

test("a good exposition is read", () => {
  expect(readExposition(good).get("a_total")?.samples.size).toBe(2);
});

test.each([
  ["no line end", good.slice(0, -1)],
  ["a family twice", `${good}${good}`],
  ["a sample twice", `${good}a_total{x="2"} 4\n`],
  ["a counter by another name", "# HELP a A.\n# TYPE a counter\na 1\n"],
  ["a gauge by a counter's name", "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n"],
  ["a sample of no family", `${good}b 1\n`],
  ["no type", "# HELP a A.\na 1\n"],
  ["a label that is not closed", '# HELP a A.\n# TYPE a gauge\na{x="1} 1\n'],
  ["no number", "# HELP a A.\n# TYPE a gauge\na x\n"],
  ["an empty line", `${good}\n`],
  ["buckets that shrink", '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n'],
  ["buckets without an end", '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n'],
])("%s is refused", (_, text) => {
  expect(() => readExposition(text)).toThrow();
});
