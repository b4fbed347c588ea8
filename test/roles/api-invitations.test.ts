/** Invitations over HTTP and by their page, and the features that have a say in who gets in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { keptMail } from "../support/mail.ts";
import { addPerson, addTeam, PASSWORD, signIn, userCaller } from "../support/people.ts";
import { createInvitation } from "../../src/teams/invitations.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { type Answer, bearer, type CallOptions, type Credentials, ownPage, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let who: Credentials;
const absent = "00000000-0000-7000-8000-00000000000f";
const own = { "sec-fetch-site": "same-origin" };

beforeAll(async () => {
  site = await startRoles({ features: { global: { auto_team: false } } });
  who = await site.credentials();
});
afterAll(() => site.close());

const call = async (path: string, options: CallOptions = {}): Promise<Answer> => await site.call(`/api/v1${path}`, { as: who.user, ...options });
const code = ({ status, body }: Answer) => [status, body["error_code"]];
const names = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };

let count = 0;
const nextAddress = () => `invited${(count += 1)}@example.com`;

/** The token of a new invitation. */
async function invited(email_address: string, invitation_role = "member"): Promise<string> {
  return String((await call("/invitations", { json: { email_address, invitation_role } })).body["invitation_token"]);
}

async function person(address: string): Promise<Shown> {
  await addPerson(site.gate, { address });
  return bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
}

describe("/invitations", () => {
  test("are made, listed, and taken back in the documented shapes", async () => {
    const email_address = nextAddress();
    const created = await call("/invitations", { json: { email_address, invitation_role: "viewer" } });
    expect([created.status, Object.keys(created.body)]).toEqual([201, ["id", "invitation_token", "invitation_url"]]);
    const listed = await call("/invitations?per_page=1");
    expect(listed.body).toMatchObject({ invitation_list: [{ id: created.body["id"], email_address, invitation_role: "viewer" }], page_meta: { current_page: 1, per_page: 1, total_count: 1 } });
    expect(listed.text).not.toContain(String(created.body["invitation_token"]));
    expect(code(await call("/invitations", { json: { email_address, invitation_role: "viewer" } }))).toEqual([409, "conflict"]);
    const cancelled = await call(`/invitations/${String(created.body["id"])}`, { method: "DELETE" });
    expect([cancelled.status, cancelled.text]).toEqual([204, ""]);
    expect((await call("/invitations")).body).toMatchObject({ invitation_list: [] });
  });

  test("of another team are like those that are not there", async () => {
    const teamId = await addTeam(site.gate);
    const { userId } = await addPerson(site.gate, { teamId, role: "owner" });
    const { id } = await createInvitation(site.gate, userCaller(userId, teamId), { email_address: nextAddress(), invitation_role: "viewer" });
    const [foreign, missing] = [await call(`/invitations/${id}`, { method: "DELETE" }), await call(`/invitations/${absent}`, { method: "DELETE" })];
    expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
    expect((await call("/invitations")).text).not.toContain(id);
  });

  test("are accepted by the account of the address alone", async () => {
    const address = nextAddress();
    const invitation_token = await invited(address, "admin");
    expect(code(await call("/invitations/accept", { json: { invitation_token } }))).toEqual([403, "forbidden"]);
    expect(code(await call("/invitations/accept", { as: {}, json: { invitation_token } }))).toEqual([401, "unauthenticated"]);
    expect(code(await call("/invitations/accept", { as: who.device, json: { invitation_token } }))).toEqual([403, "forbidden"]);
    const as = await person(address);
    for (const more of [{ team_id: absent }, { invitation_role: "owner" }, { email_address: "a@b.example" }, { expires_at: "2099-01-01T00:00:00Z" }]) {
      expect(code(await call("/invitations/accept", { as, json: { invitation_token, ...more } }))).toEqual([400, "invalid_request"]);
    }
    const accepted = await call("/invitations/accept", { as, json: { invitation_token } });
    expect([accepted.status, accepted.body]).toEqual([200, { team_id: site.people.teamId, role: "admin" }]);
    expect((await call("/teams/current", { as: { ...as, "x-team-id": site.people.teamId } })).body["role"]).toBe("admin");
    expect(code(await call("/invitations/accept", { as, json: { invitation_token } }))).toEqual([410, "gone"]);
  });

  test("are looked at, declined, and are a way in, by their token", async () => {
    const address = nextAddress();
    const first = await invited(address);
    expect((await call("/invitations/check", { as: {}, json: { invitation_token: first } })).body).toEqual({ team_display_name: "First", email_address: address, invitation_role: "member", expires_at: expect.any(String) });
    expect((await call("/invitations/decline", { as: {}, json: { invitation_token: first } })).body).toEqual({ is_success: true });
    expect(code(await call("/invitations/check", { as: {}, json: { invitation_token: first } }))).toEqual([410, "gone"]);
    const second = await invited(address);
    const joined = await call("/invitations/sign-up", { as: {}, json: { ...names, invitation_token: second } });
    expect([joined.status, joined.body]).toEqual([201, { user_id: expect.any(String), email_address: address, team_id: site.people.teamId, role: "member" }]);
    expect((await call("/auth/login", { as: {}, json: { email_address: address, user_password: names.user_password } })).status).toBe(200);
    for (const more of [{ is_administrator: true }, { email_address: "other@example.com" }, { email_verified: true }, { role: "owner" }]) {
      expect(code(await call("/invitations/sign-up", { as: {}, json: { ...names, invitation_token: second, ...more } }))).toEqual([400, "invalid_request"]);
    }
  });

  test.each([
    ["nothing", {}],
    ["no role", { email_address: "a@example.com" }],
    ["the owner's role", { email_address: "a@example.com", invitation_role: "owner" }],
    ["no address", { email_address: "a", invitation_role: "viewer" }],
    ["two addresses", { email_address: "a@example.com,b@example.com", invitation_role: "viewer" }],
    ["lines of a header", { email_address: "a@example.com\r\nBcc: b@example.com", invitation_role: "viewer" }],
    ["a team", { email_address: "a@example.com", invitation_role: "viewer", team_id: absent }],
  ])("%s is bad input", async (_name, json) => {
    expect(code(await call("/invitations", { json }))).toEqual([400, "invalid_request"]);
  });
});

