/**
 * Client libraries of other people against the compiled issuer, each the whole way: discovery, code with PKCE, refresh,
 * userinfo, sign-out; and the tokens before judges that share no code with us, in two languages.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { tools } from "../../build/tools.ts";
import { type IssuerSite, openIssuerSite, signInAt } from "../support/issuer-site.ts";
import { testNeeding } from "../support/skip.ts";
import { administrator } from "../support/workshop.ts";

const REDIRECT = "https://app.example/cb";
const AFTER = "https://app.example/bye";
const SCOPE = "openid profile email offline_access";
const SITE_START_MS = 120_000;
const metadata = { client_name: "Interop", redirect_uris: [REDIRECT], grant_types: ["authorization_code", "refresh_token"], scope: SCOPE, post_logout_redirect_uris: [AFTER] };
const person = { name: "Ada Lovelace", given_name: "Ada", family_name: "Lovelace", email: administrator.email_address };

let party: IssuerSite;

beforeAll(async () => {
  party = await openIssuerSite();
}, SITE_START_MS);
afterAll(() => party[Symbol.asyncDispose]());

const ways = [
  ["client_secret_basic", "ES256"],
  ["none", "ES256"],
  ["client_secret_post", "EdDSA"],
  ["client_secret_basic", "RS256"],
] as const;

/** The algorithm, once jose has verified the token from the published keys. */
async function algorithmOf(token: string, wanted: { readonly audience: string; readonly typ?: string }): Promise<string> {
  const keys = createRemoteJWKSet(new URL(`${party.issuer}/.well-known/jwks.json`));
  return (await jwtVerify(token, keys, { issuer: party.issuer, ...wanted })).protectedHeader.alg;
}

describe("oauth4webapi", () => {
  const insecure = { [oauth.allowInsecureRequests]: true };

  test.each(ways)("goes the whole way with %s and ID tokens of %s", async (method, alg) => {
    const { id, secret } = await party.register({ ...metadata, token_endpoint_auth_method: method, id_token_signed_response_alg: alg });
    const authentication = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost, none: oauth.None }[method](secret);
    const client: oauth.Client = { client_id: id, id_token_signed_response_alg: alg };
    const issuer = new URL(party.issuer);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
    const url = new URL(server.authorization_endpoint ?? "");
    const code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
    url.search = new URLSearchParams({ client_id: id, redirect_uri: REDIRECT, response_type: "code", scope: SCOPE, code_challenge, code_challenge_method: "S256", state, nonce }).toString();
    const browser = party.browser();
    const parameters = oauth.validateAuthResponse(server, client, await signInAt(browser, url.href), state);
    const redeemed = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, REDIRECT, verifier, insecure);
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed, { expectedNonce: nonce, requireIdToken: true });
    expect([await algorithmOf(tokens.id_token ?? "", { audience: id }), await algorithmOf(tokens.access_token, { audience: party.issuer, typ: "at+jwt" })]).toEqual([alg, "ES256"]);

    const refreshed = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? "", insecure);
    const next = await oauth.processRefreshTokenResponse(server, client, refreshed);
    const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? "";
    const userinfo = await oauth.processUserInfoResponse(server, client, subject, await oauth.userInfoRequest(server, client, next.access_token, insecure));
    expect(userinfo).toMatchObject({ sub: subject, ...person });

    const leave = new URLSearchParams({ id_token_hint: next.id_token ?? "", post_logout_redirect_uri: AFTER, state: "bye" });
    expect((await browser.open(`${server.end_session_endpoint}?${leave.toString()}`)).location?.href).toBe(`${AFTER}?state=bye`);
    url.searchParams.set("prompt", "none");
    expect((await browser.open(url.href)).location?.searchParams.get("error")).toBe("login_required");
  });
});

