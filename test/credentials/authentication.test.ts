import { expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createKey, keyPrefix } from "../../src/crypto/tokens.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, setUp } from "../support/people.ts";

/** A gate that fails the test when the store is asked. */
function withoutStore(gate: Gate): Gate {
  const asked = () => Promise.reject(new Error("the store was asked"));
  return { ...gate, store: { engine: "sqlite", read: asked, write: asked, close: asked } };
}

/** A device's key, as pairing will make one. */
async function addDevice({ gate }: TestGate, userId: string, teamId: string): Promise<string> {
  const rawKey = createKey("dk", gate.services.random);
  await gate.store.write(async (writer) => {
    await writer.insert(writer.tables.credentials).values({
      id: gate.services.random.uuid(),
      kind: "device",
      team_id: teamId,
      user_id: userId,
      created_by: userId,
      display_name: "Laptop",
      key_prefix: keyPrefix(rawKey),
      digest: gate.sealer.digest("credential-pepper", rawKey),
      created_at: gate.services.clock.now(),
    });
  });
  return rawKey;
}

test("what cannot be a key is refused without a look into the store", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { rawKey } = await addKey(world.gate, owner, "integration");
  const gate = withoutStore(world.gate);
  const texts = ["", "sk-", rawKey.slice(0, -1), `${rawKey}0`, `${rawKey} `, rawKey.toLowerCase(), `ak${rawKey.slice(2)}`, "x".repeat(1_000_000)];
  for (let index = 0; index < rawKey.length; index += 1) {
    const other = rawKey.charAt(index) === "7" ? "8" : "7";
    texts.push(rawKey.slice(0, index) + other + rawKey.slice(index + 1));
  }
  for (const text of texts) expect(await findCallerByKey(gate, text, undefined)).toBeUndefined();
  await expect(findCallerByKey(gate, rawKey, undefined)).rejects.toThrow("the store was asked");
});

test("a key of good form that was never made is nobody, in every family", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const family of ["sk", "ak", "dk"] as const) {
    expect(await findCallerByKey(world.gate, createKey(family, world.services.random), undefined)).toBeUndefined();
  }
});

test("a key made under another master key is nobody", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { rawKey } = await addKey(world.gate, owner, "integration");
  const sealer = { ...world.gate.sealer, digest: (_purpose: string, text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url") };
  expect(await findCallerByKey({ ...world.gate, sealer }, rawKey, undefined)).toBeUndefined();
});

test("a key is of the kind its row says, whatever family it is shown as", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id, rawKey } = await addKey(world.gate, owner, "agent");
  await world.store.write(async (writer) => {
    const { credentials } = writer.tables;
    await writer.update(credentials).set({ kind: "integration" }).where(eq(credentials.id, id));
  });
  expect(await findCallerByKey(world.gate, rawKey, undefined)).toBeUndefined();
});

test("a device is its person within its team, and dies with account, membership or revocation", async () => {
  for (const end of ["disabled", "removed", "revoked"] as const) {
    await using world = await testGate();
    const { teamId } = await setUp(world.gate);
    const person = await addPerson(world.gate, { teamId });
    const rawKey = await addDevice(world, person.userId, teamId);
    expect(await findCallerByKey(world.gate, rawKey, undefined)).toMatchObject({ kind: "device", userId: person.userId, teamId });
    await world.store.write(async (writer) => {
      const { users, memberships, credentials } = writer.tables;
      if (end === "disabled") await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, person.userId));
      if (end === "removed") await writer.delete(memberships).where(and(eq(memberships.user_id, person.userId), eq(memberships.team_id, teamId)));
      if (end === "revoked") await writer.update(credentials).set({ revoked_at: 1 }).where(eq(credentials.user_id, person.userId));
    });
    expect(await findCallerByKey(world.gate, rawKey, undefined)).toBeUndefined();
  }
});

test("a team's key outlives the member who made it", async () => {
  await using world = await testGate();
  const { teamId } = await setUp(world.gate);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  const { rawKey } = await addKey(world.gate, admin, "integration");
  await world.store.write(async (writer) => void (await writer.delete(writer.tables.memberships).where(eq(writer.tables.memberships.user_id, admin.userId))));
  expect(await findCallerByKey(world.gate, rawKey, undefined)).toMatchObject({ kind: "integration", teamId });
});
