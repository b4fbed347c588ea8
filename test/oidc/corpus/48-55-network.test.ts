/** Advisories 48 to 55: what others' addresses, hosts, proxies, sizes and headers can do here, which is nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { operator } from "../../../src/gate/caller.ts";
import { createApp, listen } from "../../../src/http/listener.ts";
import { addProbes } from "../../../src/http/probes.ts";
import { createLog } from "../../../src/log.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { realServices } from "../../../src/services.ts";
import { openBrowser } from "../../support/browser.ts";
import { testAuthority } from "../../support/certificates.ts";
import { createClientKey, signAssertion } from "../../support/client-assertion.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type KeptMail, keptMail } from "../../support/mail.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addService, type TestClient } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { rawRequest, sendRaw } from "../../support/raw-http.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";
import { testNeeding } from "../../support/skip.ts";
import { countWork } from "../../support/work-done.ts";

let site: TestRoles;
let mail: KeptMail;
let service: TestClient;
let client: TestClient;

beforeAll(async () => {
  site = await startRoles({ settings: { hasMailServer: true } });
  mail = keptMail(site.gate);
  service = await addService(site.gate);
  client = await addClient(site.gate);
});
afterAll(() => site.close());
beforeEach(() => site.world.services.clock.advance(86_400_001));

const query = () => new URLSearchParams({ client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" }).toString();
const register = async (json: unknown) => {
  const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
  return await callUrl(`${site.urls.issuer}/oauth/register`, { json, headers: bearer(initial_access_token) });
};

describe("advisory 48: a client's address that leads inside is never connected to:", () => {
  const inside = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"];
  test.each(inside)("keys at a name that leads to %s", async (address) => {
    const connected: string[] = [];
    site.world.services.replaceNetwork({ resolve: async () => [address], exchange: async ({ url }) => { connected.push(url.href); throw new Error("reached"); } });
    const key = createClientKey();
    const own = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks_uri: `https://keys-${inside.indexOf(address)}.example/jwks` });
    const client_assertion = signAssertion(key, { clientId: own.id, audience: site.urls.issuer, now: Math.floor(site.gate.services.clock.now() / 1_000) });
    const answer = await post(site, "token", { form: { grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion } });
    expect([...outcome(answer), connected, answer.text.includes(address)]).toEqual([401, "invalid_client", [], false]);
  });

  const literal = ["http://127.0.0.1/x", "https://user@app.example/x", "file:///etc/passwd", "gopher://app.example/x", "ftp://app.example/x", "javascript:alert(1)", "//app.example/x", ""];
  test.each(["jwks_uri", "sector_identifier_uri"])("%s is not registered with what is no https address", async (member) => {
    for (const uri of literal.filter((each) => each !== "")) expect([uri, (await register({ redirect_uris: [REDIRECT], subject_type: "pairwise", [member]: uri })).status]).toEqual([uri, 400]);
  });

  test("a logo is shown by the browser and never fetched here", async () => {
    const asked: string[] = [];
    site.world.services.replaceNetwork({ resolve: async (name) => { asked.push(name); return ["93.184.216.34"]; }, exchange: async () => { throw new Error("reached"); } });
    const { status, body } = await register({ redirect_uris: [REDIRECT], logo_uri: "https://logo.example/a.png", policy_uri: "https://logo.example/p", tos_uri: "https://logo.example/t" });
    await openBrowser(site.urls.issuer).open(`${site.urls.issuer}/oauth/authorize?${query().replace(client.id, String(body["client_id"]))}`);
    expect([status, asked]).toEqual([201, []]);
  });
});

describe("advisory 49: a host is the same in every spelling, and another is another:", () => {
  const own = () => new URL(site.urls.issuer);
  const submit = async (headers: Readonly<Record<string, string>>) => {
    const browser = openBrowser(site.urls.issuer);
    const { url } = await browser.open(`${site.urls.issuer}/oauth/authorize?${query()}`);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return (await callUrl(`${url}/sign-in`, { form: { email_address: ownerAddress, user_password: PASSWORD }, headers: { cookie, ...headers } })).status;
  };

  test("the own origin in capitals is the own", async () => {
    expect(await submit({ origin: own().origin.toUpperCase() })).toBe(303);
  });

  test.each([() => `http://127.0.0.1.:${own().port}`, () => `http://127.0.0.1:${own().port}.`, () => `http://127.1:${own().port}x`, () => `https://127.0.0.1:${own().port}`, () => `http://[::ffff:127.0.0.1]:${own().port}`])("another one is not", async (make) => {
    const origin = make();
    const isOwn = URL.canParse(origin) && new URL(origin).host === own().host;
    expect([origin, await submit({ origin })]).toEqual([origin, isOwn ? 303 : 403]);
  });

  test("an assertion for the issuer in capitals or with a dot is for somebody else", async () => {
    const key = createClientKey();
    const signer = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
    for (const audience of [site.urls.issuer.toUpperCase(), `${site.urls.issuer}/`, site.urls.issuer.replace("127.0.0.1", "127.0.0.1.")]) {
      const client_assertion = signAssertion(key, { clientId: signer.id, audience, now: Math.floor(site.gate.services.clock.now() / 1_000) });
      expect(outcome(await post(site, "token", { form: { grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion } }))).toEqual([401, "invalid_client"]);
    }
  });
});

describe("advisory 50: with a certificate", () => {
  const versions = [["-tls1", false], ["-tls1_1", false], ["-tls1_2", true], ["-tls1_3", true]] as const;
  for (const [version, isTaken] of versions) {
    testNeeding("openssl", `${version} is ${isTaken ? "taken" : "refused"}, also by a listener that came after another`, async () => {
      using folder = temporaryFolder();
      const { certFile, keyFile } = testAuthority(folder.path).sign("localhost");
      const tls = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
      for (let start = 0; start < 2; start += 1) {
        const services = realServices();
        const app = createApp({ role: "issuer", services, log: createLog(services.clock, "error", () => {}), authenticate: async () => ({ kind: "anonymous" }) });
        addProbes(app, { role: "issuer", notReady: async () => undefined, metrics: () => [] });
        const listener = listen(app, { hostname: "127.0.0.1", port: 0, tls }, services);
        const child = Bun.spawn(["openssl", "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", new URL(listener.url).host], { stdio: ["ignore", "pipe", "ignore"] });
        expect([start, /Cipher is (?!\(NONE\))/.test(await child.stdout.text())]).toEqual([start, isTaken]);
        await listener.stop();
      }
    });
  }
});

describe("advisory 51: a header gives nobody another address:", () => {
  const names = ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip", "x-client-ip", "x-cluster-client-ip"];
  test.each(names)("guesses from ever new %s are one person's guesses", async (name) => {
    const { userId } = await addPerson(site.gate);
    const guess = async (at: number, user_password: string) =>
      (await site.call("/api/v1/auth/login", { json: { email_address: `${userId}@example.com`, user_password }, headers: { [name]: name === "forwarded" ? `for=203.0.113.${at}` : `203.0.113.${at}` } })).status;
    for (let at = 1; at <= 5; at += 1) expect(await guess(at, "a wrong password")).toBe(401);
    // From the loopback address, which is no exception.
    expect([await guess(99, PASSWORD), await guess(100, "a wrong password")]).toEqual([429, 429]);
  });

  test("and none stands in the audit log", async () => {
    await site.call("/api/v1/auth/login", { json: { email_address: ownerAddress, user_password: PASSWORD }, headers: { "x-forwarded-for": "203.0.113.77", forwarded: "for=203.0.113.77" } });
    const rows = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.audit));
    expect(JSON.stringify(rows)).not.toContain("203.0.113.77");
  });
});

describe("advisory 52: depth and size have ends:", () => {
  const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
  const rows: readonly (readonly [string, () => Promise<{ readonly status: number }>])[] = [
    ["a registration nested deeply", async () => await callUrl(`${site.urls.issuer}/oauth/register`, { json: `{"redirect_uris":${deep("[", "]", 30_000)}}`, headers: bearer("x") })],
    ["keys nested deeply", async () => await register({ redirect_uris: [REDIRECT], jwks: JSON.parse(`{"keys":${deep("[", "]", 500)}}`) })],
    ["claims nested deeply", async () => await callUrl(`${site.urls.issuer}/oauth/authorize?${query()}&claims=${encodeURIComponent(deep('{"id_token":', "}", 200))}`)],
    ["an assertion whose claims are nested deeply", async () => await post(site, "token", { form: { grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: `eyJhbGciOiJFUzI1NiJ9.${Buffer.from(deep("[", "]", 3_000)).toString("base64url")}.AAAA` } })],
    ["a thousand addresses", async () => await register({ redirect_uris: Array.from({ length: 1_000 }, (_each, index) => `https://app.example/${index}`) })],
    ["a thousand keys", async () => await register({ redirect_uris: [REDIRECT], jwks: { keys: Array.from({ length: 1_000 }, () => createClientKeyOnce) } })],
    ["a thousand scopes", async () => await register({ redirect_uris: [REDIRECT], scope: Array.from({ length: 1_000 }, (_each, index) => `s${index}`).join(" ") })],
    ["a long scope", async () => await post(site, "token", { form: { grant_type: "client_credentials", scope: "a".repeat(20_000) }, headers: basic(service) })],
    ["a thousand resources", async () => await callUrl(`${site.urls.issuer}/oauth/authorize?${query()}${"&resource=https%3A%2F%2Fa.example".repeat(200)}`)],
  ];
  const createClientKeyOnce = createClientKey().publicJwk;
  test.each(rows)("%s", async (_name, ask) => {
    const { status } = await ask();
    expect(status === 303 || (status >= 400 && status < 500)).toBe(true);
  });

  const evil = ["a".repeat(30_000), "a.".repeat(15_000), `${"a-".repeat(15_000)}!`, "@".repeat(20_000), `${" ".repeat(30_000)}x`, "%61".repeat(9_000), "\u0301".repeat(10_000)];
  test.each(evil.map((text) => [text.slice(0, 4), text] as const))("no pattern takes long over many %j", async (_name, text) => {
    const started = performance.now();
    await site.call("/api/v1/auth/login", { json: { email_address: text, user_password: "x" } });
    await register({ redirect_uris: [`https://${text}`.slice(0, 2_000)], client_name: text });
    await callUrl(`${site.urls.issuer}/oauth/logout?${new URLSearchParams({ state: text.slice(0, 9_000) }).toString()}`);
    await callUrl(`${site.urls.issuer}/oauth/token`, { form: { grant_type: text }, headers: { authorization: `Basic ${"A".repeat(9_000)}` } });
    // A pattern that is not linear takes minutes over this; the limit is far above any slow machine.
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test("unknown names of keys are refused, however many, and each costs one look at the most", async () => {
    const unknown = (index: number) => `${Buffer.from(JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: `${index}`.padStart(43, "A") })).toString("base64url")}.e30.${"A".repeat(86)}`;
    using counted = countWork(site.gate);
    const { result, work } = await counted.of(() => Promise.all(Array.from({ length: 200 }, async (_each, index) => (await callUrl(`${site.urls.issuer}/oauth/userinfo`, { headers: bearer(unknown(index)) })).status)));
    // One for each, and room for the few looks that the site takes by itself meanwhile.
    expect([new Set(result), work.reads <= 210, work.writes]).toEqual([new Set([401]), true, 0]);
  });
});

describe("advisory 53: secrets are compared in constant time, and pages have bounds:", () => {
  test("nothing under src compares a secret or digest with an equals sign", () => {
    const suspicious = /\b(?:secret|digest|tag|mac|signature|pepper)\w*\b\s*[!=]==?\s*(?!undefined|null|"")\w|timingSafeEqual/i;
    const found: string[] = [];
    for (const path of new Bun.Glob("src/**/*.ts").scanSync({ cwd: new URL("../../..", import.meta.url).pathname })) {
      const text = readFileSync(new URL(`../../../${path}`, import.meta.url).pathname, "utf8");
      for (const line of text.split("\n")) if (suspicious.test(line) && !line.trim().startsWith("*") && !line.trim().startsWith("//")) found.push(`${path}: ${line.trim()}`);
    }
    expect(found.filter((line) => !known.some((each) => line.includes(each)))).toEqual([]);
  });
  /** The one function that compares, and what is no secret. */
  const known: readonly string[] = ["src/crypto/sealing.ts"];

  test.each(["current_page=0", "per_page=0", "per_page=-1", "per_page=101", "per_page=1000000", "current_page=1000001", "current_page=x", "per_page="])("%s is refused", async (page) => {
    const { user } = await site.credentials();
    for (const path of ["/api/v1/teams", "/api/v1/credentials"]) expect([path, (await site.call(`${path}?${page}`, { as: user })).status]).toEqual([path, 400]);
  });
});

