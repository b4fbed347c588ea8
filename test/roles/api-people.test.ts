/** The doors by which people change their own ways in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { keptMail, type KeptMail } from "../support/mail.ts";
import { addPerson, ownerAddress, PASSWORD } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";
import { authenticator } from "../support/second-factor.ts";

let site: TestRoles;
beforeAll(async () => void (site = await startRoles()));
afterAll(() => site.close());

let count = 0;

/** A new person who is signed in. */
async function person() {
  count += 1;
  const email_address = `person${count}@example.com`;
  await addPerson(site.gate, { address: email_address });
  const { body } = await site.call("/api/v1/auth/login", { json: { email_address, user_password: PASSWORD } });
  return { email_address, as: bearer(String(body["access_token"])) };
}

describe("PUT /users/me/password", () => {
  const path = "/api/v1/users/me/password";

  test("answers as documented, and the new password is the one that counts", async () => {
    const { email_address, as } = await person();
    const answer = await site.call(path, { method: "PUT", as, json: { current_password: PASSWORD, new_password: "another good sentence" } });
    expect([answer.status, answer.body]).toEqual([200, { is_success: true }]);
    const login = async (user_password: string) => (await site.call("/api/v1/auth/login", { json: { email_address, user_password } })).status;
    expect([await login(PASSWORD), await login("another good sentence")]).toEqual([401, 200]);
  });

  test.each([
    ["a wrong current password", { current_password: "not the password", new_password: "another good sentence" }],
    ["a common new password", { current_password: PASSWORD, new_password: "Password2026!" }],
    ["a missing field", { new_password: "another good sentence" }],
    ["somebody else's id", { current_password: PASSWORD, new_password: "another good sentence", user_id: "x" }],
    ["another type", { current_password: PASSWORD, new_password: 12345678 }],
  ])("refuses %s with 400 and does not say it back", async (_name, json) => {
    const { as } = await person();
    const answer = await site.call(path, { method: "PUT", as, json });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
    expect(answer.text).not.toContain(PASSWORD);
    expect(answer.text).not.toContain("another good sentence");
  });
});

