/** Idempotency keys at the gate, on a real store: once, the same answer, and nothing kept in clear. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createCredential } from "../../src/credentials/credentials.ts";
import { Fault } from "../../src/fault.ts";
import type { Caller } from "../../src/gate/caller.ts";
import { command, Refused } from "../../src/gate/operation.ts";
import { operations, type OperationName, rowOf } from "../../src/gate/operations.ts";
import { createClient } from "../../src/oidc/clients/client-operations.ts";
import { createTeam, listTeams } from "../../src/teams/teams.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, type SetUp, setUp } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";

const DAY_MS = 86_400_000;

let world: TestGate;
let people: SetUp;

beforeEach(async () => {
  world = await testGate();
  people = await setUp(world.gate);
});
afterEach(() => world.close());

/** `caller` with an attempt of its own, as each request has. */
function attempting(caller: Caller, key: string) {
  return { ...caller, attempt: { key, isReplay: false } };
}

const teamNames = async () => (await listTeams(world.gate, people.owner, { per_page: 100 })).team_list.map(({ display_name }) => display_name).toSorted();

describe("a repeat", () => {
  test("does it once and hears the same value, and only the repeat is told as one", async () => {
    const first = attempting(people.owner, "k-1");
    const second = attempting(people.owner, "k-1");
    const made = await createTeam(world.gate, first, { display_name: "Blue" });
    const rows = (await auditRows(world.store)).length;
    expect(await createTeam(world.gate, second, { display_name: "Blue" })).toEqual(made);
    expect([first.attempt.isReplay, second.attempt.isReplay]).toEqual([false, true]);
    expect(await teamNames()).toEqual(["Blue", "First"]);
    // Nothing was done, so nothing is told.
    expect(await auditRows(world.store)).toHaveLength(rows);
  });

  test("of 50 at once: exactly one does it, and all hear the same", async () => {
    const all = Array.from({ length: 50 }, () => attempting(people.owner, "k-2"));
    const made = await Promise.all(all.map((caller) => createTeam(world.gate, caller, { display_name: "Blue" })));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ attempt }) => !attempt.isReplay)).toHaveLength(1);
    expect(await teamNames()).toEqual(["Blue", "First"]);
  });

  test("with another input is refused, and changes nothing", async () => {
    await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
    expect(await codeOf(createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Red" }))).toBe("idempotency_key_reused");
    expect(await teamNames()).toEqual(["Blue", "First"]);
  });

  test("with the members in another order is the same input", async () => {
    const made = await createCredential(world.gate, attempting(people.owner, "k"), { kind: "agent", display_name: "A" });
    expect(await createCredential(world.gate, attempting(people.owner, "k"), { display_name: "A", kind: "agent" })).toEqual(made);
  });

  test("quoted and bare are the same key", async () => {
    const made = await createTeam(world.gate, attempting(people.owner, '"k"'), { display_name: "Blue" });
    expect(await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" })).toEqual(made);
  });

  test("of a procedure does it once too", async () => {
    const metadata = { client_name: "Shop", redirect_uris: ["https://shop.example/cb"] };
    const made = await createClient(world.gate, attempting(people.owner, "k"), { metadata });
    const again = await createClient(world.gate, attempting(people.owner, "k"), { metadata });
    expect(JSON.stringify(again)).toBe(JSON.stringify(made));
  });

  test("after a day is a new attempt", async () => {
    const made = await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
    world.services.clock.advance(DAY_MS - 1);
    expect(await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" })).toEqual(made);
    world.services.clock.advance(1);
    expect(await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" })).not.toEqual(made);
  });
});

describe("a key belongs to", () => {
  test("its caller", async () => {
    const other = await addPerson(world.gate, { teamId: people.teamId, role: "admin" });
    const mine = await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
    expect(await createTeam(world.gate, attempting(other, "k"), { display_name: "Blue" })).not.toEqual(mine);
  });

  test("the person, whichever session repeats", async () => {
    const mine = await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
    expect(await createTeam(world.gate, attempting({ ...people.owner, sessionId: "another" }, "k"), { display_name: "Blue" })).toEqual(mine);
  });

  test("its operation and its team", async () => {
    const team = await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
    const first = await createCredential(world.gate, attempting(people.owner, "k"), { kind: "agent", display_name: "A" });
    const second = await createCredential(world.gate, attempting({ ...people.owner, teamId: team.id }, "k"), { kind: "agent", display_name: "A" });
    expect(second.id).not.toBe(first.id);
  });
});

describe("nothing is kept of", () => {
  test("a deed that is refused: its repeat is a new attempt", async () => {
    world.license({ quotas: { global: { max_teams: 1 } } });
    expect(await codeOf(createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" }))).toBe("quota_exceeded");
    world.license({});
    const caller = attempting(people.owner, "k");
    await createTeam(world.gate, caller, { display_name: "Blue" });
    expect(caller.attempt.isReplay).toBe(false);
  });

  test("a refusal that is remembered, nor of a bug", async () => {
    let ran = 0;
    const outcomes = [() => new Refused(new Fault("conflict", "no")), () => { throw new Error("a bug"); }, () => ({ id: "made" })];
    const deed = command("team.create", async (_act, _input: undefined) => outcomes[ran++]?.() ?? { id: "" });
    expect(await codeOf(deed(world.gate, attempting(people.owner, "k"), undefined))).toBe("conflict");
    await deed(world.gate, attempting(people.owner, "k"), undefined).catch(() => {});
    expect(await deed(world.gate, attempting(people.owner, "k"), undefined)).toEqual({ id: "made" });
    expect(await deed(world.gate, attempting(people.owner, "k"), undefined)).toEqual({ id: "made" });
    expect(ran).toBe(3);
  });

  test("secrets and keys in clear", async () => {
    const { raw_key } = await createCredential(world.gate, attempting(people.owner, "my-own-key-name"), { kind: "integration", display_name: "A" });
    const again = await createCredential(world.gate, attempting(people.owner, "my-own-key-name"), { kind: "integration", display_name: "A" });
    expect(again.raw_key).toBe(raw_key);
    const text = await storeText(world.store);
    expect(text).not.toContain(raw_key);
    expect(text).not.toContain("my-own-key-name");
  });

  test("what is long over", async () => {
    for (let number = 0; number < 50; number++) await createTeam(world.gate, attempting(people.owner, `old-${number}`), { display_name: "Blue" });
    world.services.clock.advance(DAY_MS);
    // One attempt in twenty sweeps.
    for (let number = 0; number < 400; number++) await createTeam(world.gate, attempting(people.owner, "new"), { display_name: "Blue" });
    const kept = await world.store.read(async (reader) => await reader.select().from(reader.tables.idempotencyKeys));
    expect(kept).toHaveLength(1);
  });
});

test.each([[""], ['""'], ["x".repeat(256)], ["with space"], ["ümlaut"], ["tab\t"], ["line\n"], ["\u0000"], ['"half'], ["in\"side"]])("the key %j is refused, and nothing is made", async (key) => {
  expect(await codeOf(createTeam(world.gate, attempting(people.owner, key), { display_name: "Blue" }))).toBe("invalid_request");
  expect(await teamNames()).toEqual(["First"]);
});

test("who may not enter learns nothing of what was kept", async () => {
  await createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" });
  world.license({ state: "expired" });
  expect(await codeOf(createTeam(world.gate, attempting(people.owner, "k"), { display_name: "Blue" }))).toBe("expired");
});

test("operations that take a key are for callers with a credential, make an audit row, and are the creating ones", () => {
  const isName = (name: string): name is OperationName => Object.hasOwn(operations, name);
  const taking = Object.keys(operations).filter(isName).filter((name) => rowOf(name).takesIdempotencyKey === true);
  for (const name of taking) expect([name, rowOf(name).accepts.includes("anonymous"), rowOf(name).audit]).toEqual([name, false, undefined]);
  const creating = Object.keys(operations).filter(isName).filter((name) => name.endsWith(".create") && rowOf(name).accepts.includes("user"));
  expect(creating.filter((name) => !taking.includes(name))).toEqual([]);
});
