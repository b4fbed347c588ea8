import { describe, expect, test } from "bun:test";
import { type Ban, findingsOf, linesOf } from "./ban.ts";
import { houseBans } from "./house-bans.ts";
import { languageBans } from "./language-bans.ts";
import { readSource } from "./source-text.ts";

describe.each([...languageBans, ...houseBans])("$name", (ban) => {
  test.each([...ban.catches])("is caught in %s", (text) => {
    expect(linesOf(ban, readSource(text))).not.toEqual([]);
  });
  test.each([...ban.passes])("is not seen in %s", (text) => {
    expect(linesOf(ban, readSource(text))).toEqual([]);
  });
});

const ban: Ban = {
  name: "the word bad",
  instead: "Say good.",
  pattern: /\bbad\b/,
  holdsIn: (path) => path.startsWith("src/"),
  except: { "src/known.ts": { why: "a test", times: 1 } },
  catches: ["bad"],
  passes: ["good"],
};

test("a finding names file, line, ban and what to write instead", () => {
  expect(findingsOf(ban, "src/a.ts", readSource("good;\nbad;\n"))).toEqual(["src/a.ts:2: the word bad. Say good."]);
});

test("a ban is silent where it does not hold", () => {
  expect(findingsOf(ban, "test/a.ts", readSource("bad;"))).toEqual([]);
});

test("an exception covers what it names, no more and no less", () => {
  expect(findingsOf(ban, "src/known.ts", readSource("bad;"))).toEqual([]);
  expect(findingsOf(ban, "src/known.ts", readSource("bad; bad;"))).toEqual(["src/known.ts: the word bad: 2 times, and 1 are excepted. Say good."]);
  expect(findingsOf(ban, "src/known.ts", readSource("good;"))).toEqual(['src/known.ts: the exception from "the word bad" is no longer needed. Remove it from test/tidy.']);
});
