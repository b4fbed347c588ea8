import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operator } from "../../src/gate/caller.ts";
import { findUserByCookie, findUserBySession } from "../../src/identity/authentication.ts";
import { changePassword } from "../../src/identity/password-change.ts";
import {
  confirmSecondFactor,
  enrolSecondFactor,
  readSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
  resetSecondFactor,
} from "../../src/identity/second-factors.ts";
import { completeSession } from "../../src/identity/session-completion.ts";
import type { SessionKind } from "../../src/identity/sessions.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";
import { authenticator, enrol, stepTokenOf } from "../support/second-factor.ts";

const nowhere = { teamId: undefined, address: undefined };

/** A site whose owner has a second factor. */
async function world() {
  const site = await testGate();
  const people = await setUp(site.gate);
  return { ...site, ...people, ...(await enrol(site.gate, people.owner)), [Symbol.asyncDispose]: site.close };
}

async function firstStep({ gate }: Pick<TestGate, "gate">, kind: SessionKind = "token", address = ownerAddress): Promise<string> {
  return stepTokenOf(await refusalOf(signIn(gate, address, kind)));
}

function complete({ gate }: Pick<TestGate, "gate">, step_token: string, code: string, kind: SessionKind = "token") {
  return completeSession(gate, anonymous, { step_token, code, kind });
}

async function sessionRows({ store }: Pick<TestGate, "store">) {
  return await store.read(async (reader) => await reader.select().from(reader.tables.sessions));
}

test("the right password alone makes no session; with a code it does, in both kinds", async () => {
  await using site = await world();
  const refusal = await refusalOf(signIn(site.gate));
  expect(refusal).toMatchObject({ code: "second_factor_required", status: 401, details: { methods: ["totp", "recovery_code"] } });
  expect(Date.parse(String(refusal.details?.["expires_at"])) - site.services.clock.now()).toBe(300_000);
  expect(await sessionRows(site)).toEqual([]);
  const token = await complete(site, stepTokenOf(refusal), site.app.code());
  expect(await findUserBySession(site.gate, token, nowhere)).toMatchObject({ userId: site.owner.userId });
  site.services.clock.advance(30_000);
  const cookie = await complete(site, await firstStep(site, "cookie"), site.app.code(), "cookie");
  expect(await findUserByCookie(site.gate, cookie.secret, nowhere)).toMatchObject({ userId: site.owner.userId });
  expect((await sessionRows(site)).map(({ amr }) => amr)).toEqual(Array(2).fill('["pwd","otp","mfa"]'));
});

test("the step token is nobody anywhere else", async () => {
  await using site = await world();
  const token = await firstStep(site, "cookie");
  expect(await findUserByCookie(site.gate, token, nowhere)).toBeUndefined();
  expect(await findUserBySession(site.gate, { sessionId: token, userId: site.owner.userId }, nowhere)).toBeUndefined();
});

test("a step token is good once, whoever comes first", async () => {
  await using site = await world();
  const token = await firstStep(site);
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(complete(site, token, site.app.code()))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(new Set(codes)).toEqual(new Set([undefined, "unauthenticated"]));
  expect(await sessionRows(site)).toHaveLength(1);
  site.services.clock.advance(30_000);
  expect(await codeOf(complete(site, token, site.app.code()))).toBe("unauthenticated");
});

test("one code opens one session, also over two sign-ins at the same moment", async () => {
  await using site = await world();
  const tokens = [await firstStep(site), await firstStep(site), await firstStep(site)];
  const code = site.app.code();
  const codes = await Promise.all(tokens.map((token) => codeOf(complete(site, token, code))));
  expect(codes.filter((each) => each === undefined)).toHaveLength(1);
  // Neither the same nor an earlier step again, although the window would have it.
  const late = await firstStep(site);
  for (const again of [code, site.app.code(-1)]) expect(await codeOf(complete(site, late, again))).toBe("unauthenticated");
  site.services.clock.advance(30_000);
  expect(await codeOf(complete(site, late, code))).toBe("unauthenticated");
  expect(await codeOf(complete(site, late, site.app.code()))).toBeUndefined();
});

