import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinMarks, type Marks, noMarks, parseMarks, readMarksFile, serializeMarks, writeMarksFile } from "../../../src/license/server/marks.ts";

const folder = mkdtempSync(join(tmpdir(), "cyberun-marks-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bound = { deployment_id: "plant", parts: ["mac:x"] };
const full: Marks = {
  epoch: 7,
  highWaterMs: 1_750_000_000_123,
  reset: { issued_at: 1_700_000_000, license_id: "l-2" },
  sequences: new Map([["plant", 5]]),
  activations: new Map([["trial", 1_740_000_000_000]]),
  bound,
};

function marks(changes: Partial<Marks>): Marks {
  return { ...noMarks, ...changes };
}

describe("joining two copies takes the stricter value of each mark", () => {
  const both = (one: Partial<Marks>, other: Partial<Marks>) => [joinMarks(marks(one), marks(other)), joinMarks(marks(other), marks(one))];

  test("the higher epoch, time and sequence, the earlier first use", () => {
    const older = { epoch: 3, highWaterMs: 10, sequences: new Map([["plant", 4], ["shop", 9]]), activations: new Map([["trial", 50]]) };
    const newer = { epoch: 5, highWaterMs: 20, sequences: new Map([["plant", 6]]), activations: new Map([["trial", 70]]) };
    for (const joined of both(older, newer)) {
      expect(joined).toMatchObject({ epoch: 5, highWaterMs: 20 });
      expect(joined.sequences).toEqual(new Map([["plant", 6], ["shop", 9]]));
      expect(joined.activations).toEqual(new Map([["trial", 50]]));
    }
  });

  test("a time that a later license set anew is not outdone by the higher one before", () => {
    const before = { highWaterMs: 9_000, reset: undefined };
    const after = { highWaterMs: 1_000, reset: { issued_at: 5, license_id: "b" } };
    for (const joined of both(before, after)) expect(joined).toMatchObject({ highWaterMs: 1_000, reset: { issued_at: 5 } });
  });

  test("of two times after the same reset the higher one counts", () => {
    const reset = { issued_at: 5, license_id: "b" };
    for (const joined of both({ highWaterMs: 1, reset }, { highWaterMs: 2, reset })) expect(joined.highWaterMs).toBe(2);
  });

  test("a host is remembered when either copy remembers it", () => {
    for (const joined of both({ bound }, {})) expect(joined.bound).toEqual(bound);
  });
});

describe("the second copy", () => {
  test("is read as it was written", () => {
    const path = join(folder, "deep", "marks.json");
    writeMarksFile(path, full);
    expect(readMarksFile(path, { write: () => expect.unreachable() })).toEqual(full);
  });

  test("that is absent is no marks", () => {
    expect(readMarksFile(join(folder, "none.json"), { write: () => expect.unreachable() })).toEqual(noMarks);
  });

  const good = serializeMarks(full);
  const damaged: readonly (readonly [string, string])[] = [
    ["empty", ""],
    ["torn", good.slice(0, 40)],
    ["not an object", "[]"],
    ["of another format", good.replace('"format":1', '"format":2')],
    ["with a mark below zero", good.replace('"epoch":7', '"epoch":-7')],
    ["with a mark that is no integer", good.replace('"epoch":7', '"epoch":7.5')],
    ["with a member too many", good.replace("{", '{"more":1,')],
    ["too large", `${good}${" ".repeat(262_144)}`],
  ];
  for (const [what, text] of damaged) {
    test(`that is ${what} is told to the log and counts as absent`, () => {
      const path = join(folder, "damaged.json");
      const told: string[] = [];
      writeFileSync(path, text);
      expect(parseMarks(text)).toBeUndefined();
      expect(readMarksFile(path, { write: (level, event) => told.push(`${level} ${event}`) })).toEqual(noMarks);
      expect(told).toEqual(["warn license.marks_damaged"]);
    });
  }
});
