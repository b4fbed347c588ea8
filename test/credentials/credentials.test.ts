import { expect, test } from "bun:test";
import { createCredential, listCredentials, revokeCredential } from "../../src/credentials/credentials.ts";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { keyFamilyOf } from "../../src/crypto/tokens.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const DAY_MS = 86_400_000;
const integration = { kind: "integration", display_name: "CI" };

async function keyCount({ store }: TestGate): Promise<number> {
  return (await store.read(async (reader) => await reader.select().from(reader.tables.credentials))).length;
}

test.each([
  ["integration", "sk"],
  ["agent", "ak"],
] as const)("an %s key is shown once and opens its team", async (kind, family) => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const created = await createCredential(world.gate, owner, { kind, display_name: "CI" });
  expect(Object.keys(created)).toEqual(["id", "kind", "key_prefix", "raw_key"]);
  expect(keyFamilyOf(created.raw_key)).toBe(family);
  expect(created.key_prefix).toBe(created.raw_key.slice(0, 12));
  expect(await findCallerByKey(world.gate, created.raw_key, "192.0.2.1")).toEqual({
    kind,
    credentialId: created.id,
    teamId,
    keyPrefix: created.key_prefix,
    scopes: undefined,
    address: "192.0.2.1",
  });
});

test("neither store, audit nor list holds more of a key than its prefix", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const created = await createCredential(world.gate, owner, integration);
  const secret = created.raw_key.slice(12);
  for (const text of [await storeText(world.store), JSON.stringify(await listCredentials(world.gate, owner, {}))]) {
    expect(text).not.toContain(secret.slice(0, 20));
    expect(text).toContain(created.key_prefix);
  }
  const digest = world.gate.sealer.digest("credential-pepper", created.raw_key);
  expect(JSON.stringify([await auditRows(world.store), await listCredentials(world.gate, owner, {})])).not.toContain(digest);
  expect((await auditRows(world.store)).at(-1)).toMatchObject({
    operation: "credential.create",
    actor: `user:${owner.userId}`,
    team_id: owner.teamId,
    subject: `credential:${created.id}`,
  });
});

test("owner and admin make and revoke keys; member and viewer see them; others see nothing", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  const member = await addPerson(world.gate, { teamId, role: "member" });
  const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
  const outsider = { ...(await addPerson(world.gate)), teamId };
  const teamless = userCaller(owner.userId, undefined);
  const table = [
    [owner, undefined, undefined],
    [admin, undefined, undefined],
    [member, "forbidden", undefined],
    [viewer, "forbidden", undefined],
    [outsider, "not_found", "not_found"],
    [teamless, "team_required", "team_required"],
  ] as const;
  for (const [caller, toManage, toSee] of table) {
    const key = await addKey(world.gate, owner, "integration");
    expect(await codeOf(createCredential(world.gate, caller, integration))).toBe(toManage);
    expect(await codeOf(revokeCredential(world.gate, caller, { credential_id: key.id }))).toBe(toManage);
    expect(await codeOf(listCredentials(world.gate, caller, {}))).toBe(toSee);
  }
});

test("a key with days to live lives to the last millisecond, and one without lives on", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const short = await createCredential(world.gate, owner, { ...integration, expires_in_days: 1 });
  const long = await createCredential(world.gate, owner, integration);
  world.services.clock.advance(DAY_MS - 1);
  expect(await findCallerByKey(world.gate, short.raw_key, undefined)).toBeDefined();
  world.services.clock.advance(1);
  expect(await findCallerByKey(world.gate, short.raw_key, undefined)).toBeUndefined();
  world.services.clock.advance(3_650 * DAY_MS);
  expect(await findCallerByKey(world.gate, long.raw_key, undefined)).toBeDefined();
});

const badInputs = [
  ["kind", { kind: "device" }],
  ["kind", { kind: "user" }],
  ["kind", { kind: "" }],
  ["kind", { kind: "__proto__" }],
  ["display_name", { display_name: "" }],
  ["display_name", { display_name: "a".repeat(101) }],
  ["display_name", { display_name: "a\u202Eb" }],
  ["expires_in_days", { expires_in_days: 0 }],
  ["expires_in_days", { expires_in_days: 366 }],
  ["expires_in_days", { expires_in_days: -1 }],
  ["expires_in_days", { expires_in_days: 1.5 }],
  ["expires_in_days", { expires_in_days: Number.NaN }],
] as const;

