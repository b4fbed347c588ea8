import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signJws } from "../../../src/crypto/jws.ts";
import { joinMarks, type Marks, noMarks, parseMarks, readMarksFile, REVOCATIONS_MAX, type RevocationMark, serializeMarks, writeMarksFile } from "../../../src/license/server/marks.ts";
import { type Revocation, REVOCATION_TYP } from "../../../src/license/revocation.ts";
import { revocationPayload, testVendor } from "../../support/license.ts";

const vendor = testVendor();
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
  revocations: new Map([["test-deployment", revocationMark()]]),
};

/** The mark of a revocation that the vendor of these tests signed. */
function revocationMark(changes: Partial<Revocation> = {}): RevocationMark {
  return { text: vendor.revoke(changes), revocation: revocationPayload(changes), seenAtMs: 1_749_000_000_000 };
}

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

describe("joining revocations", () => {
  const both = (one: RevocationMark, other: RevocationMark) => {
    const [first, second] = [one, other].map((mark) => marks({ revocations: new Map([["test-deployment", mark]]) }));
    return [joinMarks(first ?? noMarks, second ?? noMarks), joinMarks(second ?? noMarks, first ?? noMarks)];
  };
  const kept = ({ revocations }: Marks) => revocations.get("test-deployment")?.revocation;

  test("one that either copy knows is known", () => {
    for (const joined of [joinMarks(full, noMarks), joinMarks(noMarks, full)]) expect(kept(joined)).toEqual(revocationPayload());
  });

  test("the higher sequence counts, and of one sequence the later issued one", () => {
    for (const joined of both(revocationMark({ sequence: 3, issued_at: 5 }), revocationMark({ sequence: 4, issued_at: 1 }))) expect(kept(joined)?.sequence).toBe(4);
    for (const joined of both(revocationMark({ issued_at: 5 }), revocationMark({ issued_at: 6 }))) expect(kept(joined)?.issued_at).toBe(6);
  });
});

describe("revocations in the second copy are the vendor's texts or nothing", () => {
  const withText = (text: string) => serializeMarks(full).replace(vendor.revoke(), () => text);
  const texts: readonly (readonly [string, string])[] = [
    ["altered", vendor.revoke().replace(/.$/, (last) => (last === "A" ? "Q" : "A"))],
    ["signed by another vendor", testVendor("another vendor").revoke()],
    ["signed by the trial key", signJws(REVOCATION_TYP, vendor.keys.trial, revocationPayload())],
    ["a license", vendor.sign().slice(0, 4_000)],
    ["empty", ""],
  ];
  for (const [what, text] of texts) {
    test(`one that is ${what} is left out, and the other marks stand`, () => {
      expect(parseMarks(withText(text), vendor.trusted)).toEqual({ ...full, revocations: new Map() });
    });
  }

  test("a copy of a build that knew none is read", () => {
    const older = serializeMarks(full).replace(/,"revocations":\[.*?\]/, "");
    expect(older).not.toContain("revocations");
    expect(parseMarks(older, vendor.trusted)).toEqual({ ...full, revocations: new Map() });
  });

  test("the newest are kept when there are too many, and the file stays readable", () => {
    const many = Array.from({ length: REVOCATIONS_MAX + 4 }, (_, at) => [`plant-${at}`, revocationMark({ deployment_id: `plant-${at}`, reason: "😀".repeat(200) })] as const);
    const read = parseMarks(serializeMarks({ ...full, revocations: new Map(many) }), vendor.trusted);
    expect([...(read?.revocations.keys() ?? [])]).toEqual(many.slice(-REVOCATIONS_MAX).map(([id]) => id));
  });
});

describe("the second copy", () => {
  test("is read as it was written", () => {
    const path = join(folder, "deep", "marks.json");
    writeMarksFile(path, full);
    expect(readMarksFile(path, { write: () => expect.unreachable() }, vendor.trusted)).toEqual(full);
  });

  test("that is absent is no marks", () => {
    expect(readMarksFile(join(folder, "none.json"), { write: () => expect.unreachable() }, vendor.trusted)).toEqual(noMarks);
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
      expect(parseMarks(text, vendor.trusted)).toBeUndefined();
      expect(readMarksFile(path, { write: (level, event) => told.push(`${level} ${event}`) }, vendor.trusted)).toEqual(noMarks);
      expect(told).toEqual(["warn license.marks_damaged"]);
    });
  }
});
