/** The dashboard's cookie: how it is set, whose it is, and which requests it does not count for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isSameSite } from "../../src/http/same-site.ts";
import { readCookie } from "../../src/roles/api/cookie.ts";
import { ownerAddress, PASSWORD, signIn } from "../support/people.ts";
import { type Answer, ownPage, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let secure: TestRoles;
beforeAll(async () => {
  site = await startRoles();
  secure = await startRoles({ settings: { publicUrl: "https://cyberun.example", cookieSeconds: 60 } });
});
afterAll(async () => {
  await site.close();
  await secure.close();
});

const form = { email_address: ownerAddress, user_password: PASSWORD };
const own = { "sec-fetch-site": "same-origin" };

async function signInForm(at: TestRoles, headers: Shown = own): Promise<Answer> {
  return await at.call("/sign-in", { form, headers });
}

describe("the form's answer", () => {
  test("on an http site sets a cookie that no script reads and no other site sends", async () => {
    const answer = await signInForm(site);
    expect([answer.status, answer.headers.get("location"), answer.text]).toEqual([303, "/", ""]);
    expect(answer.headers.get("set-cookie")).toMatch(/^cyberun=[A-Za-z0-9_-]{43,}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  });

  test("on an https site binds it to https and to this very host", async () => {
    const answer = await signInForm(secure);
    expect(answer.headers.get("set-cookie")).toMatch(/^__Host-cyberun=[A-Za-z0-9_-]{43,}; Path=\/; Max-Age=60; HttpOnly; SameSite=Strict; Secure$/);
  });

  test("is another cookie each time", async () => {
    const values = [await signInForm(site), await signInForm(site)].map(({ headers }) => headers.get("set-cookie"));
    expect(values[0]).not.toBe(values[1]);
  });

  test("of a wrong password sets none", async () => {
    const answer = await site.call("/sign-in", { form: { ...form, user_password: "wrong password" }, headers: own });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([401, null]);
  });

  test("to a sign-out removes it", async () => {
    const { secret } = await signIn(site.gate, ownerAddress, "cookie");
    const answer = await site.call("/sign-out", { method: "POST", as: ownPage(secret) });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/sign-in"]);
    expect(answer.headers.get("set-cookie")).toMatch(/^cyberun=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict$/);
    expect((await site.call("/api/v1/users/me", { as: ownPage(secret) })).status).toBe(401);
  });
});

/** Request headers, and whether they are this site's own page's. `HOST` stands for the site. */
const senders: readonly [string, Shown, boolean][] = [
  ["says same-origin", { "sec-fetch-site": "same-origin" }, true],
  ["was asked for by the person", { "sec-fetch-site": "none" }, true],
  ["says cross-site", { "sec-fetch-site": "cross-site" }, false],
  ["says same-site, a sibling host", { "sec-fetch-site": "same-site" }, false],
  ["says something unknown", { "sec-fetch-site": "trust-me" }, false],
  ["says cross-site with our origin", { "sec-fetch-site": "cross-site", origin: "http://HOST" }, false],
  ["has our origin only", { origin: "http://HOST" }, true],
  ["has our origin on another port", { origin: "http://127.0.0.1:1" }, false],
  ["has another origin", { origin: "https://evil.example" }, false],
  ["has an origin that ends like ours", { origin: "http://evil.HOST" }, false],
  ["has our host as a user name", { origin: "http://HOST@evil.example" }, false],
  ["has the origin null, as sandboxed pages do", { origin: "null" }, false],
  ["has an origin that is none", { origin: "HOST" }, false],
  ["has neither", {}, false],
  ["has a referrer only", { referer: "http://HOST/" }, false],
];

const hosted = (headers: Shown) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("HOST", new URL(site.urls.api).host)]));

