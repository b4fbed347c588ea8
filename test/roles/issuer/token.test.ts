/**
 * The token endpoint over HTTP: client authentication by every method, client credentials, proofs of possession, the
 * license, and everything that is refused, always as an OAuth error and never as a 5xx.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { operator } from "../../../src/gate/caller.ts";
import { deleteClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { readPublicJwk } from "../../../src/oidc/clients/client-keys.ts";
import { thumbprintOf } from "../../../src/oidc/jwk.ts";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { type ClientKey, createClientKey, signAssertion, signatureOf, signCompact, signProof } from "../../support/client-assertion.ts";
import { storeText } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addFirstParty, addService, type TestClient } from "../../support/oidc-client.ts";
import { shutStates } from "../../support/refusal.ts";
import { callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let service: TestClient;
let key: ClientKey;
let signer: TestClient;

beforeAll(async () => {
  site = await startRoles();
  key = createClientKey();
  service = await addService(site.gate);
  signer = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
});
afterAll(() => site.close());
beforeEach(() => site.license({}));

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ask = { grant_type: "client_credentials" };
const now = () => Math.floor(site.gate.services.clock.now() / 1_000);
const tokenUrl = () => `${site.urls.issuer}${endpoints.token}`;
const byBasic = async (form: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}) =>
  await post(site, "token", { form: { ...ask, ...form }, headers: { ...basic(service), ...headers } });
const assertion = (wish: Partial<Parameters<typeof signAssertion>[1]> = {}, by: ClientKey = key) =>
  signAssertion(by, { clientId: signer.id, audience: site.urls.issuer, now: now(), ...wish });
const byAssertion = async (text: string, form: Readonly<Record<string, string>> = {}) =>
  await post(site, "token", { form: { ...ask, client_assertion_type: ASSERTION_TYPE, client_assertion: text, ...form } });
const raw = async (body: string, headers: Readonly<Record<string, string>> = {}, search = "") => {
  const response = await fetch(tokenUrl() + search, { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded", ...basic(service), ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
};

describe("client credentials", () => {
  test("give an access token of RFC 9068 and nothing else", async () => {
    const { status, body, headers } = await byBasic();
    expect([status, Object.keys(body).toSorted(), body["token_type"], body["expires_in"]]).toEqual([200, ["access_token", "expires_in", "scope", "token_type"], "Bearer", 3_600]);
    expect([headers.get("cache-control"), headers.get("pragma")]).toEqual(["no-store", "no-cache"]);
    const token = String(body["access_token"]);
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "ES256", typ: "at+jwt" });
    expect(decodeJwt(token)).toMatchObject({ iss: site.urls.issuer, sub: service.id, client_id: service.id, aud: site.urls.issuer, scope: "read write" });
  });

  test("are narrowed by scope, never widened", async () => {
    expect((await byBasic({ scope: "write" })).body["scope"]).toBe("write");
    for (const scope of ["admin", "read admin", "READ", "read,write", " read", "read  write", "openid", "*"]) {
      expect([scope, ...outcome(await byBasic({ scope }))]).toEqual([scope, 400, "invalid_scope"]);
    }
  });

  test("are for the resources that the client is registered for (GHSA-p2fr-6hmx-4528)", async () => {
    const client = await addService(site.gate, { resources: ["https://a.example", "https://b.example"] });
    const audience = async (query: string) => {
      const answer = await raw(`grant_type=client_credentials${query}`, basic(client));
      return answer.status === 200 ? decodeJwt(answer.body.access_token).aud : answer.body.error;
    };
    expect(await audience("")).toBe(site.urls.issuer);
    expect(await audience("&resource=https%3A%2F%2Fa.example")).toBe("https://a.example");
    expect(await audience("&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example")).toEqual(["https://a.example", "https://b.example"]);
    for (const other of ["https://c.example", "https://a.example/", "https://A.example", "a", site.urls.api, site.urls.issuer]) {
      expect([other, await audience(`&resource=${encodeURIComponent(other)}`)]).toEqual([other, "invalid_target"]);
    }
    const single = await addService(site.gate, { resources: ["https://a.example"] });
    expect(decodeJwt(String((await post(site, "token", { form: ask, headers: basic(single) })).body["access_token"])).aud).toBe("https://a.example");
  });

  test("open nothing at the API, whatever they say", async () => {
    const { body } = await byBasic();
    expect((await site.call("/api/v1/users/me", { as: { authorization: `Bearer ${String(body["access_token"])}` } })).status).toBe(401);
  });

  test("are for clients that are registered for them", async () => {
    const other = await addClient(site.gate);
    expect(outcome(await post(site, "token", { form: ask, headers: basic(other) }))).toEqual([400, "unauthorized_client"]);
  });
});

describe("a client is known by exactly its own method:", () => {
  test("client_secret_basic", async () => {
    expect((await byBasic()).status).toBe(200);
    expect((await byBasic({ client_id: service.id })).status).toBe(200);
  });

  test("client_secret_post", async () => {
    const client = await addService(site.gate, { token_endpoint_auth_method: "client_secret_post" });
    expect((await post(site, "token", { form: { ...ask, client_id: client.id, client_secret: client.secret } })).status).toBe(200);
    expect(outcome(await post(site, "token", { form: ask, headers: basic(client) }))).toEqual([401, "invalid_client"]);
  });

  test.each(["ES256", "EdDSA", "RS256", "PS256"] as const)("private_key_jwt with %s", async (kind) => {
    const own = createClientKey(kind);
    const client = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [own.publicJwk] } });
    for (const audience of [site.urls.issuer, tokenUrl(), [site.urls.issuer]]) expect((await byAssertion(assertion({ clientId: client.id, audience }, own))).status).toBe(200);
  });

  test("none, which client credentials refuse", async () => {
    const client = await addClient(site.gate, { token_endpoint_auth_method: "none" });
    expect(outcome(await post(site, "token", { form: { ...ask, client_id: client.id } }))).toEqual([400, "unauthorized_client"]);
    expect(outcome(await post(site, "token", { form: { ...ask, client_id: client.id, client_secret: "x" } }))).toEqual([401, "invalid_client"]);
    expect(outcome(await post(site, "token", { form: ask, headers: basic(client) }))).toEqual([401, "invalid_client"]);
  });

  const encoded = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  const basics: readonly [string, () => Readonly<Record<string, string>>][] = [
    ["no credentials", () => ({})],
    ["another scheme", () => ({ authorization: `Bearer ${service.secret}` })],
    ["an empty header", () => ({ authorization: "Basic " })],
    ["the scheme alone", () => ({ authorization: "Basic" })],
    ["no colon", () => encoded(service.id)],
    ["no id", () => encoded(`:${service.secret}`)],
    ["no secret", () => encoded(`${service.id}:`)],
    ["a wrong secret", () => encoded(`${service.id}:cs-${"A".repeat(43)}`)],
    ["a secret of another client", () => basic({ ...service, secret: signer.secret })],
    ["a secret cut short", () => encoded(`${service.id}:${service.secret.slice(0, -1)}`)],
    ["a secret with more", () => encoded(`${service.id}:${service.secret}a`)],
    ["a secret with a space", () => encoded(`${service.id}:${service.secret}+`)],
    ["id and secret the wrong way around", () => encoded(`${service.secret}:${service.id}`)],
    ["an unknown client", () => encoded(`unknown:${service.secret}`)],
    ["loose percent-encoding", () => encoded(`${service.id}:${service.secret}%`)],
    ["percent-encoding of nothing", () => encoded(`${service.id}:%zz`)],
    ["invalid UTF-8", () => encoded(`${service.id}:%ff`)],
    ["bytes beyond ASCII", () => encoded(`${service.id}:é`)],
    ["base64url", () => ({ authorization: `Basic ${Buffer.from(`${service.id}:${service.secret}\u00ff\u00fe`).toString("base64url")}` })],
    ["base64 without padding", () => ({ authorization: basic(service).authorization.replace(/=*$/, "") + "a" })],
    ["base64 with a tail", () => ({ authorization: `${basic(service).authorization}, Basic eA==` })],
    ["a very long header", () => encoded(`${service.id}:${"x".repeat(6_000)}`)],
    ["a client of another method", () => basic(signer)],
    ["SQL", () => encoded("' or 1=1 --:x")],
  ];
  test.each(basics)("not Basic with %s", async (_name, headers) => {
    const answer = await post(site, "token", { form: ask, headers: headers() });
    expect(outcome(answer)).toEqual([401, "invalid_client"]);
    expect(answer.headers.get("www-authenticate")).toStartWith("Basic ");
    expect(answer.text).not.toContain(service.secret);
  });

  test("unknown, disabled, deleted and mistaken clients are refused in the same words", async () => {
    const disabled = await addService(site.gate);
    await updateClient(site.gate, operator, { client_id: disabled.id, is_disabled: true });
    const deleted = await addService(site.gate);
    await deleteClient(site.gate, operator, { client_id: deleted.id });
    const shown = [basic(disabled), basic(deleted), basic({ id: "unknown", secret: "x" }), basic({ ...service, secret: "x" }), basic(signer)];
    const texts = await Promise.all(shown.map(async (headers) => (await post(site, "token", { form: ask, headers })).text));
    expect(new Set(texts).size).toBe(1);
  });

  test("two methods at once are refused, however good each is", async () => {
    const both = [{ client_secret: service.secret }, { client_id: service.id, client_secret: service.secret }, { client_assertion: assertion(), client_assertion_type: ASSERTION_TYPE }, { client_assertion_type: ASSERTION_TYPE }];
    for (const form of both) expect(outcome(await byBasic(form))).toEqual([400, "invalid_request"]);
    expect(outcome(await byAssertion(assertion(), { client_secret: "x" }))).toEqual([400, "invalid_request"]);
    expect(outcome(await byBasic({ client_id: signer.id }))).toEqual([401, "invalid_client"]);
  });
});

describe("an assertion is refused", () => {
  const none = (claims: object) => `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;
  const good = () => ({ iss: signer.id, sub: signer.id, aud: site.urls.issuer, exp: now() + 60, iat: now(), jti: "x" });
  const hmac = () => {
    const input = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${Buffer.from(JSON.stringify(good())).toString("base64url")}`;
    return `${input}.${new Bun.CryptoHasher("sha256", JSON.stringify(key.publicJwk)).update(input).digest("base64url")}`;
  };
  const stranger = createClientKey();
  const cases: readonly [string, () => string][] = [
    ["that is empty of parts", () => "a.b"],
    ["that is no JWT", () => "x"],
    ["with alg none (CVE-2026-11800)", () => none(good())],
    ["with alg HS256 and the public key (CVE-2026-11800)", hmac],
    ["signed by a stranger", () => assertion({}, stranger)],
    ["signed by a stranger whose key is inside", () => assertion({ header: { jwk: stranger.publicJwk } }, stranger)],
    ["with its own key inside", () => assertion({ header: { jwk: key.publicJwk } })],
    ["with jku", () => assertion({ header: { jku: "https://evil.example/jwks" } })],
    ["with x5u", () => assertion({ header: { x5u: "https://evil.example/cert" } })],
    ["with x5c", () => assertion({ header: { x5c: ["AAAA"] } })],
    ["with crit", () => assertion({ header: { crit: ["exp"] } })],
    ["with b64", () => assertion({ header: { b64: false } })],
    ["with an unknown kid", () => assertion({ header: { kid: "other" } })],
    ["with an alg that is not its key's", () => assertion({ header: { alg: "RS256" } })],
    ["with an unknown alg", () => assertion({ header: { alg: "ES512" } })],
    ["with the typ of an access token", () => assertion({ header: { typ: "at+jwt" } })],
    ["with the typ of a proof", () => assertion({ header: { typ: "dpop+jwt" } })],
    ["of another client", () => assertion({ clientId: service.id })],
    ["with another issuer", () => assertion({ claims: { iss: "x" } })],
    ["with another subject", () => assertion({ claims: { sub: "x" } })],
    ["without iss (GHSA-wxg7-w2v3-w38g)", () => assertion({ claims: { iss: undefined } })],
    ["without sub", () => assertion({ claims: { sub: undefined } })],
    ["without aud", () => assertion({ claims: { aud: undefined } })],
    ["without exp", () => assertion({ claims: { exp: undefined } })],
    ["without iat", () => assertion({ claims: { iat: undefined } })],
    ["without jti", () => assertion({ claims: { jti: undefined } })],
    ["with an empty jti", () => assertion({ claims: { jti: "" } })],
    ["with a long jti", () => assertion({ claims: { jti: "x".repeat(256) } })],
    ["with a jti that is a number", () => assertion({ claims: { jti: 1 } })],
    ["for another server", () => assertion({ audience: "https://other.example" })],
    ["for the API", () => assertion({ audience: site.urls.api })],
    ["for two servers", () => assertion({ audience: [site.urls.issuer, "https://other.example"] })],
    ["for nobody", () => assertion({ audience: [] })],
    ["for the address with a slash", () => assertion({ audience: `${site.urls.issuer}/` })],
    ["that is over", () => assertion({ claims: { exp: now() - 61, iat: now() - 90 } })],
    ["that lives too long", () => assertion({ claims: { exp: now() + 3_700 } })],
    ["from the future", () => assertion({ claims: { iat: now() + 61 } })],
    ["from long ago", () => assertion({ claims: { iat: now() - 3_700 } })],
    ["that is not yet valid", () => assertion({ claims: { nbf: now() + 61 } })],
    ["with exp as text", () => assertion({ claims: { exp: String(now() + 60) } })],
    ["with exp as a fraction", () => assertion({ claims: { exp: now() + 60.5 } })],
    ["with a negative iat", () => assertion({ claims: { iat: -1 } })],
    ["whose signature is cut", () => assertion().slice(0, -2)],
    ["whose signature is empty", () => assertion().replace(/[^.]+$/, "")],
    ["whose claims were changed", () => assertion().replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good(), scope: "admin" })).toString("base64url")}.`)],
    ["with a member twice", () => {
      const input = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${Buffer.from(JSON.stringify(good()).replace("{", '{"sub":"x",')).toString("base64url")}`;
      return `${input}.${signatureOf(key, input)}`;
    }],
    ["that is a list", () => signCompact(key, { alg: "ES256" }, [])],
    ["that is huge", () => assertion({ claims: { pad: "x".repeat(20_000) } })],
  ];
  test.each(cases)("%s", async (_name, make) => {
    expect(outcome(await byAssertion(make(), { client_id: signer.id }))).toEqual([401, "invalid_client"]);
  });

  test("with another assertion type, or none", async () => {
    for (const type of ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", ASSERTION_TYPE.toUpperCase()]) {
      expect(outcome(await byAssertion(assertion(), { client_assertion_type: type }))).toEqual([401, "invalid_client"]);
    }
  });

  test("the second time, after a restart too", async () => {
    const text = assertion({ header: { typ: "JWT" } });
    expect((await byAssertion(text)).status).toBe(200);
    expect(outcome(await byAssertion(text))).toEqual([401, "invalid_client"]);
    expect(await storeText(site.gate.store)).toContain("assertion/");
  });

  test("49 times of 50 at once", async () => {
    const text = assertion();
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await byAssertion(text)).status));
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 49 }, () => 401)]);
  });
});

describe("a request", () => {
  test.each<[string, string]>([
    ["with a parameter twice (CVE-2026-9689)", "grant_type=client_credentials&grant_type=client_credentials"],
    ["with an unknown parameter twice", "grant_type=client_credentials&a=1&a=2"],
    ["with a parameter twice, once empty", "grant_type=client_credentials&scope=&scope=read"],
    ["with a parameter twice, once encoded", "grant_type=client_credentials&scope=read&%73cope=write"],
    ["without grant_type", "scope=read"],
    ["with an empty grant_type", "grant_type="],
    ["with nothing", ""],
    ["with loose percent-encoding", "grant_type=client_credentials&scope=%"],
    ["with a null byte", "grant_type=client_credentials&scope=a%00b"],
    ["with invalid UTF-8", "grant_type=client_credentials&scope=%ff"],
    ["with raw UTF-8", "grant_type=client_credentials&scope=é"],
    ["with JSON", '{"grant_type":"client_credentials"}'],
    ["with too many parameters", `grant_type=client_credentials&${Array.from({ length: 101 }, (_, at) => `p${at}=1`).join("&")}`],
  ])("%s is refused", async (_name, body) => {
    const answer = await raw(body);
    expect([answer.status, answer.body.error]).toEqual([400, "invalid_request"]);
    expect(Object.keys(answer.body).toSorted()).toEqual(["error", "error_description"]);
  });

  test.each(["?grant_type=client_credentials", "?client_id=x", "?a", "?=", "?access_token=x"])("with %s in its address is refused", async (search) => {
    const answer = await raw("grant_type=client_credentials", {}, search);
    expect([answer.status, answer.body.error]).toEqual([400, "invalid_request"]);
  });

  test.each(["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded, text/plain", "x"])("of content type %s is refused", async (type) => {
    const answer = await raw("grant_type=client_credentials", { "content-type": type });
    expect([answer.status, answer.body.error]).toEqual([400, "invalid_request"]);
  });

  test.each(["", "password", "implicit", "CLIENT_CREDENTIALS", "client_credentials ", "urn:ietf:params:oauth:grant-type:jwt-bearer", "__proto__", "constructor"])("for the grant type %j is refused", async (grant_type) => {
    const [status, error] = outcome(await byBasic({ grant_type }));
    expect([status, error]).toEqual([400, grant_type === "" ? "invalid_request" : "unsupported_grant_type"]);
  });

  test("that is large is refused", async () => {
    const answer = await raw(`grant_type=client_credentials&a=${"x".repeat(40_000)}`);
    expect([answer.status, answer.body.error]).toEqual([413, "invalid_request"]);
    const huge = await raw(`a=${"x".repeat(1_100_000)}`);
    expect([huge.status, huge.body.error]).toEqual([413, "invalid_request"]);
  });

  test("with parameters that the grant does not define is answered as without them", async () => {
    expect((await byBasic({ code: "x", redirect_uri: "javascript:alert(1)", refresh_token: "y", username: "z" })).status).toBe(200);
  });

  test.each(["GET", "PUT", "DELETE", "PATCH"])("by %s is refused with the method there is", async (method) => {
    const answer = await callUrl(tokenUrl(), { method });
    expect([...outcome(answer), answer.headers.get("allow")]).toEqual([405, "invalid_request", "POST"]);
  });

  test("to an endpoint that is not there is refused in OAuth's shape", async () => {
    expect(outcome(await callUrl(`${site.urls.issuer}/oauth/nothing`))).toEqual([404, "invalid_request"]);
  });
});

describe("a proof of possession", () => {
  const holder = createClientKey();
  const proof = (wish: Partial<Parameters<typeof signProof>[1]> = {}, by: ClientKey = holder) => signProof(by, { url: tokenUrl(), now: now(), ...wish });
  const shown = async (dpop: string) => await byBasic({}, { dpop });

  test.each(["ES256", "EdDSA", "RS256", "PS256"] as const)("with %s binds the token to its key", async (kind) => {
    const own = createClientKey(kind);
    const { status, body } = await shown(proof({}, own));
    const read = readPublicJwk(own.publicJwk);
    if ("problem" in read) throw new Error(read.problem);
    expect([status, body["token_type"]]).toEqual([200, "DPoP"]);
    expect(decodeJwt(String(body["access_token"]))["cnf"]).toEqual({ jkt: thumbprintOf(read.jwk) });
  });

  test("may spell the address otherwise, with query and fragment", async () => {
    for (const url of [`${tokenUrl()}?a=1`, `${tokenUrl()}#a`, tokenUrl().replace("http", "HTTP")]) expect((await shown(proof({ url }))).status).toBe(200);
  });

  const cases: readonly [string, () => string][] = [
    ["that is no JWT", () => "x"],
    ["that is empty", () => "."],
    ["two in one header", () => `${proof()}, ${proof()}`],
    ["without typ", () => proof({ header: { typ: undefined } })],
    ["with typ JWT", () => proof({ header: { typ: "JWT" } })],
    ["with typ in another case", () => proof({ header: { typ: "DPoP+JWT" } })],
    ["without a key", () => proof({ header: { jwk: undefined } })],
    ["with a key that is text", () => proof({ header: { jwk: "x" } })],
    ["with the key of another", () => proof({ header: { jwk: createClientKey().publicJwk } })],
    ["with a private key inside", () => proof({ header: { jwk: { ...holder.publicJwk, d: "x" } } })],
    ["with a symmetric key", () => proof({ header: { jwk: { kty: "oct", k: "AAAA" }, alg: "HS256" } })],
    ["with a point that is not on the curve", () => proof({ header: { jwk: { ...holder.publicJwk, y: holder.publicJwk["x"] } } })],
    ["with a key for encryption", () => proof({ header: { jwk: { ...holder.publicJwk, use: "enc" } } })],
    ["with alg none", () => proof({ header: { alg: "none" } })],
    ["with an alg that is not the key's", () => proof({ header: { alg: "EdDSA" } })],
    ["with crit", () => proof({ header: { crit: ["x"] } })],
    ["with jku", () => proof({ header: { jku: "https://evil.example" } })],
    ["without jti", () => proof({ claims: { jti: undefined } })],
    ["with a long jti", () => proof({ claims: { jti: "x".repeat(256) } })],
    ["without htm", () => proof({ claims: { htm: undefined } })],
    ["without htu", () => proof({ claims: { htu: undefined } })],
    ["without iat", () => proof({ claims: { iat: undefined } })],
    ["with an htu that is no text", () => proof({ claims: { htu: 1 } })],
    ["with an htu that is an object", () => proof({ claims: { htu: { toString: tokenUrl() } } })],
    ["with an htu that is no address", () => proof({ url: "/oauth/token" })],
    ["for another method", () => proof({ method: "GET" })],
    ["for the method in another case", () => proof({ method: "post" })],
    ["for another path", () => proof({ url: `${tokenUrl()}/` })],
    ["for another host", () => proof({ url: "https://other.example/oauth/token" })],
    ["for another port", () => proof({ url: tokenUrl().replace(/:\d+\//, ":1/") })],
    ["for an address with a user", () => proof({ url: tokenUrl().replace("://", "://user@") })],
    ["for an address that only begins so", () => proof({ url: `${tokenUrl()}.evil.example` })],
    ["that is old", () => proof({ claims: { iat: now() - 61 } })],
    ["from the future", () => proof({ claims: { iat: now() + 61 } })],
    ["with iat as text", () => proof({ claims: { iat: String(now()) } })],
    ["whose claims were changed", () => proof().replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ jti: "y", htm: "POST", htu: tokenUrl(), iat: now() })).toString("base64url")}.`)],
    ["whose signature is cut", () => proof().slice(0, -4)],
  ];
  test.each(cases)("is refused %s", async (_name, make) => {
    expect(outcome(await shown(make()))).toEqual([400, "invalid_dpop_proof"]);
  });

  test("is good once", async () => {
    const text = proof();
    expect((await shown(text)).status).toBe(200);
    expect(outcome(await shown(text))).toEqual([400, "invalid_dpop_proof"]);
    // The same name under another key is another proof.
    expect((await shown(proof({ claims: { jti: decodeJwt(text).jti } }, createClientKey()))).status).toBe(200);
  });

  test("is good once of 50 at once", async () => {
    const text = proof();
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await shown(text)).status));
    expect(statuses.filter((status) => status === 200).length).toBe(1);
  });

  test("has to be there for a client whose tokens are bound", async () => {
    const bound = await addService(site.gate, { dpop_bound_access_tokens: true });
    expect(outcome(await post(site, "token", { form: ask, headers: basic(bound) }))).toEqual([400, "invalid_dpop_proof"]);
    expect((await post(site, "token", { form: ask, headers: { ...basic(bound), dpop: proof() } })).status).toBe(200);
  });

  test("is not used up by a client that is not known", async () => {
    const text = proof();
    expect((await post(site, "token", { form: ask, headers: { ...basic({ ...service, secret: "x" }), dpop: text } })).status).toBe(401);
    expect((await shown(text)).status).toBe(200);
  });
});

describe("the license", () => {
  const own = async () => await addFirstParty(site.gate, "own-service", { redirect_uris: [], grant_types: ["client_credentials"], response_types: [], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] }, scope: "api" });

  test("without oidc_provider refuses clients of others, naming it, and keeps our own", async () => {
    const { id } = await own();
    site.license({ features: { global: { oidc_provider: false } } });
    const answer = await byBasic();
    expect(outcome(answer)).toEqual([403, "access_denied"]);
    expect(answer.body["error_description"]).toContain("oidc_provider");
    expect((await byAssertion(assertion({ clientId: id }))).status).toBe(200);
  });

  test.each(shutStates)("in the state %s refuses clients of others, and keeps our own", async (state) => {
    const { id } = await own();
    site.license({ state });
    expect(outcome(await byBasic())).toEqual([503, "temporarily_unavailable"]);
    expect((await byAssertion(assertion({ clientId: id }))).status).toBe(200);
  });

  test("is no news for strangers", async () => {
    site.license({ state: "expired" });
    expect(outcome(await post(site, "token", { form: ask, headers: basic({ ...service, secret: "x" }) }))).toEqual([401, "invalid_client"]);
  });
});

test("no secret, assertion or token stands in the log or in the store", async () => {
  const text = assertion();
  const tokens = [await byBasic(), await byAssertion(text)].map(({ body }) => String(body["access_token"]));
  const kept = site.logged.join("") + (await storeText(site.gate.store));
  for (const secret of [service.secret, text, ...tokens]) expect(kept).not.toContain(secret);
});
