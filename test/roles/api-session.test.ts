/** Sign-in, refresh and sign-out for programs, in the documented shapes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ownerAddress, PASSWORD } from "../support/people.ts";
import { type Answer, bearer, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
beforeAll(async () => void (site = await startRoles({ settings: { accessTokenSeconds: 600 } })));
afterAll(() => site.close());

const right = { email_address: ownerAddress, user_password: PASSWORD };

async function login(json: unknown = right): Promise<Answer> {
  return await site.call("/api/v1/auth/login", { json });
}
async function refresh(token: unknown): Promise<Answer> {
  return await site.call("/api/v1/auth/refresh", { json: { refresh_token: token } });
}
async function isIn(answer: Answer): Promise<boolean> {
  const { status } = await site.call("/api/v1/users/me", { as: bearer(String(answer.body["access_token"])) });
  expect([200, 401]).toContain(status);
  return status === 200;
}

describe("login", () => {
  test("gives the three documented fields and no other, and nothing keeps them", async () => {
    const answer = await login();
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).toSorted()).toEqual(["access_token", "expires_in", "refresh_token"]);
    expect(answer.body["expires_in"]).toBe(600);
    expect([answer.headers.get("cache-control"), answer.headers.get("set-cookie")]).toEqual(["no-store", null]);
    expect(await isIn(answer)).toBe(true);
  });

  test("takes the address in any case", async () => {
    expect((await login({ ...right, email_address: ownerAddress.toUpperCase() })).status).toBe(200);
  });

  test("answers a wrong password and an unknown address alike", async () => {
    const wrong = await login({ ...right, user_password: "not the password" });
    const unknown = await login({ ...right, email_address: "nobody@example.com" });
    expect([wrong.status, wrong.body["error_message"]]).toEqual([401, "invalid email or password"]);
    expect([unknown.status, unknown.body]).toEqual([401, wrong.body]);
    expect(wrong.text + unknown.text).not.toContain("not the password");
  });

  const refusals: readonly [string, unknown][] = [
    ["no body", ""],
    ["broken JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["a missing password", { email_address: ownerAddress }],
    ["a missing address", { user_password: PASSWORD }],
    ["a number for a password", { ...right, user_password: 12345678 }],
    ["a list for an address", { ...right, email_address: [ownerAddress] }],
    ["an object for a password, as a query language would want it", { ...right, user_password: { $ne: "" } }],
    ["an unknown field", { ...right, is_administrator: true }],
    ["a foreign prototype", `{"email_address":"${ownerAddress}","user_password":"${PASSWORD}","__proto__":{"kind":"cookie"}}`],
    ["the kind of session", { ...right, kind: "cookie" }],
    ["no address at all", { ...right, email_address: "not an address" }],
    ["an enormous password", { ...right, user_password: "x".repeat(100_000) }],
  ];
  test.each(refusals)("refuses %s with 400 and says nothing of what was sent", async (_name, json) => {
    const answer = await login(json);
    expect([answer.status, answer.body["error_code"], typeof answer.body["error_message"]]).toEqual([400, "invalid_request", "string"]);
    expect(answer.text).not.toContain(PASSWORD);
    expect(answer.text).not.toContain(ownerAddress);
  });

  test("refuses a body that is too large in words", async () => {
    const answer = await login({ ...right, user_password: "x".repeat(1_100_000) });
    expect([answer.status, answer.body["error_code"]]).toEqual([413, "too_large"]);
  });

  test("is a stranger's: who is signed in by a token cannot sign in with it again", async () => {
    const { user } = await site.credentials();
    expect((await site.call("/api/v1/auth/login", { json: right, as: user })).status).toBe(403);
  });

  test("makes an address wait after many failures, and says how long", async () => {
    let last: Answer | undefined;
    for (let guess = 0; guess < 40 && last?.status !== 429; guess += 1) last = await login({ email_address: "guessed@example.com", user_password: `guess number ${guess}` });
    expect([last?.status, last?.body["error_code"]]).toEqual([429, "rate_limited"]);
    expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await login()).status).toBe(200);
  });
});

describe("refresh", () => {
  test("gives the same three fields with another refresh token, and the session goes on", async () => {
    const first = await login();
    const second = await refresh(first.body["refresh_token"]);
    expect([second.status, Object.keys(second.body).toSorted()]).toEqual([200, ["access_token", "expires_in", "refresh_token"]]);
    expect(second.body["refresh_token"]).not.toBe(first.body["refresh_token"]);
    expect([await isIn(first), await isIn(second)]).toEqual([true, true]);
  });

  test("of a token that was used before ends the session, for its holder too", async () => {
    const first = await login();
    const second = await refresh(first.body["refresh_token"]);
    expect((await refresh(first.body["refresh_token"])).status).toBe(401);
    expect((await refresh(second.body["refresh_token"])).status).toBe(401);
    expect([await isIn(first), await isIn(second)]).toEqual([false, false]);
  });

  test("succeeds once when many come at the same moment", async () => {
    const { body } = await login();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(body["refresh_token"])));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
  });

  test.each([["nothing", ""], ["an access token", "eyJhbGciOiJFUzI1NiJ9.e30.AA"], ["text", "abc"], ["a key", "sk-abc"]])("refuses %s with 401 in one wording", async (_name, token) => {
    expect((await refresh(token)).body).toMatchObject({ error_code: "unauthenticated", error_message: "The refresh token is not good any more." });
  });

  test("refuses another shape with 400", async () => {
    for (const token of [1, null, ["a"], {}]) expect((await refresh(token)).status).toBe(400);
  });
});

describe("logout", () => {
  test("is true when it returns: every token of the session is refused, other sessions go on", async () => {
    const [mine, other] = [await login(), await login()];
    const as = bearer(String(mine.body["access_token"]));
    const answer = await site.call("/api/v1/auth/logout", { method: "POST", as });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    const after = await Promise.all(Array.from({ length: 8 }, () => site.call("/api/v1/users/me", { as })));
    expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 401));
    expect((await refresh(mine.body["refresh_token"])).status).toBe(401);
    expect(await isIn(other)).toBe(true);
  });

  test("takes a body of whatever form and does not read it", async () => {
    const as = bearer(String((await login()).body["access_token"]));
    expect((await site.call("/api/v1/auth/logout", { json: "{broken", as })).status).toBe(204);
  });
});

test("an access token ends with its time", async () => {
  const answer = await login();
  site.world.services.clock.advance(599_000);
  expect(await isIn(answer)).toBe(true);
  site.world.services.clock.advance(2_000);
  expect(await isIn(answer)).toBe(false);
});

test("no password and no token is in the log", () => {
  const text = site.logged.join("");
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/);
});
