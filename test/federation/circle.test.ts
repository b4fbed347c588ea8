import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { eq } from "drizzle-orm";
import { disableUser } from "../../src/identity/user-administration.ts";
import { deleteUser } from "../../src/across/user-deletion.ts";
import { linkPerson } from "../../src/federation/people.ts";
import { importBundle, removeSite, updateSite } from "../../src/federation/site-operations.ts";
import { operator, type UserCaller } from "../../src/gate/caller.ts";
import { revokeSigningKey, rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { bundleOf, encode, headerOf, openSite, payloadOf, personAt, signedBy, tokenFor, trust } from "../support/federation.ts";
import { addTeam } from "../support/people.ts";
import { bearer, type TestRoles } from "../support/roles.ts";

const DAY_MS = 86_400_000;

interface Circle extends AsyncDisposable {
  readonly a: TestRoles;
  readonly b: TestRoles;
  readonly teamId: string;
  readonly grace: UserCaller;
  readonly token: string;
}

/** B takes people of A, makes them accounts, and puts them into one team. */
async function openCircle(): Promise<Circle> {
  const a = await openSite();
  const b = await openSite();
  const teamId = await addTeam(b.gate);
  await trust(a, b, { id: "b", mapping: "refuse" });
  await trust(b, a, { id: "a", mapping: "create", team_ids: [teamId] });
  const grace = await personAt(a, "grace@a.example");
  return {
    a,
    b,
    teamId,
    grace,
    token: await tokenFor(a, grace, "b"),
    async [Symbol.asyncDispose]() {
      await a.close();
      await b.close();
    },
  };
}

const me = "/api/v1/users/me";

test("a person of A works at B in the team that the rules name, and in no other", async () => {
  await using circle = await openCircle();
  const { b, token, teamId } = circle;
  const answer = await b.call(me, { as: bearer(token) });
  expect([answer.status, answer.body["email_address"]]).toEqual([200, "grace@a.example"]);
  const inTeam = { ...bearer(token), "x-team-id": teamId };
  expect((await b.call("/api/v1/workflows", { as: inTeam })).status).toBe(200);
  const teams = await b.call("/api/v1/teams", { as: bearer(token) });
  expect(teams.body["team_list"]).toMatchObject([{ id: teamId, role: "member" }]);
  expect((await b.call("/api/v1/workflows", { as: { ...bearer(token), "x-team-id": b.people.teamId } })).status).toBe(404);
});

test("many requests at once with a new token begin one visit of one account", async () => {
  await using circle = await openCircle();
  const answers = await Promise.all(Array.from({ length: 20 }, () => circle.b.call(me, { as: bearer(circle.token) })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ body }) => body["id"])).size).toBe(1);
});

test("the largest role of the rules counts, whatever the membership says, and a change acts at the next request", async () => {
  await using circle = await openCircle();
  const { b, token, teamId } = circle;
  const as = { ...bearer(token), "x-team-id": teamId };
  const { body } = await b.call(me, { as });
  await b.gate.store.write(async (writer) => {
    const { memberships: table } = writer.tables;
    await writer.update(table).set({ role: "admin" }).where(eq(table.user_id, String(body["id"])));
  });
  expect((await b.call("/api/v1/webhooks", { as })).status).toBe(403);
  await updateSite(b.gate, operator, { id: "a", role: "admin" });
  expect((await b.call("/api/v1/webhooks", { as })).status).toBe(200);
  await updateSite(b.gate, operator, { id: "a", team_ids: [b.people.teamId] });
  expect((await b.call("/api/v1/webhooks", { as })).status).toBe(404);
});

test("a visitor changes nobody's way in, makes no team and is no administrator", async () => {
  await using circle = await openCircle();
  const { b, token, teamId } = circle;
  const as = { ...bearer(token), "x-team-id": teamId };
  for (const [path, json] of [
    ["/api/v1/credentials", { kind: "integration", display_name: "K" }],
    ["/api/v1/auth/site-tokens", { site_id: "a" }],
    ["/api/v1/deployment/federation/bundle", {}],
    ["/api/v1/teams", { display_name: "Mine" }],
  ] as const) {
    expect([path, (await b.call(path, { as, json })).status]).toEqual([path, 403]);
  }
  for (const path of ["/api/v1/deployment/federation/sites", "/api/v1/auth/sessions"]) expect([403, 404]).toContain((await b.call(path, { as })).status);
});

test("nobody comes who is not linked, until an administrator links the two", async () => {
  await using circle = await openCircle();
  const { b, token, grace } = circle;
  await updateSite(b.gate, operator, { id: "a", mapping: "link" });
  const refused = await b.call(me, { as: bearer(token) });
  expect([refused.status, refused.body["details"]]).toEqual([403, { reason: "not_linked" }]);
  await linkPerson(b.gate, operator, { site_id: "a", subject: grace.userId, user_id: b.people.owner.userId });
  const answer = await b.call(me, { as: bearer(token) });
  expect([answer.status, answer.body["id"]]).toEqual([200, b.people.owner.userId]);
  // Ada administers B, but not by A's word.
  expect((await b.call("/api/v1/deployment/federation/sites", { as: bearer(token) })).status).toBe(403);
  await updateSite(b.gate, operator, { id: "a", mapping: "refuse" });
  expect((await b.call(me, { as: bearer(token) })).status).toBe(403);
});

