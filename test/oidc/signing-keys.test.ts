import { expect, test } from "bun:test";
import { createSealer } from "../../src/crypto/sealing.ts";
import { system } from "../../src/gate/caller.ts";
import { prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { anonymous } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

async function change({ store }: TestGate, values: { readonly active_from?: number; readonly retired_at?: number; readonly published_until?: number }) {
  await store.write(async (writer) => void (await writer.update(writer.tables.signingKeys).set(values)));
}

test("the first preparation makes a key, later ones keep it", async () => {
  await using world = await testGate();
  const first = await prepareSigningKey(world.gate, system, undefined);
  expect(await prepareSigningKey(world.gate, system, undefined)).toEqual(first);
  const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
  expect(keys).toMatchObject([{ kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: first.kid }]);
  expect((await auditRows(world.store)).map(({ operation, subject, details }) => [operation, subject, details])).toEqual([
    ["signing_key.prepare", `signing_key:${first.kid}`, `{"ES256":"${first.kid} signs from ${world.services.clock.now()}, none until then"}`],
    ["signing_key.prepare", null, "{}"],
  ]);
});

test("ten preparations at once make one key", async () => {
  await using world = await testGate();
  const prepared = await Promise.all(Array.from({ length: 10 }, () => prepareSigningKey(world.gate, system, undefined)));
  const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
  expect(new Set(prepared.map(({ kid }) => kid))).toEqual(new Set(keys.map(({ kid }) => kid)));
  expect(keys).toHaveLength(1);
});

test("the private half lies sealed in the store and is never published", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.signingKeys));
  const opened: unknown = JSON.parse(world.gate.sealer.open("signing-key", kid, rows[0]?.private_jwk ?? "").toString());
  const secret = typeof opened === "object" && opened !== null && "d" in opened ? String(opened.d) : "";
  expect(secret).toHaveLength(43);
  expect(await storeText(world.store)).not.toContain(secret);
  expect(JSON.stringify(await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) }))).not.toContain('"d"');
});

test("under another master key the start is refused, and no second key covers it up", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const gate = { ...world.gate, sealer: createSealer(new Uint8Array(32).fill(9), world.services.random) };
  const refusal = await refusalOf(prepareSigningKey(gate, system, undefined));
  expect(refusal.code).toBe("unavailable");
  expect(refusal.hint).toContain("master.key");
  expect((await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) })).keys).toHaveLength(1);
});

test("a key that waits or has retired does not sign but is published; one past its time is gone", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const now = world.services.clock.now();
  await change(world, { active_from: now + 60_000 });
  expect((await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) })).keys).toMatchObject([{ kid }]);
  expect(await codeOf(createKeyring(world.gate).getSigningKey())).toBe("unavailable");
  // Nothing else can sign: the one that waits does, rather than nobody.
  expect((await prepareSigningKey(world.gate, system, undefined)).kid).toBe(kid);
  expect((await createKeyring(world.gate).getSigningKey()).kid).toBe(kid);
  await change(world, { active_from: now, retired_at: now });
  const second = await prepareSigningKey(world.gate, system, undefined);
  expect(second.kid).not.toBe(kid);
  expect((await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) })).keys.map((key) => key.kid)).toEqual([second.kid, kid]);
  await change(world, { published_until: now });
  expect((await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) })).keys).toEqual([]);
});

test("keys are prepared and published in every license state; only jobs of ours prepare them", async () => {
  await using world = await testGate();
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(prepareSigningKey(world.gate, system, undefined))).toBeUndefined();
    expect((await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) })).keys).toHaveLength(1);
  }
  for (const { caller, code } of strangersTo("signing_key.prepare")) expect(await codeOf(prepareSigningKey(world.gate, caller, undefined))).toBe(code);
  for (const { caller, code } of strangersTo("signing_key.list_public")) expect(await codeOf(listPublicKeys(world.gate, caller, { keyring: createKeyring(world.gate) }))).toBe(code);
});
