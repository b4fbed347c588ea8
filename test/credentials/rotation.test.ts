import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createCredential, listCredentials, revokeCredential } from "../../src/credentials/credentials.ts";
import { rotateCredential } from "../../src/credentials/rotation.ts";
import { keyFamilyOf } from "../../src/crypto/tokens.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const HOUR_SECONDS = 3_600;
const DAY_MS = 86_400_000;

async function isGood({ gate }: TestGate, rawKey: string): Promise<boolean> {
  return (await findCallerByKey(gate, rawKey, undefined)) !== undefined;
}

test.each([
  ["integration", "sk"],
  ["agent", "ak"],
] as const)("without an overlap the %s key before is nobody once the call has returned", async (kind, family) => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, kind);
  const rotated = await rotateCredential(world.gate, owner, { credential_id: key.id });
  expect(rotated).toEqual({ id: key.id, kind, key_prefix: rotated.raw_key.slice(0, 12), raw_key: rotated.raw_key, previous_key_expires_at: null });
  expect(keyFamilyOf(rotated.raw_key)).toBe(family);
  const found = await Promise.all(Array.from({ length: 100 }, () => isGood(world, key.rawKey)));
  expect(found).not.toContain(true);
  expect(await findCallerByKey(world.gate, rotated.raw_key, undefined)).toMatchObject({ kind, credentialId: key.id, teamId, keyPrefix: rotated.key_prefix });
});

test("with an overlap both are good to its last millisecond, and the list says until when", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const rotated = await rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds: HOUR_SECONDS });
  expect(rotated.previous_key_expires_at).toBe("2026-01-01T01:00:00.000Z");
  const listed = async () => (await listCredentials(world.gate, owner, {})).credentials;
  expect(await listed()).toMatchObject([{ id: key.id, key_prefix: rotated.key_prefix, key_status: "active", previous_key_expires_at: "2026-01-01T01:00:00.000Z" }]);
  world.services.clock.advance(HOUR_SECONDS * 1_000 - 1);
  expect([await isGood(world, key.rawKey), await isGood(world, rotated.raw_key)]).toEqual([true, true]);
  world.services.clock.advance(1);
  expect([await isGood(world, key.rawKey), await isGood(world, rotated.raw_key)]).toEqual([false, true]);
  expect(await listed()).toMatchObject([{ previous_key_expires_at: null }]);
});

test("a key keeps its scopes, networks, name and expiry, and neither secret outlives it", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const narrow = { kind: "integration", display_name: "CI", expires_in_days: 1, scopes: ["tasks:read"], allowed_cidrs: ["192.0.2.0/24"] };
  const key = await createCredential(world.gate, owner, narrow);
  const [before] = (await listCredentials(world.gate, owner, {})).credentials;
  world.services.clock.advance(DAY_MS - 60_000);
  const rotated = await rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds: HOUR_SECONDS });
  expect(rotated.previous_key_expires_at).toBe("2026-01-02T00:00:00.000Z");
  const [after] = (await listCredentials(world.gate, owner, {})).credentials;
  expect({ ...after, key_prefix: "", previous_key_expires_at: null }).toEqual({ ...before, key_prefix: "", previous_key_expires_at: null });
  for (const rawKey of [key.raw_key, rotated.raw_key]) {
    expect(await findCallerByKey(world.gate, rawKey, "192.0.2.9")).toMatchObject({ scopes: ["tasks:read"] });
    expect(await codeOf(findCallerByKey(world.gate, rawKey, "198.51.100.1"))).toBe("forbidden");
  }
  world.services.clock.advance(60_000);
  for (const rawKey of [key.raw_key, rotated.raw_key]) expect(await findCallerByKey(world.gate, rawKey, "192.0.2.9")).toBeUndefined();
});

test("revoking ends both secrets of an overlap", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "agent");
  const rotated = await rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds: HOUR_SECONDS });
  await revokeCredential(world.gate, owner, { credential_id: key.id });
  expect([await isGood(world, key.rawKey), await isGood(world, rotated.raw_key)]).toEqual([false, false]);
  expect((await listCredentials(world.gate, owner, {})).credentials).toMatchObject([{ key_status: "revoked", previous_key_expires_at: null }]);
});