test("the code that confirmed the enrolment opens nothing more", async () => {
  await using site = await world();
  expect(await codeOf(complete(site, await firstStep(site), site.app.code(-1)))).toBe("unauthenticated");
});

test("ten wrong codes lock the authenticator on every door, and a recovery code still opens and unlocks", async () => {
  await using site = await world();
  for (let guess = 1; guess <= 10; guess += 1) {
    // A new sign-in does not start the count anew.
    expect(await codeOf(complete(site, await firstStep(site), site.app.wrong()))).toBe("unauthenticated");
  }
  const token = await firstStep(site);
  const refusal = await refusalOf(complete(site, token, site.app.code()));
  expect(refusal).toMatchObject({ code: "unauthenticated", message: "The authenticator is locked after 10 wrong codes." });
  expect(await readSecondFactor(site.gate, site.owner, undefined)).toEqual({ is_enrolled: true, is_locked: true, recovery_codes_left: 10 });
  expect(await refusalOf(removeSecondFactor(site.gate, site.owner, { current_password: PASSWORD, code: site.app.code() }))).toMatchObject({ code: "invalid_request", message: refusal.message });
  expect(await codeOf(complete(site, token, site.recoveryCodes[0] ?? ""))).toBeUndefined();
  expect(await readSecondFactor(site.gate, site.owner, undefined)).toEqual({ is_enrolled: true, is_locked: false, recovery_codes_left: 9 });
  expect(await codeOf(complete(site, await firstStep(site), site.app.code()))).toBeUndefined();
});

test("fifty wrong codes side by side count as many as are looked at, and the right one among them is not", async () => {
  await using site = await world();
  const token = await firstStep(site);
  await Promise.all(Array.from({ length: 50 }, () => codeOf(complete(site, token, site.app.wrong()))));
  expect(await codeOf(complete(site, token, site.app.code()))).toBe("unauthenticated");
  const [factor] = await site.store.read(async (reader) => await reader.select().from(reader.tables.secondFactors));
  expect(factor?.failures).toBe(10);
});

test("a right code forgets the wrong ones before it", async () => {
  await using site = await world();
  for (let round = 0; round < 3; round += 1) {
    const token = await firstStep(site);
    for (let guess = 1; guess <= 9; guess += 1) expect(await codeOf(complete(site, token, site.app.wrong()))).toBe("unauthenticated");
    expect(await codeOf(complete(site, token, site.app.code()))).toBeUndefined();
    site.services.clock.advance(30_000);
  }
});

test("a recovery code is good once, however it is typed, and for its person alone", async () => {
  await using site = await world();
  const [first = "", second = ""] = site.recoveryCodes;
  expect(site.recoveryCodes).toHaveLength(10);
  expect(new Set(site.recoveryCodes).size).toBe(10);
  expect(first).toMatch(/^[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){3}$/);
  expect(await codeOf(complete(site, await firstStep(site), ` ${first.toUpperCase().replaceAll("-", " ")} `))).toBeUndefined();
  expect(await codeOf(complete(site, await firstStep(site), first))).toBe("unauthenticated");
  const other = await addPerson(site.gate, { address: "grace@example.com" });
  await enrol(site.gate, other);
  expect(await codeOf(complete(site, await firstStep(site, "token", "grace@example.com"), second))).toBe("unauthenticated");
  const tokens = await Promise.all([firstStep(site), firstStep(site), firstStep(site)]);
  const codes = await Promise.all(tokens.map((token) => codeOf(complete(site, token, second))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
});

test("a step token dies with five minutes, with the password, with the account and with the factor", async () => {
  await using site = await world();
  const late = await firstStep(site);
  site.services.clock.advance(300_000);
  expect(await codeOf(complete(site, late, site.app.code()))).toBe("unauthenticated");
  const old = await firstStep(site);
  await changePassword(site.gate, site.owner, { current_password: PASSWORD, new_password: "another good sentence" });
  expect(await codeOf(complete(site, old, site.app.code()))).toBe("unauthenticated");
  await changePassword(site.gate, site.owner, { current_password: "another good sentence", new_password: PASSWORD });
  const disabled = await firstStep(site);
  const setDisabled = async (disabled_at: number | null) =>
    await site.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at }).where(eq(writer.tables.users.id, site.owner.userId))));
  await setDisabled(1);
  expect(await codeOf(complete(site, disabled, site.app.code()))).toBe("unauthenticated");
  await setDisabled(null);
  const removed = await firstStep(site);
  await resetSecondFactor(site.gate, operator, { user_id: site.owner.userId });
  expect(await codeOf(complete(site, removed, site.app.code()))).toBe("unauthenticated");
  expect(await codeOf(signIn(site.gate))).toBeUndefined();
});

