import { expect, test } from "bun:test";
import { ASKED_PER_HOUR_MAX } from "../../src/identity/outbox.ts";
import { setMemberRole } from "../../src/across/member-role.ts";
import { removeMember } from "../../src/across/member-removal.ts";
import { acceptInvitation, checkInvitation, declineInvitation } from "../../src/teams/invitation-answers.ts";
import { cancelInvitation, createInvitation, listInvitations } from "../../src/teams/invitations.ts";
import { listMembers } from "../../src/teams/members.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { auditRows, storeText, testGate, type TestGateOptions } from "../support/gate.ts";
import { keptMail } from "../support/mail.ts";
import { addPerson, addTeam, anonymous, ownerAddress, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";
const mailed: TestGateOptions = { settings: { hasMailServer: true, publicUrl: "https://console.example.com" } };
const invited = "grace@example.com";

async function world(options: TestGateOptions = {}) {
  const site = await testGate(options);
  const { owner, teamId } = await setUp(site.gate);
  const invite = (email_address = invited, invitation_role = "member", as = owner) => createInvitation(site.gate, as, { email_address, invitation_role });
  const pending = async () => (await listInvitations(site.gate, owner, { per_page: 100 })).invitation_list;
  const members = async () => (await listMembers(site.gate, owner, { per_page: 100 })).page_meta.total_count;
  return { ...site, owner, teamId, invite, pending, members, mail: keptMail(site.gate), [Symbol.asyncDispose]: site.close };
}

test("without mail the token is shown once, kept nowhere, and lets the invited account in with its role", async () => {
  await using site = await world();
  const created = await site.invite(" Grace@Example.com ", "admin");
  const token = created.invitation_token ?? "";
  expect(created).toEqual({ id: expect.any(String), invitation_token: expect.stringMatching(/^[0-9A-Za-z]{43}$/), invitation_url: `http://localhost:9401/invitation/${token}` });
  expect(await storeText(site.store)).not.toContain(token);
  expect(await site.pending()).toEqual([
    { id: created.id, email_address: "Grace@example.com", invitation_role: "admin", invited_by: site.owner.userId, created_at: expect.any(String), expires_at: new Date(site.services.clock.now() + 7 * 86_400_000).toISOString() },
  ]);
  expect(await checkInvitation(site.gate, anonymous, { invitation_token: token })).toMatchObject({ team_display_name: "First", email_address: "Grace@example.com", invitation_role: "admin" });
  const person = await addPerson(site.gate, { address: invited });
  expect(await acceptInvitation(site.gate, person, { invitation_token: token })).toEqual({ team_id: site.teamId, role: "admin" });
  expect([await site.pending(), await site.members()]).toEqual([[], 2]);
  expect((await auditRows(site.store)).at(-1)).toMatchObject({ operation: "invitation.accept", team_id: site.teamId, subject: `invitation:${created.id}`, actor: `user:${person.userId}` });
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token: token }))).toBe("gone");
});

test("with mail the token goes to the address and to nobody else", async () => {
  await using site = await world(mailed);
  const { id, ...rest } = await site.invite();
  expect(rest).toEqual({});
  await site.mail.deliver();
  expect(site.mail.letters).toMatchObject([{ to: invited, subject: "Test site: you are invited" }]);
  expect(site.mail.linkTo(invited)).toMatch(/^https:\/\/console\.example\.com\/invitation\/[0-9A-Za-z]{43}$/);
  // The team's name is its members' own words: nobody sends words of their own by this deployment.
  expect(site.mail.letters[0]?.text).not.toContain("First");
  const person = await addPerson(site.gate, { address: invited });
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token: site.mail.tokenTo(invited) }))).toBeUndefined();
  expect(await storeText(site.store)).not.toContain(site.mail.tokenTo(invited));
  expect((await auditRows(site.store)).some(({ subject }) => subject === `invitation:${id}`)).toBe(true);
});

