/** Advisories 7 to 9: no part of a token, no altered token, none without its times and names, none by another algorithm. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { operator } from "../../../src/gate/caller.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { openBrowser } from "../../support/browser.ts";
import { type ClientKey, createClientKey, signAssertion, signCompact, signProof } from "../../support/client-assertion.ts";
import { type Flow, REDIRECT, startFlow } from "../../support/code-flow.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addService, type TestClient } from "../../support/oidc-client.ts";
import { signIn } from "../../support/people.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";
import { issueAccessToken } from "../../../src/oidc/access-tokens.ts";

let site: TestRoles;
let flow: Flow;
let key: ClientKey;
let signer: TestClient;
let service: TestClient;

beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
  key = createClientKey();
  service = await addService(site.gate);
  signer = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
});
afterAll(() => site.close());
beforeEach(() => site.world.services.clock.advance(1_000));

const now = () => Math.floor(site.gate.services.clock.now() / 1_000);
const tokenUrl = () => `${site.urls.issuer}/oauth/token`;
const at = (path: string, token: string) => callUrl(`${site.urls.issuer}${path}`, { headers: bearer(token) });
const isInactive = async (token: string) => (await post(site, "introspection", { form: { token }, headers: basic(flow.client) })).body["active"] === false;

/** Of everything that opens something: how one is made, and whether a text opens nothing. */
const kinds: readonly (readonly [string, () => Promise<string>, (text: string) => Promise<boolean>])[] = [
  ["a refresh token", async () => String((await flow.tokens())["refresh_token"]), async (text) => (await flow.refresh(text)).status === 400],
  ["a refresh token at introspection", async () => String((await flow.tokens())["refresh_token"]), isInactive],
  ["a code", () => flow.code(), async (text) => (await flow.redeem(text)).status === 400],
  ["an access token at userinfo", async () => String((await flow.tokens())["access_token"]), async (text) => (await at("/oauth/userinfo", text)).status === 401],
  ["an access token at introspection", async () => String((await flow.tokens())["access_token"]), isInactive],
  ["an access token of the API", async () => await issueAccessToken(site.gate, site.keyring, await signIn(site.gate)), async (text) => (await site.call("/api/v1/users/me", { as: bearer(text) })).status === 401],
  ["a session's refresh token", async () => (await signIn(site.gate)).secret, async (text) => (await site.call("/api/v1/auth/refresh", { json: { refresh_token: text } })).status === 401],
  ["a session's cookie", async () => flow.session.secret, async (text) => {
    const browser = openBrowser(site.urls.issuer);
    browser.cookies.set("cyberun-issuer", text);
    return (await browser.open(`${site.urls.issuer}/oauth/logout`)).text.includes('id="signed-out"');
  }],
  ["an integration key", async () => await keyOf("integration"), async (text) => (await site.call("/api/v1/r/workflows", { as: bearer(text) })).status === 401],
  ["a client's secret", async () => flow.client.secret, async (text) => (await post(site, "token", { form: { grant_type: "refresh_token" }, headers: basic({ id: flow.client.id, secret: text }) })).status === 401],
  ["an initial access token", async () => (await createInitialAccessToken(site.gate, operator, {})).initial_access_token, async (text) => (await callUrl(`${site.urls.issuer}/oauth/register`, { json: { redirect_uris: [REDIRECT] }, headers: bearer(text) })).status === 401],
];

async function keyOf(kind: "integration"): Promise<string> {
  const { owner, teamId } = site.people;
  const made = await site.call("/api/v1/credentials", { json: { kind, display_name: "Corpus" }, as: { ...bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate))), "x-team-id": teamId } });
  if (made.status !== 201) throw new Error(`${owner.userId} made no key: ${made.text}`);
  return String(made.body["raw_key"]);
}

async function pushed(): Promise<string> {
  const form = { redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };
  return String((await post(site, "pushed_authorization_request", { form, headers: basic(flow.client) })).body["request_uri"]);
}

/** Another sign of the same alphabet in the place `index`. */
function changed(text: string, index: number): string {
  const sign = text[index] === "A" ? "B" : "A";
  return text.slice(0, index) + sign + text.slice(index + 1);
}

