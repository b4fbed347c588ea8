import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findUserByCookie, findUserBySession } from "../../src/identity/authentication.ts";
import { createSession, endSession } from "../../src/identity/sessions.ts";
import { afterEachRead, auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, quickHash, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const nowhere = { teamId: undefined, address: undefined };

function guess({ gate }: TestGate, user_password = "wrong password", email_address = ownerAddress) {
  return createSession(gate, anonymous, { email_address, user_password, kind: "token" });
}

async function disable({ store, services }: TestGate, userId: string): Promise<void> {
  await store.write(async (writer) => {
    const { users } = writer.tables;
    await writer.update(users).set({ disabled_at: services.clock.now() }).where(eq(users.id, userId));
  });
}

async function bucketRows({ store }: TestGate) {
  return await store.read(async (reader) => await reader.select().from(reader.tables.signInBuckets));
}

test("the right password opens a session that is the person, in both kinds", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const token = await signIn(world.gate);
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  const facts = { teamId: owner.teamId, address: "192.0.2.1" };
  const expected = { kind: "user", userId: owner.userId, isAdministrator: true, ...facts };
  expect(await findUserBySession(world.gate, token, facts)).toEqual({ ...expected, kind: "user", sessionId: token.sessionId });
  expect(await findUserByCookie(world.gate, cookie.secret, facts)).toEqual({ ...expected, kind: "user", sessionId: cookie.sessionId });
  expect(token.expiresAtMs - world.services.clock.now()).toBe(30 * 86_400_000);
  expect(cookie.expiresAtMs - world.services.clock.now()).toBe(12 * 3_600_000);
});

test("a refresh token is no cookie, a cookie's session is no token's, and a session is one person's", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const token = await signIn(world.gate);
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  expect(await findUserByCookie(world.gate, token.secret, nowhere)).toBeUndefined();
  expect(await findUserBySession(world.gate, cookie, nowhere)).toBeUndefined();
  expect(await findUserBySession(world.gate, { ...token, userId: token.sessionId }, nowhere)).toBeUndefined();
});

test("unknown, wrong, disabled and passwordless answer alike, are counted and are audited", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const disabled = await addPerson(world.gate, { address: "disabled@example.com" });
  await disable(world, disabled.userId);
  const upstream = await addPerson(world.gate, { address: "upstream@example.com" });
  await world.store.write(async (writer) => {
    const { users } = writer.tables;
    await writer.update(users).set({ password_hash: null }).where(eq(users.id, upstream.userId));
  });
  const before = (await auditRows(world.store)).length;
  const refusals = [
    await refusalOf(guess(world, PASSWORD, "nobody@example.com")),
    await refusalOf(guess(world, "wrong password")),
    await refusalOf(guess(world, PASSWORD, "disabled@example.com")),
    await refusalOf(guess(world, PASSWORD, "upstream@example.com")),
  ];
  const shown = refusals.map(({ code, message, hint, details }) => JSON.stringify({ code, message, hint, details }));
  expect(new Set(shown).size).toBe(1);
  expect(refusals[0]).toMatchObject({ code: "unauthenticated", message: "invalid email or password" });
  expect((await bucketRows(world)).map(({ failures }) => failures)).toEqual([1, 1, 1, 1]);
  const rows = (await auditRows(world.store)).slice(before);
  expect(rows.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual(Array(4).fill("session.create refused"));
});

test("no secret, no password and no stranger's address lies in the store", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const token = await signIn(world.gate);
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  await refusalOf(guess(world, "a wrong guess", "stranger@example.com"));
  const text = await storeText(world.store);
  for (const secret of [token.secret, cookie.secret, PASSWORD, "a wrong guess", "stranger@example.com"]) expect(text).not.toContain(secret);
});

test("after four free failures the address waits, twice as long each time, and the right password waits too", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (let failure = 1; failure <= 5; failure += 1) expect(await codeOf(guess(world))).toBe("unauthenticated");
  for (const seconds of [1, 2, 4, 8]) {
    expect(await refusalOf(guess(world, PASSWORD))).toMatchObject({ code: "rate_limited", retryAfterSeconds: seconds });
    world.services.clock.advance(seconds * 1_000 - 1);
    expect(await codeOf(guess(world, PASSWORD))).toBe("rate_limited");
    world.services.clock.advance(1);
    expect(await codeOf(guess(world))).toBe("unauthenticated");
  }
  world.services.clock.advance(16_000);
  expect(await codeOf(guess(world, PASSWORD))).toBeUndefined();
  expect(await bucketRows(world)).toEqual([]);
});

test("all spellings of an address, known or not, share one bucket", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const address of ["ada@example.com", "ADA@example.com", " ada@EXAMPLE.com", "ａｄａ@example.com", "ada＠example.com"]) {
    expect(await codeOf(guess(world, "wrong password", address))).toBe("unauthenticated");
  }
  expect(await codeOf(guess(world, PASSWORD, "Ada@Example.com"))).toBe("rate_limited");
  for (let failure = 1; failure <= 5; failure += 1) await codeOf(guess(world, PASSWORD, "nobody@example.com"));
  expect(await codeOf(guess(world, PASSWORD, "NOBODY@example.com"))).toBe("rate_limited");
  expect(await codeOf(guess(world, PASSWORD, "other@example.com"))).toBe("unauthenticated");
});