test("known and unknown addresses are invited alike", async () => {
  for (const options of [{}, mailed]) {
    await using site = await world(options);
    await addPerson(site.gate, { address: "known@example.com" });
    const shapes = await Promise.all(["known@example.com", "new@example.com"].map(async (address) => Object.keys(await site.invite(address))));
    expect(shapes[0]).toEqual(shapes[1] ?? []);
    const letters = async () => (await site.mail.deliver(), site.mail.letters.map(({ subject }) => subject));
    expect(new Set(await (options === mailed ? letters() : [])).size).toBeLessThan(2);
    const listed = (await site.pending()).map(({ id: _id, email_address: _address, ...rest }) => JSON.stringify(rest));
    expect(new Set(listed).size).toBe(1);
  }
});

test("a mail that failed is written again with a new link; one that was taken back is not written at all", async () => {
  await using site = await world(mailed);
  const { id } = await site.invite();
  site.mail.answer = "failed";
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 1 });
  site.mail.answer = "sent";
  site.services.clock.advance(30_000);
  expect(await site.mail.deliver()).toMatchObject({ sent: 1 });
  expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token: site.mail.tokenTo(invited) }))).toBeUndefined();
  await cancelInvitation(site.gate, site.owner, { invitation_id: id });
  expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token: site.mail.tokenTo(invited) }))).toBe("gone");
  await site.invite("other@example.com").then(({ id: other }) => cancelInvitation(site.gate, site.owner, { invitation_id: other }));
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 0 });
});

test("who is invited again soon gets the second mail after a pause, and two teams do not hinder each other", async () => {
  await using site = await world(mailed);
  const other = await createTeam(site.gate, site.owner, { display_name: "Second" });
  await site.invite(invited, "member", { ...site.owner, teamId: other.id });
  const { id } = await site.invite();
  await site.mail.deliver();
  expect(site.mail.letters).toHaveLength(2);
  await cancelInvitation(site.gate, site.owner, { invitation_id: id });
  await site.invite();
  expect(await site.mail.deliver()).toMatchObject({ sent: 0 });
  site.services.clock.advance(120_000);
  expect(await site.mail.deliver()).toMatchObject({ sent: 1 });
  expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token: site.mail.tokenTo(invited) }))).toBeUndefined();
});

test("nobody mails without end, not even by taking back and by changing teams", async () => {
  await using site = await world(mailed);
  const teams = [site.teamId, (await createTeam(site.gate, site.owner, { display_name: "Second" })).id];
  const spam = async (index: number) => {
    const as = { ...site.owner, teamId: teams[index % 2] };
    const { id } = await site.invite(`p${index}@example.com`, "viewer", as);
    await cancelInvitation(site.gate, as, { invitation_id: id });
  };
  for (let index = 0; index < ASKED_PER_HOUR_MAX; index += 1) await spam(index);
  expect(await refusalOf(site.invite())).toMatchObject({ code: "rate_limited", retryAfterSeconds: 600 });
  expect(await site.pending()).toEqual([]);
  const other = await addPerson(site.gate, { teamId: site.teamId, role: "admin" });
  expect(await codeOf(site.invite(invited, "viewer", other))).toBeUndefined();
  site.services.clock.advance(3_600_000);
  expect(await codeOf(site.invite("later@example.com"))).toBeUndefined();
});

test("members and who is invited are a conflict, in every spelling; who was taken back or has expired is not", async () => {
  await using site = await world();
  expect(await codeOf(site.invite(ownerAddress.toUpperCase()))).toBe("conflict");
  const { id } = await site.invite();
  expect(await codeOf(site.invite("GRACE@EXAMPLE.COM", "viewer"))).toBe("conflict");
  expect(await site.pending()).toHaveLength(1);
  await cancelInvitation(site.gate, site.owner, { invitation_id: id });
  const again = await site.invite();
  site.services.clock.advance(7 * 86_400_000);
  expect(await site.pending()).toEqual([]);
  expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token: again.invitation_token ?? "" }))).toBe("gone");
  expect(await codeOf(site.invite())).toBeUndefined();
});

