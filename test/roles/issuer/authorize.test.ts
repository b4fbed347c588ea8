/** The way from a client's request through sign-in and consent back to the client, over real sockets. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { openBrowser, type TestBrowser, type Visit } from "../../support/browser.ts";
import { addClient, addFirstParty, type TestClient } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { shutStates } from "../../support/refusal.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";
import { enrol } from "../../support/second-factor.ts";

const REDIRECT = "https://app.example/cb";
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const person = { email_address: ownerAddress, user_password: PASSWORD };

let site: TestRoles;
let client: TestClient;
let own: TestClient;
let browser: TestBrowser;

beforeAll(async () => {
  site = await startRoles();
  client = await addClient(site.gate, { client_name: "Invoices", scope: "openid profile email teams offline_access" });
  own = await addFirstParty(site.gate, "own-app");
});
afterAll(() => site.close());
beforeEach(() => {
  site.license({});
  // Signing in for a request takes time, and requests are told from sessions by it.
  site.world.services.clock.advance(1_000);
  browser = openBrowser(site.urls.issuer);
});

type Changes = Readonly<Record<string, string | undefined>>;

function parametersOf(changes: Changes = {}): Record<string, string> {
  const all: Changes = { client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", state: "xyz", code_challenge: CHALLENGE, code_challenge_method: "S256", ...changes };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function addressOf(changes: Changes = {}, more = ""): string {
  return `${site.urls.issuer}/oauth/authorize?${new URLSearchParams(parametersOf(changes)).toString()}${more}`;
}

const errorAt = ({ location }: Visit) => location?.searchParams.get("error") ?? undefined;

/** Signs in for the client and allows it `scope`. */
async function allow(scope = "openid"): Promise<void> {
  await browser.open(addressOf({ scope, prompt: "consent" }));
  await browser.submit("sign-in", person);
  await browser.submit("consent", { decision: "allow" });
}

describe("a request of another party's client", () => {
  test("leads through sign-in and consent to a code, with state and issuer", async () => {
    const first = await browser.open(addressOf());
    expect([first.status, first.text.includes("Invoices"), first.headers.get("content-type")]).toEqual([200, true, "text/html; charset=utf-8"]);
    const second = await browser.submit("sign-in", person);
    expect([second.status, second.text.includes('id="consent"')]).toEqual([200, true]);
    const { location } = await browser.submit("consent", { decision: "allow" });
    expect(location?.href.startsWith(`${REDIRECT}?`)).toBe(true);
    expect(location?.searchParams.get("code")).toMatch(/^[0-9A-Za-z]{43}$/);
    expect([location?.searchParams.get("state"), location?.searchParams.get("iss")]).toEqual(["xyz", site.urls.issuer]);
  });

  test("is answered at once for who is signed in and has allowed it before", async () => {
    await allow();
    const { location } = await browser.open(addressOf());
    expect(location?.searchParams.has("code")).toBe(true);
  });

  test("asks again for a scope that was not allowed yet, and for prompt=consent", async () => {
    await allow();
    expect((await browser.open(addressOf({ scope: "openid email" }))).text).toContain('data-scope="email"');
    expect((await browser.open(addressOf({ prompt: "consent" }))).text).toContain('id="consent"');
  });

  test("asks for the scope behind a claim that is asked for by name", async () => {
    await allow();
    const { text } = await browser.open(addressOf({ claims: '{"userinfo":{"email":null}}' }));
    expect(text).toContain('data-scope="email"');
  });

  test("tells the client when the person says no, signed in or not", async () => {
    await browser.open(addressOf({ prompt: "consent" }));
    expect(errorAt(await browser.submit("cancel", { decision: "deny" }))).toBe("access_denied");
    await browser.open(addressOf({ prompt: "consent" }));
    await browser.submit("sign-in", person);
    expect(errorAt(await browser.submit("consent", { decision: "deny" }))).toBe("access_denied");
  });

  test("may be posted by another site's form", async () => {
    const { text } = await browser.open(`${site.urls.issuer}/oauth/authorize`, { form: parametersOf() });
    expect(text).toContain('id="sign-in"');
  });

  test("may ask for its answer as a form, which works without scripts", async () => {
    await browser.open(addressOf({ response_mode: "form_post", prompt: "consent", state: '"><script>' }));
    await browser.submit("sign-in", person);
    const { text, headers, location } = await browser.submit("consent", { decision: "allow" });
    expect([location, text.includes(`action="${REDIRECT}"`), text.includes('name="code"'), text.includes('value=""><script>"')]).toEqual([undefined, true, true, false]);
    expect(headers.get("content-security-policy")).toMatch(/script-src 'sha256-[^']+'; .*form-action https:\/\/app\.example https:;/);
  });
});

