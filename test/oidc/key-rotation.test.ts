/** The life of signing keys under a clock that is moved by hand. */
import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { createSealer } from "../../src/crypto/sealing.ts";
import { type Caller, operator, system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import type { OperationName } from "../../src/gate/operations.ts";
import { findAccessTokenClaims, findUserByAccessToken, issueAccessToken } from "../../src/oidc/access-tokens.ts";
import type { SigningAlgorithm } from "../../src/oidc/jwk.ts";
import { addSigningKey, prepareSigningKey, revokeSigningKey, rotateDueKeys, rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { PUBLISH_LEAD_MS } from "../../src/oidc/key-rotation-plan.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { JWKS_CACHE_SECONDS, listSigningKeys, noteTokenLife, PUBLISHED_MAX } from "../../src/oidc/signing-keys.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { anonymous, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const DAY_MS = 86_400_000;
const subject = { userId: "0190a0b0-0000-7000-8000-000000000001", sessionId: "0190a0b0-0000-7000-8000-000000000002" };

const due = async ({ gate }: Pick<TestGate, "gate">) => (await rotateDueKeys(gate, system, undefined)).changes;
const rotate = (gate: Gate, time: "soon" | "now", alg?: SigningAlgorithm) => rotateSigningKeys(gate, operator, { alg, time });
const revoke = (gate: Gate, kid: string) => revokeSigningKey(gate, operator, { kid });

async function published({ gate }: Pick<TestGate, "gate">): Promise<readonly string[]> {
  return (await listPublicKeys(gate, anonymous, { keyring: createKeyring(gate) })).keys.map(({ kid }) => kid);
}

async function signs({ gate }: Pick<TestGate, "gate">, alg: SigningAlgorithm = "ES256"): Promise<string> {
  return (await createKeyring(gate).getSigningKey(alg)).kid;
}

async function stateOf({ gate }: TestGate, kid: string): Promise<string | undefined> {
  return (await listSigningKeys(gate, operator, undefined)).find((key) => key.kid === kid)?.state;
}

async function rowsOf({ store }: TestGate) {
  return await store.read(async (reader) => await reader.select().from(reader.tables.signingKeys));
}

describe("on schedule", () => {
  test("the next key is published a day ahead, signs after the interval, and the one before stays as long as its longest token", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const startedAt = clock.now();
    clock.advance(89 * DAY_MS - 1);
    expect(await due(world)).toEqual([]);
    clock.advance(1);
    const [change] = await due(world);
    expect(change).toMatchObject({ alg: "ES256", retires: kid, active_from: startedAt + 90 * DAY_MS });
    const next = change?.kid ?? "";
    expect(await published(world)).toEqual([kid, next]);
    expect([await stateOf(world, kid), await stateOf(world, next)]).toEqual(["signing", "pending"]);
    expect(await due(world)).toEqual([]);
    clock.advance(DAY_MS - 1);
    expect(await signs(world)).toBe(kid);
    clock.advance(1);
    expect(await signs(world)).toBe(next);
    expect([await stateOf(world, kid), await stateOf(world, next)]).toEqual(["retired", "signing"]);
    clock.advance((3_600 + 120) * 1_000 - 1);
    expect(await published(world)).toEqual([next, kid]);
    clock.advance(1);
    expect(await published(world)).toEqual([next]);
    expect(await stateOf(world, kid)).toBe("gone");
  });

  test("a key ring that is warm changes at the very moment, without looking again", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    clock.advance(89 * DAY_MS);
    const [change] = await due(world);
    const keyring = createKeyring(world.gate);
    clock.advance(DAY_MS - 1);
    expect((await keyring.getSigningKey()).kid).toBe(kid);
    clock.advance(1);
    expect((await keyring.getSigningKey()).kid).toBe(change?.kid ?? "");
  });

  test("a process that slept through everything publishes before it signs all the same", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    clock.advance(400 * DAY_MS);
    const [change] = await due(world);
    expect(change).toMatchObject({ retires: kid, active_from: clock.now() + PUBLISH_LEAD_MS });
    expect(PUBLISH_LEAD_MS).toBeGreaterThan(JWKS_CACHE_SECONDS * 1_000);
    expect(await signs(world)).toBe(kid);
  });

  test("after the commit nothing more has to run: years later the next key signs and the one before is gone", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    await prepareSigningKey(world.gate, system, undefined);
    clock.advance(89 * DAY_MS);
    const [change] = await due(world);
    clock.advance(1_000 * DAY_MS);
    expect(await published(world)).toEqual([change?.kid ?? ""]);
    expect(await signs(world)).toBe(change?.kid ?? "");
  });

  test("the shortest interval publishes half of it ahead; a shorter one than before brings the change forward", async () => {
    await using world = await testGate({ settings: { signingKeyRotationSeconds: 3_600 } });
    const { clock } = world.services;
    await prepareSigningKey(world.gate, system, undefined);
    const startedAt = clock.now();
    clock.advance(1_800_000 - 1);
    expect(await due(world)).toEqual([]);
    clock.advance(1);
    expect(await due(world)).toMatchObject([{ active_from: startedAt + 3_600_000 }]);

    await using slow = await testGate();
    await using fast = await testGate({ over: slow, settings: { signingKeyRotationSeconds: 3_600 } });
    await prepareSigningKey(slow.gate, system, undefined);
    slow.services.clock.advance(89 * DAY_MS);
    const [planned] = await due(slow);
    expect(await due(fast)).toMatchObject([{ kid: planned?.kid, active_from: slow.services.clock.now() + PUBLISH_LEAD_MS }]);
    expect(await due(slow)).toEqual([]);
  });

  test("every algorithm in use has its own schedule, and one that is not in use gets no key", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    await prepareSigningKey(world.gate, system, undefined);
    clock.advance(30 * DAY_MS);
    await addSigningKey(world.gate, system, { alg: "EdDSA" });
    const first = await signs(world, "EdDSA");
    clock.advance(60 * DAY_MS);
    expect((await due(world)).map(({ alg }) => alg)).toEqual(["ES256"]);
    clock.advance(29 * DAY_MS);
    expect((await due(world)).map(({ alg }) => alg)).toEqual(["EdDSA"]);
    clock.advance(2 * DAY_MS);
    expect(await signs(world, "EdDSA")).not.toBe(first);
    const { schedule } = await rotateDueKeys(world.gate, system, undefined);
    expect(schedule.map(({ alg, signingSince, nextChangeAt }) => [alg, (nextChangeAt ?? 0) - (signingSince ?? 0)])).toEqual([
      ["ES256", 90 * DAY_MS],
      ["EdDSA", 90 * DAY_MS],
    ]);
  });

  test("a check without anything to do writes nothing, not even to the audit log", async () => {
    await using world = await testGate();
    await prepareSigningKey(world.gate, system, undefined);
    const before = await storeText(world.store);
    for (let check = 0; check < 5; check += 1) {
      world.services.clock.advance(60_000);
      await due(world);
    }
    expect(await storeText(world.store)).toBe(before);
  });

  test("the private half is destroyed once it signs no more, and the row goes a month after the key", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    await rotate(world.gate, "now");
    const sealed = async () => (await rowsOf(world)).find((row) => row.kid === kid)?.private_jwk;
    clock.advance(119_999);
    await due(world);
    expect(await sealed()).not.toBe("");
    clock.advance(1);
    await due(world);
    expect(await sealed()).toBe("");
    expect(await published(world)).toContain(kid);
    clock.advance(31 * DAY_MS);
    await due(world);
    expect(await sealed()).toBeUndefined();
  });
});