describe.each(senders)("a request that %s", (_name, headers, isOwn) => {
  test(`is ${isOwn ? "served" : "refused"} at every door that changes something`, async () => {
    const { secret } = await signIn(site.gate, ownerAddress, "cookie");
    const as = { cookie: `cyberun=${secret}`, "x-team-id": site.people.teamId, ...hosted(headers) };
    const created = await site.call("/api/v1/teams", { as, json: { display_name: "By cookie" } });
    expect([created.status, created.body["error_code"]]).toEqual(isOwn ? [201, undefined] : [403, "forbidden"]);
    const reloads = site.licenseServer.reloads;
    expect((await site.call("/api/v1/license/reload", { method: "POST", as })).status).toBe(isOwn ? 200 : 403);
    expect(site.licenseServer.reloads).toBe(reloads + (isOwn ? 1 : 0));
    expect((await site.call("/sign-out", { method: "POST", as })).status).toBe(isOwn ? 303 : 403);
    expect((await site.call("/api/v1/users/me", { as })).status).toBe(isOwn ? 401 : 200);
  });

  test(`${isOwn ? "signs" : "does not sign"} anybody in`, async () => {
    const answer = await signInForm(site, hosted(headers));
    expect([answer.status, answer.headers.has("set-cookie")]).toEqual(isOwn ? [303, true] : [403, false]);
  });
});

test("behind a proxy that hands on another host the origin is the configured one", async () => {
  const request = (origin: string) => new Request("http://inside:1/", { method: "POST", headers: { host: "inside:1", origin } });
  expect(isSameSite(request("https://cyberun.example"), "https://cyberun.example/path")).toBe(true);
  expect(isSameSite(request("http://cyberun.example"), "https://cyberun.example")).toBe(false);
  expect(isSameSite(request("https://cyberun.example:8443"), "https://cyberun.example")).toBe(false);
});

describe("a cookie that a sibling host planted", () => {
  const read = (cookie: string, publicUrl: string) => readCookie(new Request("http://x/", { headers: { cookie } }), publicUrl);
  const [mine, theirs] = ["m".repeat(43), "t".repeat(43)];

  const headers: readonly [string, string, string | undefined][] = [
    ["https://a.example", `__Host-cyberun=${mine}`, mine],
    ["https://a.example", `cyberun=${theirs}; __Host-cyberun=${mine}`, mine],
    ["https://a.example", `cyberun=${theirs}`, undefined],
    ["https://a.example", `__host-cyberun=${theirs}`, undefined],
    ["http://a.example", `cyberun=${mine}; cyberun=${theirs}`, mine],
    ["http://a.example", `__Host-cyberun=${theirs}`, undefined],
    ["http://a.example", `other=1; cyberun=${mine} ; x`, mine],
    ["http://a.example", "cyberun=", undefined],
    ["http://a.example", "cyberun", undefined],
    ["http://a.example", `cyberun="${mine}"`, undefined],
    ["http://a.example", `cyberun=${mine}=x`, undefined],
    ["http://a.example", `cyberun=${"m".repeat(257)}`, undefined],
    ["http://a.example", "", undefined],
  ];
  test.each(headers)("on %s, from %p, gives %p", (publicUrl, cookie, value) => {
    expect(read(cookie, publicUrl)).toBe(value);
  });
});

describe("a cookie is good for nothing", () => {
  test("after its time", async () => {
    const { secret } = await signIn(secure.gate, ownerAddress, "cookie");
    const as = { cookie: `__Host-cyberun=${secret}` };
    expect((await secure.call("/api/v1/users/me", { as })).status).toBe(200);
    secure.world.services.clock.advance(60_000);
    expect((await secure.call("/api/v1/users/me", { as })).status).toBe(401);
  });

  test("in an Authorization header, and a refresh token is none", async () => {
    const { secret } = await signIn(site.gate, ownerAddress, "cookie");
    expect((await site.call("/api/v1/users/me", { as: { authorization: `Bearer ${secret}` } })).status).toBe(401);
    const token = await signIn(site.gate);
    expect((await site.call("/api/v1/users/me", { as: { cookie: `cyberun=${token.secret}` } })).status).toBe(401);
  });

  test("beside a credential that is not good", async () => {
    const { secret } = await signIn(site.gate, ownerAddress, "cookie");
    expect((await site.call("/api/v1/users/me", { as: { ...ownPage(secret), authorization: "Bearer nonsense" } })).status).toBe(401);
  });
});

test("a page that shows nothing is a stranger's: a dead cookie does not lock anybody out of the sign-in page", async () => {
  const as = ownPage("d".repeat(43));
  expect((await site.call("/sign-in", { as })).status).toBe(200);
  expect((await site.call("/", { as })).headers.get("location")).toBe("/sign-in");
  expect((await site.call("/sign-in", { as, form })).status).toBe(303);
});