describe("the second factor", () => {
  const path = "/api/v1/users/me/second-factor";
  const own = { "sec-fetch-site": "same-origin" };

  /** A person who has enrolled an authenticator through the doors. */
  async function enrolled() {
    const { email_address, as } = await person();
    const { body } = await site.call(path, { as, json: { current_password: PASSWORD } });
    const app = authenticator(site.gate, String(body["secret"]));
    const confirmed = await site.call(`${path}/confirm`, { as, json: { code: app.code(-1) } });
    return { as, app, confirmed, right: { email_address, user_password: PASSWORD } };
  }

  test("is enrolled, asked for, used and removed through the doors", async () => {
    const { as, app, confirmed, right } = await enrolled();
    expect([confirmed.status, confirmed.body["recovery_codes"]]).toEqual([200, expect.arrayContaining([expect.any(String)])]);
    expect((await site.call(path, { as })).body).toEqual({ is_enrolled: true, is_locked: false, recovery_codes_left: 10 });
    const first = await site.call("/api/v1/auth/login", { json: right });
    const details = Object(first.body["details"]);
    expect([first.status, first.body["error_code"], Object.keys(details)]).toEqual([401, "second_factor_required", ["step_token", "expires_at", "methods"]]);
    expect(first.body).not.toHaveProperty("access_token");
    const step_token: unknown = details.step_token;
    for (const shown of [bearer(String(step_token)), { cookie: `cyberun=${step_token}`, ...own }]) expect((await site.call("/api/v1/users/me", { as: shown })).status).toBe(401);
    const second = await site.call("/api/v1/auth/login/complete", { json: { step_token, code: app.code() } });
    expect([second.status, Object.keys(second.body).toSorted()]).toEqual([200, ["access_token", "expires_in", "refresh_token"]]);
    expect((await site.call(path, { as: bearer(String(second.body["access_token"])) })).status).toBe(200);
    const code = Object(confirmed.body["recovery_codes"])[0];
    expect((await site.call(`${path}/remove`, { as, json: { current_password: PASSWORD, code } })).status).toBe(204);
    expect((await site.call("/api/v1/auth/login", { json: right })).status).toBe(200);
  });

  test("is asked for on the page, with scripts off", async () => {
    const { app, right } = await enrolled();
    const page = await site.call("/sign-in", { form: right, headers: own });
    expect([page.status, page.headers.get("set-cookie"), page.headers.get("cache-control")]).toEqual([200, null, "no-store"]);
    const step_token = /name="step_token" value="([0-9A-Za-z]{43})"/.exec(page.text)?.[1] ?? "";
    const wrong = await site.call("/sign-in/code", { form: { step_token, code: app.wrong() }, headers: own });
    expect([wrong.status, wrong.headers.get("set-cookie"), wrong.text.includes(step_token)]).toEqual([401, null, true]);
    const foreign = await site.call("/sign-in/code", { form: { step_token, code: app.code() }, headers: { "sec-fetch-site": "cross-site" } });
    expect([foreign.status, foreign.headers.get("set-cookie")]).toEqual([403, null]);
    const good = await site.call("/sign-in/code", { form: { step_token, code: app.code() }, headers: own });
    expect([good.status, good.headers.get("location"), good.headers.get("set-cookie")]).toEqual([303, "/", expect.stringMatching(/^cyberun=/)]);
    const markup = await site.call("/sign-in/code", { form: { step_token: '"><script>', code: "1" }, headers: own });
    expect(markup.text).not.toContain("<script>");
  });

  test("is reset by an administrator alone, and not for oneself", async () => {
    const { as, right } = await enrolled();
    const { user } = await site.credentials();
    const me = String((await site.call("/api/v1/users/me", { as })).body["id"]);
    const reset = async (shown: typeof as, id: string) => (await site.call(`/api/v1/users/${id}/second-factor`, { method: "DELETE", as: shown })).status;
    expect(await reset(as, me)).toBe(403);
    expect(await reset(user, site.people.owner.userId)).toBe(403);
    expect(await reset(user, "x")).toBe(404);
    expect(await reset(user, me)).toBe(204);
    expect((await site.call("/api/v1/auth/login", { json: right })).status).toBe(200);
  });
});