test("a bad field is refused by name and makes nothing", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const [field, changes] of badInputs) {
    const refusal = await refusalOf(createCredential(world.gate, owner, { ...integration, ...changes }));
    expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field }] } });
  }
  expect(await keyCount(world)).toBe(0);
});

test("without a good license no key is made, but keys are listed and revoked", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const keys = await Promise.all(shutStates.map(() => addKey(world.gate, owner, "agent")));
  for (const [index, state] of shutStates.entries()) {
    world.license({ state });
    expect(await refusalOf(createCredential(world.gate, owner, integration))).toMatchObject({ code: state, status: 503 });
    expect((await listCredentials(world.gate, owner, {})).page_meta.total_count).toBe(shutStates.length);
    expect(await codeOf(revokeCredential(world.gate, owner, { credential_id: keys[index]?.id ?? "" }))).toBeUndefined();
  }
});

test("the quota caps integration keys that are still good, and agent keys are not among them", async () => {
  await using world = await testGate({ quotas: { team: { max_integration_keys: 2 } } });
  const { owner } = await setUp(world.gate);
  await addKey(world.gate, owner, "agent");
  const first = await addKey(world.gate, owner, "integration");
  await createCredential(world.gate, owner, { ...integration, expires_in_days: 1 });
  const refusal = await refusalOf(createCredential(world.gate, owner, integration));
  expect(refusal).toMatchObject({ code: "quota_exceeded", status: 403, details: { quota: "max_integration_keys", namespace: "team", limit: 2 } });
  expect(await codeOf(createCredential(world.gate, owner, { kind: "agent", display_name: "Agent" }))).toBeUndefined();
  await revokeCredential(world.gate, owner, { credential_id: first.id });
  expect(await codeOf(createCredential(world.gate, owner, integration))).toBeUndefined();
  expect(await codeOf(createCredential(world.gate, owner, integration))).toBe("quota_exceeded");
  world.services.clock.advance(DAY_MS);
  expect(await codeOf(createCredential(world.gate, owner, integration))).toBeUndefined();
});

test("a team has no more live agent keys than agents", async () => {
  await using world = await testGate({ quotas: { team: { max_agents: 2, max_integration_keys: 0 } } });
  const { owner } = await setUp(world.gate);
  const agent = { kind: "agent", display_name: "Agent" };
  const first = await addKey(world.gate, owner, "agent");
  await createCredential(world.gate, owner, { ...agent, expires_in_days: 1 });
  expect(await refusalOf(createCredential(world.gate, owner, agent))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_agents", namespace: "team", limit: 2 } });
  await revokeCredential(world.gate, owner, { credential_id: first.id });
  const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(createCredential(world.gate, owner, agent))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  world.services.clock.advance(DAY_MS);
  expect(await codeOf(createCredential(world.gate, owner, agent))).toBeUndefined();
  expect(await codeOf(createCredential(world.gate, owner, agent))).toBe("quota_exceeded");
});

test("a quota of 0 allows none, -1 any number, and each team has its own", async () => {
  await using world = await testGate({ quotas: { team: { max_integration_keys: 1 } } });
  const { owner } = await setUp(world.gate);
  const second = await createTeam(world.gate, owner, { display_name: "Second" });
  await addKey(world.gate, owner, "integration");
  expect(await codeOf(createCredential(world.gate, { ...owner, teamId: second.id }, integration))).toBeUndefined();
  world.license({ quotas: { team: { max_integration_keys: 0 } } });
  expect(await codeOf(createCredential(world.gate, owner, integration))).toBe("quota_exceeded");
  world.license({ quotas: { team: { max_integration_keys: -1 } } });
  for (let made = 0; made < 5; made += 1) expect(await codeOf(createCredential(world.gate, owner, integration))).toBeUndefined();
});

test("thirty creators at once stop exactly at the cap", async () => {
  await using world = await testGate({ quotas: { team: { max_integration_keys: 5 } } });
  const { owner, teamId } = await setUp(world.gate);
  const admin = await addPerson(world.gate, { teamId, role: "admin" });
  const codes = await Promise.all(Array.from({ length: 30 }, (_, index) => codeOf(createCredential(world.gate, index % 2 === 0 ? owner : admin, integration))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(5);
  expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(25);
  expect(await keyCount(world)).toBe(5);
});

test("the list has the documented members, pages, kinds and states", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const expiring = await createCredential(world.gate, owner, { ...integration, display_name: "Expiring", expires_in_days: 1 });
  world.services.clock.advance(1_000);
  const agent = await addKey(world.gate, owner, "agent");
  world.services.clock.advance(1_000);
  const revoked = await addKey(world.gate, owner, "integration");
  await revokeCredential(world.gate, owner, { credential_id: revoked.id });
  world.services.clock.advance(DAY_MS);
  const all = await listCredentials(world.gate, owner, {});
  expect(all.credentials.map(({ id, key_status }) => [id, key_status])).toEqual([
    [revoked.id, "revoked"],
    [agent.id, "active"],
    [expiring.id, "expired"],
  ]);
  expect(all.credentials[2]).toEqual({
    id: expiring.id,
    kind: "integration",
    display_name: "Expiring",
    key_prefix: expiring.key_prefix,
    user_id: null,
    key_status: "expired",
    created_at: "2026-01-01T00:00:00.000Z",
    last_used_at: null,
    expires_at: "2026-01-02T00:00:00.000Z",
    scopes: null,
    allowed_cidrs: null,
    previous_key_expires_at: null,
  });
  expect(await listCredentials(world.gate, owner, { kind: "agent" })).toMatchObject({ credentials: [{ id: agent.id }], page_meta: { total_count: 1 } });
  expect(await listCredentials(world.gate, owner, { per_page: 1, current_page: 2 })).toMatchObject({
    credentials: [{ id: agent.id }],
    page_meta: { current_page: 2, per_page: 1, total_count: 3 },
  });
  for (const bad of [{ kind: "user" }, { per_page: 101 }, { current_page: 0 }]) expect(await codeOf(listCredentials(world.gate, owner, bad))).toBe("invalid_request");
});

test("a revoked key is nobody once the call has returned, and stays so", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  expect(await findCallerByKey(world.gate, key.rawKey, undefined)).toBeDefined();
  await revokeCredential(world.gate, owner, { credential_id: key.id });
  const found = await Promise.all(Array.from({ length: 100 }, () => findCallerByKey(world.gate, key.rawKey, undefined)));
  expect(found.filter((caller) => caller !== undefined)).toEqual([]);
  world.services.clock.advance(1_000);
  await revokeCredential(world.gate, owner, { credential_id: key.id.toUpperCase() });
  const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials));
  expect(rows).toMatchObject([{ revoked_at: world.services.clock.now() - 1_000 }]);
});

