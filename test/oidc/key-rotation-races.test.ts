/** Several processes at once, and a process that dies in the middle. */
import { describe, expect, test } from "bun:test";
import { operator, system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { addSigningKey, type KeyChange, prepareSigningKey, revokeSigningKey, rotateDueKeys, rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { type ListedKey, listSigningKeys } from "../../src/oidc/signing-keys.ts";
import type { Store, Writer } from "../../src/store/store.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { makeTestDatabase, testEngine } from "../support/store.ts";

const DAY_MS = 86_400_000;
const RACERS = 20;

interface Processes extends AsyncDisposable {
  readonly world: TestGate;
  /** Two processes over one database; with SQLite, which one process owns, the same store twice. */
  readonly gates: readonly [Gate, Gate];
}

async function twoProcesses(): Promise<Processes> {
  const world = await testGate();
  if (testEngine === "sqlite") return { world, gates: [world.gate, { ...world.gate }], [Symbol.asyncDispose]: () => world.close() };
  const database = await makeTestDatabase();
  const stores = [await database.open(), await database.open()] as const;
  return {
    world,
    gates: [{ ...world.gate, store: stores[0] }, { ...world.gate, store: stores[1] }],
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await database.remove();
      await world.close();
    },
  };
}

/** `attempt` by both processes, many times at once. */
async function race<T>({ gates }: Processes, attempt: (gate: Gate) => Promise<T>): Promise<readonly T[]> {
  return await Promise.all(Array.from({ length: RACERS }, (_, index) => attempt(gates[index % 2 === 0 ? 0 : 1])));
}

async function listed({ gates }: Pick<Processes, "gates">): Promise<readonly ListedKey[]> {
  return await listSigningKeys(gates[1], operator, undefined);
}

const states = (keys: readonly ListedKey[]) => keys.map(({ state }) => state).toSorted();

describe("in two processes at once", () => {
  test("the first key is made once", async () => {
    await using processes = await twoProcesses();
    const prepared = await race(processes, (gate) => prepareSigningKey(gate, system, undefined));
    expect(new Set(prepared.map(({ kid }) => kid)).size).toBe(1);
    expect(states(await listed(processes))).toEqual(["signing"]);
  });

  test("a key of one more algorithm is made once", async () => {
    await using processes = await twoProcesses();
    const added = await race(processes, (gate) => addSigningKey(gate, system, { alg: "EdDSA" }));
    expect(added.filter((change) => change !== undefined)).toHaveLength(1);
  });

  test("a scheduled change is made once", async () => {
    await using processes = await twoProcesses();
    await prepareSigningKey(processes.gates[0], system, undefined);
    processes.world.services.clock.advance(89 * DAY_MS);
    const changes: KeyChange[] = (await race(processes, (gate) => rotateDueKeys(gate, system, undefined))).flatMap((report) => report.changes);
    expect(changes).toHaveLength(1);
    expect(states(await listed(processes))).toEqual(["pending", "signing"]);
  });

  test("a change that is asked for is made once", async () => {
    await using processes = await twoProcesses();
    await prepareSigningKey(processes.gates[0], system, undefined);
    const changes = await race(processes, (gate) => rotateSigningKeys(gate, operator, { alg: undefined, time: "soon" }));
    expect(changes.flat()).toHaveLength(1);
    expect(states(await listed(processes))).toEqual(["pending", "signing"]);
  });

  test("a key is revoked once, and gets one successor", async () => {
    await using processes = await twoProcesses();
    const { kid } = await prepareSigningKey(processes.gates[0], system, undefined);
    const revoked = await race(processes, (gate) => revokeSigningKey(gate, operator, { kid }));
    expect(revoked.filter(({ successor }) => successor !== null)).toHaveLength(1);
    expect(states(await listed(processes))).toEqual(["revoked", "signing"]);
  });

  test("rotating, at once and in time, and revoking in any order leave one key that signs", async () => {
    await using processes = await twoProcesses();
    const { kid } = await prepareSigningKey(processes.gates[0], system, undefined);
    processes.world.services.clock.advance(89 * DAY_MS);
    const [first, second] = processes.gates;
    await Promise.all([
      rotateDueKeys(first, system, undefined),
      rotateSigningKeys(second, operator, { alg: undefined, time: "now" }),
      revokeSigningKey(first, operator, { kid }),
      rotateSigningKeys(second, operator, { alg: undefined, time: "soon" }),
      rotateDueKeys(second, system, undefined),
    ]);
    const keys = await listed(processes);
    expect(keys.filter(({ state }) => state === "signing")).toHaveLength(1);
    expect(keys.filter(({ state }) => state === "pending").length).toBeLessThanOrEqual(1);
    expect((await createKeyring(second).getSigningKey()).kid).toBe(keys.find(({ state }) => state === "signing")?.kid ?? "");
  });
});

class Killed extends Error {}

/** `gate`, but that its process dies before the statement of that number, counted from 1. */
function dyingAt(gate: Gate, statement: number): Gate {
  const { store } = gate;
  let count = 0;
  const mortal = (writer: Writer): Writer =>
    new Proxy(writer, {
      get(target, name) {
        if (name === "insert" || name === "update" || name === "delete") {
          count += 1;
          if (count === statement) throw new Killed();
        }
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  const write: Store["write"] = (command) => store.write((writer) => command(mortal(writer)));
  return { ...gate, store: { engine: store.engine, read: (query) => store.read(query), write, close: () => store.close() } };
}

const STATEMENTS_MAX = 12;
const deeds: readonly (readonly [string, (gate: Gate, kid: string) => Promise<unknown>])[] = [
  ["a scheduled change", (gate) => rotateDueKeys(gate, system, undefined)],
  ["a change at once", (gate) => rotateSigningKeys(gate, operator, { alg: undefined, time: "now" })],
  ["an emergency", (gate, kid) => revokeSigningKey(gate, operator, { kid })],
];

test.each(deeds)("%s that dies before any of its statements changes nothing, and is done by the next", async (_what, deed) => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  world.services.clock.advance(89 * DAY_MS);
  const before = await listSigningKeys(world.gate, operator, undefined);
  let deaths = 0;
  for (let statement = 1; statement <= STATEMENTS_MAX; statement += 1) {
    const died = await deed(dyingAt(world.gate, statement), kid).then(
      () => false,
      (error: unknown) => error instanceof Killed,
    );
    if (!died) break;
    deaths += 1;
    expect(await listSigningKeys(world.gate, operator, undefined)).toEqual(before);
    expect((await createKeyring(world.gate).getSigningKey()).kid).toBe(kid);
  }
  // At the number after its last statement it lived, and was done. Plans are no builders, and nobody dies at one.
  expect(deaths).toBeGreaterThan(1);
  expect(deaths).toBeLessThan(STATEMENTS_MAX);
  expect(await listSigningKeys(world.gate, operator, undefined)).not.toEqual(before);
  world.services.clock.advance(DAY_MS);
  const { kid: signing } = await createKeyring(world.gate).getSigningKey();
  expect(signing).not.toBe(kid);
});
