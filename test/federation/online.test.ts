import { expect, test } from "bun:test";
import { importJWK, jwtVerify } from "jose";
import { findDialAllowance } from "../../src/dialler.ts";
import { refreshFederation } from "../../src/federation/bundle-refresh.ts";
import { startFederation } from "../../src/federation/federation-timer.ts";
import { exportKeys, importKeys, readKeyStanding } from "../../src/federation/key-standing.ts";
import { readSiteKey } from "../../src/federation/own-bundle.ts";
import { addSite, listSites, removeSite, updateSite } from "../../src/federation/site-operations.ts";
import { operator } from "../../src/gate/caller.ts";
import { federationMetrics } from "../../src/http/federation-metrics.ts";
import { disableUser } from "../../src/identity/user-administration.ts";
import { createLog } from "../../src/log.ts";
import { rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { openBrowser } from "../support/browser.ts";
import { bundleOf, headerOf, openSite, payloadOf, personAt, signedBy, tokenFor, trust } from "../support/federation.ts";
import { PASSWORD } from "../support/people.ts";
import { bearer, type TestRoles } from "../support/roles.ts";
import { leaveFor, startUpstreamSite } from "../support/upstream-site.ts";

const me = "/api/v1/users/me";
const loopback = findDialAllowance("127.0.0.0/8");
const reaching = { dialAllow: loopback === undefined ? [] : [loopback] };

async function sequenceAt(site: TestRoles): Promise<number | undefined> {
  return (await listSites(site.gate, operator, undefined)).sites[0]?.sequence;
}

test("a site that reaches another takes its newer bundle when the hint says so, and who was shut out there is refused here", async () => {
  await using a = await openSite();
  await using b = await openSite({ settings: reaching });
  await trust(a, b, { id: "b", mapping: "refuse" });
  await trust(b, a, { id: "a", mapping: "create", refresh: true });
  const grace = await personAt(a, "grace@a.example");
  const token = await tokenFor(a, grace, "b");
  expect((await b.call(me, { as: bearer(token) })).status).toBe(200);
  expect(await refreshFederation(b.gate)).toEqual([{ id: "a", problem: null }]);
  await disableUser(a.gate, operator, { user_id: grace.userId });
  expect(await refreshFederation(b.gate)).toEqual([]);
  b.world.services.clock.advance(299_000);
  expect(await refreshFederation(b.gate)).toEqual([]);
  b.world.services.clock.advance(1_000);
  expect(await refreshFederation(b.gate)).toEqual([{ id: "a", problem: null }]);
  expect(await sequenceAt(b)).toBe((await bundleOf(a)).sequence);
  const iat = Math.floor(a.gate.services.clock.now() / 1_000) + 300;
  const answer = await b.call(me, { as: bearer(await signedBy(a.keyring, { ...payloadOf(token), iat, exp: iat + 300 })) });
  expect([answer.status, answer.body["details"]]).toEqual([403, { reason: "revoked_subject" }]);
});

test("a site whose rules do not say so is never asked, and one that cannot be reached keeps its bundle and says why", async () => {
  await using a = await openSite();
  await using b = await openSite({ settings: reaching });
  await trust(b, a, { id: "a" });
  let asked = 0;
  b.world.services.replaceNetwork({
    exchange: async () => {
      asked += 1;
      throw new Error("cut");
    },
  });
  expect([await refreshFederation(b.gate), asked]).toEqual([[], 0]);
  await updateSite(b.gate, operator, { id: "a", refresh: true });
  const [look] = await refreshFederation(b.gate);
  expect([look?.id, typeof look?.problem, asked]).toEqual(["a", "string", 1]);
  expect((await listSites(b.gate, operator, undefined)).sites).toMatchObject([{ id: "a", state: "ok", problem: look?.problem ?? "" }]);
});

test("the network brings no older bundle and no other site's", async () => {
  await using a = await openSite();
  await using b = await openSite({ settings: reaching });
  const old = await bundleOf(a);
  await bundleOf(a, 10);
  await trust(b, a, { id: "a", refresh: true });
  const before = await sequenceAt(b);
  for (const text of [old.bundle, (await bundleOf(b)).bundle, "<html>"]) {
    b.world.services.clock.advance(300_000);
    b.world.services.replaceNetwork({ exchange: async () => ({ status: 200, headers: new Headers(), body: Buffer.from(text) }) });
    const [look] = await refreshFederation(b.gate);
    expect(typeof look?.problem).toBe("string");
  }
  expect(await sequenceAt(b)).toBe(before);
});

test("a follower pulls the leader's keys; a site that was removed there gets none", async () => {
  const issuerUrl = "https://id.example.com";
  await using a = await openSite({ settings: { issuerUrl } });
  await using b = await openSite({ settings: { issuerUrl, ...reaching } });
  await using stranger = await openSite({ settings: { issuerUrl } });
  const [there, here] = [await readSiteKey(b.gate, operator, undefined), await readSiteKey(a.gate, operator, undefined)];
  const { keys } = await exportKeys(a.gate, operator, { site_key: there.site_key, fingerprint: there.fingerprint });
  await importKeys(b.gate, operator, { keys, fingerprint: here.fingerprint });
  await trust(a, b, { id: "b", is_replica: true });
  await trust(b, a, { id: "a", is_replica: true, refresh: true });
  await rotateSigningKeys(a.gate, operator, { alg: "ES256", time: "soon" });
  // Both come from the API of the site itself: the name of the issuer is shared, and leads to nobody in particular.
  expect(await refreshFederation(b.gate)).toEqual([{ id: "a", problem: null }, { id: null, problem: null }]);
  expect((await readKeyStanding(b.gate, operator, undefined)).sequence).toBe(2);
  const question = (request: string) => a.call("/api/v1/federation/keys", { json: { request } });
  expect((await question((await bundleOf(stranger)).bundle)).status).toBe(400);
  await removeSite(a.gate, operator, { id: "b" });
  b.world.services.clock.advance(300_000);
  a.world.services.clock.advance(300_000);
  expect((await refreshFederation(b.gate)).find(({ id }) => id === null)?.problem).toContain("403");
});

test("the timer says once that a bundle ends soon, and the metrics say when", async () => {
  await using a = await openSite();
  await using b = await openSite();
  const { bundle, fingerprint } = await bundleOf(a, 3);
  await addSite(b.gate, operator, { bundle, fingerprint, id: "a" });
  const lines: string[] = [];
  const timer = startFederation(b.gate, createLog(b.gate.services.clock, "debug", (line) => lines.push(line)));
  await timer.stop();
  expect(lines.filter((line) => line.includes("federation.bundle_old"))).toHaveLength(1);
  const [expiry] = federationMetrics(timer.status(), b.gate.services.clock);
  expect(expiry?.samples).toEqual([{ labels: { site: "a" }, value: 3 * 86_400 }]);
});

test("the entity statement is signed by the site key and names the issuer's metadata", async () => {
  await using a = await openSite();
  const answer = await a.call("/.well-known/openid-federation", { role: "issuer" });
  expect(answer.headers.get("content-type")).toBe("application/entity-statement+jwt");
  const said = payloadOf(answer.text);
  expect([said["iss"], said["sub"]]).toEqual([a.urls.issuer, a.urls.issuer]);
  const { fingerprint } = await readSiteKey(a.gate, operator, undefined);
  expect(headerOf(answer.text)).toEqual({ alg: "EdDSA", kid: fingerprint, typ: "entity-statement+jwt" });
  const { jwks } = JSON.parse(JSON.stringify(said));
  await jwtVerify(answer.text, await importJWK(jwks.keys[0], "EdDSA"), { typ: "entity-statement+jwt", currentDate: new Date(a.gate.services.clock.now()) });
  expect(said["metadata"]).toMatchObject({ openid_provider: { issuer: a.urls.issuer, jwks_uri: `${a.urls.issuer}/.well-known/jwks.json` } });
});

test("the sign-in page of B offers A, its people come back signed in, and removal of A ends what they have at once", async () => {
  await using a = await startUpstreamSite();
  await using b = await startUpstreamSite();
  await trust(a, b, { id: "b", mapping: "link", sign_in: true });
  await trust(b, a, { id: "a", mapping: "create", sign_in: true });
  await personAt(a, "grace@a.example");
  const browser = openBrowser(b.urls.issuer);
  const away = await leaveFor(b, browser, "site-a");
  const atA = openBrowser(a.urls.issuer);
  await atA.open(away);
  await atA.submit("sign-in", { email_address: "grace@a.example", user_password: PASSWORD });
  if (atA.page.text.includes('id="consent"')) await atA.submit("consent", { decision: "allow" });
  const back = atA.page.location?.href ?? "";
  expect(back.startsWith(`${b.urls.issuer}/upstream/callback?`)).toBe(true);
  await browser.open(back);
  expect(browser.page.location?.href).toContain("https://app.example/cb?code=");
  expect(await removeSite(b.gate, operator, { id: "a" })).toMatchObject({ sessions: 1, accounts: 1 });
  const again = openBrowser(b.urls.issuer);
  expect(await leaveFor(b, again, "site-a").catch(() => "refused")).toBe("refused");
});