describe("openid-client", () => {
  const discover = async (id: string, secret: string, method: (typeof ways)[number][0], alg: string) => {
    const authentication = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost, none: openid.None }[method](secret);
    return await openid.discovery(new URL(party.issuer), id, { id_token_signed_response_alg: alg }, authentication, { execute: [openid.allowInsecureRequests] });
  };

  test.each(ways)("goes the whole way with %s and ID tokens of %s", async (method, alg) => {
    const { id, secret } = await party.register({ ...metadata, token_endpoint_auth_method: method, id_token_signed_response_alg: alg });
    const configuration = await discover(id, secret, method, alg);
    const [pkceCodeVerifier, expectedState, expectedNonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
    const code_challenge = await openid.calculatePKCECodeChallenge(pkceCodeVerifier);
    const wish = { redirect_uri: REDIRECT, scope: SCOPE, code_challenge, code_challenge_method: "S256", state: expectedState, nonce: expectedNonce };
    const browser = party.browser();
    const callback = await signInAt(browser, openid.buildAuthorizationUrl(configuration, wish).href);
    const tokens = await openid.authorizationCodeGrant(configuration, callback, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true });
    expect(await algorithmOf(tokens.id_token ?? "", { audience: id })).toBe(alg);
    const next = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    const subject = tokens.claims()?.sub ?? "";
    expect(await openid.fetchUserInfo(configuration, next.access_token, subject)).toMatchObject({ sub: subject, ...person });
    if (method !== "none") expect((await openid.tokenIntrospection(configuration, next.access_token)).active).toBe(true);

    const leave = openid.buildEndSessionUrl(configuration, { id_token_hint: next.id_token ?? "", post_logout_redirect_uri: AFTER, state: "bye" });
    expect((await browser.open(leave.href)).location?.href).toBe(`${AFTER}?state=bye`);
    await openid.tokenRevocation(configuration, next.refresh_token ?? "");
    await expect(openid.refreshTokenGrant(configuration, next.refresh_token ?? "")).rejects.toThrow();
  });

  test("pushes its request, and binds its tokens to a key", async () => {
    const { id, secret } = await party.register({ ...metadata, require_pushed_authorization_requests: true, dpop_bound_access_tokens: true });
    const configuration = await discover(id, secret, "client_secret_basic", "ES256");
    const DPoP = openid.getDPoPHandle(configuration, await openid.randomDPoPKeyPair("ES256"));
    const [pkceCodeVerifier, expectedState] = [openid.randomPKCECodeVerifier(), openid.randomState()];
    const code_challenge = await openid.calculatePKCECodeChallenge(pkceCodeVerifier);
    const wish = { redirect_uri: REDIRECT, scope: SCOPE, code_challenge, code_challenge_method: "S256", state: expectedState };
    const address = await openid.buildAuthorizationUrlWithPAR(configuration, wish, { DPoP });
    expect([...address.searchParams.keys()].toSorted()).toEqual(["client_id", "request_uri"]);
    const tokens = await openid.authorizationCodeGrant(configuration, await signInAt(party.browser(), address.href), { pkceCodeVerifier, expectedState }, undefined, { DPoP });
    expect(tokens.token_type).toBe("dpop");
    const subject = tokens.claims()?.sub ?? "";
    expect((await openid.fetchUserInfo(configuration, tokens.access_token, subject, { DPoP })).sub).toBe(subject);
    await expect(openid.fetchUserInfo(configuration, tokens.access_token, subject)).rejects.toThrow();
  });
});

/** A person at another computer types the code of a device, looks and allows. */
async function approve(userCode: string): Promise<void> {
  const browser = party.browser();
  await browser.open(`${party.issuer}/device`);
  await browser.submit("sign-in", { email_address: administrator.email_address, user_password: administrator.user_password });
  await browser.submit("device", { user_code: userCode });
  await browser.submit("consent", { decision: "allow" });
  if (!browser.page.text.includes('id="device-allowed"')) throw new Error(`the device was not allowed: ${browser.page.text}`);
}

const deviceMetadata = { client_name: "Wall screen", redirect_uris: [], response_types: [], grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], scope: SCOPE };

