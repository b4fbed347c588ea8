import { expect, test } from "bun:test";
import { findUserByCookie, findUserBySession } from "../../src/identity/authentication.ts";
import { endOtherSessions, endOwnSession, listSessions } from "../../src/identity/own-sessions.ts";
import { refreshSession } from "../../src/identity/session-refresh.ts";
import { createSession } from "../../src/identity/sessions.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const nowhere = { teamId: undefined, address: undefined };

async function world() {
  const site = await testGate();
  const { owner } = await setUp(site.gate);
  const held = await signIn(site.gate);
  return { ...site, held, caller: { ...owner, sessionId: held.sessionId }, [Symbol.asyncDispose]: site.close };
}

async function idsOf({ gate }: Pick<TestGate, "gate">, caller: Parameters<typeof listSessions>[1]): Promise<readonly string[]> {
  return (await listSessions(gate, caller, undefined)).session_list.map(({ id }) => id);
}

test("tells the own sessions that are good, the newest first, with where and how, and no secret", async () => {
  await using site = await world();
  site.services.clock.advance(1_000);
  const cookie = await signIn(site.gate, ownerAddress, "cookie");
  site.services.clock.advance(1_000);
  await refreshSession(site.gate, anonymous, { refresh_token: site.held.secret });
  const { session_list } = await listSessions(site.gate, site.caller, undefined);
  const now = site.services.clock.now();
  expect(session_list).toEqual([
    {
      id: cookie.sessionId,
      kind: "cookie",
      created_at: new Date(now - 1_000).toISOString(),
      refreshed_at: null,
      expires_at: new Date(cookie.expiresAtMs).toISOString(),
      address: null,
      amr: ["pwd"],
      is_current: false,
    },
    {
      id: site.held.sessionId,
      kind: "token",
      created_at: new Date(now - 2_000).toISOString(),
      refreshed_at: new Date(now).toISOString(),
      expires_at: new Date(now + site.gate.settings.refreshTokenSeconds * 1_000).toISOString(),
      address: null,
      amr: ["pwd"],
      is_current: true,
    },
  ]);
});

test("remembers where a sign-in came from", async () => {
  await using site = await world();
  site.services.clock.advance(1);
  await createSession(site.gate, { kind: "anonymous", address: "192.0.2.7" }, { email_address: ownerAddress, user_password: PASSWORD, kind: "token" });
  expect((await listSessions(site.gate, site.caller, undefined)).session_list.map(({ address }) => address)).toEqual(["192.0.2.7", null]);
});

test("tells nothing of sessions that are over, or of other people", async () => {
  await using site = await world();
  await addPerson(site.gate, { address: "grace@example.com" });
  await signIn(site.gate, "grace@example.com");
  const cookie = await signIn(site.gate, ownerAddress, "cookie");
  expect(await idsOf(site, site.caller)).toHaveLength(2);
  site.services.clock.advance(cookie.expiresAtMs - site.services.clock.now());
  expect(await idsOf(site, site.caller)).toEqual([site.held.sessionId]);
});

test("an ended session is refused at the next request and the next refresh, and the others are not", async () => {
  await using site = await world();
  const other = await signIn(site.gate);
  const cookie = await signIn(site.gate, ownerAddress, "cookie");
  await endOwnSession(site.gate, site.caller, { session_id: other.sessionId });
  await endOwnSession(site.gate, site.caller, { session_id: cookie.sessionId });
  expect(await findUserBySession(site.gate, other, nowhere)).toBeUndefined();
  expect(await codeOf(refreshSession(site.gate, anonymous, { refresh_token: other.secret }))).toBe("unauthenticated");
  expect(await findUserByCookie(site.gate, cookie.secret, nowhere)).toBeUndefined();
  expect(await findUserBySession(site.gate, site.held, nowhere)).toBeDefined();
  expect(await idsOf(site, site.caller)).toEqual([site.held.sessionId]);
  expect((await auditRows(site.store)).filter(({ operation }) => operation === "session.end_own").map(({ subject }) => subject)).toEqual([`session:${other.sessionId}`, `session:${cookie.sessionId}`]);
});

test("the own one can be ended as well", async () => {
  await using site = await world();
  await endOwnSession(site.gate, site.caller, { session_id: site.held.sessionId });
  expect(await findUserBySession(site.gate, site.held, nowhere)).toBeUndefined();
});

test("all others end at once, and how many is told", async () => {
  await using site = await world();
  await addPerson(site.gate, { address: "grace@example.com" });
  const foreign = await signIn(site.gate, "grace@example.com");
  const others = [await signIn(site.gate), await signIn(site.gate)];
  expect(await endOtherSessions(site.gate, site.caller, undefined)).toEqual({ ended: 2 });
  for (const other of others) expect(await findUserBySession(site.gate, other, nowhere)).toBeUndefined();
  expect(await findUserBySession(site.gate, site.held, nowhere)).toBeDefined();
  expect(await findUserBySession(site.gate, foreign, nowhere)).toBeDefined();
  expect(await endOtherSessions(site.gate, site.caller, undefined)).toEqual({ ended: 0 });
});

test("a session that is unknown, another's, over or ended already is none, in the same words", async () => {
  await using site = await world();
  await addPerson(site.gate, { address: "grace@example.com" });
  const foreign = await signIn(site.gate, "grace@example.com");
  const ended = await signIn(site.gate);
  await endOwnSession(site.gate, site.caller, { session_id: ended.sessionId });
  const over = await signIn(site.gate, ownerAddress, "cookie");
  site.services.clock.advance(over.expiresAtMs - site.services.clock.now());
  const refusals = await Promise.all(
    [foreign.sessionId, ended.sessionId, over.sessionId, "x", "", "0".repeat(64), "' or 1=1 --"].map((session_id) => refusalOf(endOwnSession(site.gate, site.caller, { session_id }))),
  );
  expect(new Set(refusals.map(({ code, message, hint }) => `${code}: ${message} ${hint}`)).size).toBe(1);
  expect(refusals[0]?.code).toBe("not_found");
  expect(await findUserBySession(site.gate, foreign, nowhere)).toBeDefined();
});

test("only people may, and whatever the license says", async () => {
  await using site = await world();
  for (const [name, run] of [
    ["session.list", (caller: Parameters<typeof listSessions>[1]) => listSessions(site.gate, caller, undefined)],
    ["session.end_own", (caller: Parameters<typeof listSessions>[1]) => endOwnSession(site.gate, caller, { session_id: "x" })],
    ["session.end_others", (caller: Parameters<typeof listSessions>[1]) => endOtherSessions(site.gate, caller, undefined)],
  ] as const) {
    for (const { caller, code } of strangersTo(name)) expect([name, await codeOf(run(caller))]).toEqual([name, code]);
  }
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(listSessions(site.gate, site.caller, undefined))).toBeUndefined();
    expect(await codeOf(endOtherSessions(site.gate, site.caller, undefined))).toBeUndefined();
  }
});
