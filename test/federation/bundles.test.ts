import { expect, test } from "bun:test";
import { readBundle, signBundle } from "../../src/federation/bundle.ts";
import { addSite, importBundle, listSites, removeSite } from "../../src/federation/site-operations.ts";
import { getSelf, openSelf } from "../../src/federation/site-key.ts";
import { operator } from "../../src/gate/caller.ts";
import { createPrivateJwk, publicJwkOf } from "../../src/oidc/jwk.ts";
import { bundleOf, encode, headerOf, openSite, payloadOf, personAt, tokenFor, trust } from "../support/federation.ts";
import { bearer, type TestRoles } from "../support/roles.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";

/** A bundle that the site's own key signed, saying otherwise what the test wants. */
async function forgedBy(site: TestRoles, changes: Readonly<Record<string, unknown>>): Promise<string> {
  const { bundle } = await bundleOf(site);
  const { kid: _kid, format: _format, ...content } = readBundle(bundle, undefined);
  return await site.gate.store.write(async (writer) => signBundle(openSelf(site.gate, await getSelf({ writer, sealer: site.gate.sealer, services: site.gate.services })).signing, { ...content, ...changes }));
}

async function reasonOf(attempt: Promise<unknown>): Promise<unknown> {
  return (await refusalOf(attempt)).details?.["reason"];
}

test("a bundle is the same until it has something new to say, and each new one has a higher number", async () => {
  await using a = await openSite();
  const first = await bundleOf(a);
  expect(await bundleOf(a)).toEqual(first);
  const second = await bundleOf(a, 10);
  expect(second.sequence).toBe(first.sequence + 1);
  a.world.services.clock.advance(3_600_000);
  expect((await bundleOf(a, 10)).sequence).toBe(second.sequence + 1);
  expect(JSON.stringify(payloadOf(first.bundle))).not.toContain('"d"');
});

test("a site is pinned by the fingerprint that was compared, and by no other", async () => {
  await using a = await openSite();
  await using b = await openSite();
  const { bundle, fingerprint } = await bundleOf(a);
  expect(await reasonOf(addSite(b.gate, operator, { bundle, fingerprint: "A".repeat(43), id: "a" }))).toBe("wrong_fingerprint");
  expect(await reasonOf(addSite(b.gate, operator, { bundle, id: "a" }))).toBe("fingerprint_needed");
  expect(await reasonOf(importBundle(b.gate, operator, { bundle }))).toBe("not_pinned");
  const grouped = fingerprint.replace(/(.{8})/g, "$1 ");
  expect((await addSite(b.gate, operator, { bundle, fingerprint: grouped, id: "a" })).fingerprint).toBe(fingerprint);
});

test("a forged, cut, expired, future or own bundle changes nothing", async () => {
  await using a = await openSite();
  await using b = await openSite();
  await trust(b, a, { id: "a" });
  const { bundle } = await bundleOf(a);
  const [header = "", payload = "", signature = ""] = bundle.split(".");
  const now = Math.floor(a.gate.services.clock.now() / 1_000);
  const other = publicJwkOf(await createPrivateJwk(a.gate.services.random, "ES256"));
  const next = { sequence: 50 };
  const table: Record<string, readonly [text: string, reason: string]> = {
    "another payload": [`${header}.${encode({ ...payloadOf(bundle), ...next })}.${signature}`, "bad_signature"],
    "another algorithm": [`${encode({ ...headerOf(bundle), alg: "none" })}.${payload}.`, "wrong_algorithm"],
    "an HMAC": [`${encode({ ...headerOf(bundle), alg: "HS256" })}.${payload}.${signature}`, "wrong_algorithm"],
    "another type": [`${encode({ ...headerOf(bundle), typ: "JWT" })}.${payload}.${signature}`, "wrong_type"],
    "a key id of another": [`${encode({ ...headerOf(bundle), kid: "A".repeat(43) })}.${payload}.${signature}`, "unknown_key"],
    "cut short": [bundle.slice(0, -1), "malformed"],
    empty: ["", "malformed"],
    expired: [await forgedBy(a, { ...next, issued_at: now - 100, expires_at: now }), "expired"],
    "of the future": [await forgedBy(a, { ...next, issued_at: now + 1_000 }), "not_yet_valid"],
    "good for ten years": [await forgedBy(a, { ...next, expires_at: now + 3_650 * 86_400 }), "too_long"],
    "a key under the name of another": [await forgedBy(a, { ...next, keys: [{ ...other, kid: "B".repeat(43) }] }), "bad_key"],
    "a symmetric key": [await forgedBy(a, { ...next, keys: [{ kty: "oct", k: "AAAA", kid: other.kid, alg: "HS256" }] }), "bad_key"],
    "a private key": [await forgedBy(a, { ...next, keys: [{ ...other, d: other.kid }] }), "bad_key"],
    "a key twice": [await forgedBy(a, { ...next, keys: [other, other] }), "bad_key"],
    "no keys": [await forgedBy(a, { ...next, keys: [] }), "wrong_form"],
    "a member that nobody knows": [await forgedBy(a, { ...next, admin: true }), "wrong_form"],
    "an address of no web": [await forgedBy(a, { ...next, endpoints: { api: "file:///etc", bundle: "https://a.example", upstream_callback: "https://a.example" } }), "bad_address"],
    "another issuer": [await forgedBy(a, { ...next, issuer: "https://elsewhere.example" }), "other_issuer"],
    "this site's own": [(await bundleOf(b)).bundle, "own_bundle"],
  };
  const before = await listSites(b.gate, operator, undefined);
  for (const [name, [text, reason]] of Object.entries(table)) expect([name, await reasonOf(importBundle(b.gate, operator, { bundle: text }))]).toEqual([name, reason]);
  expect(await listSites(b.gate, operator, undefined)).toEqual(before);
});