describe("links by mail, through the doors", () => {
  const own = { "sec-fetch-site": "same-origin" };
  let mailing: TestRoles;
  let mail: KeptMail;
  beforeAll(async () => {
    mailing = await startRoles({ settings: { hasMailServer: true }, features: { global: { auto_team: false } } });
    mail = keptMail(mailing.gate);
  });
  afterAll(() => mailing.close());

  const names = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };

  test("never name a host that a request names", async () => {
    const headers = { host: "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example;proto=https", origin: "https://evil.example" };
    expect((await mailing.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress }, headers })).status).toBe(202);
    await mail.deliver();
    expect(mail.linkTo(ownerAddress)).toStartWith(`${mailing.urls.issuer}/reset-password/`);
    expect(JSON.stringify(mail.letters)).not.toContain("evil");
  });

  test("reset a password on the page; opening it uses nothing up", async () => {
    const path = new URL(mail.linkTo(ownerAddress)).pathname;
    for (let opened = 0; opened < 3; opened += 1) expect((await mailing.call(path, { role: "issuer" })).status).toBe(200);
    const page = async (new_password: string, headers: Record<string, string> = own) => await mailing.call(path, { form: { new_password }, headers, role: "issuer" });
    expect((await page("another good sentence", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    const common = await page("Password2026!");
    expect([common.status, common.text.includes("guessed first"), common.text.includes("Password2026!")]).toEqual([400, true, false]);
    const good = await page("another good sentence");
    expect([good.status, good.text.includes('href="/account/sign-in"'), good.headers.get("set-cookie")]).toEqual([200, true, null]);
    expect((await page("another good sentence")).status).toBe(410);
    expect((await mailing.call(path, { role: "issuer" })).status).toBe(410);
    expect((await mailing.call("/api/v1/auth/login", { json: { email_address: ownerAddress, user_password: "another good sentence" } })).status).toBe(200);
  });

  test("known and unknown names get the same status, headers and body", async () => {
    const shown = async (path: string, json: object) => {
      const { status, text, headers } = await mailing.call(path, { json });
      return JSON.stringify([status, text, [...headers].filter(([name]) => !["date", "x-request-id"].includes(name)).toSorted()]);
    };
    for (const name of ["nobody@example.com", ownerAddress.toUpperCase()]) {
      expect(await shown("/api/v1/auth/password-reset", { email_address: name })).toBe(await shown("/api/v1/auth/password-reset", { email_address: ownerAddress }));
      expect(await shown("/api/v1/auth/register", { ...names, email_address: name })).toBe(await shown("/api/v1/auth/register", { ...names, email_address: ownerAddress }));
    }
  });

  test("prove the address of somebody who signs up, on the page", async () => {
    const email_address = "grace@example.com";
    const signedUp = await mailing.call("/api/v1/auth/register", { json: { ...names, email_address } });
    expect([signedUp.status, signedUp.body]).toEqual([202, { next_step: "verify_email" }]);
    const login = async () => (await mailing.call("/api/v1/auth/login", { json: { email_address, user_password: names.user_password } })).status;
    expect(await login()).toBe(401);
    await mail.deliver();
    const path = new URL(mail.linkTo(email_address)).pathname;
    expect((await mailing.call(path, { role: "issuer" })).status).toBe(200);
    expect((await mailing.call(path, { form: { user_password: "not the password" }, headers: own, role: "issuer" })).status).toBe(400);
    const done = await mailing.call(path, { form: { user_password: names.user_password }, headers: own, role: "issuer" });
    expect([done.status, done.text.includes('href="/account/sign-in"')]).toEqual([200, true]);
    expect(await login()).toBe(200);
  });

  test.each(["is_administrator", "email_verified", "id", "pending_until", "team_id"])("nobody signs up with a field of their own: %s", async (field) => {
    const answer = await mailing.call("/api/v1/auth/register", { json: { ...names, email_address: "mass@example.com", [field]: true } });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
  });

  test("are off with their features for whoever sends the request anyway", async () => {
    mailing.license({ features: { global: { registration: false, email: false } } });
    const register = await mailing.call("/api/v1/auth/register", { json: { ...names, email_address: "new@example.com" } });
    expect([register.status, register.body["error_code"], register.body["details"]]).toMatchObject([403, "feature_disabled", { feature: "registration" }]);
    const reset = await mailing.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress } });
    expect([reset.status, reset.body["error_code"], reset.body["details"]]).toMatchObject([403, "feature_disabled", { feature: "email" }]);
    mailing.license({});
  });

  test("are handed on by an administrator alone", async () => {
    const { cookie, integration } = await site.credentials();
    const { as, email_address } = await person();
    const ask = async (shown: typeof as) => await site.call("/api/v1/password-resets", { as: shown, json: { email_address } });
    expect([(await ask(as)).status, (await ask(integration)).status, (await ask({})).status]).toEqual([403, 403, 401]);
    const link = await ask(cookie);
    expect([link.status, Object.keys(link.body)]).toEqual([201, ["reset_url", "expires_at"]]);
    const reset_token = String(link.body["reset_url"]).split("/").at(-1);
    expect((await site.call("/api/v1/auth/password-reset/complete", { json: { reset_token, new_password: "another good sentence" } })).body).toEqual({ is_success: true });
    expect((await site.call("/api/v1/users/me", { as })).status).toBe(401);
  });
});

test("no password, code, secret or token is in the log", () => {
  expect(site.logged.join("")).not.toContain(PASSWORD);
});
