/** What both doors for devices have in common: limits on guesses and on what waits, one owner, one taker. */
import { expect, test } from "bun:test";
import { createUserCode } from "../../src/crypto/user-codes.ts";
import type { UserCaller } from "../../src/gate/caller.ts";
import { type CommandAct, Refused } from "../../src/gate/operation.ts";
import {
  claimDeviceRequest,
  decideDeviceRequest,
  type DeviceCodes,
  type DevicePurpose,
  type DeviceRequest,
  findDeviceRequest,
  insertDeviceRequest,
  PENDING_OF_SOURCE_MAX,
  takeDeviceRequest,
} from "../../src/identity/device-requests.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addPerson, setUp } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";
import { testEngine } from "../support/store.ts";

/** Fewer on PostgreSQL: the limit is one decision for both, and each guess costs it several round trips. */
const GUESSES = testEngine === "sqlite" ? 10_000 : 1_000;

const DAY_MS = 86_400_000;

/** Runs `deed` as an operation would, in a transaction. */
async function within<T>(world: TestGate, caller: CommandAct["caller"], deed: (act: CommandAct) => Promise<T | Refused>): Promise<T> {
  const { services, sealer, settings, entitled } = world.gate;
  const result = await world.store.write(async (writer) => await deed({ caller, services, sealer, settings, entitlements: entitled.entitlements(), limit: () => -1, writer, note: () => {} }));
  if (result instanceof Refused) throw result.fault;
  return result;
}

async function ask(world: TestGate, purpose: DevicePurpose = "desktop", address = "198.51.100.1"): Promise<DeviceCodes> {
  return await within(world, { kind: "anonymous", address }, (act) => insertDeviceRequest(act, { purpose, asked: {}, lifeSeconds: 300, intervalSeconds: 2 }));
}

async function claim(world: TestGate, person: UserCaller, code: string, purpose: DevicePurpose = "desktop"): Promise<DeviceRequest> {
  return await within(world, person, (act) => claimDeviceRequest(act, purpose, code));
}

const at = (person: UserCaller, address: string): UserCaller => ({ ...person, address });

test("thousands of guesses at codes that wait never succeed: after a few they are refused unseen, right or wrong", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const guesser = at(owner, "192.0.2.1");
  const { userCode } = await ask(world);
  const told = new Map<string, number>();
  const count = (code: string | undefined) => told.set(String(code), (told.get(String(code)) ?? 0) + 1);
  for (let guess = 0; guess < GUESSES; guess += 1) count(await codeOf(claim(world, guesser, createUserCode(world.services.random))));
  expect([...told.keys()].toSorted()).toEqual(["not_found", "rate_limited"]);
  // Each of these was looked up; with 2^40 codes they are one chance in a hundred thousand million.
  expect(told.get("not_found")).toBe(10);
  expect(await codeOf(claim(world, guesser, userCode))).toBe("rate_limited");
});

test("guesses that are spread over a day are few: each wrong one makes the wait longer, up to 15 minutes", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  let seen = 0;
  for (let second = 0; second < DAY_MS / 1_000; second += 60) {
    if ((await codeOf(claim(world, at(owner, "192.0.2.1"), createUserCode(world.services.random)))) === "not_found") seen += 1;
    world.services.clock.advance(60_000);
  }
  expect(seen).toBeLessThan(120);
});

test("a person who signs in at many places has one limit, and many people at one place have one, too", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const wrong = () => createUserCode(world.services.random);
  for (let place = 1; place <= 10; place += 1) expect(await codeOf(claim(world, at(owner, `192.0.2.${place}`), wrong()))).toBe("not_found");
  expect(await codeOf(claim(world, at(owner, "192.0.2.99"), wrong()))).toBe("rate_limited");
  const crowd: (string | undefined)[] = [];
  for (let index = 0; index < 12; index += 1) {
    const person = at(await addPerson(world.gate), "203.0.113.1");
    for (let guess = 0; guess < 9; guess += 1) crowd.push(await codeOf(claim(world, person, wrong())));
  }
  expect(crowd.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => "not_found"));
  expect(crowd.slice(100)).toEqual(Array.from({ length: 8 }, () => "rate_limited"));
  // Somebody elsewhere is not held up.
  expect(await codeOf(claim(world, at(await addPerson(world.gate), "203.0.113.2"), (await ask(world)).userCode))).toBeUndefined();
});