test("what was begun for a browser does not end as a program's session, and the other way round", async () => {
  await using site = await world();
  expect(await codeOf(complete(site, await firstStep(site, "cookie"), site.app.code(), "token"))).toBe("unauthenticated");
  expect(await codeOf(complete(site, await firstStep(site, "token"), site.app.code(), "cookie"))).toBe("unauthenticated");
});

test("no prefix and no change of a step token or a code is good", async () => {
  await using site = await world();
  const token = await firstStep(site);
  const code = site.app.code();
  for (const text of ["", token.slice(1), `${token}0`, token.toLowerCase(), "' or 1=1 --"]) expect(await codeOf(complete(site, text, code))).toBe("unauthenticated");
  for (const text of ["", code.slice(1), `${code}0`, "１２３４５６", "x".repeat(100_000), "\u0000"]) expect(await codeOf(complete(site, token, text))).toBe("unauthenticated");
});

test("an enrolment that was not confirmed asks nobody for anything, ends by itself and can begin anew", async () => {
  await using site = await testGate();
  const { owner } = await setUp(site.gate);
  const first = await enrolSecondFactor(site.gate, owner, { current_password: PASSWORD });
  expect(await codeOf(signIn(site.gate))).toBeUndefined();
  expect(await readSecondFactor(site.gate, owner, undefined)).toEqual({ is_enrolled: false, is_locked: false, recovery_codes_left: 0 });
  const second = await enrolSecondFactor(site.gate, owner, { current_password: PASSWORD });
  expect(second.secret).not.toBe(first.secret);
  expect(await codeOf(confirmSecondFactor(site.gate, owner, { code: authenticator(site.gate, first.secret).code() }))).toBe("invalid_request");
  site.services.clock.advance(900_000);
  expect(await codeOf(confirmSecondFactor(site.gate, owner, { code: authenticator(site.gate, second.secret).code() }))).toBe("conflict");
  expect(new URL(second.otpauth_url).searchParams.get("issuer")).toBe("Test site");
});

test("of several confirmations with one code one succeeds, and who has a factor cannot enrol another", async () => {
  await using site = await testGate();
  const { owner } = await setUp(site.gate);
  expect(await codeOf(confirmSecondFactor(site.gate, owner, { code: "123456" }))).toBe("conflict");
  const { secret } = await enrolSecondFactor(site.gate, owner, { current_password: PASSWORD });
  const app = authenticator(site.gate, secret);
  const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(confirmSecondFactor(site.gate, owner, { code: app.code() }))));
  expect(codes.toSorted()).toEqual(["conflict", "conflict", "conflict", "conflict", undefined]);
  expect(await codeOf(enrolSecondFactor(site.gate, owner, { current_password: PASSWORD }))).toBe("conflict");
});