describe("the page of an invitation", () => {
  test("shows what it is to, uses nothing up, and is not cached", async () => {
    const address = nextAddress();
    const token = await invited(address);
    for (let opened = 0; opened < 3; opened += 1) {
      const page = await site.call(`/invitation/${token}`);
      expect([page.status, page.headers.get("cache-control")]).toEqual([200, "no-store"]);
      for (const part of [address, "Join First", 'id="accept"', 'id="sign-up"', 'id="decline"']) expect(page.text).toContain(part);
    }
    for (const bad of ["x", "%22%3E%3Cscript%3E", token.slice(1)]) {
      const page = await site.call(`/invitation/${bad}`, { headers: { accept: "text/html" } });
      expect(page.status).toBe(410);
      expect(page.text).not.toContain("<script>");
    }
  });

  test("accepts with the cookie of the invited account, after saying what is wrong with others", async () => {
    const address = nextAddress();
    const token = await invited(address);
    const post = async (answer: string, options: CallOptions = {}) => await site.call(`/invitation/${token}/${answer}`, { form: {}, headers: own, ...options });
    const stranger = await post("accept");
    expect([stranger.status, stranger.text.includes("not signed in"), stranger.text.includes(address)]).toEqual([401, true, true]);
    const other = await post("accept", { as: { cookie: String(who.cookie["cookie"]) } });
    expect([other.status, other.text.includes("another address")]).toEqual([403, true]);
    await addPerson(site.gate, { address });
    const cookie = ownPage((await signIn(site.gate, address, "cookie")).secret);
    expect((await post("accept", { as: cookie, headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
    const done = await post("accept", { as: cookie });
    expect([done.status, done.headers.get("location")]).toEqual([303, "/"]);
    expect((await post("accept", { as: cookie })).status).toBe(410);
  });

  test("makes an account, signs it in, and shows what was typed wrong without the password", async () => {
    const address = nextAddress();
    const token = await invited(address);
    const post = async (form: Record<string, string>, headers: Record<string, string> = own) => await site.call(`/invitation/${token}/sign-up`, { form, headers });
    const common = await post({ ...names, user_password: "Password2026!" });
    expect([common.status, common.text.includes("Grace"), common.text.includes("Password2026!"), common.headers.get("set-cookie")]).toEqual([400, true, false, null]);
    expect((await post(names, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    const done = await post(names);
    expect([done.status, done.headers.get("location"), done.headers.get("set-cookie")]).toEqual([303, "/", expect.stringMatching(/^cyberun=/)]);
    expect((await post(names)).status).toBe(410);
  });

  test("declines", async () => {
    const token = await invited(nextAddress());
    const declined = await site.call(`/invitation/${token}/decline`, { form: {}, headers: own });
    expect([declined.status, declined.text.includes("Declined")]).toEqual([200, true]);
    expect((await site.call(`/invitation/${token}`)).status).toBe(410);
  });
});

describe("features", () => {
  test("registration off: only invited people get in", async () => {
    site.license({ features: { global: { registration: false, auto_team: false } } });
    const email_address = nextAddress();
    const refused = await call("/auth/register", { as: {}, json: { ...names, email_address } });
    expect([...code(refused), refused.body["details"]]).toMatchObject([403, "feature_disabled", { feature: "registration" }]);
    expect((await call("/invitations/sign-up", { as: {}, json: { ...names, invitation_token: await invited(email_address) } })).status).toBe(201);
    site.license({ features: { global: { auto_team: false } } });
    expect((await call("/auth/register", { as: {}, json: { ...names, email_address: nextAddress() } })).status).toBe(202);
  });

  test("team_invitation_accept off: an invitation is seen and not accepted", async () => {
    const address = nextAddress();
    const invitation_token = await invited(address);
    const as = await person(address);
    site.license({ features: { account: { team_invitation_accept: false } } });
    const refused = await call("/invitations/accept", { as, json: { invitation_token } });
    expect([...code(refused), refused.body["details"]]).toMatchObject([403, "feature_disabled", { feature: "team_invitation_accept", namespace: "account" }]);
    expect((await call("/invitations/check", { as, json: { invitation_token } })).status).toBe(200);
    site.license({ features: { global: { auto_team: false } } });
    expect((await call("/invitations/accept", { as, json: { invitation_token } })).status).toBe(200);
  });

  test.each([[true, 1], [false, 0]])("auto_team %p: who signs up has %d teams", async (auto_team, teams) => {
    site.license({ features: { global: { auto_team } } });
    const email_address = nextAddress();
    await call("/auth/register", { as: {}, json: { ...names, email_address } });
    const { body } = await call("/auth/login", { as: {}, json: { email_address, user_password: names.user_password } });
    expect(Object((await call("/teams", { as: bearer(String(body["access_token"])) })).body["page_meta"]).total_count).toBe(teams);
    site.license({ features: { global: { auto_team: false } } });
  });

  test("email on: the link goes by mail and the answer is the id alone; off: the answer has the token", async () => {
    await using mailing = await startRoles({ settings: { hasMailServer: true }, features: { global: { auto_team: false } } });
    const mail = keptMail(mailing.gate);
    const { user } = await mailing.credentials();
    const invite = async (email_address: string) => await mailing.call("/api/v1/invitations", { as: user, json: { email_address, invitation_role: "member" }, headers: { "x-forwarded-host": "evil.example" } });
    expect(Object.keys((await invite("on@example.com")).body)).toEqual(["id"]);
    await mail.deliver();
    expect(mail.linkTo("on@example.com")).toStartWith(`${mailing.urls.api}/invitation/`);
    const path = new URL(mail.linkTo("on@example.com")).pathname;
    expect((await mailing.call(`${path}/sign-up`, { form: names, headers: own })).status).toBe(303);
    mailing.license({ features: { global: { email: false } } });
    expect(Object.keys((await invite("off@example.com")).body)).toEqual(["id", "invitation_token", "invitation_url"]);
    expect(mailing.logged.join("")).not.toContain(mail.tokenTo("on@example.com"));
  });
});

test("no token and no password is in the log", () => {
  expect(site.logged.join("")).not.toMatch(/invitation\/[0-9A-Za-z]{43}/);
  for (const secret of [PASSWORD, names.user_password]) expect(site.logged.join("")).not.toContain(secret);
});