test("an address that somebody has at B opens nothing there", async () => {
  await using circle = await openCircle();
  const { a, b } = circle;
  const ada = await personAt(a, "mallory@a.example");
  await a.gate.store.write(async (writer) => {
    await writer.update(writer.tables.users).set({ email_address: "ada@example.com", email_key: "ada@example.com " }).where(eq(writer.tables.users.id, ada.userId));
  });
  const answer = await b.call(me, { as: bearer(await tokenFor(a, ada, "b")) });
  expect([answer.status, answer.body["details"]]).toEqual([403, { reason: "address_taken" }]);
});

test("a token for A's own API is refused at B, unless the rules name that audience", async () => {
  await using circle = await openCircle();
  const { a, b, grace } = circle;
  const own = await issueAccessToken(a.gate, a.keyring, grace);
  expect((await b.call(me, { as: bearer(own) })).body["details"]).toEqual({ reason: "audience" });
  await b.call(me, { as: bearer(circle.token) });
  await updateSite(b.gate, operator, { id: "a", audiences: [b.gate.settings.publicUrl, a.gate.settings.publicUrl] });
  expect((await b.call(me, { as: bearer(own) })).status).toBe(200);
  // What was made for B opens nothing at A.
  expect((await a.call(me, { as: bearer(circle.token) })).status).toBe(401);
});

test("the rules of one site say nothing about another: C refuses what B takes", async () => {
  await using circle = await openCircle();
  await using c = await openSite();
  expect((await c.call(me, { as: bearer(circle.token) })).status).toBe(401);
  await trust(c, circle.a, { id: "a", mapping: "create" });
  expect((await c.call(me, { as: bearer(circle.token) })).body["details"]).toEqual({ reason: "audience" });
  await trust(circle.a, c, { id: "c", mapping: "refuse" });
  expect((await c.call(me, { as: bearer(await tokenFor(circle.a, circle.grace, "c")) })).status).toBe(200);
});

test("a removed site is refused at the next request, with the accounts that only it vouched for, and its old bundles stay out", async () => {
  await using circle = await openCircle();
  const { a, b, token } = circle;
  const old = await bundleOf(a);
  const { body } = await b.call(me, { as: bearer(token) });
  expect(await removeSite(b.gate, operator, { id: "a" })).toEqual({ id: "a", sessions: 1, accounts: 1 });
  expect((await b.call(me, { as: bearer(token) })).status).toBe(401);
  const [user] = await b.gate.store.read(async (reader) => await reader.select().from(reader.tables.users).where(eq(reader.tables.users.id, String(body["id"]))));
  expect(user?.disabled_at).not.toBeNull();
  expect((await b.call("/api/v1/deployment/federation/bundles", { as: (await b.credentials()).user, json: { bundle: old.bundle } })).status).toBe(404);
});

test("a person who was disabled or deleted at A is refused at B with the next bundle, without any time passing", async () => {
  await using circle = await openCircle();
  const { a, b, grace } = circle;
  const other = await personAt(a, "gone@a.example");
  const [first, second] = [circle.token, await tokenFor(a, other, "b")];
  for (const token of [first, second]) expect((await b.call(me, { as: bearer(token) })).status).toBe(200);
  await disableUser(a.gate, operator, { user_id: grace.userId });
  await deleteUser(a.gate, operator, { user_id: other.userId });
  await importBundle(b.gate, operator, { bundle: (await bundleOf(a)).bundle });
  for (const token of [first, second]) expect((await b.call(me, { as: bearer(token) })).body["details"]).toEqual({ reason: "revoked_subject" });
});

test("a key that A revoked is refused at B with the next bundle, and the next key is taken", async () => {
  await using circle = await openCircle();
  const { a, b, grace, token } = circle;
  expect((await b.call(me, { as: bearer(token) })).status).toBe(200);
  await revokeSigningKey(a.gate, operator, { kid: String(headerOf(token)["kid"]) });
  a.world.services.clock.advance(5_000);
  await importBundle(b.gate, operator, { bundle: (await bundleOf(a)).bundle });
  expect((await b.call(me, { as: bearer(token) })).status).toBe(401);
  expect((await b.call(me, { as: bearer(await tokenFor(a, grace, "b")) })).status).toBe(200);
});

test("rotation at A travels by the bundle, before the next key signs", async () => {
  await using circle = await openCircle();
  const { a, b, grace } = circle;
  await rotateSigningKeys(a.gate, operator, { alg: "ES256", time: "soon" });
  await importBundle(b.gate, operator, { bundle: (await bundleOf(a)).bundle });
  for (const site of [a, b]) site.world.services.clock.advance(600_000);
  const token = await tokenFor(a, { ...grace }, "b");
  expect(headerOf(token)["kid"]).not.toBe(headerOf(circle.token)["kid"]);
  expect((await b.call(me, { as: bearer(token) })).status).toBe(200);
});

