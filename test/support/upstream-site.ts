/**
 * A site with upstream providers, and browsers that go there and back.
 *
 *     await using site = await startUpstreamSite();
 *     await addProvider(site.gate, "peer", peer.issuer);
 *     const browser = openBrowser(site.urls.issuer);
 *     const away = await leaveFor(site, browser, "peer");        // the address at the provider
 *     const back = await browser.open(await peer.signIn(away));  // the page, or where the client is called
 */
import { findDialAllowance } from "../../src/dialler.ts";
import { operator } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createProvider, type ShownProvider } from "../../src/identity/upstream/provider-operations.ts";
import type { TestBrowser } from "./browser.ts";
import { addFirstParty } from "./oidc-client.ts";
import { type RolesOptions, startRoles, type TestRoles } from "./roles.ts";
import { PEER_CLIENT } from "./upstream-peer.ts";

export const CLIENT_REDIRECT = "https://app.example/cb";
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** The site's clock begins with the real one, which the providers' library and the peers go by. A client of its own comes back to `redirectUris`. */
export async function startUpstreamSite(options: RolesOptions = {}, redirectUris: readonly string[] = [CLIENT_REDIRECT]): Promise<TestRoles> {
  const loopback = findDialAllowance("127.0.0.0/8");
  const site = await startRoles({ startAtMs: Date.now(), ...options, settings: { dialAllow: loopback === undefined ? [] : [loopback], ...options.settings } });
  await addFirstParty(site.gate, "own-app", { redirect_uris: redirectUris });
  return site;
}

export async function addProvider(gate: Gate, id: string, issuer: string, members: Readonly<Record<string, unknown>> = {}): Promise<ShownProvider> {
  return await createProvider(gate, operator, { id, client_secret: PEER_CLIENT.secret, members: { issuer, client_id: PEER_CLIENT.id, display_name: `The ${id}`, ...members } });
}

/** A request of the platform's own client, which needs no consent. */
export function requestAddress({ urls }: TestRoles, changes: Readonly<Record<string, string>> = {}): string {
  const parameters = { client_id: "own-app", redirect_uri: CLIENT_REDIRECT, response_type: "code", scope: "openid", state: "xyz", code_challenge: CHALLENGE, code_challenge_method: "S256", ...changes };
  return `${urls.issuer}/oauth/authorize?${new URLSearchParams(parameters).toString()}`;
}

/** From a client's request to the provider: the address that the browser is sent to. */
export async function leaveFor(site: TestRoles, browser: TestBrowser, provider: string, changes: Readonly<Record<string, string>> = {}): Promise<string> {
  await browser.open(requestAddress(site, changes));
  const { location, status, text } = await browser.submit("upstream", { provider });
  if (location === undefined) throw new Error(`the browser stayed, with status ${status}: ${text}`);
  return location.href;
}
