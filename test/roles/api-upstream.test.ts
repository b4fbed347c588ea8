/** Upstream providers and identities through the API, and the dashboard's way through a provider. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operator, type UserCaller } from "../../src/gate/caller.ts";
import { completePasswordReset, createResetLink } from "../../src/identity/password-reset.ts";
import { listIdentities, removeIdentity } from "../../src/identity/upstream/identities.ts";
import { updateProvider } from "../../src/identity/upstream/provider-operations.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { Secret } from "../../src/secret.ts";
import { readProvider } from "../../src/upstream-provider.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { auditRows, storeText } from "../support/gate.ts";
import { type Hostile, startHostile } from "../support/hostile-upstream.ts";
import { addPerson, PASSWORD, quickHash, signIn, userCaller } from "../support/people.ts";
import { codeOf, strangersTo } from "../support/refusal.ts";
import { type Answer, bearer, type CallOptions, type Shown, type TestRoles } from "../support/roles.ts";
import { enrol } from "../support/second-factor.ts";
import { addProvider, leaveFor, startUpstreamSite } from "../support/upstream-site.ts";

let site: TestRoles;
let upstream: Hostile;
let administrator: Shown;
let person: Shown;
let count = 0;

beforeAll(async () => {
  site = await startUpstreamSite();
  upstream = await startHostile();
  await addProvider(site.gate, "peer", upstream.issuer);
  administrator = (await site.credentials()).user;
  await addPerson(site.gate, { address: "grace@example.com" });
  person = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, "grace@example.com")));
});
afterAll(async () => {
  upstream[Symbol.dispose]();
  await site.close();
});
beforeEach(() => {
  site.license({});
  site.world.services.clock.advance(10);
  count += 1;
  upstream.lie = {};
  upstream.person = { sub: `a-${count}`, email: `a-${count}@newcomers.example`, email_verified: true, given_name: "Grace", family_name: "Hopper" };
});

const call = async (path: string, options: CallOptions = {}): Promise<Answer> => await site.call(`/api/v1/oidc/providers${path}`, { as: administrator, ...options });
const code = ({ status, body }: Answer) => [status, body["error_code"]];
const SECRET = "a client secret of the provider";
const good = { issuer: "https://login.example.com", client_id: "cyberun", client_secret: SECRET };
const newId = () => `p-${count}`;

describe("providers", () => {
  test("are added, read, changed, disabled and deleted, and the secret is never shown", async () => {
    const id = newId();
    const made = await call("", { json: { id, display_name: "Corp", ...good } });
    expect([made.status, made.body]).toEqual([
      201,
      {
        id,
        display_name: "Corp",
        issuer: "https://login.example.com",
        client_id: "cyberun",
        token_endpoint_auth_method: "client_secret_basic",
        scope: "openid email profile",
        provisioning: "registration",
        allowed_domains: [],
        source: "api",
        is_disabled: false,
        has_secret: true,
        redirect_uri: `${site.urls.issuer}/upstream/callback`,
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    ]);
    const read = await call(`/${id}`);
    const changed = await call(`/${id}`, { method: "PATCH", json: { display_name: "Corporation", allowed_domains: ["corp.example"], is_disabled: true, client_secret: "another" } });
    expect([changed.body["display_name"], changed.body["is_disabled"], changed.body["client_id"]]).toEqual(["Corporation", true, "cyberun"]);
    const all = await call("");
    expect(JSON.stringify(all.body)).toContain(id);
    for (const { text } of [made, read, changed, all]) expect([text.includes(SECRET), text.includes("another")]).toEqual([false, false]);
    expect((await call(`/${id}`, { method: "DELETE" })).status).toBe(204);
    expect([code(await call(`/${id}`)), code(await call(`/${id}`, { method: "DELETE" })), code(await call(`/${id}`, { method: "PATCH", json: {} }))]).toEqual([
      [404, "not_found"],
      [404, "not_found"],
      [404, "not_found"],
    ]);
  });

  test("keep their secret sealed, and out of log and audit", async () => {
    await call("", { json: { id: newId(), ...good } });
    await call(`/${newId()}`, { method: "PATCH", json: { client_secret: "another secret of it" } });
    const everything = `${await storeText(site.world.store)} ${site.logged.join("\n")} ${JSON.stringify(await auditRows(site.world.store))}`;
    expect([everything.includes(SECRET), everything.includes("another secret of it")]).toEqual([false, false]);
    expect((await auditRows(site.world.store)).slice(-2).map(({ operation, subject }) => [operation, subject])).toEqual([
      ["upstream_provider.create", `upstream_provider:${newId()}`],
      ["upstream_provider.update", `upstream_provider:${newId()}`],
    ]);
  });

  test("know Google by a preset", async () => {
    const made = await call("", { json: { id: newId(), preset: "google", client_id: "x", client_secret: "y" } });
    expect([made.status, made.body["issuer"], made.body["display_name"]]).toEqual([201, "https://accounts.google.com", "Google"]);
  });

  // 42: GHSA-5rr4-8452-hf4v, GHSA-gv74-j8m3-fg5f.
  const doors: readonly [string, string, unknown][] = [
    ["GET", "", undefined],
    ["POST", "", { id: "x", ...good }],
    ["GET", "/peer", undefined],
    ["PATCH", "/peer", { is_disabled: true }],
    ["DELETE", "/peer", undefined],
  ];
  test.each(doors)("%s %s is for administrators", async (method, path, json) => {
    const body = json === undefined ? {} : { json };
    expect(code(await call(path, { as: person, method, ...body }))).toEqual([403, "forbidden"]);
    expect(code(await call(path, { as: {}, method, ...body }))).toEqual([401, "unauthenticated"]);
    expect((await call("/peer")).body["is_disabled"]).toBe(false);
  });

  const wrong: readonly [string, Readonly<Record<string, unknown>>][] = [
    ["id", { id: "" }],
    ["id", { id: "Peer" }],
    ["id", { id: "../x" }],
    ["id", { id: "x".repeat(33) }],
    ["issuer", { issuer: undefined }],
    ["issuer", { issuer: "login.example.com" }],
    ["issuer", { issuer: "http://login.example.com" }],
    ["issuer", { issuer: "javascript:alert(1)" }],
    ["issuer", { issuer: "file:///etc/passwd" }],
    ["issuer", { issuer: "https://user:pass@login.example.com" }],
    ["issuer", { issuer: "https://login.example.com/?x=1" }],
    ["issuer", { issuer: "https://login.example.com/#x" }],
    ["issuer", { issuer: "https://LOGIN.example.com" }],
    ["issuer", { issuer: "https://login.example.com/a/../b" }],
    ["issuer", { issuer: `https://login.example.com/${"x".repeat(500)}` }],
    ["issuer", { preset: "google", issuer: "https://login.example.com" }],
    ["preset", { preset: "facebook" }],
    ["client_id", { client_id: undefined }],
    ["client_id", { client_id: "" }],
    ["client_id", { client_id: "a\nb" }],
    ["client_secret", { client_secret: undefined }],
    ["client_secret", { client_secret: "" }],
    ["client_secret", { client_secret: "a\r\nb" }],
    ["client_secret", { token_endpoint_auth_method: "none" }],
    ["token_endpoint_auth_method", { token_endpoint_auth_method: "private_key_jwt" }],
    ["display_name", { display_name: "a\u202Eb" }],
    ["display_name", { display_name: "" }],
    ["display_name", { display_name: 7 }],
    ["scope", { scope: "email" }],
    ["scope", { scope: "openid  email" }],
    ["scope", { scope: ["openid"] }],
    ["provisioning", { provisioning: "everybody" }],
    ["provisioning", { preset: "google", issuer: undefined, provisioning: "trusted" }],
    ["allowed_domains", { allowed_domains: "example.com" }],
    ["allowed_domains", { allowed_domains: ["*.example.com"] }],
    ["allowed_domains", { allowed_domains: ["EXAMPLE.com"] }],
    ["allowed_domains", { allowed_domains: [""] }],
    ["allowed_domains", { allowed_domains: Array.from({ length: 51 }, (_, index) => `d${index}.example`) }],
    ["source", { source: "file" }],
    ["is_disabled", { is_disabled: true }],
  ];
  test.each(wrong)("are refused by member: %s %j", async (member, change) => {
    const answer = await call("", { json: { id: "refused", ...good, ...change } });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
    expect(answer.body["details"]).toMatchObject({ fields: [{ field: expect.stringContaining(member) }] });
    expect((await call("/refused")).status).toBe(404);
  });

  test("are not added twice, and never change their issuer", async () => {
    expect(code(await call("", { json: { id: "peer", ...good } }))).toEqual([409, "conflict"]);
    expect(code(await call("/peer", { method: "PATCH", json: { issuer: "https://evil.example" } }))).toEqual([400, "invalid_request"]);
    expect((await call("/peer")).body["issuer"]).toBe(upstream.issuer);
  });

  test("need the feature to be added, and not to be closed", async () => {
    await call("", { json: { id: newId(), ...good } });
    site.license({ features: { global: { oauth: false } } });
    expect(code(await call("", { json: { id: `${newId()}-more`, ...good } }))).toEqual([403, "feature_disabled"]);
    expect((await call(`/${newId()}`, { method: "PATCH", json: { is_disabled: true } })).status).toBe(200);
    expect((await call(`/${newId()}`, { method: "DELETE" })).status).toBe(204);
  });

  test("of the config file are shown without their secret, and changed there alone", async () => {
    const filed = { ...readProvider("filed", { preset: "google", client_id: "x" }), secret: new Secret(SECRET) };
    await using withFile = await startUpstreamSite({ settings: { upstreamProviders: [filed] } });
    const as = (await withFile.credentials()).user;
    const all = await withFile.call("/api/v1/oidc/providers", { as });
    expect([all.body, all.text.includes(SECRET)]).toMatchObject([{ providers: [{ id: "filed", source: "file", has_secret: true, created_at: null }] }, false]);
    for (const [method, json] of [["PATCH", { is_disabled: true }], ["DELETE", undefined]] as const) {
      expect(code(await withFile.call("/api/v1/oidc/providers/filed", { as, method, ...(json === undefined ? {} : { json }) }))).toEqual([409, "conflict"]);
    }
    expect(code(await withFile.call("/api/v1/oidc/providers", { as, json: { id: "filed", ...good } }))).toEqual([409, "conflict"]);
    const visitor = openBrowser(withFile.urls.api);
    expect((await visitor.open(`${withFile.urls.api}/sign-in`)).text).toContain("Continue with Google");
  });
});

/** A browser that goes through the provider by itself; gives where the provider sends it back to. */
async function awayFromDashboard(browser: TestBrowser, provider = "peer"): Promise<string> {
  await browser.open(`${site.urls.api}/sign-in`);
  const toIssuer = await browser.open(`${site.urls.api}/sign-in/upstream/${provider}`);
  return toIssuer.location?.href ?? "";
}

