/** Dynamic registration over HTTP (RFC 7591, RFC 7592): tokens that serve once, metadata that is refused, nothing gained by asking. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { readClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { createClientKey, signAssertion } from "../../support/client-assertion.ts";
import { storeText } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { userCaller } from "../../support/people.ts";
import { codeOf } from "../../support/refusal.ts";
import { type Answer, bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(() => site.license({}));

type Metadata = Readonly<Record<string, unknown>>;
const good: Metadata = { redirect_uris: ["https://app.example/cb"], client_name: "App" };
const url = (id = "") => `${site.urls.issuer}${endpoints.registration}${id === "" ? "" : `/${id}`}`;
const getToken = async (life_seconds?: number) => (await createInitialAccessToken(site.gate, operator, { life_seconds })).initial_access_token;
const register = async (json: unknown, token?: string): Promise<Answer> => await callUrl(url(), { json, headers: bearer(token ?? (await getToken())) });

interface Own {
  readonly id: string;
  readonly secret: string;
  readonly token: string;
}
const ownOf = ({ body }: Answer): Own => ({ id: String(body["client_id"]), secret: String(body["client_secret"]), token: String(body["registration_access_token"]) });
const registered = async (metadata: Metadata = good): Promise<Own> => ownOf(await register(metadata));
const read = async ({ id, token }: Own) => await callUrl(url(id), { headers: bearer(token) });
const change = async ({ id, token }: Own, json: unknown) => await callUrl(url(id), { method: "PUT", json, headers: bearer(token) });
const remove = async ({ id, token }: Own) => await callUrl(url(id), { method: "DELETE", headers: bearer(token) });

describe("a client that registers itself", () => {
  test("is told all that is registered, with its secret and its token", async () => {
    const answer = await register(good);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([201, "no-store"]);
    expect(answer.body).toMatchObject({
      client_id: expect.any(String),
      client_secret: expect.stringMatching(/^cs-/),
      client_secret_expires_at: 0,
      client_id_issued_at: Math.floor(site.gate.services.clock.now() / 1_000),
      registration_client_uri: url(String(answer.body["client_id"])),
      registration_access_token: expect.stringMatching(/^rat-/),
      redirect_uris: ["https://app.example/cb"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      client_name: "App",
    });
  });

  test("can use what it registered", async () => {
    const own = await registered({ grant_types: ["client_credentials"], scope: "read" });
    expect((await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(own) })).status).toBe(200);
    const key = createClientKey("PS256");
    const { id } = await registered({ grant_types: ["client_credentials"], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
    const client_assertion = signAssertion(key, { clientId: id, audience: site.urls.issuer, now: Math.floor(site.gate.services.clock.now() / 1_000) });
    const form = { grant_type: "client_credentials", client_assertion, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    expect((await post(site, "token", { form })).status).toBe(200);
  });

  test("gains nothing that is not its to ask for", async () => {
    const asked = { ...good, require_pkce: false, rotate_refresh_tokens: false, is_first_party: true, resources: ["https://api.example"], served_resources: ["https://api.example"], client_id: "mine", client_secret: "mine", is_disabled: false, __proto__: { a: 1 } };
    const { id, secret } = await registered(asked);
    expect([id === "mine", secret === "mine"]).toEqual([false, false]);
    expect(await readClient(site.gate, operator, { client_id: id })).toMatchObject({ require_pkce: true, rotate_refresh_tokens: true, is_first_party: false, is_dynamic: true, resources: [], served_resources: [] });
  });

  test("keeps no secret in clear here", async () => {
    const token = await getToken();
    const own = ownOf(await register(good, token));
    const text = (await storeText(site.gate.store)) + site.logged.join("");
    for (const secret of [token, own.secret, own.token]) expect(text).not.toContain(secret);
  });
});

describe("an initial access token", () => {
  test("serves once", async () => {
    const token = await getToken();
    expect((await register(good, token)).status).toBe(201);
    expect(outcome(await register(good, token))).toEqual([401, "invalid_token"]);
  });

  test("serves once of 50 at once", async () => {
    const token = await getToken();
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await register(good, token)).status));
    expect(statuses.toSorted()).toEqual([201, ...Array.from({ length: 49 }, () => 401)]);
  });

  test("is still whole after a registration that failed", async () => {
    const token = await getToken();
    expect((await register({ redirect_uris: ["javascript:alert(1)"] }, token)).status).toBe(400);
    site.license({ state: "expired" });
    expect(outcome(await register(good, token))).toEqual([503, "temporarily_unavailable"]);
    site.license({});
    expect((await register(good, token)).status).toBe(201);
  });

  test("ends with its time", async () => {
    const token = await getToken(60);
    site.world.services.clock.advance(60_000);
    expect(outcome(await register(good, token))).toEqual([401, "invalid_token"]);
  });

  test.each(["", "x", "iat-", `iat-${"A".repeat(43)}`, `rat-${"A".repeat(43)}`, "x".repeat(9_000), "iat-é"])("%j is none", async (token) => {
    const headers = token.includes("é") ? { authorization: "Bearer iat-\u00e9" } : bearer(token);
    expect(outcome(await callUrl(url(), { json: good, headers }))).toEqual([401, "invalid_token"]);
  });

  test("has to be there", async () => {
    const answer = await callUrl(url(), { json: good });
    expect([...outcome(answer), answer.headers.get("www-authenticate")]).toEqual([401, "invalid_token", 'Bearer realm="cyberun", error="invalid_token"']);
    const { secret } = await registered();
    expect(outcome(await callUrl(url(), { json: good, headers: bearer(secret) }))).toEqual([401, "invalid_token"]);
  });

  test("is made by administrators and the operator only, under the license", async () => {
    const id = "00000000-0000-7000-8000-00000000000f";
    expect(await codeOf(createInitialAccessToken(site.gate, userCaller(id, undefined), {}))).toBe("forbidden");
    expect(await codeOf(createInitialAccessToken(site.gate, { kind: "anonymous" }, {}))).toBe("unauthenticated");
    await createInitialAccessToken(site.gate, userCaller(id, undefined, true), {});
    site.license({ features: { global: { oidc_provider: false } } });
    expect(await codeOf(createInitialAccessToken(site.gate, operator, {}))).toBe("feature_disabled");
  });

  test.each([0, -1, 1.5, 604_801, NaN])("cannot live for %d seconds", async (life_seconds) => {
    expect(await codeOf(createInitialAccessToken(site.gate, operator, { life_seconds }))).toBe("invalid_request");
  });
});

describe("a registration is refused with", () => {
  const ec = createClientKey().publicJwk;
  const keys = (...jwks: readonly unknown[]) => ({ ...good, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: jwks } });
  const uri = "invalid_redirect_uri";
  const metadata = "invalid_client_metadata";
  const cases: readonly [string, unknown, string][] = [
    ["no redirect URI", {}, uri],
    ["redirect_uris that is text", { redirect_uris: "https://app.example/cb" }, uri],
    ["redirect_uris with a hole", { redirect_uris: [null] }, uri],
    ["redirect_uris that is an object (sparse)", { redirect_uris: { 0: "https://app.example/cb", length: 1 } }, uri],
    ["a redirect URI twice", { redirect_uris: ["https://a.example/", "https://a.example/"] }, uri],
    ["21 redirect URIs", { redirect_uris: Array.from({ length: 21 }, (_, at) => `https://a.example/${at}`) }, uri],
    ["javascript: (pocket-id 2b94535a)", { redirect_uris: ["https://a.example/", "javascript:alert(1)"] }, uri],
    ["data:", { redirect_uris: ["data:text/html,x"] }, uri],
    ["http", { redirect_uris: ["http://app.example/cb"] }, uri],
    ["a user before the host (CVE-2026-28512)", { redirect_uris: ["https://app.example@evil.example/"] }, uri],
    ["a pattern", { redirect_uris: ["https://*.example/"] }, uri],
    ["a fragment", { redirect_uris: ["https://app.example/#a"] }, uri],
    ["a private scheme beside a secret", { redirect_uris: ["com.example.app:/cb"] }, uri],
    ["javascript: after logout (GHSA-v959-qxv6-6f8p)", { ...good, post_logout_redirect_uris: ["javascript:alert(1)"] }, metadata],
    ["javascript: as logo", { ...good, logo_uri: "javascript:alert(1)" }, metadata],
    ["data: as logo", { ...good, logo_uri: "data:image/png;base64,AA" }, metadata],
    ["javascript: as policy", { ...good, policy_uri: "javascript:alert(1)" }, metadata],
    ["javascript: as terms", { ...good, tos_uri: "javascript:alert(1)" }, metadata],
    ["a private scheme as back channel", { ...good, backchannel_logout_uri: "com.example.app:/x" }, metadata],
    ["http as back channel", { ...good, backchannel_logout_uri: "http://169.254.169.254/" }, metadata],
    ["jwks_uri beside jwks", { ...keys(ec), jwks_uri: "https://app.example/jwks" }, metadata],
    ["http as jwks_uri", { ...good, jwks_uri: "http://127.0.0.1/jwks" }, metadata],
    ["file: as jwks_uri", { ...good, jwks_uri: "file:///etc/passwd" }, metadata],
    ["a user in the jwks_uri", { ...good, jwks_uri: "https://u@app.example/jwks" }, metadata],
    ["http as logo", { ...good, logo_uri: "http://localhost/logo.png" }, metadata],
    ["http as policy", { ...good, policy_uri: "http://localhost/" }, metadata],
    ["http as terms", { ...good, tos_uri: "http://localhost/" }, metadata],
    ["pairwise over two hosts", { redirect_uris: ["https://a.example/", "https://b.example/"], subject_type: "pairwise" }, metadata],
    ["the implicit grant", { ...good, grant_types: ["implicit"] }, metadata],
    ["the password grant", { ...good, grant_types: ["password"] }, metadata],
    ["a grant twice", { ...good, grant_types: ["authorization_code", "authorization_code"] }, metadata],
    ["no grant", { ...good, grant_types: [] }, metadata],
    ["grant_types that is text", { ...good, grant_types: "authorization_code" }, metadata],
    ["refresh tokens alone", { grant_types: ["refresh_token"] }, metadata],
    ["the response type token", { ...good, response_types: ["token"] }, metadata],
    ["a hybrid response type", { ...good, response_types: ["code id_token"] }, metadata],
    ["a response type without its grant", { grant_types: ["client_credentials"], response_types: ["code"] }, metadata],
    ["a grant without its response type", { ...good, response_types: [] }, metadata],
    ["client credentials without authentication", { grant_types: ["client_credentials"], token_endpoint_auth_method: "none" }, metadata],
    ["an unknown method", { ...good, token_endpoint_auth_method: "client_secret_jwt" }, metadata],
    ["a method that is a list", { ...good, token_endpoint_auth_method: ["none"] }, metadata],
    ["alg none", { ...good, id_token_signed_response_alg: "none" }, metadata],
    ["alg HS256", { ...good, id_token_signed_response_alg: "HS256" }, metadata],
    ["an unknown subject type", { ...good, subject_type: "private" }, metadata],
    ["the platform's own scope", { ...good, scope: "openid api" }, metadata],
    ["a scope with quotes", { ...good, scope: 'a"b' }, metadata],
    ["a scope with two spaces", { ...good, scope: "a  b" }, metadata],
    ["a scope that is a list", { ...good, scope: ["openid"] }, metadata],
    ["a name of 101 characters", { ...good, client_name: "x".repeat(101) }, metadata],
    ["an empty name", { ...good, client_name: "" }, metadata],
    ["a name with a line end", { ...good, client_name: "a\nb" }, metadata],
    ["a name that turns the writing", { ...good, client_name: "a\u202eb" }, metadata],
    ["a name that is an object", { ...good, client_name: {} }, metadata],
    ["a flag that is text", { ...good, dpop_bound_access_tokens: "true" }, metadata],
    ["private_key_jwt without keys", { ...good, token_endpoint_auth_method: "private_key_jwt" }, metadata],
    ["no key in the set", keys(), metadata],
    ["a set that is a list", { ...good, jwks: [ec] }, metadata],
    ["a set that is text", { ...good, jwks: JSON.stringify({ keys: [ec] }) }, metadata],
    ["11 keys", keys(...Array.from({ length: 11 }, (_, at) => ({ ...ec, kid: `${at}` }))), metadata],
    ["two keys of one kid", keys({ ...ec, kid: "a" }, { ...createClientKey().publicJwk, kid: "a" }), metadata],
    ["a private key", keys({ ...ec, d: "AAAA" }), metadata],
    ["a symmetric key", keys({ kty: "oct", k: "AAAA" }), metadata],
    ["a key for encryption", keys({ ...ec, use: "enc" }), metadata],
    ["a key of an unknown kind", keys({ kty: "XX" }), metadata],
    ["a point off the curve", keys({ ...ec, x: ec["y"], y: ec["x"] }), metadata],
    ["an Ed25519 key of small order", keys({ kty: "OKP", crv: "Ed25519", x: "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }), metadata],
    ["a short RSA key", keys({ kty: "RSA", e: "AQAB", n: Buffer.alloc(128, 0xab).toString("base64url") }), metadata],
    ["a weak RSA exponent", keys({ ...createClientKey("RS256").publicJwk, e: "Aw" }), metadata],
    ["an alg that is not the key's", keys({ ...ec, alg: "RS256" }), metadata],
    ["a hole among the keys", keys(null), metadata],
    ["null", null, metadata],
    ["a list", [good], metadata],
    ["text", '"x"', metadata],
    ["no JSON", "{", metadata],
    ["deep nesting", `${"[".repeat(30_000)}${"]".repeat(30_000)}`, metadata],
    ["nothing", "", metadata],
  ];
  test.each(cases)("%s", async (_name, json, error) => {
    const answer = await register(json);
    expect(outcome(answer)).toEqual([400, error]);
    expect(answer.body["error_description"]).not.toContain("evil.example");
  });

  test("a body beyond the limit", async () => {
    expect(outcome(await register({ ...good, pad: "x".repeat(70_000) }))).toEqual([413, "invalid_client_metadata"]);
  });

  test("another content type", async () => {
    const headers = { ...bearer(await getToken()), "content-type": "text/plain" };
    const answer = await fetch(url(), { method: "POST", headers, body: JSON.stringify(good) });
    expect([answer.status, JSON.parse(await answer.text()).error]).toEqual([400, "invalid_client_metadata"]);
  });

  test("the feature off", async () => {
    const token = await getToken();
    site.license({ features: { global: { oidc_provider: false } } });
    const answer = await register(good, token);
    expect(outcome(answer)).toEqual([403, "access_denied"]);
    expect(answer.body["error_description"]).toContain("oidc_provider");
  });
});

describe("a registered client", () => {
  test("reads itself, without its secret", async () => {
    const own = await registered();
    const { status, body } = await read(own);
    expect([status, body["client_id"], body["registration_access_token"], body["client_secret"]]).toEqual([200, own.id, own.token, undefined]);
  });

  test("replaces what is registered; what is left out is back at its default", async () => {
    const own = await registered({ ...good, logo_uri: "https://app.example/logo" });
    const { status, body } = await change(own, { client_id: own.id, client_secret: own.secret, redirect_uris: ["https://app.example/new"], scope: "openid" });
    expect([status, body["redirect_uris"], body["logo_uri"], body["client_name"], body["scope"]]).toEqual([200, ["https://app.example/new"], undefined, own.id, "openid"]);
    expect(body["client_secret"]).toBeUndefined();
  });

  test("cannot touch what an administrator gave it", async () => {
    const own = await registered();
    await updateClient(site.gate, operator, { client_id: own.id, metadata: { resources: ["https://api.example"] } });
    expect((await change(own, { client_id: own.id, ...good, resources: ["https://other.example"] })).status).toBe(200);
    expect((await readClient(site.gate, operator, { client_id: own.id })).resources).toEqual(["https://api.example"]);
  });

  const wrong: readonly [string, (own: Own) => unknown][] = [
    ["no id", () => good],
    ["another id", () => ({ ...good, client_id: "other" })],
    ["a wrong secret", ({ id }) => ({ ...good, client_id: id, client_secret: "mine" })],
    ["a secret that is no text", ({ id }) => ({ ...good, client_id: id, client_secret: {} })],
    ["the token in the body", ({ id, token }) => ({ ...good, client_id: id, registration_access_token: token })],
    ["an address of the registration", ({ id }) => ({ ...good, client_id: id, registration_client_uri: "https://x.example" })],
    ["an end of the secret", ({ id }) => ({ ...good, client_id: id, client_secret_expires_at: 0 })],
    ["a time of issue", ({ id }) => ({ ...good, client_id: id, client_id_issued_at: 0 })],
    ["a hostile redirect URI", ({ id }) => ({ client_id: id, redirect_uris: ["javascript:alert(1)"] })],
    ["null", () => null],
  ];
  test.each(wrong)("is not changed by a request with %s", async (_name, json) => {
    const own = await registered();
    const answer = await change(own, json(own));
    expect(answer.status).toBe(400);
    expect((await read(own)).body["redirect_uris"]).toEqual(["https://app.example/cb"]);
  });

  test("is nobody else's to read, change or delete", async () => {
    const [own, other] = [await registered(), await registered()];
    const thief = { ...own, token: other.token };
    for (const attempt of [read(thief), change(thief, { client_id: own.id, ...good }), remove(thief), read({ ...own, token: "x" }), read({ ...own, token: own.secret }), read({ ...own, token: own.token.slice(0, -1) }), read({ ...own, id: "nothing" })]) {
      expect(outcome(await attempt)).toEqual([401, "invalid_token"]);
    }
    expect(outcome(await callUrl(url(own.id)))).toEqual([401, "invalid_token"]);
    expect((await read(own)).status).toBe(200);
  });

  test("of a manager has no token that opens it", async () => {
    const { id } = await registered();
    for (const client_id of [id, "' or 1=1 --", "%2e%2e"]) expect((await callUrl(url(encodeURIComponent(client_id)), { headers: bearer("rat-null") })).status).toBe(401);
  });

  test("deletes itself, and is gone with its secret and its token", async () => {
    const own = await registered({ grant_types: ["client_credentials"] });
    const gone = await remove(own);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    expect(outcome(await read(own))).toEqual([401, "invalid_token"]);
    expect(outcome(await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(own) }))).toEqual([401, "invalid_client"]);
  });

  test("that is disabled is refused here too", async () => {
    const own = await registered();
    await updateClient(site.gate, operator, { client_id: own.id, is_disabled: true });
    for (const attempt of [read(own), change(own, { client_id: own.id, ...good }), remove(own)]) expect(outcome(await attempt)).toEqual([401, "invalid_token"]);
  });

  test("reads and deletes itself without a license, and changes nothing", async () => {
    const own = await registered();
    site.license({ state: "expired" });
    expect((await read(own)).status).toBe(200);
    expect(outcome(await change(own, { client_id: own.id, ...good }))).toEqual([503, "temporarily_unavailable"]);
    expect((await remove(own)).status).toBe(204);
  });
});