describe("a first-party client", () => {
  test("needs neither consent nor license", async () => {
    site.license({ state: "expired" });
    await browser.open(addressOf({ client_id: own.id, prompt: "consent" }));
    const { location } = await browser.submit("sign-in", person);
    expect(location?.searchParams.has("code")).toBe(true);
  });
});

describe("the license", () => {
  test("shuts out other clients while the feature is off, naming it on a page", async () => {
    site.license({ features: { global: { oidc_provider: false } } });
    const { status, text, location } = await browser.open(addressOf());
    expect([status, text.includes("oidc_provider"), location]).toEqual([403, true, undefined]);
  });

  test("shuts them out in every state that is not open", async () => {
    for (const state of shutStates) {
      site.license({ state });
      const { status, text, location } = await browser.open(addressOf());
      expect([state, status, text.includes(state), location]).toEqual([state, 503, true, undefined]);
    }
  });

  test("is asked again before the answer", async () => {
    await browser.open(addressOf({ prompt: "consent" }));
    await browser.submit("sign-in", person);
    site.license({ features: { global: { oidc_provider: false } } });
    expect((await browser.submit("consent", { decision: "allow" })).status).toBe(403);
  });
});

describe("a request that could send people elsewhere is a page, never a redirect:", () => {
  const cases: readonly (readonly [string, Changes, string?])[] = [
    ["no client", { client_id: undefined }],
    ["an unknown client", { client_id: "nobody" }],
    ["a client id that cannot be", { client_id: "../x" }],
    ["no redirect_uri", { redirect_uri: undefined }],
    ["another path", { redirect_uri: "https://app.example/cb/" }],
    ["another host", { redirect_uri: "https://evil.example/cb" }],
    ["user information", { redirect_uri: "https://app.example@evil.example/cb" }],
    ["a query that was not registered", { redirect_uri: `${REDIRECT}?x=1` }],
    ["a fragment", { redirect_uri: `${REDIRECT}#x` }],
    ["a script", { redirect_uri: "javascript:alert(1)" }],
    ["a second redirect_uri", {}, "&redirect_uri=https%3A%2F%2Fevil.example"],
    ["a second client_id", {}, "&client_id=own-app"],
    ["a control character", { state: "a\u0000b" }],
    ["a pushed reference that nobody pushed", { request_uri: `urn:ietf:params:oauth:request_uri:${"a".repeat(43)}` }],
    ["a reference of the wrong form", { request_uri: "urn:ietf:params:oauth:request_uri:../x" }],
    ["more than is bearable", { state: "x".repeat(9_000) }],
  ];
  test.each(cases)("%s", async (_name, changes, more = "") => {
    for (const prompt of [undefined, "none"]) {
      const visit = await browser.open(addressOf({ ...changes, prompt }, more));
      expect([visit.status, visit.location, visit.headers.get("location"), visit.text.includes("evil.example")]).toEqual([400, undefined, null, false]);
    }
  });
});

