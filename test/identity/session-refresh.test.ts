import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findUserByCookie, findUserBySession } from "../../src/identity/authentication.ts";
import { refreshSession } from "../../src/identity/session-refresh.ts";
import { createRefreshToken } from "../../src/identity/session-secrets.ts";
import type { HeldSession } from "../../src/identity/sessions.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { anonymous, ownerAddress, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const nowhere = { teamId: undefined, address: undefined };

function refresh({ gate }: TestGate, refresh_token: string): Promise<HeldSession> {
  return refreshSession(gate, anonymous, { refresh_token });
}

async function isLive({ gate }: TestGate, session: HeldSession): Promise<boolean> {
  return (await findUserBySession(gate, session, nowhere)) !== undefined;
}

test("a refresh token is exchanged for the next one of the same session, and lives anew", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const first = await signIn(world.gate);
  world.services.clock.advance(29 * 86_400_000);
  const second = await refresh(world, first.secret);
  expect(second).toMatchObject({ sessionId: first.sessionId, userId: first.userId, expiresAtMs: world.services.clock.now() + 30 * 86_400_000 });
  expect(second.secret).not.toBe(first.secret);
  world.services.clock.advance(29 * 86_400_000);
  expect(await codeOf(refresh(world, second.secret))).toBeUndefined();
  const text = await storeText(world.store);
  for (const { secret } of [first, second]) expect(text).not.toContain(secret);
});

test("a token that was used ends the session, however many rotations ago, and that is remembered", async () => {
  for (const rotations of [1, 2, 5]) {
    await using world = await testGate();
    await setUp(world.gate);
    const first = await signIn(world.gate);
    let current = first;
    for (let rotation = 0; rotation < rotations; rotation += 1) current = await refresh(world, current.secret);
    expect(await isLive(world, current)).toBe(true);
    const refusal = await refusalOf(refresh(world, first.secret));
    expect(refusal).toMatchObject({ code: "unauthenticated", message: "The refresh token is not good any more." });
    expect(await isLive(world, current)).toBe(false);
    expect(await codeOf(refresh(world, current.secret))).toBe("unauthenticated");
    const replays = (await auditRows(world.store)).filter(({ outcome }) => outcome === "refused");
    expect(replays).toMatchObject([{ operation: "session.refresh", subject: `session:${first.sessionId}`, details: '{"replayed":true}' }]);
  }
});

test("the end of a replayed session survives a restart", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const first = await signIn(world.gate);
  const second = await refresh(world, first.secret);
  await codeOf(refresh(world, first.secret));
  await using again = await testGate({ over: { ...world, gate: world.gate } });
  const store = await world.database.reopen();
  const gate = { ...again.gate, store };
  expect(await codeOf(refreshSession(gate, anonymous, { refresh_token: second.secret }))).toBe("unauthenticated");
  expect(await codeOf(refreshSession(gate, anonymous, { refresh_token: first.secret }))).toBe("unauthenticated");
});

test("of fifty who bring one token one gets the next, and the session has ended", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const first = await signIn(world.gate);
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => refresh(world, first.secret)));
  const successes = results.filter((result) => result.status === "fulfilled");
  expect(successes).toHaveLength(1);
  expect(await isLive(world, first)).toBe(false);
  for (const { value } of successes) expect(await codeOf(refresh(world, value.secret))).toBe("unauthenticated");
});

test("a stranger's text ends nothing", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const session = await signIn(world.gate);
  const hex = session.sessionId.replaceAll("-", "");
  const texts = [
    "",
    session.secret.slice(0, -1),
    `${session.secret}0`,
    session.sessionId,
    `rt-${hex}_${"0".repeat(22)}_${"0".repeat(43)}`,
    "x".repeat(1_000_000),
  ];
  for (const text of texts) expect(await codeOf(refresh(world, text))).toBe("unauthenticated");
  expect(await isLive(world, session)).toBe(true);
});

test("ended, expired, disabled, foreign and cookie sessions are refused in the same words", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const words = async (token: string) => {
    const { code, message, hint } = await refusalOf(refresh(world, token));
    return `${code} ${message} ${hint}`;
  };
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  const expired = await signIn(world.gate);
  world.services.clock.advance(30 * 86_400_000);
  const all = [await words(cookie.secret), await words(expired.secret)];
  const disabled = await signIn(world.gate);
  await world.store.write(async (writer) => {
    const { users } = writer.tables;
    await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, owner.userId));
  });
  const { sealer, services } = world.gate;
  const unknown = createRefreshToken(sealer, services.random, services.random.uuid());
  const forCookie = createRefreshToken(sealer, services.random, cookie.sessionId);
  for (const token of [disabled.secret, unknown, forCookie, "rt-"]) all.push(await words(token));
  expect(new Set(all).size).toBe(1);
});

test("a refresh token never touches a cookie's session", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const cookie = await signIn(world.gate, ownerAddress, "cookie");
  const { sealer, services } = world.gate;
  expect(await codeOf(refresh(world, createRefreshToken(sealer, services.random, cookie.sessionId)))).toBe("unauthenticated");
  expect(await findUserByCookie(world.gate, cookie.secret, nowhere)).toBeDefined();
});

test("a disabled person's session is not ended by the refusal: enabled again, it goes on", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const session = await signIn(world.gate);
  const setDisabled = (disabled_at: number | null) =>
    world.store.write(async (writer) => {
      const { users } = writer.tables;
      await writer.update(users).set({ disabled_at }).where(eq(users.id, owner.userId));
    });
  await setDisabled(1);
  expect(await codeOf(refresh(world, session.secret))).toBe("unauthenticated");
  await setDisabled(null);
  expect(await codeOf(refresh(world, session.secret))).toBeUndefined();
});

test("refresh goes on in every license state, for strangers only", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  let { secret } = await signIn(world.gate);
  for (const state of shutStates) {
    world.license({ state });
    ({ secret } = await refresh(world, secret));
  }
  for (const { caller, code } of strangersTo("session.refresh")) {
    expect(await codeOf(refreshSession(world.gate, caller, { refresh_token: secret }))).toBe(code);
  }
  expect(await codeOf(refresh(world, secret))).toBeUndefined();
});