test("a hundred wrong guesses side by side count a hundred, and a right one among them learns nothing", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const wrong = Array.from({ length: 100 }, () => codeOf(guess(world)));
  const right = codeOf(guess(world, PASSWORD));
  const codes = await Promise.all(wrong);
  expect(codes.filter((code) => code === "unauthenticated")).toHaveLength(5);
  expect(codes.filter((code) => code === "rate_limited")).toHaveLength(95);
  expect(await right).toBe("rate_limited");
  expect(await bucketRows(world)).toMatchObject([{ failures: 101 }]);
});

test("failures are forgotten after a day without one", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (let failure = 1; failure <= 5; failure += 1) await codeOf(guess(world));
  world.services.clock.advance(86_400_001);
  for (let failure = 1; failure <= 4; failure += 1) expect(await codeOf(guess(world))).toBe("unauthenticated");
  expect(await bucketRows(world)).toMatchObject([{ failures: 4 }]);
});

test("a failure sweeps out buckets that are forgotten", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const name of ["a", "b", "c"]) await codeOf(guess(world, "wrong password", `${name}@example.com`));
  world.services.clock.advance(86_400_001);
  await codeOf(guess(world));
  expect(await bucketRows(world)).toHaveLength(1);
});

test("a bucket that a clock ahead of time shut does not stay shut for years", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  world.services.clock.stepWall(2 * 365 * 86_400_000);
  for (let failure = 1; failure <= 5; failure += 1) await codeOf(guess(world));
  expect(await codeOf(guess(world, PASSWORD))).toBe("rate_limited");
  world.services.clock.stepWall(-2 * 365 * 86_400_000);
  expect(await codeOf(guess(world, PASSWORD))).toBeUndefined();
});

test("who is disabled, or given another password, while the hash is computed does not get in", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const input = { email_address: ownerAddress, user_password: PASSWORD, kind: "token" } as const;
  const password_hash = await quickHash();
  for (const change of [{ password_hash: "$argon2id$other" }, { disabled_at: 1 }]) {
    const changing = afterEachRead(world.gate, async () => {
      await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set(change).where(eq(writer.tables.users.id, owner.userId))));
    });
    expect(await codeOf(createSession(changing, anonymous, input))).toBe("unauthenticated");
    await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ password_hash })));
  }
});

test("bad input is refused the same for everybody and is not counted", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const inputs = [
    ["ada", PASSWORD],
    ["", PASSWORD],
    [ownerAddress, ""],
    [ownerAddress, "a".repeat(1_000_000)],
  ] as const;
  for (const [address, password] of inputs) expect(await codeOf(guess(world, password, address))).toBe("invalid_request");
  expect(await bucketRows(world)).toEqual([]);
});

test("signing in and out goes on in every license state", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  for (const state of shutStates) {
    world.license({ state });
    const session = await signIn(world.gate);
    const caller = await findUserBySession(world.gate, session, nowhere);
    if (caller === undefined) throw new Error("the session is live");
    expect(await codeOf(endSession(world.gate, caller, undefined))).toBeUndefined();
  }
});

test("a session that was ended is nobody from then on, and the person's others live", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const [ended, other] = [await signIn(world.gate), await signIn(world.gate, ownerAddress, "cookie")];
  const caller = await findUserBySession(world.gate, ended, nowhere);
  if (caller === undefined) throw new Error("the session is live");
  await endSession(world.gate, caller, undefined);
  expect(await findUserBySession(world.gate, ended, nowhere)).toBeUndefined();
  expect(await findUserByCookie(world.gate, other.secret, nowhere)).toBeDefined();
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "session.end", subject: `session:${ended.sessionId}`, actor: `user:${ended.userId}` });
  // Twice is once: the first reason stays.
  world.services.clock.advance(1_000);
  await endSession(world.gate, caller, undefined);
  const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.sessions));
  expect(rows.find(({ id }) => id === ended.sessionId)).toMatchObject({ end_reason: "signed_out", ended_at: world.services.clock.now() - 1_000 });
});

test("a disabled person is nobody at once, in both kinds", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const [token, cookie] = [await signIn(world.gate), await signIn(world.gate, ownerAddress, "cookie")];
  await disable(world, owner.userId);
  expect(await findUserBySession(world.gate, token, nowhere)).toBeUndefined();
  expect(await findUserByCookie(world.gate, cookie.secret, nowhere)).toBeUndefined();
});

test("sessions run out to the millisecond", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  world.services.clock.advance(12 * 3_600_000 - 1);
  expect(await findUserByCookie(world.gate, cookie.secret, nowhere)).toBeDefined();
  world.services.clock.advance(1);
  expect(await findUserByCookie(world.gate, cookie.secret, nowhere)).toBeUndefined();
});

test("no prefix and no change of a cookie is anybody", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { secret } = await signIn(world.gate, ownerAddress, "cookie");
  const other = secret.startsWith("0") ? "1" : "0";
  for (const text of ["", secret.slice(0, -1), `${secret}0`, other + secret.slice(1), secret.toLowerCase(), "x".repeat(100_000)]) {
    expect(await findUserByCookie(world.gate, text, nowhere)).toBeUndefined();
  }
});

test("a caller that the rows do not name is refused", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const input = { email_address: ownerAddress, user_password: PASSWORD, kind: "token" } as const;
  for (const { caller, code } of strangersTo("session.create")) expect(await codeOf(createSession(world.gate, caller, input))).toBe(code);
  for (const { caller, code } of strangersTo("session.end")) expect(await codeOf(endSession(world.gate, caller, undefined))).toBe(code);
});