async function toIssuer(issuerBrowser: TestBrowser, address: string): Promise<string> {
  const { location } = await issuerBrowser.open(address);
  return upstream.answer(location?.href ?? "");
}

/** All the way: the dashboard, the provider, and the address that the dashboard is called at. */
async function dashboardReturn(browser: TestBrowser): Promise<URL> {
  const issuerBrowser = openBrowser(site.urls.issuer);
  const back = await issuerBrowser.open(await toIssuer(issuerBrowser, await awayFromDashboard(browser)));
  if (back.location === undefined) throw new Error(`the issuer kept the browser: ${back.text}`);
  return back.location;
}

/** The code alone, of a sign-in that a program began without a challenge. */
async function codeForProgram(): Promise<string> {
  const issuerBrowser = openBrowser(site.urls.issuer);
  const back = await issuerBrowser.open(await toIssuer(issuerBrowser, `${site.urls.issuer}/upstream/start?provider=peer`));
  return back.location?.searchParams.get("code") ?? "";
}

const exchange = async (json: unknown): Promise<Answer> => await site.call("/api/v1/auth/oauth/exchange-code", { json });

describe("the exchange of a code", () => {
  test("answers as every sign-in does, once", async () => {
    const handed = await codeForProgram();
    const answer = await exchange({ code: handed });
    expect([answer.status, Object.keys(answer.body).toSorted(), answer.body["expires_in"]]).toEqual([200, ["access_token", "expires_in", "refresh_token"], 3_600]);
    const me = await site.call("/api/v1/users/me", { as: bearer(String(answer.body["access_token"])) });
    expect([me.body["email_address"], me.body["is_administrator"]]).toEqual([`a-${count}@newcomers.example`, false]);
    expect(code(await exchange({ code: handed }))).toEqual([401, "unauthenticated"]);
    expect((await site.call("/api/v1/auth/refresh", { json: { refresh_token: answer.body["refresh_token"] } })).status).toBe(200);
  });

  test("is one for fifty at the same moment", async () => {
    const handed = await codeForProgram();
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange({ code: handed })));
    expect(answers.filter(({ status }) => status === 200).length).toBe(1);
  });

  test.each([[{ code: "" }], [{ code: "x" }], [{ code: "a".repeat(43) }], [{ code: "x".repeat(4_096) }]])("refuses a code that is none of ours", async (json) => {
    expect(code(await exchange(json))).toEqual([401, "unauthenticated"]);
  });

  test.each([[{}], [{ code: 7 }], [{ code: "x".repeat(4_097) }], [{ code: "x", more: 1 }], [[]]])("refuses a body that is none: %j", async (json) => {
    expect(code(await exchange(json))).toEqual([400, "invalid_request"]);
  });

  test("refuses a code that is older than a minute", async () => {
    const handed = await codeForProgram();
    site.world.services.clock.stepWall(60_001);
    const answer = await exchange({ code: handed });
    site.world.services.clock.stepWall(-60_001);
    expect(code(answer)).toEqual([401, "unauthenticated"]);
  });

  test("refuses the dashboard's code to whoever does not hold its verifier, and it is over then", async () => {
    const handed = (await dashboardReturn(openBrowser(site.urls.api))).searchParams.get("code") ?? "";
    expect(code(await exchange({ code: handed }))).toEqual([401, "unauthenticated"]);
    expect(code(await exchange({ code: handed, code_verifier: "v".repeat(43) }))).toEqual([401, "unauthenticated"]);
  });

  test("refuses a verifier for a code that was made without one", async () => {
    expect(code(await exchange({ code: await codeForProgram(), code_verifier: "v".repeat(43) }))).toEqual([401, "unauthenticated"]);
  });

  // 10: half-way through.
  test("refuses a code of a provider that was disabled, or whose feature went off, since", async () => {
    const [first, second] = [await codeForProgram(), await codeForProgram()];
    await updateProvider(site.gate, operator, { id: "peer", is_disabled: true, members: {} });
    const disabled = await exchange({ code: first });
    await updateProvider(site.gate, operator, { id: "peer", is_disabled: false, members: {} });
    site.license({ features: { global: { oauth: false } } });
    expect([code(disabled), code(await exchange({ code: second }))]).toEqual([
      [404, "not_found"],
      [403, "feature_disabled"],
    ]);
  });

  test("asks for the second factor of who has one", async () => {
    const handed = await codeForProgram();
    const { users } = (await site.world.store.read(async (reader) => reader)).tables;
    const [user] = await site.world.store.read((reader) => reader.select().from(users).where(eq(users.email_key, `a-${count}@newcomers.example`)));
    const password_hash = await quickHash();
    await site.world.store.write(async (writer) => void (await writer.update(users).set({ password_hash }).where(eq(users.id, user?.id ?? ""))));
    const { app } = await enrol(site.gate, userCaller(user?.id ?? "", undefined));
    // Enrolling ends what was begun before it.
    expect((await exchange({ code: handed })).status).toBe(401);
    const asked = await exchange({ code: await codeForProgram() });
    expect([code(asked), asked.text.includes("access_token")]).toEqual([[401, "second_factor_required"], false]);
    const { step_token } = Object(asked.body["details"]);
    expect((await site.call("/api/v1/auth/login/complete", { json: { step_token, code: app.wrong() } })).status).toBe(401);
    expect((await site.call("/api/v1/auth/login/complete", { json: { step_token, code: app.code() } })).status).toBe(200);
  });
});