test("an altered, foreign, expired, used or declined token opens nothing, and all are refused in the same words", async () => {
  await using site = await world({ settings: { invitationSeconds: 3_600 } });
  const person = await addPerson(site.gate, { address: invited });
  const token = async (address = invited) => (await site.invite(address)).invitation_token ?? "";
  const declined = await token();
  await declineInvitation(site.gate, anonymous, { invitation_token: declined });
  const expired = await token();
  site.services.clock.advance(3_600_000);
  const used = await token();
  await acceptInvitation(site.gate, person, { invitation_token: used });
  await removeMember(site.gate, site.owner, { user_id: person.userId });
  const good = await token();
  const altered = good.slice(0, -1) + (good.endsWith("a") ? "b" : "a");
  const attempts = [declined, expired, used, altered, `${good} `, good.toLowerCase(), good.slice(1), "", "%", site.teamId, "null"];
  const refusals = await Promise.all(attempts.map((invitation_token) => refusalOf(acceptInvitation(site.gate, person, { invitation_token }))));
  expect(new Set(refusals.map(({ code, message, hint }) => `${code} ${message} ${hint}`)).size).toBe(1);
  expect(refusals[0]?.code).toBe("gone");
  for (const invitation_token of attempts) {
    expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token }))).toBe("gone");
    expect(await codeOf(declineInvitation(site.gate, anonymous, { invitation_token }))).toBe("gone");
  }
  expect(await site.members()).toBe(1);
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token: good }))).toBeUndefined();
});

test("another account is refused, and does not use the invitation up; nor does one whose address is not proven where there is mail", async () => {
  await using site = await world(mailed);
  await site.invite();
  await site.mail.deliver();
  const invitation_token = site.mail.tokenTo(invited);
  const [other, administrator] = [await addPerson(site.gate, { address: "grace@example.org" }), site.owner];
  for (const caller of [other, administrator]) expect(await codeOf(acceptInvitation(site.gate, caller, { invitation_token }))).toBe("forbidden");
  const person = await addPerson(site.gate, { address: invited });
  const verified = async (email_verified: boolean) => await site.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ email_verified })));
  await verified(false);
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token }))).toBe("forbidden");
  expect(await site.members()).toBe(1);
  await verified(true);
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token }))).toBeUndefined();
});

test("without mail an address that is not proven is enough", async () => {
  await using site = await world();
  const { invitation_token = "" } = await site.invite();
  const person = await addPerson(site.gate, { address: invited });
  await site.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ email_verified: false })));
  expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token }))).toBeUndefined();
});

test("who may not invite any more takes their invitations along", async () => {
  await using site = await world();
  const [removed, demoted, staying] = [await addPerson(site.gate, { teamId: site.teamId, role: "admin" }), await addPerson(site.gate, { teamId: site.teamId, role: "admin" }), await addPerson(site.gate, { teamId: site.teamId, role: "admin" })];
  await site.invite("a@example.com", "admin", removed);
  await site.invite("b@example.com", "admin", demoted);
  await site.invite("c@example.com", "admin", staying);
  await removeMember(site.gate, site.owner, { user_id: removed.userId });
  await setMemberRole(site.gate, site.owner, { user_id: demoted.userId, role: "member" });
  await setMemberRole(site.gate, site.owner, { user_id: staying.userId, role: "admin" });
  expect((await site.pending()).map(({ email_address }) => email_address)).toEqual(["c@example.com"]);
});

test("of fifty acceptances of one invitation one counts", async () => {
  await using site = await world();
  const { invitation_token = "" } = await site.invite();
  const person = await addPerson(site.gate, { address: invited });
  const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(acceptInvitation(site.gate, person, { invitation_token }))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  expect(codes.filter((code) => code === "gone")).toHaveLength(49);
  expect(await site.members()).toBe(2);
});

test("inviting and accepting need a good license, accepting its feature; looking, declining and taking back do not", async () => {
  await using site = await world();
  const person = await addPerson(site.gate, { address: invited });
  const { id, invitation_token = "" } = await site.invite();
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(site.invite("x@example.com"))).toBe(state);
    expect(await codeOf(acceptInvitation(site.gate, person, { invitation_token }))).toBe(state);
    expect(await codeOf(checkInvitation(site.gate, anonymous, { invitation_token }))).toBeUndefined();
    expect(await site.pending()).toHaveLength(1);
  }
  site.license({ features: { account: { team_invitation_accept: false } } });
  expect(await refusalOf(acceptInvitation(site.gate, person, { invitation_token }))).toMatchObject({ code: "feature_disabled", details: { feature: "team_invitation_accept", namespace: "account" } });
  expect(await codeOf(cancelInvitation(site.gate, site.owner, { invitation_id: id }))).toBeUndefined();
});

