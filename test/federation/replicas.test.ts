import { expect, test } from "bun:test";
import { readSiteKey } from "../../src/federation/own-bundle.ts";
import { exportKeys, importKeys, leadKeys, readKeyStanding } from "../../src/federation/key-standing.ts";
import { removeSite } from "../../src/federation/site-operations.ts";
import { operator, system, type UserCaller } from "../../src/gate/caller.ts";
import { endSession } from "../../src/identity/sessions.ts";
import { addSigningKey, revokeSigningKey, rotateDueKeys, rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { bundleOf, encode, headerOf, openSite, payloadOf, personAt, signedBy, tokenFor, trust } from "../support/federation.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";
import { signIn } from "../support/people.ts";
import { bearer, type TestRoles } from "../support/roles.ts";

const me = "/api/v1/users/me";
const issuerUrl = "https://id.example.com";
const DAY_MS = 86_400_000;

/** Carries the keys of `from` to `to` by file. */
async function carryKeys(from: TestRoles, to: TestRoles): Promise<void> {
  const there = await readSiteKey(to.gate, operator, undefined);
  const here = await readSiteKey(from.gate, operator, undefined);
  const { keys } = await exportKeys(from.gate, operator, { site_key: there.site_key, fingerprint: there.fingerprint });
  await importKeys(to.gate, operator, { keys, fingerprint: here.fingerprint });
}

async function reasonOf(attempt: Promise<unknown>): Promise<unknown> {
  return (await refusalOf(attempt)).details?.["reason"];
}

interface Mesh extends AsyncDisposable {
  readonly a: TestRoles;
  readonly b: TestRoles;
  readonly c: TestRoles;
  readonly all: readonly TestRoles[];
  readonly grace: UserCaller;
}

/** Three sites of one issuer; A leads, and each pins the others. */
async function openMesh(): Promise<Mesh> {
  const options = { settings: { issuerUrl } };
  const [a, b, c] = [await openSite(options), await openSite(options), await openSite(options)];
  for (const follower of [b, c]) await carryKeys(a, follower);
  const named = { a, b, c };
  for (const [here, site] of Object.entries(named)) for (const [there, other] of Object.entries(named)) if (here !== there) await trust(site, other, { id: there, is_replica: true, mapping: "create" });
  const all = [a, b, c];
  for (const site of all) site.world.services.clock.advance(5_000);
  const grace = await personAt(a, "grace@a.example");
  return {
    ...named,
    all,
    grace,
    async [Symbol.asyncDispose]() {
      for (const site of all) await site.close();
    },
  };
}

function advance({ all }: Mesh, ms: number): void {
  for (const site of all) site.world.services.clock.advance(ms);
}

test("a person of A works at B and at C, and people of B at A, with one issuer and one set of keys", async () => {
  await using mesh = await openMesh();
  const { a, b, c, grace } = mesh;
  for (const [id, site] of [["b", b], ["c", c]] as const) {
    const token = await tokenFor(a, grace, id);
    expect(payloadOf(token)["iss"]).toBe(issuerUrl);
    expect((await site.call(me, { as: bearer(token) })).body["email_address"]).toBe("grace@a.example");
  }
  const linus = await personAt(b, "linus@b.example");
  const token = await tokenFor(b, linus, "a");
  expect(headerOf(token)["kid"]).toBe(headerOf(await tokenFor(a, grace, "b"))["kid"]);
  expect((await a.call(me, { as: bearer(token) })).status).toBe(200);
  // Each token is for one site.
  expect((await c.call(me, { as: bearer(token) })).status).toBe(403);
});

test("a token of a replica's own session is no visit: signed out is signed out, at home and elsewhere", async () => {
  await using mesh = await openMesh();
  const { a, b, grace } = mesh;
  const own = await issueAccessToken(a.gate, a.keyring, grace);
  expect((await b.call(me, { as: bearer(own) })).status).toBe(401);
  await endSession(a.gate, grace, undefined);
  expect((await a.call(me, { as: bearer(own) })).status).toBe(401);
  const { origin: _origin, ...claims } = { ...payloadOf(await tokenFor(a, grace, "b")) };
  expect((await b.call(me, { as: bearer(await signedBy(a.keyring, claims)) })).status).toBe(401);
  expect((await b.call(me, { as: bearer(await signedBy(a.keyring, { ...claims, origin: (await readSiteKey(b.gate, operator, undefined)).fingerprint })) })).status).toBe(401);
});

test("a replica that was removed is refused at once, and the others are not", async () => {
  await using mesh = await openMesh();
  const { a, b, c, grace } = mesh;
  const linus = await personAt(c, "linus@c.example");
  const [fromA, fromC] = [await tokenFor(a, grace, "b"), await tokenFor(c, linus, "b")];
  for (const token of [fromA, fromC]) expect((await b.call(me, { as: bearer(token) })).status).toBe(200);
  expect(await removeSite(b.gate, operator, { id: "c" })).toMatchObject({ accounts: 1 });
  expect((await b.call(me, { as: bearer(fromC) })).status).toBe(401);
  expect((await b.call(me, { as: bearer(fromA) })).status).toBe(200);
});

test("rotation travels by file and acts at one moment everywhere; followers make no key", async () => {
  await using mesh = await openMesh();
  const { a, b, c, grace } = mesh;
  expect(await codeOf(rotateSigningKeys(b.gate, operator, { alg: "ES256", time: "now" }))).toBe("conflict");
  expect(await addSigningKey(b.gate, system, { alg: "EdDSA" })).toBeUndefined();
  const before = headerOf(await tokenFor(a, grace, "b"))["kid"];
  await rotateSigningKeys(a.gate, operator, { alg: "ES256", time: "soon" });
  for (const follower of [b, c]) await carryKeys(a, follower);
  advance(mesh, 600_000);
  const kids: unknown[] = [];
  for (const site of mesh.all) {
    const { sessionId, userId } = await signIn(site.gate);
    kids.push(headerOf(await issueAccessToken(site.gate, site.keyring, { sessionId, userId }))["kid"]);
  }
  expect(new Set(kids).size).toBe(1);
  expect(kids[0]).not.toBe(before);
  expect((await b.call(me, { as: bearer(await tokenFor(a, await personAt(a, "new@a.example"), "b")) })).status).toBe(200);
});

test("an excluded site keeps the old keys and nothing more: the revoked key is refused after the import, within the key ring's five seconds", async () => {
  await using mesh = await openMesh();
  const { a, b, c } = mesh;
  const linus = await personAt(c, "linus@c.example");
  const kid = String(headerOf(await tokenFor(c, linus, "b"))["kid"]);
  await revokeSigningKey(a.gate, operator, { kid });
  await carryKeys(a, b);
  advance(mesh, 5_000);
  // C still signs with what it holds, in anybody's name.
  const forged = await signedBy(c.keyring, { ...payloadOf(await tokenFor(c, linus, "b")), origin: (await readSiteKey(a.gate, operator, undefined)).fingerprint });
  expect((await b.call(me, { as: bearer(forged) })).status).toBe(401);
  await carryKeys(a, b);
  expect((await b.call(me, { as: bearer(await tokenFor(a, await personAt(a, "next@a.example"), "b")) })).status).toBe(200);
});

test("a follower says when an export is due and when it is behind, and people of its own sign in all the same", async () => {
  await using mesh = await openMesh();
  const { a, b } = mesh;
  const state = async () => (await readKeyStanding(b.gate, operator, undefined)).state;
  const known = Date.parse(String((await readKeyStanding(b.gate, operator, undefined)).known_until));
  expect(await state()).toBe("ok");
  advance(mesh, known - b.gate.services.clock.now() - DAY_MS);
  expect(await state()).toBe("due");
  await rotateDueKeys(a.gate, system, undefined);
  advance(mesh, DAY_MS);
  expect(await state()).toBe("behind");
  await rotateDueKeys(b.gate, system, undefined);
  const signedIn = await b.call("/api/v1/auth/login", { json: { email_address: "ada@example.com", user_password: "correct horse battery" } });
  expect((await b.call(me, { as: bearer(String(signedIn.body["access_token"])) })).status).toBe(200);
  await carryKeys(a, b);
  expect(await state()).toBe("ok");
});

test("a key file that is forged, cut, altered, another's, expired or older changes nothing", async () => {
  await using a = await openSite({ settings: { issuerUrl } });
  await using b = await openSite({ settings: { issuerUrl } });
  await using other = await openSite({ settings: { issuerUrl } });
  const [keyA, keyB, keyOther] = [await readSiteKey(a.gate, operator, undefined), await readSiteKey(b.gate, operator, undefined), await readSiteKey(other.gate, operator, undefined)];
  const exported = async (to: typeof keyB) => await exportKeys(a.gate, operator, { site_key: to.site_key, fingerprint: to.fingerprint });
  const old = await exported(keyB);
  const taking = (keys: string, fingerprint?: string) => importKeys(b.gate, operator, { keys, fingerprint });
  expect(await reasonOf(taking(old.keys))).toBe("fingerprint_needed");
  expect(await reasonOf(taking(old.keys, keyOther.fingerprint))).toBe("wrong_fingerprint");
  await rotateSigningKeys(a.gate, operator, { alg: "ES256", time: "soon" });
  const [newer, forOther] = [await exported(keyB), await exported(keyOther)];
  expect(newer.sequence).toBeGreaterThan(old.sequence);
  expect((await taking(newer.keys, keyA.fingerprint)).sequence).toBe(newer.sequence);
  const [header = "", , signature = ""] = newer.keys.split(".");
  const changed = (changes: object) => `${header}.${encode({ ...payloadOf(newer.keys), ...changes })}.${signature}`;
  const table: Record<string, readonly [string, string]> = {
    "an older number": [old.keys, "lower_sequence"],
    "for another site": [forOther.keys, "other_receiver"],
    "for this site under another's seal": [changed({ sealed: payloadOf(forOther.keys)["sealed"] }), "bad_signature"],
    "a higher number": [changed({ sequence: 99 }), "bad_signature"],
    "alg none": [`${encode({ ...headerOf(newer.keys), alg: "none" })}.${newer.keys.split(".")[1] ?? ""}.`, "wrong_algorithm"],
    "a bundle": [(await bundleOf(a)).bundle, "wrong_type"],
    "cut short": [newer.keys.slice(0, -2), "malformed"],
  };
  const before = await readKeyStanding(b.gate, operator, undefined);
  for (const [name, [text, reason]] of Object.entries(table)) expect([name, await reasonOf(taking(text))]).toEqual([name, reason]);
  // What another site made is not the leader's, whoever it names.
  const foreign = await exportKeys(other.gate, operator, { site_key: keyB.site_key, fingerprint: keyB.fingerprint });
  expect(await reasonOf(taking(foreign.keys))).toBe("fingerprint_needed");
  b.world.services.clock.advance(30 * DAY_MS);
  expect(await reasonOf(taking(newer.keys))).toBe("expired");
  expect({ ...(await readKeyStanding(b.gate, operator, undefined)), state: before.state }).toEqual(before);
});

test("nothing of the private keys stands in the file in clear, and a key that was exported to a wrong fingerprint is not", async () => {
  await using a = await openSite({ settings: { issuerUrl } });
  await using b = await openSite({ settings: { issuerUrl: "https://other.example.com" } });
  const there = await readSiteKey(b.gate, operator, undefined);
  const here = await readSiteKey(a.gate, operator, undefined);
  expect(await reasonOf(exportKeys(a.gate, operator, { site_key: there.site_key }))).toBe("fingerprint_needed");
  expect(await reasonOf(exportKeys(a.gate, operator, { site_key: there.site_key, fingerprint: here.fingerprint }))).toBe("wrong_fingerprint");
  expect(await reasonOf(exportKeys(a.gate, operator, { site_key: here.site_key, fingerprint: here.fingerprint }))).toBe("own_key");
  const { keys } = await exportKeys(a.gate, operator, { site_key: there.site_key, fingerprint: there.fingerprint });
  expect(JSON.stringify(payloadOf(keys))).not.toMatch(/"d"|private_jwk/);
  expect(await reasonOf(importKeys(b.gate, operator, { keys, fingerprint: here.fingerprint }))).toBe("other_issuer");
});

test("when the leading site is lost a follower leads, and the others take its keys by its fingerprint", async () => {
  await using mesh = await openMesh();
  const { b, c } = mesh;
  expect(await codeOf(exportKeys(b.gate, operator, { site_key: (await readSiteKey(c.gate, operator, undefined)).site_key }))).toBe("conflict");
  await leadKeys(b.gate, operator, undefined);
  await rotateSigningKeys(b.gate, operator, { alg: "ES256", time: "soon" });
  await carryKeys(b, c);
  expect((await readKeyStanding(c.gate, operator, undefined)).leader).toBe((await readSiteKey(b.gate, operator, undefined)).fingerprint);
});