describe("a refusal that the client is told of:", () => {
  const cases: readonly (readonly [string, string, Changes, string?])[] = [
    ["a repeated scope", "invalid_request", {}, "&scope=openid"],
    ["a repeated state", "invalid_request", {}, "&state=abc"],
    ["a request object", "request_not_supported", { request: "x.y.z" }],
    ["a request_uri of its own", "request_uri_not_supported", { request_uri: "https://app.example/request" }],
    ["no response_type", "invalid_request", { response_type: undefined }],
    ["the implicit flow", "unsupported_response_type", { response_type: "token" }],
    ["a hybrid flow", "unsupported_response_type", { response_type: "code id_token" }],
    ["an unknown response_mode", "invalid_request", { response_mode: "fragment" }],
    ["no scope", "invalid_scope", { scope: undefined }],
    ["a scope it may not have", "invalid_scope", { scope: "admin" }],
    ["a scope of forbidden characters", "invalid_scope", { scope: 'openid "x"' }],
    ["no PKCE", "invalid_request", { code_challenge: undefined, code_challenge_method: undefined }],
    ["a method without a challenge", "invalid_request", { code_challenge: undefined }],
    ["plain PKCE", "invalid_request", { code_challenge_method: "plain" }],
    ["PKCE without a method", "invalid_request", { code_challenge_method: undefined }],
    ["a short challenge", "invalid_request", { code_challenge: "abc" }],
    ["a long nonce", "invalid_request", { nonce: "n".repeat(600) }],
    ["an unknown prompt", "invalid_request", { prompt: "please" }],
    ["prompt none beside login", "invalid_request", { prompt: "none login" }],
    ["a negative max_age", "invalid_request", { max_age: "-1" }],
    ["claims that are no JSON", "invalid_request", { claims: "{" }],
    ["claims that are no object", "invalid_request", { claims: "[]" }],
    ["claims of a wrong shape", "invalid_request", { claims: '{"id_token":{"email":true}}' }],
    ["a resource that was not registered", "invalid_target", { resource: "https://api.example" }],
    ["a dpop_jkt that is none", "invalid_request", { dpop_jkt: "abc" }],
    ["a forged id_token_hint", "invalid_request", { id_token_hint: "eyJhbGciOiJub25lIn0.e30." }],
    ["nobody signed in with prompt=none", "login_required", { prompt: "none" }],
  ];
  test.each(cases)("%s", async (name, error, changes, more = "") => {
    const visit = await browser.open(addressOf(changes, more));
    expect([errorAt(visit), visit.location?.searchParams.get("iss"), visit.location?.origin]).toEqual([error, site.urls.issuer, "https://app.example"]);
    expect(visit.location?.searchParams.get("state")).toBe(name === "a repeated state" ? null : "xyz");
    expect(visit.location?.searchParams.has("code")).toBe(false);
  });

  test("consent that is missing, with prompt=none", async () => {
    const other = await addClient(site.gate);
    await allow();
    expect(errorAt(await browser.open(addressOf({ client_id: other.id, prompt: "none" })))).toBe("consent_required");
  });
});

describe("a fresh sign-in", () => {
  const signedInBefore = async () => {
    await browser.open(addressOf({ client_id: own.id }));
    await browser.submit("sign-in", person);
    site.world.services.clock.advance(60_000);
  };
  const isAsked = async (changes: Changes) => (await browser.open(addressOf({ client_id: own.id, ...changes }))).text.includes('id="sign-in"');

  test("is asked for by prompt=login, select_account and a max_age that is over, and by nothing else", async () => {
    await signedInBefore();
    expect([await isAsked({}), await isAsked({ max_age: "61" })]).toEqual([false, false]);
    expect([await isAsked({ prompt: "login" }), await isAsked({ prompt: "select_account" }), await isAsked({ max_age: "59" }), await isAsked({ max_age: "0" })]).toEqual([true, true, true, true]);
    expect(errorAt(await browser.open(addressOf({ client_id: own.id, prompt: "none", max_age: "59" })))).toBe("login_required");
  });

  test("satisfies the request that asked for it", async () => {
    await signedInBefore();
    await browser.open(addressOf({ client_id: own.id, prompt: "login", max_age: "0" }));
    expect((await browser.submit("sign-in", person)).location?.searchParams.has("code")).toBe(true);
  });

  test("of somebody else than the client insists on is refused", async () => {
    await browser.open(addressOf({ client_id: own.id, claims: '{"id_token":{"sub":{"value":"somebody-else"}}}' }));
    expect(errorAt(await browser.submit("sign-in", person))).toBe("login_required");
  });
});

