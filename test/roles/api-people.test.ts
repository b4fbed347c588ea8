/** The doors by which people change their own ways in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addPerson, PASSWORD } from "../support/people.ts";
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

test("no password, code, secret or token is in the log", () => {
  expect(site.logged.join("")).not.toContain(PASSWORD);
});
