/** A client's library goes the whole way over real sockets: discovery, code with PKCE, refresh, userinfo, sign-out. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { addClient, type TestClient } from "../support/oidc-client.ts";
import { ownerAddress, PASSWORD } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

const REDIRECT = "https://app.example/cb";
const AFTER = "https://app.example/bye";
const insecure = { [oauth.allowInsecureRequests]: true };

let site: TestRoles;
let server: oauth.AuthorizationServer;
let browser: TestBrowser;

beforeAll(async () => {
  // The library reads the real clock.
  site = await startRoles({ startAtMs: Date.now() });
  const issuer = new URL(site.urls.issuer);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
afterAll(() => site.close());
beforeEach(() => {
  browser = openBrowser(site.urls.issuer);
});

const metadata = { grant_types: ["authorization_code", "refresh_token"], scope: "openid profile email offline_access", post_logout_redirect_uris: [AFTER] };

interface Relying {
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
}

function relying({ id, secret }: TestClient): Relying {
  return { client: { client_id: id }, authentication: secret === "" ? oauth.None() : oauth.ClientSecretBasic(secret) };
}

/** Signs in at the browser, and allows what is asked. */
async function signInAt(address: string): Promise<URL> {
  await browser.open(address);
  if (browser.page.text.includes('id="sign-in"')) await browser.submit("sign-in", { email_address: ownerAddress, user_password: PASSWORD });
  if (browser.page.text.includes('id="consent"')) await browser.submit("consent", { decision: "allow" });
  const { location } = browser.page;
  if (location === undefined) throw new Error(`the sign-in did not end: ${browser.page.status} ${browser.page.text}`);
  return location;
}

interface Begun {
  readonly parameters: URLSearchParams;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

async function begin({ client }: Relying): Promise<Begun> {
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const challenge = await oauth.calculatePKCECodeChallenge(verifier);
  const parameters = new URLSearchParams({
    ...{ client_id: client.client_id, redirect_uri: REDIRECT, response_type: "code", scope: "openid profile email offline_access" },
    ...{ code_challenge: challenge, code_challenge_method: "S256", state, nonce },
  });
  return { parameters, verifier, state, nonce };
}

function authorizationUrl(parameters: URLSearchParams): string {
  const url = new URL(server.authorization_endpoint ?? "");
  for (const [name, value] of parameters) url.searchParams.set(name, value);
  return url.href;
}

async function redeem({ client, authentication }: Relying, callback: URL, begun: Begun): Promise<oauth.TokenEndpointResponse> {
  const parameters = oauth.validateAuthResponse(server, client, callback, begun.state);
  const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, REDIRECT, begun.verifier, insecure);
  return await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: begun.nonce, requireIdToken: true });
}

describe.each([
  ["client_secret_basic", "ES256"],
  ["none", "ES256"],
])("a client with %s and ID tokens of %s", (token_endpoint_auth_method, id_token_signed_response_alg) => {
  test("goes from discovery to sign-out", async () => {
    const party = relying(await addClient(site.gate, { ...metadata, token_endpoint_auth_method, id_token_signed_response_alg }));
    const begun = await begin(party);
    const tokens = await redeem(party, await signInAt(authorizationUrl(begun.parameters)), begun);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    expect([claims?.sub, claims?.nonce, claims?.["email"]]).toEqual([site.people.owner.userId, begun.nonce, ownerAddress]);

    const keys = createRemoteJWKSet(new URL(server.jwks_uri ?? ""));
    const { protectedHeader } = await jwtVerify(tokens.id_token ?? "", keys, { issuer: server.issuer, audience: party.client.client_id });
    expect(protectedHeader.alg).toBe(id_token_signed_response_alg);
    await jwtVerify(tokens.access_token, keys, { issuer: server.issuer, typ: "at+jwt", audience: server.issuer });

    const refreshed = await oauth.refreshTokenGrantRequest(server, party.client, party.authentication, tokens.refresh_token ?? "", insecure);
    const next = await oauth.processRefreshTokenResponse(server, party.client, refreshed);

    const userinfo = await oauth.userInfoRequest(server, party.client, next.access_token, insecure);
    const person = await oauth.processUserInfoResponse(server, party.client, claims?.sub ?? "", userinfo);
    expect(person).toEqual({ sub: site.people.owner.userId, name: "Ada Lovelace", given_name: "Ada", family_name: "Lovelace", email: ownerAddress, email_verified: true });

    const query = new URLSearchParams({ id_token_hint: next.id_token ?? "", post_logout_redirect_uri: AFTER, state: "bye" });
    const left = await browser.open(`${server.end_session_endpoint}?${query.toString()}`);
    expect(left.location?.href).toBe(`${AFTER}?state=bye`);
    const again = await browser.open(authorizationUrl(new URLSearchParams([...begun.parameters, ["prompt", "none"]])));
    expect(again.location?.searchParams.get("error")).toBe("login_required");
  });
});

test("a client pushes its request, and the browser brings nothing but the reference", async () => {
  const party = relying(await addClient(site.gate, { ...metadata, require_pushed_authorization_requests: true }));
  const begun = await begin(party);
  const direct = await browser.open(authorizationUrl(begun.parameters));
  expect(direct.location?.searchParams.get("error")).toBe("invalid_request");
  const pushed = await oauth.pushedAuthorizationRequest(server, party.client, party.authentication, begun.parameters, insecure);
  const { request_uri, expires_in } = await oauth.processPushedAuthorizationResponse(server, party.client, pushed);
  expect([request_uri.startsWith("urn:ietf:params:oauth:request_uri:"), expires_in]).toEqual([true, 90]);
  const address = authorizationUrl(new URLSearchParams({ client_id: party.client.client_id, request_uri }));
  const tokens = await redeem(party, await signInAt(address), begun);
  expect(typeof tokens.access_token).toBe("string");
  expect((await browser.open(address)).status).toBe(400);
});

test("a client binds its tokens to a key of its own", async () => {
  const party = relying(await addClient(site.gate, { ...metadata, token_endpoint_auth_method: "none", dpop_bound_access_tokens: true }));
  const begun = await begin(party);
  const callback = await signInAt(authorizationUrl(begun.parameters));
  const parameters = oauth.validateAuthResponse(server, party.client, callback, begun.state);
  const DPoP = oauth.DPoP(party.client, await oauth.generateKeyPair("ES256"));
  const response = await oauth.authorizationCodeGrantRequest(server, party.client, party.authentication, parameters, REDIRECT, begun.verifier, { ...insecure, DPoP });
  const tokens = await oauth.processAuthorizationCodeResponse(server, party.client, response, { expectedNonce: begun.nonce });
  expect(tokens.token_type).toBe("dpop");
  const userinfo = await oauth.userInfoRequest(server, party.client, tokens.access_token, { ...insecure, DPoP });
  expect((await oauth.processUserInfoResponse(server, party.client, oauth.skipSubjectCheck, userinfo)).sub).toBe(site.people.owner.userId);
  const bearer = await fetch(server.userinfo_endpoint ?? "", { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(bearer.status).toBe(401);
  const other = oauth.DPoP(party.client, await oauth.generateKeyPair("ES256"));
  const stolen = await oauth.refreshTokenGrantRequest(server, party.client, party.authentication, tokens.refresh_token ?? "", { ...insecure, DPoP: other });
  expect(stolen.status).toBe(400);
  const own = await oauth.refreshTokenGrantRequest(server, party.client, party.authentication, tokens.refresh_token ?? "", { ...insecure, DPoP });
  expect(own.status).toBe(200);
});