/** Cut at many places, changed in many places, with more behind it, and otherwise spelled. */
function alterations(text: string): readonly string[] {
  const places = [...new Set([0, 1, 3, 4, 12, Math.floor(text.length / 3), Math.floor(text.length / 2), text.length - 12, text.length - 2, text.length - 1])].filter((place) => place >= 0 && place < text.length);
  const swapped = text.replace(/[a-z]/i, (sign) => (sign === sign.toLowerCase() ? sign.toUpperCase() : sign.toLowerCase()));
  return [...places.map((place) => text.slice(0, place)).filter((part) => part !== ""), ...places.map((place) => changed(text, place)), `${text}A`, `A${text}`, `${text}${text}`, swapped].filter((each) => each !== text);
}

describe("advisory 7: a part or an alteration opens nothing of", () => {
  test.each(kinds)("%s", async (_name, make, isShut) => {
    const text = await make();
    const open: string[] = [];
    for (const each of alterations(text)) {
      if (!(await isShut(each))) open.push(each);
    }
    expect(open).toEqual([]);
  });

  test("a pushed request's reference", async () => {
    const reference = await pushed();
    for (const each of alterations(reference)) {
      const query = new URLSearchParams({ client_id: flow.client.id, request_uri: each });
      const answer = await callUrl(`${site.urls.issuer}/oauth/authorize?${query.toString()}`);
      expect([each, answer.headers.get("location")?.includes("/interaction/") ?? false]).toEqual([each, false]);
    }
  });
});

const shown = (assertion: string) => post(site, "token", { form: { grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: assertion } });
const assertion = (claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}) => signAssertion(key, { clientId: signer.id, audience: site.urls.issuer, now: now(), claims, header });
const proven = (claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}) =>
  post(site, "token", { form: { grant_type: "client_credentials" }, headers: { ...basic(service), dpop: signProof(key, { url: tokenUrl(), now: now(), claims, header }) } });

describe("advisory 8: an assertion", () => {
  test("with all of them is taken", async () => {
    expect((await shown(assertion())).status).toBe(200);
  });

  test.each(["exp", "iat", "aud", "iss", "sub", "jti"])("without %s is refused", async (name) => {
    expect(outcome(await shown(assertion({ [name]: undefined })))).toEqual([401, "invalid_client"]);
  });

  test.each(["exp", "iat", "aud", "iss", "sub", "jti"])("with %s null is refused", async (name) => {
    expect(outcome(await shown(assertion({ [name]: null })))).toEqual([401, "invalid_client"]);
  });

  test.each([["exp", "99999999999"], ["exp", 1e300], ["iat", "0"], ["nbf", "0"], ["aud", {}], ["iss", [""]], ["jti", {}]])("with %s as %j is refused", async (name, value) => {
    expect(outcome(await shown(assertion({ [name]: value })))).toEqual([401, "invalid_client"]);
  });
});