test("a credential is revoked by its id only: a key or a prefix is a bad request that repeats nothing", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "integration");
  const texts = [key.rawKey, key.rawKey.slice(0, 12), key.rawKey.slice(0, 11), "", "%", `${key.id}0`, `{${key.id}}`, key.id.replaceAll("-", "")];
  for (const credential_id of texts) {
    const refusal = await refusalOf(revokeCredential(world.gate, owner, { credential_id }));
    expect(refusal).toMatchObject({ code: "invalid_request", status: 400 });
    if (credential_id.length > 2) expect(JSON.stringify([refusal.message, refusal.hint, refusal.details])).not.toContain(credential_id);
  }
  expect(await findCallerByKey(world.gate, key.rawKey, undefined)).toBeDefined();
  expect(await storeText(world.store)).not.toContain(key.rawKey);
});

test("another team's credential looks like none at all", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const second = await createTeam(world.gate, owner, { display_name: "Second" });
  const foreign = await addKey(world.gate, { ...owner, teamId: second.id }, "integration");
  const words = async (credential_id: string) => {
    const { code, message, hint } = await refusalOf(revokeCredential(world.gate, owner, { credential_id }));
    return `${code} ${message} ${hint}`;
  };
  expect(await words(foreign.id)).toBe(await words(world.services.random.uuid()));
  expect(await findCallerByKey(world.gate, foreign.rawKey, undefined)).toBeDefined();
  expect((await listCredentials(world.gate, owner, {})).credentials).toEqual([]);
});

test("a key, a device, an agent and a stranger manage no credentials", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { id } = await addKey(world.gate, owner, "integration");
  for (const { caller, code } of strangersTo("credential.create")) expect(await codeOf(createCredential(world.gate, caller, integration))).toBe(code);
  for (const { caller, code } of strangersTo("credential.list")) expect(await codeOf(listCredentials(world.gate, caller, {}))).toBe(code);
  for (const { caller, code } of strangersTo("credential.revoke")) expect(await codeOf(revokeCredential(world.gate, caller, { credential_id: id }))).toBe(code);
});
