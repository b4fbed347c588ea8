import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findUserBySession } from "../../src/identity/authentication.ts";
import { requestPasswordReset } from "../../src/identity/password-reset.ts";
import { createSession } from "../../src/identity/sessions.ts";
import { completeEmailVerification, requestEmailVerification, signUp } from "../../src/teams/sign-up.ts";
import { auditRows, storeText, testGate, type TestGateOptions } from "../support/gate.ts";
import { keptMail } from "../support/mail.ts";
import { addPerson, anonymous, ownerAddress, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const grace = { first_name: "Grace", last_name: "Hopper", email_address: "grace@example.com", user_password: "nanoseconds of wire" };
const mailed: TestGateOptions = { settings: { hasMailServer: true, issuerUrl: "https://id.example.com" }, features: { global: { auto_team: false } } };

async function world(options: TestGateOptions = mailed) {
  const site = await testGate(options);
  await setUp(site.gate);
  const register = (changes: Partial<typeof grace> = {}) => signUp(site.gate, anonymous, { ...grace, ...changes });
  const signIn = (user_password = grace.user_password, email_address = grace.email_address) => createSession(site.gate, anonymous, { email_address, user_password, kind: "token" });
  const verify = (verification_token: string, user_password = grace.user_password) => completeEmailVerification(site.gate, anonymous, { verification_token, user_password });
  const people = async () => await site.store.read(async (reader) => await reader.select().from(reader.tables.users));
  const teams = async () => await site.store.read(async (reader) => await reader.select().from(reader.tables.teams));
  return { ...site, register, signIn, verify, people, teams, mail: keptMail(site.gate), [Symbol.asyncDispose]: site.close };
}

test("with mail nobody is in before link and password; then the account is whole", async () => {
  await using site = await world();
  expect(await site.register()).toEqual({ next_step: "verify_email" });
  expect(await codeOf(site.signIn())).toBe("unauthenticated");
  await site.mail.deliver();
  expect(site.mail.letters).toMatchObject([{ to: "grace@example.com", subject: "Test site: confirm your address" }]);
  expect(site.mail.linkTo("grace@example.com")).toMatch(/^https:\/\/id\.example\.com\/verify-email\/[0-9A-Za-z]{43}$/);
  const token = site.mail.tokenTo("grace@example.com");
  expect(await codeOf(site.verify(token, "not the password"))).toBe("invalid_request");
  const codes = await Promise.all(Array.from({ length: 3 }, () => codeOf(site.verify(token))));
  expect(codes.toSorted()).toEqual(["gone", "gone", undefined]);
  expect(await codeOf(site.signIn())).toBeUndefined();
  expect((await site.people()).find(({ email_key }) => email_key === grace.email_address)).toMatchObject({ email_verified: true, pending_until: null, is_administrator: false, display_name: "Grace Hopper" });
  expect(await storeText(site.store)).not.toContain(grace.user_password);
});

test("free, taken and pending addresses are answered and recorded alike, and the owner of a taken one is told", async () => {
  await using site = await world();
  const answers = [await site.register(), await site.register({ email_address: "GRACE@example.com" }), await site.register({ email_address: ownerAddress })];
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await site.people()).toHaveLength(2);
  await site.mail.deliver();
  expect(site.mail.letters.map(({ to, subject }) => `${to.toLowerCase()} ${subject}`).toSorted()).toEqual(["ada@example.com Test site: you have an account", "grace@example.com Test site: confirm your address"]);
  // What a stranger typed is not repeated to the owner.
  expect(site.mail.letters.map(({ text }) => text).join("")).not.toContain("Grace");
  expect((await site.people()).find(({ email_key }) => email_key === ownerAddress)).toMatchObject({ first_name: "Ada", is_administrator: true });
});

test("an account that another has prepared is not opened by the owner of the mailbox, nor by the other", async () => {
  await using site = await world();
  await site.register({ user_password: "the attacker's sentence" });
  await site.mail.deliver();
  const token = site.mail.tokenTo("grace@example.com");
  await site.register();
  expect(await codeOf(site.verify(token, "the attacker's sentence"))).toBe("invalid_request");
  expect(await codeOf(site.verify(token))).toBeUndefined();
  expect(await codeOf(site.signIn("the attacker's sentence"))).toBe("unauthenticated");
  expect(await codeOf(site.signIn())).toBeUndefined();
});

test("who forgot what they began gets the link to finish, not one that sets a password", async () => {
  await using site = await world();
  await site.register();
  await requestPasswordReset(site.gate, anonymous, { email_address: grace.email_address });
  await site.mail.deliver();
  expect(site.mail.letters.map(({ text }) => /verify-email|reset-password/.exec(text)?.[0])).toEqual(["verify-email", "verify-email"]);
});

test("a sign-up that nobody finishes is forgotten after a day and gives its place back", async () => {
  await using site = await world({ ...mailed, quotas: { global: { max_users: 2 } } });
  await site.register();
  expect(await codeOf(site.register({ email_address: "other@example.com" }))).toBe("quota_exceeded");
  await site.mail.deliver();
  const token = site.mail.tokenTo("grace@example.com");
  site.services.clock.advance(86_400_001);
  expect(await codeOf(site.register({ email_address: "other@example.com" }))).toBeUndefined();
  expect((await site.people()).map(({ email_key }) => email_key).toSorted()).toEqual([ownerAddress, "other@example.com"]);
  expect(await codeOf(site.verify(token))).toBe("gone");
});