describe("the dashboard", () => {
  test("offers the provider, and is signed in by it", async () => {
    const browser = openBrowser(site.urls.api);
    expect((await browser.open(`${site.urls.api}/sign-in`)).text).toContain('href="/sign-in/upstream/peer"');
    const back = await dashboardReturn(browser);
    expect(back.href.startsWith(`${site.urls.api}/sign-in/upstream?code=`)).toBe(true);
    const page = await browser.open(back.href);
    expect([page.status, page.text.includes('id="go-on"'), page.text.includes("<script"), browser.cookies.has("cyberun"), browser.cookies.has("cyberun-upstream")]).toEqual([200, true, false, true, false]);
    expect((await browser.open(`${site.urls.api}/`)).text).toContain("Grace Hopper");
  });

  // Login CSRF: a code that somebody else got.
  test("is not signed in by a code that was begun in another browser", async () => {
    const back = await dashboardReturn(openBrowser(site.urls.api));
    const victim = openBrowser(site.urls.api);
    const page = await victim.open(back.href);
    expect([page.status, victim.cookies.has("cyberun")]).toEqual([401, false]);
  });

  test("offers nothing while the license does not carry it", async () => {
    site.license({ features: { global: { oauth: false } } });
    expect((await openBrowser(site.urls.api).open(`${site.urls.api}/sign-in`)).text).not.toContain("upstream");
  });

  test("is told by a page of the issuer what was refused, with the way back", async () => {
    const issuerBrowser = openBrowser(site.urls.issuer);
    upstream.lie = { claims: (claims) => ({ ...claims, nonce: "another" }) };
    const page = await issuerBrowser.open(await toIssuer(issuerBrowser, `${site.urls.issuer}/upstream/start?provider=peer`));
    expect([page.status, page.location, page.text.includes(`href="${site.urls.api}/sign-in"`)]).toEqual([410, undefined, true]);
  });

  test("is reached through the page that connects an account, too", async () => {
    await addPerson(site.gate, { address: `owner-${count}@example.com` });
    upstream.person = { sub: `o-${count}`, email: `owner-${count}@example.com`, email_verified: true };
    const issuerBrowser = openBrowser(site.urls.issuer);
    const page = await issuerBrowser.open(await toIssuer(issuerBrowser, `${site.urls.issuer}/upstream/start?provider=peer`));
    expect(page.text).toContain('id="connect"');
    const { location } = await issuerBrowser.submit("connect", { email_address: `owner-${count}@example.com`, user_password: PASSWORD });
    expect((await exchange({ code: location?.searchParams.get("code") })).status).toBe(200);
  });

  test.each([["x"], [""], ["a".repeat(44)], ["javascript:alert(1)"]])("cannot be sent along with a challenge that is none: %j", async (challenge) => {
    const { status, location } = await openBrowser(site.urls.issuer).open(`${site.urls.issuer}/upstream/start?provider=peer&code_challenge=${encodeURIComponent(challenge)}`);
    expect([status, location]).toEqual([400, undefined]);
  });
});