describe("a device", () => {
  const insecure = { [oauth.allowInsecureRequests]: true };

  test.each(["none", "client_secret_basic"] as const)("gets its tokens by oauth4webapi with %s", async (method) => {
    const { id, secret } = await party.register({ ...deviceMetadata, token_endpoint_auth_method: method });
    const authentication = method === "none" ? oauth.None() : oauth.ClientSecretBasic(secret);
    const client: oauth.Client = { client_id: id };
    const issuer = new URL(party.issuer);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const begun = await oauth.deviceAuthorizationRequest(server, client, authentication, new URLSearchParams({ scope: SCOPE }), insecure);
    const { device_code, user_code } = await oauth.processDeviceAuthorizationResponse(server, client, begun);
    const early = await oauth.deviceCodeGrantRequest(server, client, authentication, device_code, insecure);
    await expect(oauth.processDeviceCodeResponse(server, client, early)).rejects.toMatchObject({ error: "authorization_pending" });
    await approve(user_code);
    const redeemed = await oauth.deviceCodeGrantRequest(server, client, authentication, device_code, insecure);
    const tokens = await oauth.processDeviceCodeResponse(server, client, redeemed);
    const refreshed = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? "", insecure);
    const next = await oauth.processRefreshTokenResponse(server, client, refreshed);
    const told = await oauth.processUserInfoResponse(server, client, oauth.skipSubjectCheck, await oauth.userInfoRequest(server, client, next.access_token, insecure));
    expect(told).toMatchObject(person);
  });

  test("gets its tokens by openid-client, which polls by itself", async () => {
    const { id } = await party.register({ ...deviceMetadata, token_endpoint_auth_method: "none" });
    const configuration = await openid.discovery(new URL(party.issuer), id, {}, openid.None(), { execute: [openid.allowInsecureRequests] });
    const begun = await openid.initiateDeviceAuthorization(configuration, { scope: SCOPE });
    await approve(begun.user_code);
    const tokens = await openid.pollDeviceAuthorizationGrant(configuration, begun);
    expect(await openid.fetchUserInfo(configuration, tokens.access_token, tokens.claims()?.sub ?? "")).toMatchObject(person);
  });

  testNeeding("authlib", "gets its tokens by Authlib in Python", async () => {
    const { id } = await party.register({ ...deviceMetadata, token_endpoint_auth_method: "none" });
    const told = await runPython([id, "", "device", "", "ES256"], async (code) => {
      await approve(code);
      return new URL(party.issuer);
    });
    expect(told.find(({ userinfo }) => userinfo !== undefined)?.userinfo).toMatchObject(person);
    expect(told.at(-1)?.done).toBe(true);
  });
});

interface Told {
  readonly open?: string;
  readonly signed_in?: Readonly<Record<string, unknown>>;
  readonly userinfo?: Readonly<Record<string, unknown>>;
  readonly done?: boolean;
}

/** Runs the client in Python to its end; its browser is ours. */
async function runPython(args: readonly string[], visit: (address: string) => Promise<URL>): Promise<readonly Told[]> {
  const script = join(import.meta.dir, "..", "support", "relying-party.py");
  const python = Bun.spawn([tools.authlib.find() ?? "", script, party.issuer, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const told: Told[] = [];
  let rest = "";
  for await (const chunk of python.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const step: Told = JSON.parse(line);
      told.push(step);
      if (step.open !== undefined) python.stdin.write(`${(await visit(step.open)).href}\n`);
      await python.stdin.flush();
    }
  }
  if ((await python.exited) !== 0) throw new Error(await python.stderr.text());
  return told;
}

describe("Authlib, PyJWT and jwcrypto in Python", () => {
  for (const [method, alg] of [...ways.filter(([each]) => each !== "client_secret_post"), ["none", "EdDSA"] as const]) {
    testNeeding("authlib", `go the whole way with ${method} and ID tokens of ${alg}`, async () => {
      const { id, secret } = await party.register({ ...metadata, token_endpoint_auth_method: method, id_token_signed_response_alg: alg });
      const browser = party.browser();
      const visit = async (address: string) => (address.includes("/logout") ? ((await browser.open(address)).location ?? new URL(address)) : await signInAt(browser, address));
      const told = await runPython([id, secret, REDIRECT, AFTER, alg], visit);
      expect(told.find(({ userinfo }) => userinfo !== undefined)?.userinfo).toMatchObject(person);
      expect(told.at(-1)?.done).toBe(true);
    });
  }
});