describe("a request under way", () => {
  test("belongs to the browser that opened it", async () => {
    const { url } = await browser.open(addressOf());
    const other = openBrowser(site.urls.issuer);
    const visit = await other.open(url);
    expect([visit.status, visit.text.includes("gone")]).toEqual([410, true]);
    expect((await browser.open(url)).status).toBe(200);
  });

  test("is answered once", async () => {
    const { url } = await browser.open(addressOf({ client_id: own.id }));
    await browser.submit("sign-in", person);
    expect((await browser.open(url)).status).toBe(410);
  });

  test("ends after a while", async () => {
    const { url } = await browser.open(addressOf());
    site.world.services.clock.advance(1_801_000);
    expect((await browser.open(url)).status).toBe(410);
  });

  test("takes no form of another site", async () => {
    await browser.open(addressOf());
    const visit = await browser.submit("sign-in", person, { "sec-fetch-site": "cross-site" });
    expect([visit.status, visit.headers.get("set-cookie")]).toEqual([403, null]);
  });

  test("shows the form again after a wrong password, without the password", async () => {
    await browser.open(addressOf({ prompt: "consent" }));
    const { status, text } = await browser.submit("sign-in", { ...person, user_password: "not the right one" });
    expect([status, text.includes(ownerAddress), text.includes("not the right one"), text.includes('id="error"')]).toEqual([401, true, false, true]);
    expect((await browser.submit("sign-in", person)).text).toContain('id="consent"');
  });

  test("does not take a consent that was shown to somebody else", async () => {
    await browser.open(addressOf({ prompt: "consent" }));
    await browser.submit("sign-in", person);
    const { text, location } = await browser.submit("consent", { decision: "allow", seen_by: "00000000-0000-7000-8000-00000000000f" });
    expect([location, text.includes('id="consent"')]).toEqual([undefined, true]);
  });
});

describe("a second factor", () => {
  const multi = "urn:cyberun:acr:multi-factor";
  const insisting = { claims: JSON.stringify({ id_token: { acr: { essential: true, value: multi } } }) };

  test("is asked for before there is a session, and says so in the tokens", async () => {
    const grace = await addPerson(site.gate, { address: "grace@example.com" });
    const { app } = await enrol(site.gate, grace);
    const flow = { client_id: own.id, ...insisting };
    await browser.open(addressOf(flow));
    const second = await browser.submit("sign-in", { email_address: "grace@example.com", user_password: PASSWORD });
    expect([second.status, second.text.includes('id="second-factor"'), browser.cookies.has("cyberun-issuer"), second.text.includes('id="error"')]).toEqual([200, true, false, false]);
    expect((await openBrowser(site.urls.issuer).open(second.url)).location).toBeUndefined();
    const wrong = await browser.submit("second-factor", { code: app.wrong() });
    expect([wrong.status, wrong.text.includes('id="second-factor"'), browser.cookies.has("cyberun-issuer"), wrong.text.includes('id="error"')]).toEqual([401, true, false, true]);
    const { location } = await browser.submit("second-factor", { code: app.code() });
    expect([location?.searchParams.has("code"), browser.cookies.has("cyberun-issuer")]).toEqual([true, true]);
    const [grant] = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.oidcGrants).where(eq(reader.tables.oidcGrants.user_id, grace.userId)));
    expect([grant?.acr, grant?.amr]).toEqual([multi, '["pwd","otp","mfa"]']);
  });

  test("that a client insists on and a sign-in did not have is a refusal, and so is what nobody can reach", async () => {
    await browser.open(addressOf({ client_id: own.id, ...insisting }));
    expect(errorAt(await browser.submit("sign-in", person))).toBe("access_denied");
    const unknown = JSON.stringify({ id_token: { acr: { essential: true, values: ["urn:other"] } } });
    expect(errorAt(await browser.open(addressOf({ client_id: own.id, claims: unknown })))).toBe("access_denied");
  });

  test("takes no code with a step token that is none", async () => {
    const { url } = await browser.open(addressOf());
    const visit = await browser.open(`${url}/code`, { form: { step_token: "noise", code: "000000" }, headers: { "sec-fetch-site": "same-origin" } });
    expect([visit.status, browser.cookies.has("cyberun-issuer"), visit.location]).toEqual([401, false, undefined]);
  });
});

describe("the pages", () => {
  test("speak the language that the client or the browser asks for", async () => {
    expect((await browser.open(addressOf({ ui_locales: "de-AT en" }))).text).toContain('<html lang="de">');
    expect((await browser.open(addressOf(), { headers: { "accept-language": "fr, de;q=0.5, en;q=0.1" } })).text).toContain('<html lang="de">');
    expect((await browser.open(addressOf())).text).toContain('<html lang="en">');
  });

  test("fill in the address that the client knows, escaped", async () => {
    expect((await browser.open(addressOf({ login_hint: 'a"><b>@example.com' }))).text).toContain('value="a&quot;&gt;&lt;b&gt;@example.com"');
  });

  test("are small, without scripts, and nobody frames them", async () => {
    const { text, headers } = await browser.open(addressOf());
    expect([text.length < 40_960, text.includes("<script"), text.includes("style=")]).toEqual([true, false, false]);
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://app.example https:; base-uri 'none'; frame-ancestors 'none'");
  });
});
