/** Two client libraries of other people sign a device in, over real sockets and by the real clock. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { DEVICE_GRANT } from "../../../src/oidc/clients/client.ts";
import { decideDeviceAuthorization } from "../../../src/oidc/device/verification.ts";
import { signedInPerson } from "../../support/device-flow.ts";
import { addClient } from "../../support/oidc-client.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

const SCOPE = "openid email offline_access";
const metadata = { redirect_uris: [], response_types: [], grant_types: [DEVICE_GRANT, "refresh_token"], scope: SCOPE };

let site: TestRoles;
beforeAll(async () => {
  // The libraries go by the real clock.
  site = await startRoles({ startAtMs: Date.now() });
});
afterAll(() => site.close());

async function decide(user_code: string, decision: "allow" | "deny"): Promise<void> {
  await decideDeviceAuthorization(site.gate, await signedInPerson(site), { user_code, decision });
}

test("openid-client goes the whole way: ask, poll, ID token, refresh, userinfo", async () => {
  const { id, secret } = await addClient(site.gate, metadata);
  const config = await openid.discovery(new URL(site.urls.issuer), id, secret, openid.ClientSecretBasic(secret), { execute: [openid.allowInsecureRequests] });
  const asked = await openid.initiateDeviceAuthorization(config, { scope: SCOPE });
  await decide(asked.user_code, "allow");
  const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...asked, interval: 1 });
  expect(tokens.claims()).toMatchObject({ aud: id, email: "ada@example.com" });
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
  const subject = tokens.claims()?.sub ?? "";
  expect(await openid.fetchUserInfo(config, next.access_token, subject)).toMatchObject({ sub: subject, email: "ada@example.com" });
});

test("openid-client hears of the no", async () => {
  const post = await addClient(site.gate, { ...metadata, token_endpoint_auth_method: "client_secret_post" });
  const own = await openid.discovery(new URL(site.urls.issuer), post.id, post.secret, openid.ClientSecretPost(post.secret), { execute: [openid.allowInsecureRequests] });
  const asked = await openid.initiateDeviceAuthorization(own, { scope: "openid" });
  await decide(asked.user_code, "deny");
  const attempt = openid.pollDeviceAuthorizationGrant(own, { ...asked, interval: 1 });
  expect(await attempt.catch((error: unknown) => (error instanceof openid.ResponseBodyError ? error.error : error))).toBe("access_denied");
});

test("oauth4webapi signs a public client in whose tokens are bound to its key", async () => {
  const local = { [oauth.allowInsecureRequests]: true };
  const { id } = await addClient(site.gate, { ...metadata, token_endpoint_auth_method: "none", dpop_bound_access_tokens: true });
  const client: oauth.Client = { client_id: id };
  const issuer = new URL(site.urls.issuer);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local));
  const asked = await oauth.processDeviceAuthorizationResponse(server, client, await oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope: "openid" }, local));
  const dpop = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const poll = async () => await oauth.processDeviceCodeResponse(server, client, await oauth.deviceCodeGrantRequest(server, client, oauth.None(), asked.device_code, { ...local, DPoP: dpop }));
  expect(await poll().catch((error: unknown) => (error instanceof oauth.ResponseBodyError ? error.error : error))).toBe("authorization_pending");
  expect(await poll().catch((error: unknown) => (error instanceof oauth.ResponseBodyError ? error.error : error))).toBe("slow_down");
  await decide(asked.user_code, "allow");
  const tokens = await poll();
  expect([tokens.token_type, oauth.getValidatedIdTokenClaims(tokens)?.aud]).toEqual(["dpop", id]);
});
