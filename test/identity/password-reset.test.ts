import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operator } from "../../src/gate/caller.ts";
import { findUserBySession } from "../../src/identity/authentication.ts";
import { changePassword } from "../../src/identity/password-change.ts";
import { checkResetLink, completePasswordReset, createResetLink, requestPasswordReset } from "../../src/identity/password-reset.ts";
import { createSession } from "../../src/identity/sessions.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { keptMail } from "../support/mail.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";
import { enrol } from "../support/second-factor.ts";

const NEW_PASSWORD = "another good sentence";

async function world() {
  const site = await testGate({ settings: { hasMailServer: true, issuerUrl: "https://id.example.com" } });
  const people = await setUp(site.gate);
  return { ...site, ...people, mail: keptMail(site.gate), [Symbol.asyncDispose]: site.close };
}
type World = Awaited<ReturnType<typeof world>>;

function request({ gate }: Pick<TestGate, "gate">, email_address = ownerAddress) {
  return requestPasswordReset(gate, anonymous, { email_address });
}
function complete({ gate }: Pick<TestGate, "gate">, reset_token: string, new_password = NEW_PASSWORD) {
  return completePasswordReset(gate, anonymous, { reset_token, new_password });
}
async function mailedToken(site: World): Promise<string> {
  await request(site);
  await site.mail.deliver();
  return site.mail.tokenTo(ownerAddress);
}

test("the mailed link leads to the configured address, sets the password once and ends every session", async () => {
  await using site = await world();
  const session = await signIn(site.gate);
  for (let guess = 0; guess < 6; guess += 1) await codeOf(createSession(site.gate, anonymous, { email_address: ownerAddress, user_password: "wrong guess", kind: "token" }));
  const token = await mailedToken(site);
  expect(site.mail.letters).toMatchObject([{ to: ownerAddress, subject: "Test site: choose a new password" }]);
  expect(site.mail.linkTo(ownerAddress)).toMatch(/^https:\/\/id\.example\.com\/reset-password\/[0-9A-Za-z]{43}$/);
  await checkResetLink(site.gate, anonymous, { reset_token: token });
  await complete(site, token);
  expect(await findUserBySession(site.gate, session, { teamId: undefined, address: undefined })).toBeUndefined();
  // The wait for the wrong guesses is over too: who has the mailbox is the owner.
  expect(await codeOf(createSession(site.gate, anonymous, { email_address: ownerAddress, user_password: NEW_PASSWORD, kind: "token" }))).toBeUndefined();
  expect(await codeOf(complete(site, token))).toBe("gone");
  expect((await auditRows(site.store)).find(({ operation }) => operation === "password_reset.complete")).toMatchObject({ subject: `user:${site.owner.userId}`, details: '{"by":"mail"}' });
});

test("of several uses of one link at the same moment one succeeds", async () => {
  await using site = await world();
  const token = await mailedToken(site);
  const codes = await Promise.all(["first", "second", "third", "fourth"].map((word) => codeOf(complete(site, token, `${word} good sentence`))));
  expect(codes.toSorted()).toEqual(["gone", "gone", "gone", undefined]);
});

test("known, unknown, disabled and strangely spelled names are answered, recorded and audited alike", async () => {
  await using site = await world();
  const disabled = await addPerson(site.gate, { address: "disabled@example.com" });
  await site.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, disabled.userId))));
  const before = (await auditRows(site.store)).length;
  const names = [ownerAddress, "nobody@example.com", "disabled@example.com", "ADA＠example.com"];
  for (const name of names) expect(await request(site, name)).toBeUndefined();
  const rows = await site.store.read(async (reader) => await reader.select().from(reader.tables.outbox));
  // All spellings of a name are one.
  expect(rows.map(({ kind, attempts, settled_at }) => [kind, attempts, settled_at])).toEqual(Array(3).fill(["reset_password", 0, null]));
  const audited = (await auditRows(site.store)).slice(before).map(({ operation, outcome, actor, subject, details }) => JSON.stringify([operation, outcome, actor, subject, details]));
  expect([audited.length, new Set(audited).size]).toEqual([4, 1]);
  expect(await storeText(site.store)).not.toContain("nobody@example.com");
  await site.mail.deliver();
  expect(site.mail.letters.map(({ to }) => to)).toEqual([ownerAddress]);
});