test("a lower number is refused, also after removal, and two things under one number are", async () => {
  await using a = await openSite();
  await using b = await openSite();
  const old = await bundleOf(a);
  const newer = await bundleOf(a, 10);
  await addSite(b.gate, operator, { ...newer, id: "a" });
  expect(await reasonOf(importBundle(b.gate, operator, { bundle: old.bundle }))).toBe("lower_sequence");
  expect(await codeOf(importBundle(b.gate, operator, { bundle: newer.bundle }))).toBeUndefined();
  expect(await reasonOf(importBundle(b.gate, operator, { bundle: await forgedBy(a, { sequence: newer.sequence }) }))).toBe("same_sequence");
  await removeSite(b.gate, operator, { id: "a" });
  expect(await reasonOf(addSite(b.gate, operator, { ...old, id: "a" }))).toBe("lower_sequence");
  expect((await addSite(b.gate, operator, { ...newer, id: "again" })).sequence).toBe(newer.sequence);
});

test("no site takes the issuer of another that is pinned, nor that of this one", async () => {
  await using a = await openSite();
  await using b = await openSite();
  await using mallory = await openSite();
  await trust(b, a, { id: "a" });
  const { fingerprint } = await bundleOf(mallory);
  const asA = await forgedBy(mallory, { issuer: a.gate.settings.issuerUrl });
  expect(await reasonOf(addSite(b.gate, operator, { bundle: asA, fingerprint, id: "m" }))).toBe("issuer_pinned");
  const asB = await forgedBy(mallory, { issuer: b.gate.settings.issuerUrl });
  expect(await reasonOf(addSite(b.gate, operator, { bundle: asB, fingerprint, id: "m" }))).toBe("own_issuer");
  const { bundle } = await bundleOf(mallory);
  expect(await reasonOf(addSite(b.gate, operator, { bundle, fingerprint, id: "m", is_replica: true }))).toBe("other_issuer");
  expect(await codeOf(addSite(b.gate, operator, { bundle, fingerprint, id: "a" }))).toBe("conflict");
});

test("pinning a site needs the feature oidc_provider; taking its newer bundle and shutting it out do not", async () => {
  await using a = await openSite();
  await using b = await openSite();
  const pinned = await trust(b, a, { id: "a" });
  b.license({ state: "expired" });
  await importBundle(b.gate, operator, { bundle: (await bundleOf(a, 10)).bundle });
  await removeSite(b.gate, operator, { id: pinned.id });
  b.license({ features: { global: { oidc_provider: false } } });
  expect(await codeOf(trust(b, a, { id: "a" }))).toBe("feature_disabled");
});

test("a site that publishes another's keys as its own gains nobody of that site, and its own tokens are refused", async () => {
  await using a = await openSite();
  await using b = await openSite();
  await using mallory = await openSite();
  await trust(a, b, { id: "b", mapping: "refuse" });
  await trust(b, a, { id: "a", mapping: "create" });
  await trust(mallory, b, { id: "b", mapping: "refuse" });
  const { keys } = readBundle((await bundleOf(a)).bundle, undefined);
  const { fingerprint } = await bundleOf(mallory);
  await addSite(b.gate, operator, { bundle: await forgedBy(mallory, { keys }), fingerprint, id: "m", mapping: "create" });
  const grace = await personAt(a, "grace@a.example");
  const eve = await personAt(mallory, "eve@m.example");
  const asked = async (token: string) => await b.call("/api/v1/users/me", { as: bearer(token) });
  expect((await asked(await tokenFor(mallory, eve, "b"))).status).toBe(401);
  expect((await asked(await tokenFor(a, grace, "b"))).body["email_address"]).toBe("grace@a.example");
  // Shutting out the one leaves the other's people alone, although the keys are the same.
  expect(await removeSite(b.gate, operator, { id: "m" })).toEqual({ id: "m", sessions: 0, accounts: 0 });
  expect((await asked(await tokenFor(a, grace, "b"))).status).toBe(200);
});