describe("advisory 54: a malformed header is a 4xx, never a 5xx, a yes or the end:", () => {
  const values: readonly string[] = ["Authorization:", "Authorization: Bearer", "Authorization: Basic", "Authorization: Basic ====", "Authorization: Basic \xff\xfe", "Authorization: Bearer \x01", "Authorization: Bearer a b", "Authorization: Bearer a\r\nAuthorization: Bearer b", "DPoP:", "DPoP: \xff", "DPoP: a\r\nDPoP: b", "Cookie: \xff=\xfe;;;==", "Cookie: cyberun-issuer", "Content-Type:", "Content-Type: \xff/\xff", "Content-Type: multipart/form-data", "Content-Length: -1", "Content-Length: x", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: x", "Accept-Language: \xff,,;q=,*;q=9999999999999999", "Origin: \xff", "X-Team-ID: \xff", `Cookie: ${"a=b;".repeat(3_000)}`, `Authorization: Bearer ${"a".repeat(15_000)}`];
  const doors = ["/oauth/token", "/oauth/userinfo", "/oauth/introspect", "/oauth/register", "/oauth/logout", "/oauth/authorize"] as const;
  test.each(values.map((header) => [header.slice(0, 40), header] as const))("%j", async (_name, header) => {
    for (const path of doors) {
      for (const method of ["GET", "POST"]) {
        const { status } = await sendRaw(site.urls.issuer, rawRequest(site.urls.issuer, { method, path, headers: [header], ...(method === "POST" ? { body: "a=b" } : {}) }));
        // 0: the connection was closed, which is an answer to what is no HTTP. A request to sign out leads to a page of ours.
        const isPage = path === "/oauth/logout" && [200, 303].includes(status);
        expect([path, method, isPage || status === 0 || (status >= 400 && status < 500) ? 400 : status]).toEqual([path, method, 400]);
      }
    }
    expect((await callUrl(`${site.urls.issuer}/healthz`)).status).toBe(200);
  });
});

describe("advisory 55: nothing that people type is a line or a tag in a mail:", () => {
  const hostile = ["Ada\r\nBcc: eve@evil.example", "Ada\nX: y", "Ada\u2028X", "Ada\u0000", "Ada\u0085X", "=?utf-8?B?\r\n?="];
  test.each(hostile)("the name %j is refused at sign-up", async (first_name) => {
    expect((await site.call("/api/v1/auth/register", { json: { first_name, last_name: "b", email_address: "mail@example.com", user_password: "nanoseconds of wire" } })).status).toBe(400);
  });

  test.each(["a@example.com\r\nBcc: eve@evil.example", "a@example.com\nRCPT TO:<eve@evil.example>", "a@example.com>", "<a@example.com", "a@example.com, eve@evil.example", "a b@example.com"])("the address %j is refused where mail is asked for", async (email_address) => {
    for (const [path, json] of [["/api/v1/auth/register", { first_name: "a", last_name: "b", email_address, user_password: "nanoseconds of wire" }], ["/api/v1/auth/password-reset", { email_address }]] as const) {
      expect([path, (await site.call(path, { json })).status]).toEqual([path, 400]);
    }
    await mail.deliver();
    expect(JSON.stringify(mail.letters)).not.toContain("evil.example");
  });

  test("markup in a name stands in no letter and is text on every page", async () => {
    await site.call("/api/v1/auth/register", { json: { first_name: "<img src=x onerror=alert(1)>", last_name: "</title><script>", email_address: "markup@example.com", user_password: "nanoseconds of wire" } });
    await mail.deliver();
    expect([mail.letters.some(({ to }) => to === "markup@example.com"), JSON.stringify(mail.letters).includes("<img")]).toEqual([true, false]);
    const made = await addClient(site.gate, { client_name: "<script>alert(1)</script>" });
    const { text } = await openBrowser(site.urls.issuer).open(`${site.urls.issuer}/oauth/authorize?${query().replace(client.id, made.id)}`);
    expect([text.includes("<script"), text.includes("&lt;script&gt;")]).toEqual([false, true]);
  });
});