test("a link dies with its hour, with the password, with the account and with the address it went to", async () => {
  await using site = await world();
  const users = async (values: object) => await site.store.write(async (writer) => void (await writer.update(writer.tables.users).set(values).where(eq(writer.tables.users.id, site.owner.userId))));
  const token = async () => {
    site.services.clock.advance(120_000);
    return await mailedToken(site);
  };
  const late = await token();
  site.services.clock.advance(3_600_000);
  expect(await codeOf(complete(site, late))).toBe("gone");
  const old = await token();
  await changePassword(site.gate, site.owner, { current_password: PASSWORD, new_password: NEW_PASSWORD });
  expect(await codeOf(complete(site, old))).toBe("gone");
  const disabled = await token();
  await users({ disabled_at: 1 });
  expect(await codeOf(complete(site, disabled))).toBe("gone");
  await users({ disabled_at: null });
  const moved = await token();
  await users({ email_key: "moved@example.com" });
  expect(await codeOf(complete(site, moved))).toBe("gone");
});

test("unknown, altered and foreign tokens are gone in the same words, and bad passwords leave the link good", async () => {
  await using site = await world();
  const token = await mailedToken(site);
  const refusals = await Promise.all(["", "unknown", token.slice(1), `${token}0`, token.toLowerCase()].map((text) => refusalOf(complete(site, text))));
  expect(new Set(refusals.map(({ code, message, hint }) => `${code} ${message} ${hint}`)).size).toBe(1);
  expect(refusals[0]?.code).toBe("gone");
  for (const password of ["short", "Password2026!", "x".repeat(100_000)]) expect(await codeOf(complete(site, token, password))).toBe("invalid_request");
  expect(await codeOf(complete(site, token))).toBeUndefined();
});

test("a link does not go around the second factor, and the step token of a sign-in is no link", async () => {
  await using site = await world();
  await enrol(site.gate, site.owner);
  const refusal = await refusalOf(signIn(site.gate));
  expect(await codeOf(complete(site, String(refusal.details?.["step_token"])))).toBe("gone");
  await complete(site, await mailedToken(site));
  expect(await codeOf(createSession(site.gate, anonymous, { email_address: ownerAddress, user_password: NEW_PASSWORD, kind: "token" }))).toBe("second_factor_required");
});

test("an address gets one mail in two minutes, however often it is asked for", async () => {
  await using site = await world();
  await Promise.all(Array.from({ length: 20 }, () => request(site)));
  await site.mail.deliver();
  for (let again = 0; again < 5; again += 1) await request(site);
  await site.mail.deliver();
  expect(site.mail.letters).toHaveLength(1);
  site.services.clock.advance(120_000);
  await request(site);
  await site.mail.deliver();
  expect(site.mail.letters).toHaveLength(2);
});

test("without mail nobody can ask, in the same words for all, and an administrator or the operator hands a link on", async () => {
  await using site = await testGate({ features: { global: { email: false } }, settings: { hasMailServer: true } });
  const { owner } = await setUp(site.gate);
  const grace = await addPerson(site.gate, { address: "grace@example.com" });
  for (const name of [ownerAddress, "nobody@example.com"]) expect(await codeOf(request(site, name))).toBe("feature_disabled");
  const link = (caller: Parameters<typeof createResetLink>[1], email_address: string) => createResetLink(site.gate, caller, { email_address });
  expect(await codeOf(link(grace, ownerAddress))).toBe("forbidden");
  expect(await codeOf(link(owner, ownerAddress))).toBe("forbidden");
  expect(await codeOf(link(owner, "nobody@example.com"))).toBe("not_found");
  for (const caller of [owner, operator]) {
    const { reset_url, expires_at } = await link(caller, "GRACE@example.com");
    expect(Date.parse(expires_at) - site.services.clock.now()).toBe(3_600_000);
    const token = reset_url.slice(`${site.gate.settings.issuerUrl}/reset-password/`.length);
    expect(await storeText(site.store)).not.toContain(token);
    expect(await codeOf(complete(site, token))).toBeUndefined();
  }
  const bare = await testGate();
  expect(await codeOf(request(bare))).toBe("unavailable");
  await bare.close();
});

test("links are used in every license state, and only whom the rows name may ask", async () => {
  await using site = await world();
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(request(site))).toBe(state);
    const { reset_url } = await createResetLink(site.gate, operator, { email_address: ownerAddress });
    expect(await codeOf(complete(site, reset_url.split("/").at(-1) ?? ""))).toBeUndefined();
  }
  site.license({});
  for (const { caller, code } of strangersTo("password_reset.request")) expect(await codeOf(requestPasswordReset(site.gate, caller, { email_address: ownerAddress }))).toBe(code);
  for (const { caller, code } of strangersTo("password_reset.create_link")) expect(await codeOf(createResetLink(site.gate, caller, { email_address: ownerAddress }))).toBe(code);
  for (const { caller, code } of strangersTo("password_reset.check")) expect(await codeOf(checkResetLink(site.gate, caller, { reset_token: "" }))).toBe(code);
  for (const { caller, code } of strangersTo("password_reset.complete")) expect(await codeOf(completePasswordReset(site.gate, caller, { reset_token: "", new_password: "" }))).toBe(code);
});
