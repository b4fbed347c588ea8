import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { createSealer } from "../../src/crypto/sealing.ts";
import { system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { addSigningKey, prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { testGate } from "../support/gate.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";

/** The gate with a count of its reads. */
function counting(gate: Gate): { readonly gate: Gate; reads(): number } {
  let reads = 0;
  const store: Gate["store"] = {
    engine: gate.store.engine,
    read: (query) => {
      reads += 1;
      return gate.store.read(query);
    },
    write: (command) => gate.store.write(command),
    close: () => gate.store.close(),
  };
  return { gate: { ...gate, store }, reads: () => reads };
}

test("without a key it says so, and finds the first one as soon as it is made", async () => {
  await using world = await testGate();
  const keyring = createKeyring(world.gate);
  expect(await codeOf(keyring.getSigningKey())).toBe("unavailable");
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  expect((await keyring.getSigningKey()).kid).toBe(kid);
  expect((await keyring.findVerifyKey(kid))?.kid).toBe(kid);
});

test("known keys cost one read in five seconds, however many ask at once", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const { gate, reads } = counting(world.gate);
  const keyring = createKeyring(gate);
  await Promise.all(Array.from({ length: 100 }, () => keyring.findVerifyKey(kid)));
  await Promise.all(Array.from({ length: 100 }, () => keyring.getSigningKey()));
  expect(reads()).toBe(1);
  world.services.clock.advance(4_999);
  await keyring.findVerifyKey(kid);
  expect(reads()).toBe(1);
  world.services.clock.advance(1);
  await keyring.findVerifyKey(kid);
  expect(reads()).toBe(2);
});

test("an unknown kid makes it look again at once; what cannot be a kid does not", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const { gate, reads } = counting(world.gate);
  const keyring = createKeyring(gate);
  await keyring.getSigningKey();
  await world.store.write(async (writer) => void (await writer.update(writer.tables.signingKeys).set({ retired_at: 1 })));
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  expect((await keyring.findVerifyKey(kid))?.kid).toBe(kid);
  expect(reads()).toBe(2);
  for (const text of ["", "a", "a".repeat(44), "'".repeat(43), "__proto__", kid.slice(1)]) expect(await keyring.findVerifyKey(text)).toBeUndefined();
  expect(reads()).toBe(2);
  expect(await keyring.findVerifyKey("a".repeat(43))).toBeUndefined();
  expect(reads()).toBe(3);
});

test("a key that is taken away is gone five seconds later", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const keyring = createKeyring(world.gate);
  expect(await keyring.findVerifyKey(kid)).toBeDefined();
  await world.store.write(async (writer) => {
    const { signingKeys } = writer.tables;
    await writer.update(signingKeys).set({ retired_at: 1, published_until: 1 }).where(eq(signingKeys.kid, kid));
  });
  world.services.clock.advance(5_000);
  expect(await keyring.findVerifyKey(kid)).toBeUndefined();
  expect(await codeOf(keyring.getSigningKey())).toBe("unavailable");
});

test("a key sealed under another master key verifies but does not sign, and the refusal says which file is wrong", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const keyring = createKeyring({ ...world.gate, sealer: createSealer(new Uint8Array(32).fill(9), world.services.random) });
  expect(await keyring.findVerifyKey(kid)).toBeDefined();
  const refusal = await refusalOf(keyring.getSigningKey());
  expect(refusal.code).toBe("unavailable");
  expect(refusal.hint).toContain("master.key");
});

test("a sealed key that was moved to another row is not opened", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.signingKeys));
  await world.store.write(async (writer) => void (await writer.update(writer.tables.signingKeys).set({ retired_at: 1 })));
  await prepareSigningKey(world.gate, system, undefined);
  await world.store.write(async (writer) => void (await writer.update(writer.tables.signingKeys).set({ private_jwk: rows[0]?.private_jwk ?? "" })));
  expect(await codeOf(createKeyring(world.gate).getSigningKey())).toBe("unavailable");
});

test("the first key of another algorithm is made when it is asked for, once, however many ask", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const keyrings = [createKeyring(world.gate), createKeyring(world.gate)];
  expect((await keyrings[0]?.listPublicKeys())?.keys.map(({ alg }) => alg)).toEqual(["ES256"]);
  const made = await Promise.all(Array.from({ length: 10 }, async (_, each) => (await keyrings[each % 2]?.getSigningKey("EdDSA"))?.kid));
  expect(new Set(made).size).toBe(1);
  const { keys } = (await keyrings[0]?.listPublicKeys()) ?? { keys: [] };
  expect(keys.map(({ alg }) => alg).toSorted()).toEqual(["ES256", "EdDSA"]);
  expect(keys.map(({ kid }) => kid)).toContain(made[0] ?? "");
});

test("the public keys are the same object until they change, and cost no read of their own", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const { gate, reads } = counting(world.gate);
  const keyring = createKeyring(gate);
  const first = await keyring.listPublicKeys();
  for (let each = 0; each < 100; each += 1) expect(await keyring.listPublicKeys()).toBe(first);
  expect(reads()).toBe(1);
  world.services.clock.advance(5_000);
  expect(await keyring.listPublicKeys()).toBe(first);
  expect(reads()).toBe(2);
  await addSigningKey(gate, system, { alg: "EdDSA" });
  world.services.clock.advance(5_000);
  expect((await keyring.listPublicKeys()).keys).toHaveLength(2);
});