describe("when the clock was wrong", () => {
  test("a key that was made years ahead is brought back, and the one that signs goes on", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    clock.stepWall(3_000 * DAY_MS);
    const [ahead] = await due(world);
    clock.stepWall(-3_000 * DAY_MS);
    expect(await signs(world)).toBe(kid);
    const [back] = await due(world);
    expect(back).toMatchObject({ kid: ahead?.kid, retires: kid, active_from: clock.now() + 90 * DAY_MS });
    expect(await due(world)).toEqual([]);
  });

  test("where nothing can sign any more, the key that waits signs at once", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    await prepareSigningKey(world.gate, system, undefined);
    const [change] = await rotate(world.gate, "soon");
    clock.advance(PUBLISH_LEAD_MS + 200_000);
    await due(world);
    clock.stepWall(-PUBLISH_LEAD_MS);
    expect(await codeOf(createKeyring(world.gate).getSigningKey())).toBe("unavailable");
    expect(await due(world)).toMatchObject([{ kid: change?.kid, active_from: clock.now() }]);
    expect(await signs(world)).toBe(change?.kid ?? "");
  });
});

describe("at the operator's word", () => {
  test("the next key signs once every cache has had to read it; asked again nothing changes", async () => {
    await using world = await testGate();
    const { clock } = world.services;
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const [change] = await rotate(world.gate, "soon");
    expect(change).toMatchObject({ retires: kid, active_from: clock.now() + PUBLISH_LEAD_MS });
    clock.advance(60_000);
    expect(await rotate(world.gate, "soon")).toEqual([]);
    clock.advance(PUBLISH_LEAD_MS - 60_001);
    expect(await signs(world)).toBe(kid);
    clock.advance(1);
    expect(await signs(world)).toBe(change?.kid ?? "");
    expect(await rotate(world.gate, "soon")).toMatchObject([{ retires: change?.kid }]);
  });

  test("a scheduled key that verifiers know already signs at once, and no other is made", async () => {
    await using world = await testGate();
    await prepareSigningKey(world.gate, system, undefined);
    world.services.clock.advance(89 * DAY_MS);
    const [change] = await due(world);
    world.services.clock.advance(PUBLISH_LEAD_MS);
    expect(await rotate(world.gate, "soon")).toMatchObject([{ kid: change?.kid, active_from: world.services.clock.now() }]);
    expect(await signs(world)).toBe(change?.kid ?? "");
    expect(await published(world)).toHaveLength(2);
  });

  test("now means now, each time", async () => {
    await using world = await testGate();
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const [first] = await rotate(world.gate, "now");
    expect(first).toMatchObject({ retires: kid, active_from: world.services.clock.now() });
    expect(await signs(world)).toBe(first?.kid ?? "");
    const [second] = await rotate(world.gate, "now");
    expect(second).toMatchObject({ retires: first?.kid });
    expect(new Set(await published(world))).toEqual(new Set([kid, first?.kid ?? "", second?.kid ?? ""]));
  });

  test("one algorithm, or all in use; of one that is not in use there is nothing to change", async () => {
    await using world = await testGate();
    await prepareSigningKey(world.gate, system, undefined);
    await addSigningKey(world.gate, operator, { alg: "EdDSA" });
    expect((await rotate(world.gate, "now", "EdDSA")).map(({ alg }) => alg)).toEqual(["EdDSA"]);
    expect((await rotate(world.gate, "now")).map(({ alg }) => alg)).toEqual(["ES256", "EdDSA"]);
    const refusal = await refusalOf(rotate(world.gate, "now", "RS256"));
    expect([refusal.code, refusal.hint]).toEqual(["not_found", "cyberun oidc keys add --alg RS256 makes one."]);
  });

  test("no more keys are published than verifiers are to carry, and revoking stays possible", async () => {
    await using world = await testGate();
    await prepareSigningKey(world.gate, system, undefined);
    for (let made = 1; made < PUBLISHED_MAX; made += 1) await rotate(world.gate, "now");
    expect(await codeOf(rotate(world.gate, "now"))).toBe("conflict");
    expect(await published(world)).toHaveLength(PUBLISHED_MAX);
    const { successor } = await revoke(world.gate, await signs(world));
    expect(await signs(world)).toBe(successor ?? "");
    world.services.clock.advance((3_600 + 120) * 1_000);
    expect(await codeOf(rotate(world.gate, "now"))).toBeUndefined();
  });
});

