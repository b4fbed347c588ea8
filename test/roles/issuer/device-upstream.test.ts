/** Whatever way people sign in at the issuer, it leads back to the device whose code they were about to type. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openBrowser } from "../../support/browser.ts";
import { startDeviceFlow } from "../../support/device-flow.ts";
import type { TestRoles } from "../../support/roles.ts";
import { type Peer, startPeer } from "../../support/upstream-peer.ts";
import { addProvider, startUpstreamSite } from "../../support/upstream-site.ts";

let site: TestRoles;
let peer: Peer;
beforeAll(async () => {
  site = await startUpstreamSite();
  peer = await startPeer(`${site.urls.issuer}/upstream/callback`);
  await addProvider(site.gate, "peer", peer.issuer);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await site.close();
});

test("a sign-in through a provider leads back to the code, which is still to be sent, looked at and allowed", async () => {
  const flow = await startDeviceFlow(site);
  const { body } = await flow.start({ scope: "openid email" });
  const userCode = String(body["user_code"]);
  peer.person = { sub: "device-1", email: "device-1@newcomers.example", email_verified: true, given_name: "Grace", family_name: "Hopper" };
  const browser = openBrowser(site.urls.issuer);
  await browser.open(String(body["verification_uri_complete"]));
  const { location } = await browser.submit("upstream", { provider: "peer" });
  site.world.services.clock.advance(10);
  const back = await browser.open(await peer.signIn(location?.href ?? ""));
  expect([back.status, back.url, back.text.includes(`value="${userCode}"`)]).toEqual([200, `${site.urls.issuer}/device?user_code=${userCode}`, true]);
  expect((await flow.poll(String(body["device_code"]))).body["error"]).toBe("authorization_pending");
  await browser.submit("device", { user_code: userCode });
  expect((await browser.submit("consent", { decision: "allow" })).text).toContain('id="device-allowed"');
  const tokens = await flow.poll(String(body["device_code"]));
  expect(JSON.parse(Buffer.from(String(tokens.body["id_token"]).split(".")[1] ?? "", "base64url").toString())).toMatchObject({ email: "device-1@newcomers.example" });
});
