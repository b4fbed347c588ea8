/** Clients of the profile fapi2 (FAPI 2.0 Security Profile): the whole way, and every part of it that cannot be left out. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { operator } from "../../../src/gate/caller.ts";
import { createClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { type Endpoint, endpoints } from "../../../src/oidc/endpoints.ts";
import { type ClientKey, createClientKey, signAssertion, signProof } from "../../support/client-assertion.ts";
import { CHALLENGE, type Flow, REDIRECT, startFlow, VERIFIER } from "../../support/code-flow.ts";
import { outcome, post } from "../../support/oauth.ts";
import { refusalOf } from "../../support/refusal.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
const key = createClientKey();
const holder = createClientKey();
let flow: Flow;
const metadata = { client_name: "Bank", redirect_uris: [REDIRECT], grant_types: ["authorization_code", "refresh_token"], scope: "openid offline_access", security_profile: "fapi2", jwks: { keys: [key.publicJwk] } };
beforeAll(async () => {
  site = await startRoles();
  const { client } = await createClient(site.gate, operator, { metadata });
  flow = await startFlow(site, { client: { id: client.client_id, secret: "" } });
});
afterAll(() => site.close());

const now = () => Math.floor(site.gate.services.clock.now() / 1_000);
const request = { redirect_uri: REDIRECT, response_type: "code", scope: "openid offline_access", code_challenge: CHALLENGE, code_challenge_method: "S256", state: "s" };

interface Wish {
  readonly audience?: unknown;
  readonly by?: ClientKey;
  /** Null: no proof. */
  readonly proof?: ClientKey | null;
}
async function call(endpoint: Endpoint, form: Readonly<Record<string, string>>, { audience = site.urls.issuer, by = key, proof = holder }: Wish = {}) {
  const client_assertion = signAssertion(by, { clientId: flow.client.id, audience, now: now() });
  const dpop = proof === null ? {} : { dpop: signProof(proof, { url: `${site.urls.issuer}${endpoints[endpoint]}`, now: now() }) };
  return await post(site, endpoint, { form: { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion, ...form }, headers: dpop });
}
const push = async (changes: Readonly<Record<string, string>> = {}, wish?: Wish) => await call("pushed_authorization_request", { ...request, ...changes }, wish);
const code = async () => await flow.code({ request_uri: String((await push()).body["request_uri"]) });
const redeem = async (text: string, wish?: Wish) => await call("token", { grant_type: "authorization_code", code: text, redirect_uri: REDIRECT, code_verifier: VERIFIER }, wish);
const refresh = async (token: unknown, wish?: Wish) => await call("token", { grant_type: "refresh_token", refresh_token: String(token) }, wish);

test("the profile fills in what was left out", async () => {
  const { client, client_secret } = await createClient(site.gate, operator, { metadata });
  expect(client).toMatchObject({
    security_profile: "fapi2",
    token_endpoint_auth_method: "private_key_jwt",
    require_pkce: true,
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    rotate_refresh_tokens: false,
  });
  expect(client_secret).toBeUndefined();
});

test("pushed, proven, bound: tokens, the issuer in the answer, and a refresh token that stays the same", async () => {
  const { request_uri } = (await push()).body;
  const answer = await flow.authorize({ request_uri: String(request_uri) });
  expect([answer["iss"], answer["state"]]).toEqual([site.urls.issuer, "s"]);
  const { status, body } = await redeem(answer["code"] ?? "");
  expect([status, body["token_type"]]).toEqual([200, "DPoP"]);
  expect(decodeJwt(String(body["access_token"]))["cnf"]).toEqual({ jkt: expect.any(String) });
  for (let round = 0; round < 3; round += 1) {
    const again = await refresh(body["refresh_token"]);
    expect([again.status, again.body["token_type"], again.body["refresh_token"]]).toEqual([200, "DPoP", body["refresh_token"]]);
  }
});

describe("refused is", () => {
  test("a request that was not pushed", async () => {
    expect(await flow.authorize()).toMatchObject({ error: "invalid_request" });
  });

  test("a pushed request without PKCE, or with plain", async () => {
    const { code_challenge: _left, code_challenge_method: _out, ...without } = request;
    expect(outcome(await call("pushed_authorization_request", without))).toEqual([400, "invalid_request"]);
    expect(outcome(await push({ code_challenge_method: "plain" }))).toEqual([400, "invalid_request"]);
  });

  test("an assertion that was made for an address, for a list, or with RS256", async () => {
    const cases: readonly Wish[] = [{ audience: `${site.urls.issuer}${endpoints.token}` }, { audience: `${site.urls.issuer}${endpoints.pushed_authorization_request}` }, { audience: [site.urls.issuer] }, { audience: `${site.urls.issuer}/` }];
    for (const wish of cases) expect([wish.audience, ...outcome(await push({}, wish))]).toEqual([wish.audience, 401, "invalid_client"]);
    const [rsa, pss] = [createClientKey("RS256", { kid: "r", alg: "RS256" }), createClientKey("PS256", { kid: "p", alg: "PS256" })];
    await updateClient(site.gate, operator, { client_id: flow.client.id, metadata: { jwks: { keys: [key.publicJwk, rsa.publicJwk, pss.publicJwk] } } });
    expect(outcome(await push({}, { by: rsa }))).toEqual([401, "invalid_client"]);
    expect((await push({}, { by: pss })).status).toBe(201);
  });

  test("a token request without a proof, or with another key's than the code is bound to", async () => {
    expect(outcome(await redeem(await code(), { proof: null }))).toEqual([400, "invalid_dpop_proof"]);
    expect(outcome(await redeem(await code(), { proof: createClientKey() }))).toEqual([400, "invalid_grant"]);
    const { refresh_token } = (await redeem(await code())).body;
    expect(outcome(await refresh(refresh_token, { proof: null }))).toEqual([400, "invalid_dpop_proof"]);
  });
});

describe("no client is registered with the profile and", () => {
  const cases: readonly [string, object, string][] = [
    ["a secret", { token_endpoint_auth_method: "client_secret_basic" }, "token_endpoint_auth_method"],
    ["no authentication", { token_endpoint_auth_method: "none" }, "token_endpoint_auth_method"],
    ["no PKCE", { require_pkce: false }, "require_pkce"],
    ["no pushing", { require_pushed_authorization_requests: false }, "require_pushed_authorization_requests"],
    ["bearer tokens", { dpop_bound_access_tokens: false }, "dpop_bound_access_tokens"],
    ["rotation", { rotate_refresh_tokens: true }, "rotate_refresh_tokens"],
    ["RS256", { id_token_signed_response_alg: "RS256" }, "id_token_signed_response_alg"],
    ["an address in clear", { redirect_uris: ["http://127.0.0.1/cb"] }, "redirect_uris"],
    ["no keys", { jwks: undefined }, "jwks"],
    ["another word", { security_profile: "fapi1" }, "security_profile"],
  ];
  test.each(cases)("%s", async (_name, changes, member) => {
    expect(await refusalOf(createClient(site.gate, operator, { metadata: { ...metadata, ...changes } }))).toMatchObject({ oauthCode: "invalid_client_metadata", details: { fields: [{ field: member }] } });
  });

  test("a part of it that is changed later", async () => {
    const before = { client_id: flow.client.id, metadata: { dpop_bound_access_tokens: false } };
    expect(await refusalOf(updateClient(site.gate, operator, before))).toMatchObject({ oauthCode: "invalid_client_metadata" });
  });
});
