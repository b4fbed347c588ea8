/** Each lifetime does what its line in the configuration says. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { operator } from "../../src/gate/caller.ts";
import { refreshSession } from "../../src/identity/session-refresh.ts";
import { createInitialAccessToken } from "../../src/oidc/clients/initial-access-tokens.ts";
import { rotateClientSecret } from "../../src/oidc/clients/client-operations.ts";
import { createClientKey, signAssertion, signProof } from "../support/client-assertion.ts";
import { CHALLENGE, REDIRECT, startFlow } from "../support/code-flow.ts";
import { basic, outcome, post } from "../support/oauth.ts";
import { addService } from "../support/oidc-client.ts";
import { anonymous, ownerAddress, signIn } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

const settings = {
  accessTokenSeconds: 61,
  idTokenSeconds: 200,
  refreshTokenSeconds: 10_000,
  refreshTokenAbsoluteSeconds: 15_000,
  refreshGraceSeconds: 0,
  authorizationCodeSeconds: 7,
  pushedRequestSeconds: 9,
  clientAssertionSeconds: 100,
  dpopProofSeconds: 20,
  clockSkewSeconds: 5,
  clientSecretOverlapSeconds: 50,
  initialAccessTokenSeconds: 77,
};
let site: TestRoles;
beforeAll(async () => {
  site = await startRoles({ settings });
});
afterAll(() => site.close());
const advance = (seconds: number) => site.world.services.clock.advance(seconds * 1_000);
const now = () => Math.floor(site.gate.services.clock.now() / 1_000);
const lifeOf = (token: unknown) => {
  const { iat = 0, exp = 0 } = decodeJwt(String(token));
  return exp - iat;
};
const invalidGrant = [400, "invalid_grant"];

test("access and ID tokens", async () => {
  const tokens = await (await startFlow(site)).tokens();
  expect([lifeOf(tokens["access_token"]), tokens["expires_in"], lifeOf(tokens["id_token"])]).toEqual([61, 61, 200]);
});

test("authorization codes", async () => {
  const flow = await startFlow(site);
  const [code, late] = [await flow.code(), await flow.code()];
  advance(6.999);
  expect((await flow.redeem(code)).status).toBe(200);
  advance(0.001);
  expect(outcome(await flow.redeem(late))).toEqual(invalidGrant);
});

test("pushed requests", async () => {
  const { client } = await startFlow(site);
  const form = { redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  expect((await post(site, "pushed_authorization_request", { form, headers: basic(client) })).body["expires_in"]).toBe(9);
});

test("refresh tokens: without grace a repeat ends the grant at once", async () => {
  const flow = await startFlow(site);
  const { refresh_token } = await flow.tokens();
  const next = (await flow.refresh(String(refresh_token))).body["refresh_token"];
  advance(0.001);
  expect(outcome(await flow.refresh(String(refresh_token)))).toEqual(invalidGrant);
  expect(outcome(await flow.refresh(String(next)))).toEqual(invalidGrant);
});

test("refresh tokens that are not rotated live on while they are used, and not beyond the absolute end", async () => {
  const flow = await startFlow(site, { metadata: { rotate_refresh_tokens: false } });
  const [used, left] = [await flow.tokens({ scope: "openid offline_access" }), await flow.tokens({ scope: "openid offline_access" })].map((tokens) => String(tokens["refresh_token"]));
  advance(8_000);
  expect((await flow.refresh(used ?? "")).body["refresh_token"]).toBe(used);
  advance(2_000);
  expect(outcome(await flow.refresh(left ?? ""))).toEqual(invalidGrant);
  expect((await flow.refresh(used ?? "")).status).toBe(200);
  advance(4_999);
  expect((await flow.refresh(used ?? "")).status).toBe(200);
  advance(1);
  expect(outcome(await flow.refresh(used ?? ""))).toEqual(invalidGrant);
});

test("sessions of programs", async () => {
  let { secret, expiresAtMs } = await signIn(site.gate, ownerAddress, "token");
  const startMs = site.gate.services.clock.now();
  expect(expiresAtMs - startMs).toBe(10_000_000);
  advance(9_000);
  ({ secret, expiresAtMs } = await refreshSession(site.gate, anonymous, { refresh_token: secret }));
  expect(expiresAtMs - startMs).toBe(15_000_000);
  advance(6_000);
  expect(await codeOf(refreshSession(site.gate, anonymous, { refresh_token: secret }))).toBe("unauthenticated");
});

test("assertions, proofs and skew", async () => {
  const key = createClientKey();
  const client = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
  const ask = async (claims: object, headers = {}) => {
    const client_assertion = signAssertion(key, { clientId: client.id, audience: site.urls.issuer, now: now(), claims: { ...claims } });
    const form = { grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion };
    return (await post(site, "token", { form, headers })).status;
  };
  expect([await ask({ exp: now() + 105 }), await ask({ exp: now() + 106 })]).toEqual([200, 401]);
  expect([await ask({ iat: now() + 5 }), await ask({ iat: now() + 6 })]).toEqual([200, 401]);
  const dpop = (iat: number) => ({ dpop: signProof(createClientKey(), { url: `${site.urls.issuer}/oauth/token`, now: iat }) });
  expect([await ask({}, dpop(now() - 20)), await ask({}, dpop(now() - 21))]).toEqual([200, 400]);
});

test("what a call may leave to the configuration", async () => {
  const client = await addService(site.gate);
  expect((await rotateClientSecret(site.gate, operator, { client_id: client.id })).overlap_seconds).toBe(50);
  const { expires_at } = await createInitialAccessToken(site.gate, operator, {});
  expect(Date.parse(expires_at) - site.gate.services.clock.now()).toBe(77_000);
});