describe("own identities", () => {
  /** Somebody who came by the provider, and what they are known by. */
  async function newcomer(): Promise<{ readonly caller: UserCaller; readonly token: Shown; readonly id: string }> {
    const answer = await exchange({ code: await codeForProgram() });
    const token = bearer(String(answer.body["access_token"]));
    const me = await site.call("/api/v1/users/me", { as: token });
    const caller = userCaller(String(me.body["id"]), undefined);
    const { identities } = await listIdentities(site.gate, caller, undefined);
    return { caller, token, id: identities[0]?.id ?? "" };
  }

  test("are listed with the provider's name, and without the subject", async () => {
    const { token } = await newcomer();
    const answer = await site.call("/api/v1/users/me/identities", { as: token });
    expect(answer.body).toEqual({
      identities: [{ id: expect.any(String), provider: "The peer", issuer: upstream.issuer, email_address: `a-${count}@newcomers.example`, created_at: expect.any(String), last_used_at: expect.any(String) }],
    });
    expect(answer.text).not.toContain(`"a-${count}"`);
  });

  test("go once a password link has given the account a password, which then opens it alone", async () => {
    const { token, id } = await newcomer();
    const { reset_url } = await createResetLink(site.gate, operator, { email_address: `a-${count}@newcomers.example` });
    await completePasswordReset(site.gate, { kind: "anonymous" }, { reset_token: reset_url.split("/").at(-1) ?? "", new_password: "a password of one's own" });
    const login = await site.call("/api/v1/auth/login", { json: { email_address: `a-${count}@newcomers.example`, user_password: "a password of one's own" } });
    const again = bearer(String(login.body["access_token"]));
    // The link ended what the provider began.
    expect((await site.call("/api/v1/users/me", { as: token })).status).toBe(401);
    expect((await site.call(`/api/v1/users/me/identities/${id}`, { as: again, method: "DELETE" })).status).toBe(204);
    expect((await site.call("/api/v1/users/me", { as: again })).status).toBe(200);
  });

  test("of the last way in stay; with a password they go, and open nothing any more", async () => {
    const { caller, token, id } = await newcomer();
    const path = `/api/v1/users/me/identities/${id}`;
    expect(code(await site.call(path, { as: token, method: "DELETE" }))).toEqual([409, "conflict"]);
    const { users } = (await site.world.store.read(async (reader) => reader)).tables;
    const password_hash = await quickHash();
    await site.world.store.write(async (writer) => void (await writer.update(users).set({ password_hash }).where(eq(users.id, caller.userId))));
    expect((await site.call(path, { as: token, method: "DELETE" })).status).toBe(204);
    expect(code(await site.call(path, { as: token, method: "DELETE" }))).toEqual([404, "not_found"]);
    const issuerBrowser = openBrowser(site.urls.issuer);
    const page = await issuerBrowser.open(upstream.answer(await leaveFor(site, issuerBrowser, "peer")));
    expect(page.text).toContain('id="connect"');
  });

  test("of a provider that is disabled are no other way in; two that are enabled cannot both go, side by side", async () => {
    const { caller, id } = await newcomer();
    await addProvider(site.gate, newId(), `https://${newId()}.example`);
    const second = site.gate.services.random.uuid();
    const row = { id: second, key: `https://${newId()}.example\nx`, user_id: caller.userId, issuer: `https://${newId()}.example`, subject: "x", created_at: 1, last_used_at: 1 };
    await site.world.store.write(async (writer) => void (await writer.insert(writer.tables.upstreamIdentities).values(row)));
    await updateProvider(site.gate, operator, { id: newId(), is_disabled: true, members: {} });
    expect(await codeOf(removeIdentity(site.gate, caller, { id }))).toBe("conflict");
    await updateProvider(site.gate, operator, { id: newId(), is_disabled: false, members: {} });
    const codes = await Promise.all([codeOf(removeIdentity(site.gate, caller, { id })), codeOf(removeIdentity(site.gate, caller, { id: second }))]);
    expect(codes.map((each) => each ?? "removed").toSorted()).toEqual(["conflict", "removed"]);
  });

  test("of somebody else look as if they were not there", async () => {
    const { id } = await newcomer();
    expect(code(await site.call(`/api/v1/users/me/identities/${id}`, { as: person, method: "DELETE" }))).toEqual([404, "not_found"]);
    expect((await site.call("/api/v1/users/me/identities", { as: person })).body).toEqual({ identities: [] });
  });

  test("are nobody's but people's", async () => {
    for (const { caller, code: expected } of strangersTo("upstream_identity.list")) expect(await codeOf(listIdentities(site.gate, caller, undefined))).toBe(expected);
    for (const { caller, code: expected } of strangersTo("upstream_identity.remove")) expect(await codeOf(removeIdentity(site.gate, caller, { id: "x" }))).toBe(expected);
  });
});
