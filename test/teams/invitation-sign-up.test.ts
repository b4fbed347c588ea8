import { expect, test } from "bun:test";
import { createSession } from "../../src/identity/sessions.ts";
import { acceptInvitation } from "../../src/teams/invitation-answers.ts";
import { signUpInvited } from "../../src/teams/invitation-sign-up.ts";
import { createInvitation, listInvitations } from "../../src/teams/invitations.ts";
import { listMembers } from "../../src/teams/members.ts";
import { signUp } from "../../src/teams/sign-up.ts";
import { listTeams } from "../../src/teams/teams.ts";
import { auditRows, storeText, testGate, type TestGateOptions } from "../support/gate.ts";
import { keptMail } from "../support/mail.ts";
import { addPerson, anonymous, setUp, userCaller } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const address = "grace@example.com";
const names = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };
const closed = { registration: false, auto_team: false } as const;
const mailed: TestGateOptions = { settings: { hasMailServer: true }, features: { global: closed } };

async function world(options: TestGateOptions = { features: { global: closed } }) {
  const site = await testGate(options);
  const { owner, teamId } = await setUp(site.gate);
  const mail = keptMail(site.gate);
  const invite = async (email_address = address) => (await createInvitation(site.gate, owner, { email_address, invitation_role: "member" })).invitation_token ?? "";
  const join = (invitation_token: string, changes: Partial<typeof names> = {}) => signUpInvited(site.gate, anonymous, { ...names, ...changes, invitation_token });
  const signIn = (user_password = names.user_password) => createSession(site.gate, anonymous, { email_address: address, user_password, kind: "token" });
  const people = async () => await site.store.read(async (reader) => await reader.select().from(reader.tables.users));
  const members = async () => (await listMembers(site.gate, owner, {})).member_list.map(({ role }) => role);
  return { ...site, owner, teamId, mail, invite, join, signIn, people, members, [Symbol.asyncDispose]: site.close };
}

test("an invited person makes the account and joins in one step, with registration off", async () => {
  await using site = await world();
  expect(await codeOf(signUp(site.gate, anonymous, { ...names, email_address: address }))).toBe("feature_disabled");
  const token = await site.invite();
  const joined = await site.join(token);
  expect(joined).toEqual({ user_id: expect.any(String), email_address: address, team_id: site.teamId, role: "member" });
  expect(await codeOf(site.signIn())).toBeUndefined();
  expect(await site.members()).toEqual(["owner", "member"]);
  expect((await site.people()).find(({ id }) => id === joined.user_id)).toMatchObject({ is_administrator: false, email_verified: false, pending_until: null, display_name: "Grace Hopper" });
  expect((await auditRows(site.store)).find(({ operation }) => operation === "invitation.sign_up")).toMatchObject({ team_id: site.teamId, actor: "anonymous" });
  expect(await storeText(site.store)).not.toContain(names.user_password);
  expect(await codeOf(site.join(token))).toBe("gone");
});

test("a mailed link proves the address; one that was shown makes no account where mail can prove it", async () => {
  await using site = await world(mailed);
  await site.invite();
  await site.mail.deliver();
  const { user_id } = await site.join(site.mail.tokenTo(address));
  expect((await site.people()).find(({ id }) => id === user_id)).toMatchObject({ email_verified: true });
  site.license({ features: { global: { ...closed, email: false } } });
  const shown = await site.invite("other@example.com");
  site.license({ features: { global: closed } });
  expect(await codeOf(site.join(shown))).toBe("gone");
  expect(await site.people()).toHaveLength(2);
});

test("who has an account is sent to sign in, and the invitation stays good", async () => {
  await using site = await world();
  const token = await site.invite();
  const person = await addPerson(site.gate, { address });
  expect(await refusalOf(site.join(token))).toMatchObject({ code: "conflict", hint: expect.stringContaining("Sign in") });
  expect(await codeOf(site.signIn())).toBe("unauthenticated");
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token: token }))).toBeUndefined();
});

test("a sign-up that nobody finished gives way to the person with the mailbox", async () => {
  await using site = await world({ settings: { hasMailServer: true }, features: { global: { auto_team: false } }, quotas: { global: { max_users: 2 } } });
  await signUp(site.gate, anonymous, { ...names, email_address: address, user_password: "the attacker's sentence" });
  await site.invite();
  await site.mail.deliver();
  const token = /invitation\/(\w+)/.exec(site.mail.letters.map(({ text }) => text).join(""))?.[1] ?? "";
  expect(await codeOf(site.join(token))).toBeUndefined();
  expect(await codeOf(site.signIn("the attacker's sentence"))).toBe("unauthenticated");
  expect(await codeOf(site.signIn())).toBeUndefined();
  expect(await site.people()).toHaveLength(2);
});

test("auto_team gives a new person a team of their own besides", async () => {
  for (const auto_team of [true, false]) {
    await using site = await world({ features: { global: { registration: false, auto_team } } });
    const { user_id } = await site.join(await site.invite());
    const { team_list } = await listTeams(site.gate, userCaller(user_id, undefined), {});
    expect(team_list.map(({ role }) => role).toSorted()).toEqual(auto_team ? ["member", "owner"] : ["member"]);
  }
});

test("caps on users and members hold, each by name, and the invitation stays", async () => {
  await using site = await world({ features: { global: closed }, quotas: { global: { max_users: 1 } } });
  const token = await site.invite();
  expect(await refusalOf(site.join(token))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_users", namespace: "global", limit: 1 } });
  site.license({ quotas: { team: { max_members: 1 } } });
  expect(await refusalOf(site.join(token))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_members", namespace: "team", limit: 1 } });
  expect([(await site.people()).length, (await listInvitations(site.gate, site.owner, {})).invitation_list.length]).toEqual([1, 1]);
  site.license({});
  expect(await codeOf(site.join(token))).toBeUndefined();
});

test("of many at once with one link one account comes", async () => {
  await using site = await world();
  const token = await site.invite();
  const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(site.join(token))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(codes.filter((code) => code === "gone")).toHaveLength(7);
  expect(await site.people()).toHaveLength(2);
});

test("bad input, shut licenses, the feature off and others than strangers make nothing", async () => {
  await using site = await world();
  const token = await site.invite();
  for (const changes of [{ first_name: "" }, { last_name: "a\nb" }, { user_password: "short" }, { user_password: "Password2026!" }]) expect(await codeOf(site.join(token, changes))).toBe("invalid_request");
  for (const bad of ["", "x", token.slice(1)]) expect(await codeOf(site.join(bad))).toBe("gone");
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(site.join(token))).toBe(state);
  }
  site.license({ features: { account: { team_invitation_accept: false } } });
  expect(await codeOf(site.join(token))).toBe("feature_disabled");
  site.license({});
  for (const { caller, code } of strangersTo("invitation.sign_up")) expect(await codeOf(signUpInvited(site.gate, caller, { ...names, invitation_token: token }))).toBe(code);
  expect(await site.people()).toHaveLength(1);
});