describe("the longest token", () => {
  test("a process with longer tokens says so before it signs the first, and the key stays for them", async () => {
    await using short = await testGate({ settings: { accessTokenSeconds: 600 } });
    await using long = await testGate({ over: short, settings: { accessTokenSeconds: 86_400 } });
    const { clock } = short.services;
    const { kid } = await prepareSigningKey(short.gate, system, undefined);
    await rotate(short.gate, "soon");
    // The change is planned already: the longer life still counts.
    const keyring = createKeyring(long.gate);
    const token = await issueAccessToken(long.gate, keyring, subject);
    clock.advance(86_400_000 - 1);
    expect(await findAccessTokenClaims(long.gate, keyring, token)).toBeDefined();
    expect(await published(short)).toContain(kid);
    clock.advance(PUBLISH_LEAD_MS + 120_000 + 1);
    expect(await published(short)).not.toContain(kid);
  });

  test("the successor takes the life over, and a process with shorter tokens takes nothing back", async () => {
    await using short = await testGate({ settings: { accessTokenSeconds: 600 } });
    await using long = await testGate({ over: short, settings: { accessTokenSeconds: 86_400 } });
    await prepareSigningKey(short.gate, system, undefined);
    await createKeyring(long.gate).getSigningKey();
    await rotate(short.gate, "now");
    const { tokenSeconds } = await createKeyring(short.gate).getSigningKey();
    expect(tokenSeconds).toBe(86_400);
    expect((await auditRows(short.store)).filter(({ operation }) => operation === "signing_key.note_life")).toHaveLength(1);
  });
});