test("right codes of one's own buy no guesses, and cost none", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const guesser = at(owner, "192.0.2.1");
  const told: (string | undefined)[] = [];
  for (let guess = 0; guess < 10; guess += 1) {
    expect(await codeOf(claim(world, guesser, (await ask(world)).userCode))).toBeUndefined();
    told.push(await codeOf(claim(world, guesser, createUserCode(world.services.random))));
  }
  expect(told).toEqual(Array.from({ length: 10 }, () => "not_found"));
  expect(await codeOf(claim(world, guesser, (await ask(world)).userCode))).toBe("rate_limited");
  world.services.clock.advance(1_000);
  expect(await codeOf(claim(world, guesser, (await ask(world)).userCode))).toBeUndefined();
});

test("guesses side by side gain nothing over guesses in a row", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const guesses = Array.from({ length: 60 }, () => codeOf(claim(world, at(owner, "192.0.2.1"), createUserCode(world.services.random))));
  const told = await Promise.all(guesses);
  expect(told.filter((code) => code === "not_found")).toHaveLength(10);
  expect(told.filter((code) => code === "rate_limited")).toHaveLength(50);
});

test("a code belongs to whoever types it first, and to one door", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const second = await addPerson(world.gate);
  const { userCode, deviceCode } = await ask(world);
  expect(await codeOf(claim(world, owner, userCode, "oidc"))).toBe("not_found");
  expect(await codeOf(claim(world, owner, userCode))).toBeUndefined();
  expect(await codeOf(claim(world, second, userCode))).toBe("not_found");
  expect(await codeOf(claim(world, owner, userCode))).toBeUndefined();
  expect(await codeOf(claim(world, owner, deviceCode))).toBe("not_found");
  expect(await world.store.read((reader) => findDeviceRequest(world.gate, reader, { purpose: "oidc", code: deviceCode }))).toBeUndefined();
});

test("of two people who type one code side by side one has it", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const people = [owner, ...(await Promise.all(Array.from({ length: 9 }, () => addPerson(world.gate))))];
  const { userCode } = await ask(world);
  const told = await Promise.all(people.map((person) => codeOf(claim(world, person, userCode))));
  expect(told.filter((code) => code === undefined)).toHaveLength(1);
});

test("what was approved is taken once, and a code that was decided or is over is not good any more", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { userCode } = await ask(world);
  await within(world, owner, async (act) => {
    const claimed = await claimDeviceRequest(act, "desktop", userCode);
    return claimed instanceof Refused ? claimed : await decideDeviceRequest(act, claimed, {});
  });
  expect(await codeOf(claim(world, owner, userCode))).toBe("not_found");
  const [row] = await world.store.read(async (reader) => await reader.select().from(reader.tables.deviceRequests));
  if (row === undefined) throw new Error("the request is gone");
  const taken = await Promise.all(Array.from({ length: 20 }, () => within(world, { kind: "anonymous" }, (act) => takeDeviceRequest(act, row))));
  expect(taken.filter(Boolean)).toHaveLength(1);
  const late = await ask(world);
  world.services.clock.advance(300_000);
  expect(await codeOf(claim(world, owner, late.userCode))).toBe("not_found");
});

test("one source cannot make the store fill up, nor keep others out; what is over makes room and is forgotten", async () => {
  await using world = await testGate();
  for (let index = 0; index < PENDING_OF_SOURCE_MAX; index += 1) await ask(world);
  expect(await codeOf(ask(world))).toBe("rate_limited");
  expect(await codeOf(ask(world, "desktop", "198.51.100.2"))).toBeUndefined();
  world.services.clock.advance(300_000);
  expect(await codeOf(ask(world))).toBeUndefined();
  world.services.clock.advance(2 * DAY_MS);
  for (let index = 0; index < PENDING_OF_SOURCE_MAX / 10; index += 1) await ask(world);
  const left = await world.store.read(async (reader) => await reader.select().from(reader.tables.deviceRequests));
  expect(left).toHaveLength(PENDING_OF_SOURCE_MAX / 10);
});