test("one rotation at a time: of many at once one wins, and the next waits for the end of the overlap", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const attempts = await Promise.all(Array.from({ length: 20 }, () => codeOf(rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds: 60 }))));
  expect(attempts.filter((code) => code === undefined)).toHaveLength(1);
  expect(attempts.filter((code) => code === "conflict")).toHaveLength(19);
  expect(await isGood(world, key.rawKey)).toBe(true);
  const refusal = await refusalOf(rotateCredential(world.gate, owner, { credential_id: key.id }));
  expect(refusal).toMatchObject({ code: "conflict", details: { previous_key_expires_at: "2026-01-01T00:01:00.000Z" } });
  world.services.clock.advance(60_000);
  expect(await codeOf(rotateCredential(world.gate, owner, { credential_id: key.id }))).toBeUndefined();
});

test("what has ended, devices, and what is not the team's are not rotated", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const second = await createTeam(world.gate, owner, { display_name: "Second" });
  const foreign = await addKey(world.gate, { ...owner, teamId: second.id }, "integration");
  const revoked = await addKey(world.gate, owner, "integration");
  await revokeCredential(world.gate, owner, { credential_id: revoked.id });
  const expired = await createCredential(world.gate, owner, { kind: "integration", display_name: "Old", expires_in_days: 1 });
  const device = await addKey(world.gate, owner, "agent");
  const companion = await addKey(world.gate, owner, "agent");
  await world.store.write(async (writer) => {
    const { credentials } = writer.tables;
    await writer.update(credentials).set({ kind: "device", user_id: owner.userId }).where(eq(credentials.id, device.id));
    await writer.update(credentials).set({ companion_of: device.id, user_id: owner.userId }).where(eq(credentials.id, companion.id));
  });
  world.services.clock.advance(DAY_MS);
  const before = await storeText(world.store);
  const table = [
    [foreign.id, "not_found"],
    [world.services.random.uuid(), "not_found"],
    [revoked.id, "conflict"],
    [expired.id, "conflict"],
    [device.id, "conflict"],
    [companion.id, "conflict"],
    [foreign.rawKey, "invalid_request"],
    [foreign.rawKey.slice(0, 12), "invalid_request"],
    ["", "invalid_request"],
  ] as const;
  for (const [credential_id, code] of table) expect([credential_id, await codeOf(rotateCredential(world.gate, owner, { credential_id }))]).toEqual([credential_id, code]);
  expect(await storeText(world.store)).toBe(before);
  expect(await findCallerByKey(world.gate, foreign.rawKey, undefined)).toMatchObject({ teamId: second.id });
  expect(teamId).not.toBe(second.id);
});

test.each([-1, 604_801, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("an overlap of %p seconds is refused and changes nothing", async (overlap_seconds) => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const refusal = await refusalOf(rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds }));
  expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field: "overlap_seconds" }] } });
  expect(await isGood(world, key.rawKey)).toBe(true);
});

test("owner and admin rotate; nobody else does, in whatever state the license is", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const table = [
    [await addPerson(world.gate, { teamId, role: "member" }), "forbidden"],
    [await addPerson(world.gate, { teamId, role: "viewer" }), "forbidden"],
    [{ ...(await addPerson(world.gate)), teamId }, "not_found"],
    [userCaller(owner.userId, undefined), "team_required"],
    ...strangersTo("credential.rotate").map(({ caller, code }) => [caller, code] as const),
  ] as const;
  for (const [caller, code] of table) expect(await codeOf(rotateCredential(world.gate, caller, { credential_id: key.id }))).toBe(code);
  expect(await isGood(world, key.rawKey)).toBe(true);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(rotateCredential(world.gate, admin, { credential_id: key.id }))).toBeUndefined();
  }
});

test("the audit row names both prefixes, and neither it nor the store holds a secret", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const rotated = await rotateCredential(world.gate, owner, { credential_id: key.id, overlap_seconds: 5 });
  const row = (await auditRows(world.store)).at(-1);
  expect(row).toMatchObject({ operation: "credential.rotate", actor: `user:${owner.userId}`, team_id: owner.teamId, subject: `credential:${key.id}` });
  expect(JSON.parse(row?.details ?? "")).toEqual({ kind: "integration", key_prefix: rotated.key_prefix, previous_key_prefix: key.rawKey.slice(0, 12), overlap_seconds: 5 });
  const text = await storeText(world.store);
  for (const rawKey of [key.rawKey, rotated.raw_key]) expect(text).not.toContain(rawKey.slice(12, 40));
});
