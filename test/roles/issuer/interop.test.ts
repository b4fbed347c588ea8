/** A standard client library against the issuer over real sockets: discovery, client credentials by each method, DPoP, introspection, revocation. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { addService } from "../../support/oidc-client.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

const local = { [oauth.allowInsecureRequests]: true } as const;
let site: TestRoles;
let server: oauth.AuthorizationServer;

beforeAll(async () => {
  // The library goes by the real clock.
  site = await startRoles({ startAtMs: Date.now() });
  const issuer = new URL(site.urls.issuer);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local));
});
afterAll(() => site.close());

interface Known {
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
}

async function getTokens({ client, authentication }: Known, dpop?: oauth.DPoPHandle): Promise<oauth.TokenEndpointResponse> {
  const options = { ...local, ...(dpop === undefined ? {} : { DPoP: dpop }) };
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, new URLSearchParams({ scope: "read" }), options);
  return await oauth.processClientCredentialsResponse(server, client, response);
}

async function bySecret(method: "client_secret_basic" | "client_secret_post"): Promise<Known> {
  const { id, secret } = await addService(site.gate, { token_endpoint_auth_method: method });
  return { client: { client_id: id }, authentication: method === "client_secret_basic" ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret) };
}

async function byKey(alg: "ES256" | "Ed25519" | "PS256" | "RS256"): Promise<Known> {
  const { privateKey, publicKey } = await oauth.generateKeyPair(alg);
  const jwk = await crypto.subtle.exportKey("jwk", publicKey);
  const { id } = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ ...jwk, kid: "one" }] } });
  return { client: { client_id: id }, authentication: oauth.PrivateKeyJwt({ key: privateKey, kid: "one" }) };
}

async function verified(token: string, typ = "at+jwt") {
  const keys = createRemoteJWKSet(new URL(String(server.jwks_uri)));
  return await jwtVerify(token, keys, { issuer: server.issuer, audience: server.issuer, typ });
}

describe("client credentials", () => {
  test.each(["client_secret_basic", "client_secret_post"] as const)("by %s", async (method) => {
    const known = await bySecret(method);
    const { access_token, token_type, scope } = await getTokens(known);
    expect([token_type, scope]).toEqual(["bearer", "read"]);
    expect((await verified(access_token)).payload).toMatchObject({ sub: known.client.client_id, client_id: known.client.client_id, scope: "read" });
  });

  test.each(["ES256", "Ed25519", "PS256", "RS256"] as const)("by private_key_jwt with %s", async (alg) => {
    const { access_token } = await getTokens(await byKey(alg));
    expect((await verified(access_token)).protectedHeader.alg).toBe("ES256");
  });

  test.each(["ES256", "Ed25519"] as const)("bound to a key with %s", async (alg) => {
    const known = await bySecret("client_secret_basic");
    const keys = await oauth.generateKeyPair(alg);
    const dpop = oauth.DPoP(known.client, keys);
    const { access_token, token_type } = await getTokens(known, dpop);
    expect(token_type).toBe("dpop");
    expect((await verified(access_token)).payload["cnf"]).toEqual({ jkt: await dpop.calculateThumbprint() });
  });

  test("a wrong secret is told as the library expects it", async () => {
    const { client } = await bySecret("client_secret_basic");
    const attempt = getTokens({ client, authentication: oauth.ClientSecretBasic("wrong") });
    expect(await attempt.catch((error: unknown) => error instanceof oauth.WWWAuthenticateChallengeError || error instanceof oauth.ResponseBodyError)).toBe(true);
  });
});

test("introspection and revocation", async () => {
  const { client, authentication } = await bySecret("client_secret_basic");
  const { access_token } = await getTokens({ client, authentication });
  const introspect = async () => {
    const response = await oauth.introspectionRequest(server, client, authentication, access_token, local);
    return await oauth.processIntrospectionResponse(server, client, response);
  };
  expect(await introspect()).toMatchObject({ active: true, scope: "read" });
  expect(await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, access_token, local))).toBeUndefined();
  expect(await introspect()).toEqual({ active: false });
});

test("discovery names only what is served, and all of it answers", async () => {
  const addresses = Object.entries(server).filter(([name]) => name.endsWith("_endpoint"));
  expect(addresses.length).toBeGreaterThan(3);
  for (const [name, address] of addresses) expect([name, (await fetch(String(address))).status === 404]).toEqual([name, false]);
  expect(server.grant_types_supported).toContain("client_credentials");
  expect(server.token_endpoint_auth_methods_supported).toContain("private_key_jwt");
  expect(server.token_endpoint_auth_signing_alg_values_supported).not.toContain("none");
});
