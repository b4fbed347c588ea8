/** Refresh tokens and the death of the process: what was rotated or revoked stays so, and no honest client is locked out. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as openid from "openid-client";
import { drill } from "../drill/refresh-kill.ts";
import { type IssuerSite, openIssuerSite, type RegisteredClient, signInAt } from "../support/issuer-site.ts";

const REDIRECT = "https://app.example/cb";
const GRACE_MS = 10_000;
const KILLS = 3;

let party: IssuerSite;
let client: RegisteredClient;
let configuration: openid.Configuration;

beforeAll(async () => {
  party = await openIssuerSite();
  client = await party.register({ client_name: "Kill", redirect_uris: [REDIRECT], grant_types: ["authorization_code", "refresh_token"], scope: "openid offline_access" });
  configuration = await openid.discovery(new URL(party.issuer), client.id, {}, openid.ClientSecretBasic(client.secret), { execute: [openid.allowInsecureRequests] });
}, 120_000);
afterAll(() => party[Symbol.asyncDispose]());

async function firstToken(): Promise<string> {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const code_challenge = await openid.calculatePKCECodeChallenge(pkceCodeVerifier);
  const address = openid.buildAuthorizationUrl(configuration, { redirect_uri: REDIRECT, scope: "openid offline_access", code_challenge, code_challenge_method: "S256" });
  const tokens = await openid.authorizationCodeGrant(configuration, await signInAt(party.browser(), address.href), { pkceCodeVerifier });
  return tokens.refresh_token ?? "";
}

const refresh = async (token: string) => (await openid.refreshTokenGrant(configuration, token)).refresh_token ?? "";
const isRefused = async (token: string) => {
  try {
    await refresh(token);
    return false;
  } catch (error) {
    return error instanceof openid.ResponseBodyError && error.error === "invalid_grant";
  }
};

/** As if the grace had gone by while nothing ran. */
function passGrace(): void {
  const database = new Database(join(party.site.dataDir, "cyberun.db"));
  database.run(`update oidc_refresh_tokens set used_at = used_at - ${GRACE_MS + 1} where used_at is not null`);
  database.close();
}

test("advisory 4: a refresh token that was rotated is refused after kill -9 and a new start, and ends the lineage", async () => {
  const used = await firstToken();
  const current = await refresh(used);
  await party.killAndRestart(passGrace);
  expect([await isRefused(used), await isRefused(current)]).toEqual([true, true]);
  await party.killAndRestart();
  expect([await isRefused(used), await isRefused(current)]).toEqual([true, true]);
}, 60_000);

test("advisory 4: a refresh token that was revoked is refused after kill -9 and a new start", async () => {
  const token = await firstToken();
  const successor = await refresh(token);
  await openid.tokenRevocation(configuration, successor);
  await party.killAndRestart();
  expect([await isRefused(successor), await isRefused(token)]).toEqual([true, true]);
}, 60_000);

test("advisory 4: a refresh token that was not used is as good after the kill as before it", async () => {
  const token = await firstToken();
  await party.killAndRestart();
  expect(await isRefused(token)).toBe(false);
}, 60_000);

test("advisory 3: no client that refreshes while the process is killed is locked out or has two live tokens", async () => {
  const { violations, facts } = await drill(KILLS);
  expect(violations).toEqual([]);
  expect(facts.kills).toBe(KILLS);
  expect(facts.refreshes).toBeGreaterThan(KILLS);
}, 120_000);