test("bad input, too small a role, foreign teams and strangers change nothing", async () => {
  await using site = await world();
  const [member, viewer] = [await addPerson(site.gate, { teamId: site.teamId }), await addPerson(site.gate, { teamId: site.teamId, role: "viewer" })];
  const foreignTeam = await addTeam(site.gate);
  const outsider = await addPerson(site.gate, { teamId: foreignTeam, role: "owner" });
  const foreign = await createInvitation(site.gate, outsider, { email_address: invited, invitation_role: "viewer" });
  const inputs = [["", "member"], ["grace", "member"], ["a@b@c", "member"], [`${"a".repeat(300)}@example.com`, "member"], [invited, "owner"], [invited, ""], [invited, "root"]] as const;
  for (const [address, role] of inputs) expect([address, role, await codeOf(site.invite(address, role))]).toEqual([address, role, "invalid_request"]);
  for (const caller of [member, viewer]) {
    expect(await codeOf(site.invite(invited, "viewer", caller))).toBe("forbidden");
    expect(await codeOf(listInvitations(site.gate, caller, {}))).toBe("forbidden");
    expect(await codeOf(cancelInvitation(site.gate, caller, { invitation_id: absent }))).toBe("forbidden");
  }
  const refusals = [await refusalOf(cancelInvitation(site.gate, site.owner, { invitation_id: foreign.id })), await refusalOf(cancelInvitation(site.gate, site.owner, { invitation_id: absent }))];
  expect(refusals.map(({ code, message }) => `${code} ${message}`)).toEqual(["not_found resource not found", "not_found resource not found"]);
  expect(await codeOf(cancelInvitation(site.gate, site.owner, { invitation_id: "x" }))).toBe("invalid_request");
  expect(await codeOf(site.invite(invited, "viewer", { ...site.owner, teamId: foreignTeam }))).toBe("not_found");
  expect(await codeOf(site.invite(invited, "viewer", { ...site.owner, teamId: undefined }))).toBe("team_required");
  for (const { caller, code } of strangersTo("invitation.create")) expect(await codeOf(createInvitation(site.gate, caller, { email_address: invited, invitation_role: "viewer" }))).toBe(code);
  for (const { caller, code } of strangersTo("invitation.list")) expect(await codeOf(listInvitations(site.gate, caller, {}))).toBe(code);
  for (const { caller, code } of strangersTo("invitation.cancel")) expect(await codeOf(cancelInvitation(site.gate, caller, { invitation_id: absent }))).toBe(code);
  for (const { caller, code } of strangersTo("invitation.check")) expect(await codeOf(checkInvitation(site.gate, caller, { invitation_token: "x" }))).toBe(code);
  for (const { caller, code } of strangersTo("invitation.accept")) expect(await codeOf(acceptInvitation(site.gate, caller, { invitation_token: "x" }))).toBe(code);
  for (const { caller, code } of strangersTo("invitation.decline")) expect(await codeOf(declineInvitation(site.gate, caller, { invitation_token: "x" }))).toBe(code);
  expect(await site.pending()).toEqual([]);
  expect((await listInvitations(site.gate, outsider, {})).invitation_list).toHaveLength(1);
});

test("a seat is kept for who is invited, and the cap holds again when they come", async () => {
  await using site = await world({ quotas: { team: { max_members: 3 } } });
  const first = await site.invite("a@example.com");
  const second = await site.invite("b@example.com");
  expect(await refusalOf(site.invite("c@example.com"))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_members", namespace: "team", limit: 3 } });
  const [a, b] = [await addPerson(site.gate, { address: "a@example.com" }), await addPerson(site.gate, { address: "b@example.com" })];
  await acceptInvitation(site.gate, a, { invitation_token: first.invitation_token ?? "" });
  site.license({ quotas: { team: { max_members: 2 } } });
  expect(await codeOf(acceptInvitation(site.gate, b, { invitation_token: second.invitation_token ?? "" }))).toBe("quota_exceeded");
  expect([await site.members(), (await site.pending()).length]).toEqual([2, 1]);
  site.license({});
  expect(await codeOf(acceptInvitation(site.gate, b, { invitation_token: second.invitation_token ?? "" }))).toBeUndefined();
});