describe("revoked", () => {
  test("within five seconds nothing that the key signed is accepted anywhere; people stay signed in and get new tokens", async () => {
    await using world = await testGate();
    await using other = await testGate({ over: world });
    const { owner } = await setUp(world.gate);
    const session = await signIn(world.gate);
    const facts = { teamId: owner.teamId, address: "192.0.2.1" };
    const keyrings = [createKeyring(world.gate), createKeyring(other.gate)] as const;
    const token = await issueAccessToken(world.gate, keyrings[0], session);
    for (const keyring of keyrings) expect(await findUserByAccessToken(world.gate, keyring, { token, ...facts })).toBeDefined();
    const kid = await signs(world);
    const { successor } = await revoke(world.gate, kid);
    expect(await published(world)).toEqual([successor ?? ""]);
    expect(await findAccessTokenClaims(world.gate, createKeyring(world.gate), token)).toBeUndefined();
    world.services.clock.advance(5_000);
    for (const keyring of keyrings) {
      expect(await findUserByAccessToken(world.gate, keyring, { token, ...facts })).toBeUndefined();
      const renewed = await issueAccessToken(world.gate, keyring, session);
      expect(await findUserByAccessToken(world.gate, keyring, { token: renewed, ...facts })).toMatchObject({ userId: owner.userId });
      expect((await keyring.getSigningKey()).kid).toBe(successor ?? "");
    }
  });

  test("a next key that is published already takes over, so that verifiers know it", async () => {
    await using world = await testGate();
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const [change] = await rotate(world.gate, "soon");
    expect(await revoke(world.gate, kid)).toMatchObject({ kid, revoked_at: world.services.clock.now(), successor: change?.kid });
    expect(await signs(world)).toBe(change?.kid ?? "");
    expect(await published(world)).toEqual([change?.kid ?? ""]);
  });

  test("a next key that is revoked before it signs leaves the one before to sign on, and another is made", async () => {
    await using world = await testGate();
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    world.services.clock.advance(89 * DAY_MS);
    const [change] = await due(world);
    expect(await revoke(world.gate, change?.kid ?? "")).toMatchObject({ successor: null });
    expect(await published(world)).toEqual([kid]);
    const [another] = await due(world);
    expect(another).toMatchObject({ retires: kid });
    expect(another?.kid).not.toBe(change?.kid ?? "");
    world.services.clock.advance(2 * DAY_MS);
    expect(await signs(world)).toBe(another?.kid ?? "");
  });

  test("a retired key that is revoked is gone, and what signs is left alone", async () => {
    await using world = await testGate();
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const [change] = await rotate(world.gate, "now");
    expect(await revoke(world.gate, kid)).toMatchObject({ successor: null });
    expect(await published(world)).toEqual([change?.kid ?? ""]);
    expect(await signs(world)).toBe(change?.kid ?? "");
  });

  test("repeating it tells the same time and changes nothing; its private half is destroyed with it", async () => {
    await using world = await testGate();
    const { kid } = await prepareSigningKey(world.gate, system, undefined);
    const first = await revoke(world.gate, kid);
    world.services.clock.advance(1_000);
    expect(await revoke(world.gate, kid)).toEqual({ ...first, successor: null });
    expect(await published(world)).toEqual([first.successor ?? ""]);
    expect((await rowsOf(world)).find((row) => row.kid === kid)?.private_jwk).toBe("");
    for (const name of ["", "A".repeat(43), "' or 1=1"]) expect(await codeOf(revoke(world.gate, name))).toBe("not_found");
  });
});

