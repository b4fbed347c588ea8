import { describe, expect, test } from "bun:test";
import type { ServedState } from "../../../src/license/lease.ts";
import { judgeLicense, type StandingFacts, termOf } from "../../../src/license/server/standing.ts";
import { licensePayload, revocationPayload } from "../../support/license.ts";

const DAY = 86_400;
const START = 1_750_000_000;
const END = START + 365 * DAY;
const license = licensePayload({ issued_at: START, not_before: START, expires_at: END, sequence: 5 });

function facts(changes: Partial<Omit<StandingFacts, "clock">> & { readonly now?: number; readonly isAnomalous?: boolean } = {}): StandingFacts {
  const { now = START + DAY, isAnomalous = false, ...rest } = changes;
  return {
    license,
    activatedAtMs: undefined,
    problem: undefined,
    sequenceMark: 5,
    revocation: undefined,
    binding: { kind: "bound", changed: [] },
    ...rest,
    clock: { nowMs: now * 1_000, stepBackMs: isAnomalous ? 7_000 : 0, isAnomalous },
  };
}

const shut = { kind: "not_bound", reason: "elsewhere" } as const;
const revocation = revocationPayload({ sequence: 6, issued_at: START + DAY });
const ended = { sequenceMark: 6, revocation: { text: "signed", revocation, seenAtMs: (START + 2 * DAY) * 1_000 } };
const low = { refusal: "sequence_too_low", message: "older" };
const bad = { refusal: "bad_signature", message: "altered" };

/** From the last to the first: each row adds one objection, and the earlier check names the state. */
const order: readonly (readonly [ServedState, StandingFacts])[] = [
  ["ok", facts()],
  ["expiring", facts({ now: END - 30 * DAY })],
  ["expired", facts({ now: END })],
  ["not_yet_valid", facts({ now: START - 1 })],
  ["not_bound", facts({ now: END, binding: shut })],
  ["revoked", facts({ now: END, binding: shut, ...ended })],
  ["clock_anomaly", facts({ now: END, binding: shut, ...ended, isAnomalous: true })],
  ["rollback_suspected", facts({ now: END, binding: shut, isAnomalous: true, sequenceMark: 6 })],
  ["rollback_suspected", facts({ now: END, binding: shut, ...ended, isAnomalous: true, sequenceMark: 7 })],
  ["invalid", facts({ license: undefined, problem: bad, isAnomalous: true })],
  ["rollback_suspected", facts({ license: undefined, problem: low })],
  ["revoked", facts({ license: undefined, problem: { refusal: "revoked", message: "ended" } })],
  ["missing", facts({ license: undefined })],
  ["missing", facts({ license: undefined, problem: { refusal: "file_missing", message: "gone" } })],
];

for (const [at, [state, given]] of order.entries()) {
  test(`${at + 1}: ${state} is named before every later objection`, () => {
    expect(judgeLicense(given).state).toBe(state);
  });
}

describe("the very second", () => {
  const edges: readonly (readonly [number, ServedState])[] = [
    [START - 1, "not_yet_valid"],
    [START, "ok"],
    [END - 30 * DAY - 1, "ok"],
    [END - 30 * DAY, "expiring"],
    [END - 1, "expiring"],
    [END, "expired"],
    [END + 1, "expired"],
  ];
  for (const [now, state] of edges) {
    test(`${now - START} s after the start of a year's license is ${state}`, () => {
      expect(judgeLicense(facts({ now })).state).toBe(state);
    });
  }

  test("each state says when time alone will change it", () => {
    expect(judgeLicense(facts({ now: START - 9 })).changesAt).toBe(START);
    expect(judgeLicense(facts()).changesAt).toBe(END - 30 * DAY);
    expect(judgeLicense(facts({ now: END - DAY })).changesAt).toBe(END);
    expect(judgeLicense(facts({ now: END })).changesAt).toBeUndefined();
    expect(judgeLicense(facts({ isAnomalous: true })).changesAt).toBeUndefined();
  });

  test("expired since the end, however late it is noticed", () => {
    expect(judgeLicense(facts({ now: END + 40 * DAY })).since).toBe(END);
  });
});

describe("the term", () => {
  test("of a short license warns in its last tenth", () => {
    const short = licensePayload({ issued_at: START, not_before: START, expires_at: START + 10 * DAY });
    expect(termOf(short, undefined)).toEqual({ startsAt: START, warnsAt: START + 9 * DAY, endsAt: START + 10 * DAY });
  });

  const trial = licensePayload({ template: "trial", issued_at: START, not_before: START, expires_at: END, activation: { days: 30 } });

  test("of a trial is counted from its first use", () => {
    const used = START + 100 * DAY;
    expect(termOf(trial, used * 1_000)).toEqual({ startsAt: used, warnsAt: used + 27 * DAY, endsAt: used + 30 * DAY });
  });

  test("of a trial never goes beyond the license's own end", () => {
    expect(termOf(trial, (END - DAY) * 1_000).endsAt).toBe(END);
  });

  test("of a trial whose first use is not known has not begun: it grants nothing", () => {
    expect(judgeLicense(facts({ license: trial, sequenceMark: 1 })).state).toBe("expired");
  });

  test("of a license that is no trial does not move with a first use", () => {
    expect(termOf(license, START * 1_000).endsAt).toBe(END);
  });
});

test("a state that is not ok gives its reason", () => {
  for (const [state, given] of order) {
    const { reason } = judgeLicense(given);
    expect(reason === "").toBe(state === "ok");
  }
});

describe("a revocation", () => {
  const states: readonly (readonly [string, Partial<typeof revocation>, ServedState])[] = [
    ["of the next sequence ends the license", {}, "revoked"],
    ["of a far higher sequence ends it as well", { sequence: 99 }, "revoked"],
    ["of the same sequence, issued later, ends it", { sequence: 5 }, "revoked"],
    ["of the same sequence, issued in the same second, ends it: in doubt nothing is open", { sequence: 5, issued_at: START }, "revoked"],
    ["of the same sequence, issued before, does not", { sequence: 5, issued_at: START - 1 }, "ok"],
    ["of a lower sequence does not, whenever it was issued", { sequence: 4, issued_at: END }, "ok"],
    ["of another deployment does not", { deployment_id: "another" }, "ok"],
  ];
  for (const [what, changes, state] of states) {
    test(what, () => {
      const given = { ...ended.revocation, revocation: { ...revocation, ...changes } };
      expect(judgeLicense(facts({ revocation: given })).state).toBe(state);
    });
  }

  test("says who, when and why, and since when it is known here; time alone does not mend it", () => {
    const { reason, since, changesAt } = judgeLicense(facts({ ...ended }));
    expect(reason).toBe(`The vendor revoked the license test-license at ${new Date((START + DAY) * 1_000).toISOString()}: The contract has ended.`);
    expect([since, changesAt]).toEqual([START + 2 * DAY, undefined]);
  });
});