test("an expired bundle lets nobody in, and a token lives no longer than it says", async () => {
  await using circle = await openCircle();
  const { a, b, token, grace } = circle;
  for (const site of [a, b]) site.world.services.clock.advance(300_000);
  expect((await b.call(me, { as: bearer(token) })).status).toBe(401);
  for (const site of [a, b]) site.world.services.clock.advance(30 * DAY_MS);
  const claims = { ...payloadOf(token), iat: Math.floor(a.gate.services.clock.now() / 1_000), exp: Math.floor(a.gate.services.clock.now() / 1_000) + 300, sub: grace.userId };
  const answer = await b.call(me, { as: bearer(await signedBy(a.keyring, claims)) });
  expect([answer.status, answer.text.includes("expired")]).toEqual([403, true]);
});

test("24 hours without a network: people of B sign in, and tokens of both sites are verified each hour", async () => {
  await using circle = await openCircle();
  const { a, b, teamId } = circle;
  const cut = async () => {
    throw new Error("the network is cut");
  };
  for (const site of [a, b]) {
    site.world.services.replaceFetch(cut);
    site.world.services.replaceNetwork({ resolve: cut, exchange: cut });
  }
  const good: number[] = [];
  for (let hour = 0; hour < 24; hour += 1) {
    for (const site of [a, b]) site.world.services.clock.advance(3_600_000);
    const signedIn = await b.call("/api/v1/auth/login", { json: { email_address: "ada@example.com", user_password: "correct horse battery" } });
    good.push(signedIn.status);
    good.push((await b.call(me, { as: bearer(String(signedIn.body["access_token"])) })).status);
    const guest = await personAt(a, `guest-${hour}@a.example`);
    good.push((await b.call("/api/v1/workflows", { as: { ...bearer(await tokenFor(a, guest, "b")), "x-team-id": teamId } })).status);
  }
  expect(good.filter((status) => status !== 200)).toEqual([]);
});

test("a foreign token with any other signature, algorithm, type, issuer, origin, subject or time is refused", async () => {
  await using circle = await openCircle();
  await using mallory = await openSite();
  const { a, b, token } = circle;
  const claims = payloadOf(token);
  const header = headerOf(token);
  const kid = String(header["kid"]);
  const signature = token.split(".")[2] ?? "";
  const hmac = (secret: string) => {
    const input = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const jwks = (await a.call("/.well-known/jwks.json", { role: "issuer" })).text;
  const now = Number(claims["iat"]);
  // Mallory's site is pinned at B as well, and has an issuer of its own.
  await trust(b, mallory, { id: "mallory", mapping: "create" });
  const table: Record<string, string> = {
    "alg none": `${encode({ ...header, alg: "none" })}.${encode(claims)}.`,
    "alg none with the signature left": `${encode({ ...header, alg: "none" })}.${encode(claims)}.${signature}`,
    "HS256 with the key set as secret": hmac(jwks),
    "HS256 with the key id as secret": hmac(kid),
    "our signature under the name EdDSA": await signedBy(a.keyring, claims, { alg: "EdDSA" }),
    "another type": await signedBy(a.keyring, claims, { typ: "JWT" }),
    "a key of another site under the key id of A": await signedBy(mallory.keyring, claims, { kid }),
    "a key of another pinned site": await signedBy(mallory.keyring, claims),
    "a key brought along": await signedBy(mallory.keyring, claims, { jwk: { kty: "EC" } }),
    "an address of keys brought along": await signedBy(mallory.keyring, claims, { jku: "https://mallory.example/keys" }),
    "another origin": await signedBy(a.keyring, { ...claims, origin: "A".repeat(43) }),
    "the issuer of B itself": await signedBy(a.keyring, { ...claims, iss: b.gate.settings.issuerUrl }),
    "the issuer of Mallory by A's key": await signedBy(a.keyring, { ...claims, iss: mallory.gate.settings.issuerUrl }),
    "an issuer in another spelling": await signedBy(a.keyring, { ...claims, iss: `${String(claims["iss"])}/` }),
    "no scope of the API": await signedBy(a.keyring, { ...claims, scope: "openid" }),
    "bound to a key": await signedBy(a.keyring, { ...claims, cnf: { jkt: "A".repeat(43) } }),
    "of the future": await signedBy(a.keyring, { ...claims, iat: now + 1_000, exp: now + 1_300 }),
    "longer than a day": await signedBy(a.keyring, { ...claims, exp: now + 86_500 }),
    "without an end": await signedBy(a.keyring, Object.fromEntries(Object.entries(claims).filter(([name]) => name !== "exp"))),
    "without an audience": await signedBy(a.keyring, Object.fromEntries(Object.entries(claims).filter(([name]) => name !== "aud"))),
    "another subject under A's signature": `${encode(header)}.${encode({ ...claims, sub: b.people.owner.userId })}.${signature}`,
  };
  for (const [name, forged] of Object.entries(table)) expect([name, (await b.call(me, { as: bearer(forged) })).status]).toEqual([name, 401]);
  expect((await b.call(me, { as: bearer(await signedBy(a.keyring, claims)) })).status).toBe(200);
});
