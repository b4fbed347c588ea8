/** Refused attempts in the audit: told, and too few rows to fill a disk. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import type { Caller } from "../../src/gate/caller.ts";
import { command, Refused } from "../../src/gate/operation.ts";
import { KINDS_MAX } from "../../src/gate/refusals.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { codeOf } from "../support/refusal.ts";

const MINUTE_MS = 60_000;
const ID = "00000000-0000-7000-8000-00000000000f";
const person: Caller = { kind: "user", userId: ID, sessionId: ID, isAdministrator: false, teamId: ID, address: "192.0.2.7" };
const agent: Caller = { kind: "agent", credentialId: ID, teamId: ID, address: "192.0.2.8" };
const stranger = (address: string): Caller => ({ kind: "anonymous", address });

let world: TestGate;

beforeEach(async () => void (world = await testGate()));
afterEach(() => world.close());

const create = command("team.create", async (_act, fault: Fault | undefined) => {
  if (fault !== undefined) throw fault;
});

const attempt = (caller: Caller, fault?: Fault) => codeOf(create(world.gate, caller, fault));

async function passMinute(): Promise<void> {
  world.services.clock.advance(MINUTE_MS);
  await world.gate.refusals.flush();
}

async function told() {
  const rows = await auditRows(world.store);
  return rows.map(({ operation, outcome, actor, team_id, address, details }) => ({ operation, outcome, actor, team_id, address, details: JSON.parse(details) }));
}

describe("a known caller", () => {
  test("who is refused stands in the log before the refusal is answered", async () => {
    expect(await attempt(agent)).toBe("forbidden");
    expect(await told()).toMatchObject([
      { operation: "team.create", outcome: "refused", actor: `agent:${ID}`, team_id: ID, address: "192.0.2.8", details: { error_code: "forbidden", count: 1 } },
    ]);
  });

  test("who goes on for a minute is one row more, with the count", async () => {
    for (let number = 0; number < 50; number++) await attempt(agent);
    expect(await told()).toHaveLength(1);
    await passMinute();
    expect((await told()).map(({ details }) => details.count)).toEqual([1, 49]);
    await passMinute();
    expect(await told()).toHaveLength(2);
  });

  test.each([
    ["the feature is off", { features: { account: { manual_team_creation: false } } }, "feature_disabled"],
    ["the license has expired", { state: "expired" }, "expired"],
  ] as const)("is told when %s", async (_name, license, code) => {
    world.license(license);
    expect(await attempt(person)).toBe(code);
    expect(await told()).toMatchObject([{ actor: `user:${ID}`, details: { error_code: code } }]);
  });

  test.each([
    ["too small a role", new Fault("forbidden", "no")],
    ["a quota", new Fault("quota_exceeded", "no")],
  ])("is told when the domain refuses for %s", async (_name, fault) => {
    expect(await attempt(person, fault)).toBe(fault.code);
    expect(await told()).toMatchObject([{ outcome: "refused", details: { error_code: fault.code, count: 1 } }]);
  });

  test.each([["invalid_request"], ["not_found"], ["conflict"], ["rate_limited"], ["unavailable"]] as const)("is not told for %s, which says nothing of authority", async (code) => {
    expect(await attempt(person, new Fault(code, "no"))).toBe(code);
    await passMinute();
    expect(await told()).toEqual([]);
  });

  test("whose refusal is remembered by the command has that row alone", async () => {
    const remembered = command("session.create", async (_act, _input: undefined) => new Refused(new Fault("unauthenticated", "wrong")));
    expect(await codeOf(remembered(world.gate, stranger("192.0.2.1"), undefined))).toBe("unauthenticated");
    await passMinute();
    expect(await told()).toMatchObject([{ operation: "session.create", outcome: "refused", details: {} }]);
  });
});

describe("strangers", () => {
  test("are counted, and are one row a minute for each source", async () => {
    for (let number = 0; number < 500; number++) await attempt(stranger(number % 2 === 0 ? "192.0.2.1" : "192.0.2.2"));
    expect(await told()).toEqual([]);
    await passMinute();
    expect((await told()).map(({ address, actor, details }) => [actor, address, details.count])).toEqual([
      ["anonymous", "192.0.2.1", 250],
      ["anonymous", "192.0.2.2", 250],
    ]);
  });

  test("of one IPv6 network are one source", async () => {
    for (let number = 0; number < 100; number++) await attempt(stranger(`2001:db8:1:2:${number}::1`));
    await passMinute();
    expect((await told()).map(({ address, details }) => [address, details.count])).toEqual([["2001:db8:1:2::/64", 100]]);
  });

  test("from everywhere are a bounded number of rows, and every attempt is counted", async () => {
    const attempts = KINDS_MAX + 500;
    for (let number = 0; number < attempts; number++) await attempt(stranger(`10.0.${number >> 8}.${number & 255}`));
    await passMinute();
    const rows = await told();
    expect(rows).toHaveLength(KINDS_MAX + 1);
    expect(rows.at(-1)).toMatchObject({ actor: "anonymous", address: null, details: { count: 500 } });
    expect(rows.reduce((sum, { details }) => sum + details.count, 0)).toBe(attempts);
  });

  test("with self-made lease client keys are strangers", async () => {
    for (let number = 0; number < 20; number++) await attempt({ kind: "lease_client", clientId: `key-${number}`, address: "192.0.2.9" });
    await passMinute();
    expect((await told()).map(({ actor, details }) => [actor, details.count])).toEqual([["anonymous", 20]]);
  });
});

test("what was counted is written at the stop", async () => {
  await attempt(stranger("192.0.2.1"));
  await world.gate.refusals.stop();
  expect(await told()).toHaveLength(1);
});

test("the minute's timer writes by itself, and is armed only while something waits", async () => {
  const before = world.services.clock.timers();
  await attempt(stranger("192.0.2.1"));
  expect(world.services.clock.timers()).toBe(before + 1);
  world.services.clock.advance(MINUTE_MS);
  await world.gate.refusals.stop();
  expect(await told()).toHaveLength(1);
  expect(world.services.clock.timers()).toBe(before);
});

test("system's own attempts are not told", async () => {
  const denied = command("team.create", async () => {});
  expect(await codeOf(denied(world.gate, { kind: "system" }, undefined))).toBe("forbidden");
  await passMinute();
  expect(await told()).toEqual([]);
});
