import { expect, test } from "bun:test";
import { LastUses } from "../../src/credentials/last-use.ts";
import { listCredentials, revokeCredential } from "../../src/credentials/credentials.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createLog } from "../../src/log.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { eventually } from "../support/eventually.ts";
import { addKey, setUp } from "../support/people.ts";

const MINUTE_MS = 60_000;

/** `gate`, counting its commands. */
function counting(gate: Gate): { readonly gate: Gate; readonly writes: () => number } {
  let writes = 0;
  const { store } = gate;
  const write: Gate["store"]["write"] = async (command) => {
    writes += 1;
    return await store.write(command);
  };
  return { gate: { ...gate, store: { engine: store.engine, read: (query) => store.read(query), write, close: () => store.close() } }, writes: () => writes };
}

function usesOf(world: TestGate, gate: Gate = world.gate) {
  const logged: string[] = [];
  return { uses: new LastUses(gate, createLog(world.services.clock, "debug", (line) => logged.push(line))), logged };
}

async function times(world: TestGate): Promise<readonly (number | null)[]> {
  const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials).orderBy(reader.tables.credentials.id));
  return rows.map(({ last_used_at }) => last_used_at);
}

test("ten thousand uses of two keys within a minute are one write, with the last time of each", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const keys = [await addKey(world.gate, owner, "integration"), await addKey(world.gate, owner, "agent")];
  const { gate, writes } = counting(world.gate);
  const { uses } = usesOf(world, gate);
  const startedAt = world.services.clock.now();
  for (let use = 0; use < 10_000; use += 1) {
    if (use === 9_998) world.services.clock.advance(5_000);
    uses.note(keys[use % 2]?.id ?? "");
  }
  expect(writes()).toBe(0);
  world.services.clock.advance(MINUTE_MS - 5_000);
  await eventually(async () => (await times(world)).every((at) => at === startedAt + 5_000), "the times are written");
  expect(writes()).toBe(1);
  world.services.clock.advance(10 * MINUTE_MS);
  await uses.stop();
  expect(writes()).toBe(1);
  expect((await auditRows(world.store)).map(({ operation }) => operation)).not.toContain("credential.note_use");
  expect((await listCredentials(world.gate, owner, {})).credentials[0]?.last_used_at).toBe("2026-01-01T00:00:05.000Z");
});

test("a stop writes what was gathered, in batches", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const { gate, writes } = counting(world.gate);
  const { uses } = usesOf(world, gate);
  for (let use = 0; use < 1_200; use += 1) uses.note(`nobody-${use}`);
  uses.note(key.id);
  await uses.stop();
  expect(writes()).toBe(3);
  expect(await times(world)).toEqual([world.services.clock.now()]);
  expect(world.services.clock.timers()).toBe(0);
});

test("a time never goes back, and a revoked key keeps the one it had", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const { uses } = usesOf(world);
  const note = async () => {
    uses.note(key.id);
    await uses.stop();
    return (await times(world))[0];
  };
  const first = await note();
  world.services.clock.stepWall(-MINUTE_MS);
  expect(await note()).toBe(first ?? null);
  world.services.clock.stepWall(2 * MINUTE_MS);
  const later = await note();
  expect(later).toBe((first ?? 0) + MINUTE_MS);
  await revokeCredential(world.gate, owner, { credential_id: key.id });
  world.services.clock.stepWall(MINUTE_MS);
  expect(await note()).toBe(later);
});

test("a store that is away loses the times and harms nobody", async () => {
  await using world = await testGate();
  const broken: Gate = { ...world.gate, store: { engine: "sqlite", read: world.store.read, write: () => Promise.reject(new Error("away")), close: world.store.close } };
  const { uses, logged } = usesOf(world, broken);
  uses.note("a");
  await uses.stop();
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: "warn", event: "credential.use_not_noted", keys: 1 }]);
});
