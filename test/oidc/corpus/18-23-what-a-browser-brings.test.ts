/** Advisories 18 to 23: what a browser or a stranger brings beside a request decides nothing, leads nowhere and breaks nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { openBrowser, type TestBrowser } from "../../support/browser.ts";
import { CHALLENGE, type Flow, REDIRECT, startFlow } from "../../support/code-flow.ts";
import { storeText } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addService, type TestClient } from "../../support/oidc-client.ts";
import { ownerAddress, PASSWORD } from "../../support/people.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: Flow;
let client: TestClient;
let service: TestClient;
let browser: TestBrowser;

beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site, { metadata: { post_logout_redirect_uris: ["https://app.example/bye"] } });
  client = flow.client;
  service = await addService(site.gate);
});
afterAll(() => site.close());
beforeEach(() => {
  browser = openBrowser(site.urls.issuer);
});

const person = { email_address: ownerAddress, user_password: PASSWORD };
const wish = { redirect_uri: REDIRECT, response_type: "code", scope: "openid", prompt: "consent", code_challenge: CHALLENGE, code_challenge_method: "S256" };
const addressOf = (changes: Readonly<Record<string, string>> = {}) => `${site.urls.issuer}/oauth/authorize?${new URLSearchParams({ client_id: client.id, ...wish, ...changes }).toString()}`;
const hostile = ["javascript:alert(document.domain)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "https://evil.example/\"><script>alert(1)</script>"] as const;

describe("advisory 18: the answer follows the stored request, whatever the form says beside:", () => {
  const planted: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["another response_type", { response_type: "token id_token" }],
    ["another response_mode", { response_mode: "fragment" }],
    ["another redirect_uri", { redirect_uri: "https://evil.example/cb" }],
    ["a wider scope", { scope: "openid email profile" }],
    ["another client", { client_id: "somebody-else" }],
  ];
  test.each(planted)("%s", async (_name, more) => {
    await browser.open(addressOf());
    await browser.submit("sign-in", person);
    const { location, status } = await browser.submit("consent", { decision: "allow", ...more });
    // Unknown fields are refused outright; where one day they are not, they must still count for nothing.
    const isPlain = location?.origin === "https://app.example" && location.hash === "" && [...location.searchParams.keys()].toSorted().join() === "code,iss";
    expect(location === undefined ? status === 400 || status === 422 : isPlain).toBe(true);
    expect(browser.page.text).not.toContain("access_token");
  });

  test.each(["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"])("the flow %s is not to be had", async (response_type) => {
    const { location } = await browser.open(addressOf({ response_type, nonce: "n" }));
    expect([location?.searchParams.get("error"), location?.hash]).toEqual(["unsupported_response_type", ""]);
  });
});

describe("advisory 19: what was pushed", () => {
  const secretState = "pushed-state-that-nobody-sees";
  const push = async () => {
    const { prompt: _prompt, ...rest } = wish;
    const form = { ...rest, state: secretState, login_hint: "hidden@example.com" };
    return String((await post(site, "pushed_authorization_request", { form, headers: basic(client) })).body["request_uri"]);
  };

  test("stands in no address, cookie or page until the answer", async () => {
    const first = await browser.open(`${site.urls.issuer}/oauth/authorize?${new URLSearchParams({ client_id: client.id, request_uri: await push() }).toString()}`);
    const shown = [first.url, [...browser.cookies.values()].join(), first.text].join("\n");
    expect([shown.includes(secretState), shown.includes(CHALLENGE), shown.includes(encodeURIComponent(REDIRECT))]).toEqual([false, false, false]);
    const { location } = await browser.submit("sign-in", person).then(async (visit) => (visit.location === undefined ? await browser.submit("consent", { decision: "allow" }) : visit));
    expect(location?.searchParams.get("state")).toBe(secretState);
  });

  test("stands in no line of the log", async () => {
    await push();
    expect(site.logged.join("")).not.toContain(secretState);
  });

  test("leaves no reference that the store could give away", async () => {
    const reference = await push();
    expect(await storeText(site.gate.store)).not.toContain(reference.slice(-43));
  });
});

describe("advisory 20: no client is registered with a script as its", () => {
  const members = ["redirect_uris", "post_logout_redirect_uris", "logo_uri", "policy_uri", "tos_uri", "backchannel_logout_uri"] as const;
  test.each(members)("%s", async (member) => {
    for (const uri of hostile) {
      const value = member.endsWith("s") ? [uri] : uri;
      await expect(addClient(site.gate, { [member]: value })).rejects.toThrow(member);
      const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
      const answer = await callUrl(`${site.urls.issuer}/oauth/register`, { json: { redirect_uris: [REDIRECT], [member]: value }, headers: bearer(initial_access_token) });
      expect([answer.status, answer.body["client_id"]]).toEqual([400, undefined]);
    }
  });
});

describe("advisory 20: a script is not led to", () => {
  test.each(hostile)("at the logout, asked for as %j", async (uri) => {
    const { status, location, text } = await browser.open(`${site.urls.issuer}/oauth/logout?${new URLSearchParams({ client_id: client.id, post_logout_redirect_uri: uri }).toString()}`);
    expect([status, location, text.includes("<script")]).toEqual([400, undefined, false]);
  });

  test.each(["state", "login_hint", "ui_locales", "nonce", "acr_values"])("from the parameter %s, on any page", async (name) => {
    await browser.open(addressOf({ [name]: '"><script>alert(1)</script>' }));
    expect([browser.page.text.includes("<script"), browser.page.headers.get("content-security-policy")?.includes("unsafe-inline") ?? false]).toEqual([false, false]);
  });

  test("in the answer as a form: the state is text, and one script by its hash", async () => {
    await browser.open(addressOf({ response_mode: "form_post", state: '"></form><script>alert(1)</script>' }));
    await browser.submit("sign-in", person);
    const { text, headers } = await browser.submit("consent", { decision: "allow" });
    expect([text.match(/<script/g)?.length, headers.get("content-security-policy")?.includes("unsafe")]).toEqual([1, false]);
  });
});

describe("advisory 21: a form counts only from this very site, not from", () => {
  const own = () => new URL(site.urls.issuer);
  const origins: readonly (readonly [string, () => string])[] = [
    ["one that begins like it", () => `${own().origin}.evil.example`],
    ["one that ends like it", () => `http://evil.example.${own().host}`],
    ["one with it as the user", () => `http://${own().host}@evil.example`],
    ["one with it in the path", () => `http://evil.example/${own().origin}`],
    ["the same host at another port", () => "http://127.0.0.1:1"],
    ["the same host by another name", () => `http://localhost:${own().port}`],
    ["the opaque origin", () => "null"],
    ["nothing", () => ""],
    ["two of them", () => `${own().origin} ${own().origin}`],
  ];
  test.each(origins)("%s", async (_name, make) => {
    const { url } = await browser.open(addressOf());
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const origin = make();
    const answer = await callUrl(`${url}/sign-in`, { form: person, headers: { cookie, ...(origin === "" ? {} : { origin }) } });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([403, null]);
  });

  test.each(["cross-site", "same-site", "SAME-ORIGIN", "x", ""])("a browser that says %j", async (fetchSite) => {
    await browser.open(addressOf());
    const { status } = await browser.submit("sign-in", person, { "sec-fetch-site": fetchSite, origin: own().origin });
    expect([status, browser.cookies.has("cyberun-issuer")]).toEqual([403, false]);
  });
});

describe("advisory 22: what is malformed is a refusal, never a crash or a yes:", () => {
  const metadata: readonly (readonly [string, unknown])[] = [
    ["a list", []],
    ["a text", "redirect_uris"],
    ["a number", 1],
    ["null", null],
    ["a list with a hole", { redirect_uris: [REDIRECT, null] }],
    ["a nested list", { redirect_uris: [[REDIRECT]] }],
    ["an object for a list", { redirect_uris: { 0: REDIRECT, length: 1 } }],
    ["an object for an address", { redirect_uris: [{ toString: REDIRECT }] }],
    ["a sector that is no text", { redirect_uris: [REDIRECT], subject_type: "pairwise", sector_identifier_uri: { a: 1 } }],
    ["keys that are no list", { redirect_uris: [REDIRECT], jwks: { keys: {} } }],
    ["a key that is no object", { redirect_uris: [REDIRECT], jwks: { keys: ["a"] } }],
    ["a scope with a line end", { redirect_uris: [REDIRECT], scope: "openid\nadmin" }],
    ["a scope with a quote", { redirect_uris: [REDIRECT], scope: 'openid "' }],
    ["a scope with a letter beyond ASCII", { redirect_uris: [REDIRECT], scope: "openid é" }],
    ["a name with a direction mark", { redirect_uris: [REDIRECT], client_name: "App\u202egnp.exe" }],
  ];
  test.each(metadata)("a registration that is %s", async (_name, json) => {
    const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
    const answer = await callUrl(`${site.urls.issuer}/oauth/register`, { json, method: "POST", headers: bearer(initial_access_token) });
    expect([answer.status, answer.body["client_id"]]).toEqual([400, undefined]);
    expect(["invalid_client_metadata", "invalid_redirect_uri"]).toContain(String(answer.body["error"]));
  });

  test.each(["[]", "1", '"a"', "null", "{", '{"id_token":[]}', '{"id_token":{"email":1}}', '{"userinfo":{"__proto__":{"essential":1}}}'])("a claims parameter of %s", async (claims) => {
    const { location, status } = await browser.open(addressOf({ claims }));
    expect([location?.searchParams.get("error") ?? status, location?.searchParams.has("code") ?? false]).toEqual(["invalid_request", false]);
  });

  test("a claim of a name that no claim has, which is as good as not asked for", async () => {
    await browser.open(addressOf({ claims: '{"id_token":{"a\\u0000":{"b":[{}]}},"other":1}' }));
    expect(browser.page.text).toContain('id="sign-in"');
  });

  test.each(["request=", "request=%7B%7D", "request_uri=", "request_uri=urn:x", "registration=%7B"])("an empty or foreign request object: %s", async (more) => {
    const { status, headers } = await callUrl(`${addressOf()}&${more}`);
    expect([status < 500, headers.get("location")?.includes("code=") ?? false]).toEqual([true, false]);
  });

  test.each(["*", "null", "https://evil.example"])("the origin %s reads no token and no person", async (origin) => {
    for (const endpoint of ["token", "userinfo", "introspection", "revocation"] as const) {
      const answer = await callUrl(`${site.urls.issuer}${endpoints[endpoint]}`, { headers: { origin }, form: { grant_type: "x" } });
      expect([endpoint, answer.headers.get("access-control-allow-origin"), answer.headers.get("access-control-allow-credentials")]).toEqual([endpoint, null, null]);
    }
  });

  test.each(["authorization_details", "nothing_known", "constructor", "__proto__"])("the unknown parameter %s changes nothing", async (name) => {
    const answer = await post(site, "token", { form: { grant_type: "client_credentials", scope: "read", [name]: '[{"type":"payment"}]' }, headers: basic(service) });
    expect([answer.status, answer.body["scope"], Object.keys(answer.body).toSorted()]).toEqual([200, "read", ["access_token", "expires_in", "scope", "token_type"]]);
  });
});

describe("advisory 23: parameters in the address are refused at", () => {
  const doors = ["token", "introspection", "revocation", "pushed_authorization_request"] as const;
  test.each(doors)("%s", async (endpoint) => {
    const as = endpoint === "token" || endpoint === "introspection" ? service : client;
    const query = new URLSearchParams({ grant_type: "client_credentials", token: "x", ...wish }).toString();
    const answer = await callUrl(`${site.urls.issuer}${endpoints[endpoint]}?${query}`, { form: { grant_type: "client_credentials", token: "x" }, headers: basic(as) });
    expect(outcome(answer)).toEqual([400, "invalid_request"]);
  });

  test.each(doors)("%s, with the client's secret among them", async (endpoint) => {
    const answer = await callUrl(`${site.urls.issuer}${endpoints[endpoint]}?${new URLSearchParams({ client_id: service.id, client_secret: service.secret }).toString()}`, { form: { grant_type: "client_credentials", token: "x" } });
    expect([answer.status >= 400 && answer.status < 500, answer.text.includes(service.secret)]).toEqual([true, false]);
  });

  test("userinfo", async () => {
    const { access_token } = await flow.tokens();
    expect(outcome(await callUrl(`${site.urls.issuer}/oauth/userinfo?access_token=${String(access_token)}`))).toEqual([400, "invalid_request"]);
  });

  test("the API, for tokens and keys", async () => {
    const { user } = await site.credentials();
    const token = String(user["authorization"]).slice("Bearer ".length);
    for (const name of ["access_token", "token", "api_key", "authorization"]) expect((await site.call(`/api/v1/users/me?${name}=${token}`)).status).toBe(401);
  });
});