test("under another master key nothing is made, so that no new key covers up the mistake", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const gate = { ...world.gate, sealer: createSealer(new Uint8Array(32).fill(9), world.services.random) };
  world.services.clock.advance(89 * DAY_MS);
  const attempts = [
    () => rotateDueKeys(gate, system, undefined),
    () => rotate(gate, "soon"),
    () => rotate(gate, "now"),
    () => revoke(gate, kid),
    () => addSigningKey(gate, system, { alg: "EdDSA" }),
  ];
  for (const attempt of attempts) {
    const refusal = await refusalOf(attempt());
    expect([refusal.code, refusal.hint]).toEqual(["unavailable", "Restore master.key from the backup that belongs to this store."]);
  }
  expect(await published(world)).toEqual([kid]);
  expect(await stateOf(world, kid)).toBe("signing");
});

test("no private half is ever in the store in clear, in the list or in the audit log", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  for (const alg of ["EdDSA", "RS256"] as const) await addSigningKey(world.gate, system, { alg });
  const secrets = (await rowsOf(world)).map(({ kid, private_jwk }): unknown => JSON.parse(world.gate.sealer.open("signing-key", kid, private_jwk).toString()));
  const texts = secrets.flatMap((jwk) => (typeof jwk === "object" && jwk !== null && "d" in jwk ? [String(jwk.d)] : []));
  expect(texts).toHaveLength(3);
  const seen = [await storeText(world.store), JSON.stringify(await listSigningKeys(world.gate, operator, undefined))].join("");
  for (const secret of texts) expect(seen).not.toContain(secret);
  await world.store.write(async (writer) => {
    const { signingKeys } = writer.tables;
    await writer.update(signingKeys).set({ private_jwk: "x" }).where(eq(signingKeys.alg, "EdDSA"));
  });
  expect(await codeOf(createKeyring(world.gate).getSigningKey("EdDSA"))).toBe("unavailable");
});

test("keys change in every license state, and only for those who may", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const calls: readonly (readonly [OperationName, (caller: Caller) => Promise<unknown>])[] = [
    ["signing_key.add", (caller) => addSigningKey(world.gate, caller, { alg: "EdDSA" })],
    ["signing_key.list", (caller) => listSigningKeys(world.gate, caller, undefined)],
    ["signing_key.rotate", (caller) => rotateSigningKeys(world.gate, caller, { alg: undefined, time: "soon" })],
    ["signing_key.rotate_due", (caller) => rotateDueKeys(world.gate, caller, undefined)],
    ["signing_key.revoke", (caller) => revokeSigningKey(world.gate, caller, { kid })],
    ["signing_key.note_life", (caller) => noteTokenLife(world.gate, caller, { kid, seconds: 86_400 })],
  ];
  for (const [name, call] of calls) {
    for (const { caller, code } of strangersTo(name)) expect([name, caller.kind, await codeOf(call(caller))]).toEqual([name, caller.kind, code]);
  }
  expect(await published(world)).toEqual([kid]);
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(rotate(world.gate, "now"))).toBeUndefined();
    expect(await codeOf(revoke(world.gate, await signs(world)))).toBeUndefined();
    world.services.clock.advance(3_720_000);
  }
});
