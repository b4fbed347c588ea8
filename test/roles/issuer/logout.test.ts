/** Sign-out for a client: where nobody has to be asked, where they have to, and where it is refused. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { openBrowser, type TestBrowser } from "../../support/browser.ts";
import { type Flow, startFlow } from "../../support/code-flow.ts";
import { addPerson } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

const AFTER = "https://app.example/bye";
let site: TestRoles;
let flow: Flow;
let other: Flow;
let browser: TestBrowser;
let idToken: string;

beforeAll(async () => {
  site = await startRoles();
  other = await startFlow(site);
});
afterAll(() => site.close());
beforeEach(async () => {
  flow = await startFlow(site, { metadata: { post_logout_redirect_uris: [AFTER, `${AFTER}?x=1`] } });
  idToken = String((await flow.tokens())["id_token"]);
  browser = openBrowser(site.urls.issuer);
  browser.cookies.set("cyberun-issuer", flow.session.secret);
});

type Parameters = Readonly<Record<string, string>>;
const address = (parameters: Parameters = {}, more = "") => `${site.urls.issuer}${endpoints.end_session}?${new URLSearchParams(parameters).toString()}${more}`;
const isSignedIn = async () => {
  const { sessionId } = flow.session;
  const rows = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.sessions));
  return rows.some((row) => row.id === sessionId && row.ended_at === null);
};

describe("with an ID token of the person", () => {
  test("nobody is asked, and the state comes back", async () => {
    const { location } = await browser.open(address({ id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: "a b&c" }));
    expect([location?.href, location?.searchParams.get("state"), await isSignedIn()]).toEqual([`${AFTER}?state=a+b%26c`, "a b&c", false]);
    expect(browser.cookies.has("cyberun-issuer")).toBe(false);
  });

  test("a registered query stays, and without an address there is a page", async () => {
    const { location } = await browser.open(address({ id_token_hint: idToken, post_logout_redirect_uri: `${AFTER}?x=1`, state: "s" }));
    expect(location?.href).toBe(`${AFTER}?x=1&state=s`);
    expect((await browser.open(address({ id_token_hint: idToken }))).text).toContain('id="signed-out"');
  });

  test("one that has run out is as good", async () => {
    site.world.services.clock.advance(3_601_000);
    await browser.open(address({ id_token_hint: idToken }));
    expect(await isSignedIn()).toBe(false);
  });

  test("it may be posted", async () => {
    const { location } = await browser.open(`${site.urls.issuer}${endpoints.end_session}`, { form: { id_token_hint: idToken, post_logout_redirect_uri: AFTER } });
    expect([location?.href, await isSignedIn()]).toEqual([AFTER, false]);
  });

  test("refresh tokens of the session are good for nothing afterwards", async () => {
    const token = String((await flow.tokens())["refresh_token"]);
    await browser.open(address({ id_token_hint: idToken }));
    expect((await flow.refresh(token)).body["error"]).toBe("invalid_grant");
  });
});

describe("without one", () => {
  test("the person is asked, and goes where the client registered", async () => {
    const { text } = await browser.open(address({ client_id: flow.client.id, post_logout_redirect_uri: AFTER, state: "s" }));
    expect([text.includes('id="sign-out"'), await isSignedIn()]).toEqual([true, true]);
    const { location } = await browser.submit("sign-out", { answer: "yes" });
    expect([location?.href, await isSignedIn()]).toEqual([`${AFTER}?state=s`, false]);
  });

  test("the person may stay", async () => {
    await browser.open(address());
    await browser.submit("sign-out", { answer: "no" });
    expect([await isSignedIn(), browser.cookies.has("cyberun-issuer")]).toEqual([true, true]);
  });

  test("the answer of another site's form counts for nothing", async () => {
    await browser.open(address());
    const { status } = await browser.submit("sign-out", { answer: "yes" }, { "sec-fetch-site": "cross-site" });
    expect([status, await isSignedIn()]).toEqual([403, true]);
  });

  test("so too with an ID token of somebody else", async () => {
    const grace = await addPerson(site.gate);
    const hers = await startFlow(site, { client: flow.client, address: `${grace.userId}@example.com` });
    const { text } = await browser.open(address({ id_token_hint: String((await hers.tokens())["id_token"]) }));
    expect([text.includes('id="sign-out"'), await isSignedIn()]).toEqual([true, true]);
  });

  test("whoever is not signed in is not asked", async () => {
    browser.cookies.clear();
    expect((await browser.open(address({ client_id: flow.client.id, post_logout_redirect_uri: AFTER }))).location?.href).toBe(AFTER);
  });
});

describe("it is refused on a page, and nobody is signed out:", () => {
  const cases: readonly (readonly [string, () => string | Promise<string>])[] = [
    ["an address that is not registered", () => address({ id_token_hint: idToken, post_logout_redirect_uri: `${AFTER}/` })],
    ["an address of another client", () => address({ client_id: other.client.id, post_logout_redirect_uri: AFTER })],
    ["a script as address", () => address({ id_token_hint: idToken, post_logout_redirect_uri: "javascript:alert(1)" })],
    ["an address without a client", () => address({ post_logout_redirect_uri: AFTER })],
    ["an address of an unknown client", () => address({ client_id: "nobody", post_logout_redirect_uri: AFTER })],
    ["a hint that is none", () => address({ id_token_hint: "noise" })],
    ["an altered hint", () => address({ id_token_hint: `${idToken.slice(0, -8)}AAAAAAAA`, post_logout_redirect_uri: AFTER })],
    ["an access token as hint", async () => address({ id_token_hint: String((await flow.tokens())["access_token"]) })],
    ["a hint of another client", async () => address({ id_token_hint: String((await other.tokens())["id_token"]), client_id: flow.client.id })],
    ["two addresses", () => address({ id_token_hint: idToken, post_logout_redirect_uri: AFTER }, `&post_logout_redirect_uri=${encodeURIComponent("https://evil.example")}`)],
    ["two hints", () => address({ id_token_hint: idToken }, "&id_token_hint=x")],
  ];
  test.each(cases)("%s", async (_name, addressOf) => {
    const visit = await browser.open(await addressOf());
    expect([visit.status, visit.location, visit.text.includes("evil.example"), await isSignedIn()]).toEqual([400, undefined, false, true]);
  });
});