test("the cap on users holds under any number at once, and says nothing of an address", async () => {
  await using site = await world({ ...mailed, quotas: { global: { max_users: 4 } } });
  const codes = await Promise.all(Array.from({ length: 10 }, (_each, index) => codeOf(site.register({ email_address: `p${index}@example.com` }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(3);
  expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(7);
  expect(await site.people()).toHaveLength(4);
  for (const email_address of [ownerAddress, "p0@example.com", "free@example.com"]) {
    expect(await refusalOf(site.register({ email_address }))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_users", namespace: "global", limit: 4 } });
  }
});

test("of many sign-ups with one address one account comes", async () => {
  await using site = await world({});
  const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(site.register())));
  expect(new Set(codes)).toEqual(new Set([undefined]));
  expect(await site.people()).toHaveLength(2);
});

test("without mail the account is there at once, its address not proven, and can be proven when mail comes", async () => {
  await using site = await world({ features: { global: { email: false, auto_team: false } }, settings: { hasMailServer: true } });
  expect(await site.register()).toEqual({ next_step: "sign_in" });
  expect(await site.register({ user_password: "another good sentence" })).toEqual({ next_step: "sign_in" });
  expect(await codeOf(site.signIn("another good sentence"))).toBe("unauthenticated");
  const session = await site.signIn();
  const caller = await findUserBySession(site.gate, session, { teamId: undefined, address: undefined });
  if (caller === undefined) throw new Error("the session is live");
  expect(await codeOf(requestEmailVerification(site.gate, caller, undefined))).toBe("feature_disabled");
  site.license({});
  await requestEmailVerification(site.gate, caller, undefined);
  await site.mail.deliver();
  await site.verify(site.mail.tokenTo("grace@example.com"));
  expect((await site.people()).find(({ id }) => id === caller.userId)?.email_verified).toBe(true);
  site.services.clock.advance(120_000);
  await requestEmailVerification(site.gate, caller, undefined);
  expect(await site.mail.deliver()).toMatchObject({ sent: 0 });
});

test("a team of one's own comes with the account where the license has it so and has room, and never before", async () => {
  await using site = await world({ ...mailed, features: {} });
  await site.register();
  expect(await site.teams()).toHaveLength(1);
  await site.mail.deliver();
  await site.verify(site.mail.tokenTo("grace@example.com"));
  expect((await site.teams()).map(({ display_name }) => display_name).toSorted()).toEqual(["First", "Grace Hopper"]);
  site.license({ quotas: { global: { max_teams: 2 } } });
  await site.register({ email_address: "mary@example.com" });
  await site.mail.deliver();
  expect(await codeOf(site.verify(site.mail.tokenTo("mary@example.com")))).toBeUndefined();
  expect(await site.teams()).toHaveLength(2);
  const owners = await site.store.read(async (reader) => await reader.select().from(reader.tables.memberships).where(eq(reader.tables.memberships.role, "owner")));
  expect(owners).toHaveLength(2);
});

test.each([
  ["no address", { email_address: "grace" }],
  ["an address with a line end", { email_address: "grace@example.com\r\nBcc: eve@example.com" }],
  ["a list of addresses", { email_address: "grace@example.com,eve@example.com" }],
  ["a name with a line end", { first_name: "Grace\r\nBcc: eve@example.com" }],
  ["a common password", { user_password: "Password2026!" }],
  ["an enormous password", { user_password: "x".repeat(100_000) }],
])("refused, and nothing is written or sent: %s", async (_name, changes) => {
  await using site = await world();
  expect(await codeOf(site.register(changes))).toBe("invalid_request");
  expect(await site.people()).toHaveLength(1);
  expect(await site.mail.deliver()).toMatchObject({ sent: 0 });
});

test("markup in a name stays text", async () => {
  await using site = await world();
  await site.register({ first_name: '<img src=x onerror="alert(1)">' });
  await site.mail.deliver();
  expect(site.mail.letters[0]?.text).not.toContain("<img");
});

test("only with the feature and a good license, and only by whom the rows name", async () => {
  await using site = await world();
  site.license({ features: { global: { registration: false } } });
  for (const email_address of [grace.email_address, ownerAddress]) expect(await codeOf(site.register({ email_address }))).toBe("feature_disabled");
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(site.register())).toBe(state);
  }
  expect(await site.people()).toHaveLength(1);
  site.license({});
  for (const { caller, code } of strangersTo("sign_up.create")) expect(await codeOf(signUp(site.gate, caller, grace))).toBe(code);
  for (const { caller, code } of strangersTo("email_verification.request")) expect(await codeOf(requestEmailVerification(site.gate, caller, undefined))).toBe(code);
  for (const { caller, code } of strangersTo("email_verification.complete")) expect(await codeOf(completeEmailVerification(site.gate, caller, { verification_token: "", user_password: "" }))).toBe(code);
  expect((await auditRows(site.store)).filter(({ operation, outcome }) => operation.startsWith("sign_up") && outcome === "done")).toEqual([]);
});

test("wrong passwords at a link count and make it wait", async () => {
  await using site = await world();
  await addPerson(site.gate);
  await site.register();
  await site.mail.deliver();
  const token = site.mail.tokenTo("grace@example.com");
  for (let guess = 0; guess < 5; guess += 1) expect(await codeOf(site.verify(token, "not the password"))).toBe("invalid_request");
  expect(await codeOf(site.verify(token))).toBe("rate_limited");
});