describe("advisory 8: a proof of possession", () => {
  test.each(["iat", "jti", "htm", "htu"])("without %s is refused", async (name) => {
    expect(outcome(await proven({ [name]: undefined }))).toEqual([400, "invalid_dpop_proof"]);
  });
});

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const hmac = (header: object, claims: object, secret: string) => {
  const input = `${encode({ alg: "HS256", ...header })}.${encode(claims)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
};
const unsigned = (header: object, claims: object) => `${encode({ alg: "none", ...header })}.${encode(claims)}.`;

describe("advisory 9: by another algorithm or key", () => {
  const claims = () => ({ iss: signer.id, sub: signer.id, aud: site.urls.issuer, exp: now() + 60, iat: now(), jti: `alg-${now()}` });
  const stranger = createClientKey();
  const pem = () => key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const forged: readonly (readonly [string, () => string])[] = [
    ["none", () => unsigned({}, claims())],
    ["None", () => unsigned({ alg: "None" }, claims())],
    ["nOnE with the type", () => unsigned({ alg: "nOnE", typ: "JWT" }, claims())],
    ["HS256 over the public JWK", () => hmac({}, claims(), JSON.stringify(key.publicJwk))],
    ["HS256 over a PEM", () => hmac({}, claims(), pem())],
    ["HS256 over nothing", () => hmac({}, claims(), "")],
    ["HS256 over the client's id", () => hmac({}, claims(), signer.id)],
    ["an embedded jwk of a stranger", () => signCompact(stranger, { alg: "ES256", jwk: stranger.publicJwk }, claims())],
    ["a jku of a stranger", () => signCompact(stranger, { alg: "ES256", jku: "https://evil.example/jwks" }, claims())],
    ["an x5u of a stranger", () => signCompact(stranger, { alg: "ES256", x5u: "https://evil.example/x5u" }, claims())],
    ["an x5c", () => signCompact(stranger, { alg: "ES256", x5c: ["AAAA"] }, claims())],
    ["a stranger's key under our kid", () => signCompact(stranger, { alg: "ES256", kid: String(key.publicJwk["kid"] ?? "one") }, claims())],
    ["the name RS256 over an EC key", () => signCompact(key, { alg: "RS256" }, claims())],
    ["the name ES384", () => signCompact(key, { alg: "ES384" }, claims())],
    ["an empty name", () => signCompact(key, { alg: "" }, claims())],
    ["a list of names", () => signCompact(key, { alg: ["ES256"] }, claims())],
    ["no name", () => signCompact(key, { typ: "JWT" }, claims())],
    ["crit", () => signCompact(key, { alg: "ES256", crit: ["b64"], b64: false }, claims())],
  ];
  test.each(forged)("an assertion with %s is refused", async (_name, make) => {
    expect(outcome(await shown(make()))).toEqual([401, "invalid_client"]);
  });

  const ours = async () => String((await flow.tokens())["access_token"]);
  const parts = async () => {
    const [header = "", body = ""] = (await ours()).split(".");
    const read = (text: string) => Object.fromEntries(Object.entries(JSON.parse(Buffer.from(text, "base64url").toString())));
    return { header: read(header), claims: read(body), input: `${header}.${body}` };
  };
  const published = async () => (await callUrl(`${site.urls.issuer}/.well-known/jwks.json`)).text;
  const tokens: readonly (readonly [string, () => Promise<string>])[] = [
    ["none", async () => { const { header, claims: own } = await parts(); return unsigned({ ...header, alg: "none" }, own); }],
    ["no signature", async () => `${(await parts()).input}.`],
    ["HS256 over the published keys", async () => { const { header, claims: own } = await parts(); return hmac({ ...header, alg: "HS256" }, own, await published()); }],
    ["an embedded key", async () => { const { header, claims: own } = await parts(); return signCompact(stranger, { ...header, jwk: stranger.publicJwk }, own); }],
    ["a stranger's key under our kid", async () => { const { header, claims: own } = await parts(); return signCompact(stranger, header, own); }],
    ["the type of an ID token", async () => { const { header, claims: own } = await parts(); return signCompact(stranger, { ...header, typ: "JWT" }, own); }],
    ["zeros as the signature", async () => `${(await parts()).input}.${Buffer.alloc(64).toString("base64url")}`],
  ];
  test.each(tokens)("an access token with %s opens nothing", async (_name, make) => {
    const token = await make();
    expect([(await at("/oauth/userinfo", token)).status, (await site.call("/api/v1/users/me", { as: bearer(token) })).status, await isInactive(token)]).toEqual([401, 401, true]);
  });

  test("an ID token is no access token, and an access token no hint", async () => {
    const { id_token, access_token } = await flow.tokens();
    expect((await at("/oauth/userinfo", String(id_token))).status).toBe(401);
    const hinted = await callUrl(`${site.urls.issuer}/oauth/logout?${new URLSearchParams({ id_token_hint: String(access_token) }).toString()}`);
    expect(hinted.status).toBe(400);
  });

  test("a proof by HMAC, by none or with a private key inside is refused", async () => {
    for (const header of [{ alg: "HS256", jwk: { kty: "oct", k: "AAAA" } }, { alg: "none" }, { jwk: { ...key.publicJwk, d: "AAAA" } }, { alg: "ES256", jwk: stranger.publicJwk }]) {
      expect(outcome(await proven({}, header))).toEqual([400, "invalid_dpop_proof"]);
    }
  });

  test("a client is not registered with a symmetric or private key, or an unknown algorithm", async () => {
    for (const jwk of [{ kty: "oct", k: "AAAA" }, { ...key.publicJwk, d: "AAAA" }, { ...key.publicJwk, alg: "HS256" }, { ...key.publicJwk, alg: "none" }]) {
      await expect(addClient(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } })).rejects.toThrow();
    }
  });
});