test("a session alone changes nothing: each step takes the password, and those after the first a code", async () => {
  await using site = await world();
  const other = await addPerson(site.gate);
  const wrong = { current_password: "not the password" };
  expect(await refusalOf(enrolSecondFactor(site.gate, other, wrong))).toMatchObject({ code: "invalid_request", details: { fields: [{ field: "current_password" }] } });
  for (const deed of [renewRecoveryCodes, removeSecondFactor]) {
    expect(await codeOf(deed(site.gate, site.owner, { ...wrong, code: site.app.code() }))).toBe("invalid_request");
    expect(await codeOf(deed(site.gate, site.owner, { current_password: PASSWORD, code: site.app.wrong() }))).toBe("invalid_request");
  }
  expect(await codeOf(signIn(site.gate))).toBe("second_factor_required");
  const { recovery_codes } = await renewRecoveryCodes(site.gate, site.owner, { current_password: PASSWORD, code: site.app.code() });
  expect(await codeOf(complete(site, await firstStep(site), site.recoveryCodes[0] ?? ""))).toBe("unauthenticated");
  await removeSecondFactor(site.gate, site.owner, { current_password: PASSWORD, code: recovery_codes[0] ?? "" });
  expect(await codeOf(signIn(site.gate))).toBeUndefined();
  const left = await site.store.read(async (reader) => [...(await reader.select().from(reader.tables.secondFactors)), ...(await reader.select().from(reader.tables.recoveryCodes))]);
  expect(left).toEqual([]);
});

test("an administrator and the operator reset others, nobody else does, and nobody oneself", async () => {
  await using site = await world();
  const grace = await addPerson(site.gate);
  await enrol(site.gate, grace);
  expect(await codeOf(resetSecondFactor(site.gate, grace, { user_id: site.owner.userId }))).toBe("forbidden");
  expect(await codeOf(resetSecondFactor(site.gate, site.owner, { user_id: site.owner.userId }))).toBe("forbidden");
  expect(await codeOf(resetSecondFactor(site.gate, site.owner, { user_id: "nobody" }))).toBe("not_found");
  expect(await codeOf(resetSecondFactor(site.gate, site.owner, { user_id: grace.userId }))).toBeUndefined();
  expect(await codeOf(resetSecondFactor(site.gate, site.owner, { user_id: grace.userId }))).toBe("not_found");
  expect(await codeOf(resetSecondFactor(site.gate, operator, { user_id: site.owner.userId }))).toBeUndefined();
});

test("no secret, code or token lies in the store, and audit tells the method", async () => {
  await using site = await world();
  const token = await firstStep(site);
  const session = await complete(site, token, site.recoveryCodes[0] ?? "");
  const text = await storeText(site.store);
  for (const secret of [site.app.secret, token, session.secret, ...site.recoveryCodes, ...site.recoveryCodes.map((code) => code.replaceAll("-", ""))]) expect(text).not.toContain(secret);
  expect((await auditRows(site.store)).slice(-2)).toMatchObject([
    { operation: "session.create", outcome: "refused", details: '{"second_factor":true}' },
    { operation: "session.complete", outcome: "done", subject: `user:${site.owner.userId}`, details: '{"method":"recovery"}' },
  ]);
});

test("no license state keeps anybody from the second step, and only whom the rows name may ask", async () => {
  await using site = await world();
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(complete(site, await firstStep(site), site.app.code()))).toBeUndefined();
    site.services.clock.advance(30_000);
  }
  const proven = { current_password: PASSWORD, code: "123456" };
  for (const { caller, code } of strangersTo("session.complete")) expect(await codeOf(completeSession(site.gate, caller, { step_token: "", code: "", kind: "token" }))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.read")) expect(await codeOf(readSecondFactor(site.gate, caller, undefined))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.enrol")) expect(await codeOf(enrolSecondFactor(site.gate, caller, proven))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.confirm")) expect(await codeOf(confirmSecondFactor(site.gate, caller, proven))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.renew_codes")) expect(await codeOf(renewRecoveryCodes(site.gate, caller, proven))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.remove")) expect(await codeOf(removeSecondFactor(site.gate, caller, proven))).toBe(code);
  for (const { caller, code } of strangersTo("second_factor.reset")) expect(await codeOf(resetSecondFactor(site.gate, caller, { user_id: "x" }))).toBe(code);
});
