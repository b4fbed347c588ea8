/** A code becomes tokens once, for the client, address and key it was given for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import { isVerified } from "../../../src/oidc/grants/authorization-code.ts";
import { CHALLENGE, type Flow, REDIRECT, startFlow, VERIFIER } from "../../support/code-flow.ts";
import { storeText } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient } from "../../support/oidc-client.ts";
import { addPerson } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: Flow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
});
afterAll(() => site.close());

const invalid = [400, "invalid_grant"];

/** As a client's library would, at the site's time. */
async function verified(token: unknown, audience: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${site.urls.issuer}/.well-known/jwks.json`));
  const { payload } = await jwtVerify(String(token), keys, { issuer: site.urls.issuer, audience, currentDate: new Date(site.world.services.clock.now()) });
  return payload;
}

describe("the answer", () => {
  test("has an access token after RFC 9068, an ID token and a refresh token", async () => {
    const { status, body, headers } = await flow.redeem(await flow.code({ scope: "openid email", nonce: "n-1" }));
    expect([status, body["token_type"], body["scope"], body["expires_in"], headers.get("cache-control")]).toEqual([200, "Bearer", "openid email", 3_600, "no-store"]);
    expect(body["refresh_token"]).toMatch(/^ort-[0-9A-Za-z]{43}$/);
    const access = await verified(body["access_token"], site.urls.issuer);
    expect(access).toMatchObject({ sub: flow.session.userId, client_id: flow.client.id, scope: "openid email", sid: flow.session.sessionId, acr: "urn:cyberun:acr:single-factor", amr: ["pwd"] });
    const id = await verified(body["id_token"], flow.client.id);
    expect(id).toMatchObject({ sub: flow.session.userId, nonce: "n-1", email: "ada@example.com", email_verified: true, sid: flow.session.sessionId, at_hash: expect.any(String), auth_time: expect.any(Number), amr: ["pwd"] });
    expect([id["name"], id["teams"]]).toEqual([undefined, undefined]);
  });

  test("tells names, address and teams in the ID token for their scopes, and single claims by name", async () => {
    const all = await verified((await flow.tokens({ scope: "openid profile email teams" }))["id_token"], flow.client.id);
    expect(all).toMatchObject({ name: "Ada Lovelace", given_name: "Ada", family_name: "Lovelace", teams: [{ id: site.people.teamId, name: "First", role: "owner" }] });
    const one = await verified((await flow.tokens({ claims: '{"id_token":{"given_name":{"essential":true},"iss":null,"password_hash":null}}' }))["id_token"], flow.client.id);
    expect([one["given_name"], one["name"], one["password_hash"], one.iss]).toEqual(["Ada", undefined, undefined, site.urls.issuer]);
  });

  test("has no ID token without openid, and no refresh token for a client that is not registered to use one", async () => {
    const plain = await startFlow(site, { metadata: { grant_types: ["authorization_code"], scope: "openid profile" } });
    const body = await plain.tokens({ scope: "profile" });
    expect([body["id_token"], body["refresh_token"], typeof body["access_token"]]).toEqual([undefined, undefined, "string"]);
  });

  test("gives a pairwise client another subject than anybody else, and the same each time", async () => {
    const metadata = { subject_type: "pairwise", redirect_uris: [REDIRECT] };
    const one = await startFlow(site, { metadata });
    const same = await startFlow(site, { metadata });
    const subjects: unknown[] = [];
    for (const each of [one, same]) {
      const body = await each.tokens();
      const id = await verified(body["id_token"], each.client.id);
      const access = await verified(body["access_token"], site.urls.issuer);
      subjects.push(id.sub, access.sub);
    }
    expect(new Set(subjects).size).toBe(1);
    expect(subjects[0]).not.toBe(one.session.userId);
  });

  test("is for the resources that were allowed, or fewer", async () => {
    const reader = await startFlow(site, { metadata: { resources: ["https://api.example", "https://files.example"] } });
    const parameters = { resource: "https://api.example" };
    expect((await verified((await reader.tokens(parameters))["access_token"], "https://api.example")).aud).toEqual(["https://api.example", site.urls.issuer]);
    const narrowed = await reader.redeem(await reader.code(parameters), { resource: "https://api.example" });
    expect((await verified(narrowed.body["access_token"], "https://api.example")).aud).toBe("https://api.example");
    expect(outcome(await reader.redeem(await reader.code(parameters), { resource: "https://files.example" }))).toEqual([400, "invalid_target"]);
  });

  test("leaves neither code nor refresh token in clear in the store", async () => {
    const code = await flow.code();
    const { body } = await flow.redeem(code);
    const text = await storeText(site.gate.store);
    expect([text.includes(code), text.includes(String(body["refresh_token"])), text.includes(String(body["access_token"]))]).toEqual([false, false, false]);
  });
});

describe("a code is refused", () => {
  const changes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["with another redirect_uri", { redirect_uri: `${REDIRECT}/` }],
    ["with an empty redirect_uri", { redirect_uri: "" }],
    ["with another verifier", { code_verifier: `${VERIFIER}x` }],
    ["without a verifier", { code_verifier: "" }],
    ["with the challenge as verifier", { code_verifier: CHALLENGE }],
    ["cut short", { code: "abc" }],
    ["that never was", { code: "a".repeat(43) }],
    ["that is empty", { code: "" }],
  ];
  test.each(changes)("%s", async (_name, change) => {
    const code = await flow.code();
    expect(outcome(await flow.redeem(code, change))).toEqual(invalid);
    expect((await flow.redeem(code)).status).toBe(200);
  });

  test("with one character changed, wherever it is (CVE-2026-27840)", async () => {
    const code = await flow.code();
    for (const at of [0, 21, 42]) {
      const changed = `${code.slice(0, at)}${code.charAt(at) === "A" ? "B" : "A"}${code.slice(at + 1)}`;
      expect([at, ...outcome(await flow.redeem(changed))]).toEqual([at, ...invalid]);
    }
  });

  test("at another client, expired or not; and expired at its own (CVE-2026-28513)", async () => {
    const other = await startFlow(site);
    const code = await flow.code();
    expect(outcome(await other.redeem(code))).toEqual(invalid);
    expect((await flow.redeem(code)).status).toBe(200);
    const late = await flow.code();
    site.world.services.clock.advance(60_000);
    expect([outcome(await other.redeem(late)), outcome(await flow.redeem(late))]).toEqual([invalid, invalid]);
  });

  test("without the client's secret", async () => {
    const code = await flow.code();
    const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: VERIFIER };
    expect((await post(site, "token", { form: { ...form, client_id: flow.client.id } })).status).toBe(401);
    expect((await post(site, "token", { form, headers: basic({ ...flow.client, secret: "wrong" }) })).status).toBe(401);
    expect((await post(site, "token", { form, headers: basic(flow.client) })).status).toBe(200);
  });

  test("with a verifier when the client sent no challenge (RFC 9700 section 2.1.1)", async () => {
    const lax = await startFlow(site, { metadata: { require_pkce: false } });
    const parameters = { code_challenge: "", code_challenge_method: "" };
    expect(outcome(await lax.redeem(await lax.code(parameters)))).toEqual(invalid);
    expect((await lax.redeem(await lax.code(parameters), { code_verifier: "" })).status).toBe(200);
  });

  test("without the key that it was bound to", async () => {
    const code = await flow.code({ dpop_jkt: "x".repeat(43) });
    expect(outcome(await flow.redeem(code))).toEqual(invalid);
  });

  test("of a person who was disabled, and of a session that ended", async () => {
    const grace = await addPerson(site.gate, { address: "grace@example.com" });
    const hers = await startFlow(site, { address: "grace@example.com" });
    const first = await hers.code();
    const second = await hers.code();
    const endSessions = async (ended_at: number | null) => await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.sessions).set({ ended_at })));
    const disable = async (disabled_at: number | null) => await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at })));
    await endSessions(1);
    expect(outcome(await hers.redeem(first))).toEqual(invalid);
    await endSessions(null);
    await disable(1);
    expect(outcome(await hers.redeem(second))).toEqual(invalid);
    await disable(null);
    expect((await hers.redeem(second)).status).toBe(200);
    expect(grace.userId).toBe(hers.session.userId);
  });

  test("while the license does not let the client be used", async () => {
    const code = await flow.code();
    site.license({ features: { global: { oidc_provider: false } } });
    expect((await flow.redeem(code)).status).toBe(403);
    site.license({});
    expect((await flow.redeem(code)).status).toBe(200);
  });
});

describe("a code that comes again", () => {
  test("is refused and ends all that came of it, at once and later", async () => {
    const code = await flow.code({ scope: "openid offline_access" });
    const { body } = await flow.redeem(code);
    expect(outcome(await flow.redeem(code))).toEqual(invalid);
    expect(outcome(await flow.refresh(String(body["refresh_token"])))).toEqual(invalid);
    const late = await flow.code({ scope: "openid offline_access" });
    const tokens = await flow.redeem(late);
    site.world.services.clock.advance(600_000);
    expect(outcome(await flow.redeem(late))).toEqual(invalid);
    expect(outcome(await flow.refresh(String(tokens.body["refresh_token"])))).toEqual(invalid);
  });

  test("at another client ends nothing", async () => {
    const other = await addClient(site.gate, { grant_types: ["authorization_code", "refresh_token"] });
    const code = await flow.code();
    const { body } = await flow.redeem(code);
    const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: VERIFIER };
    expect(outcome(await post(site, "token", { form, headers: basic(other) }))).toEqual(invalid);
    expect((await flow.refresh(String(body["refresh_token"]))).status).toBe(200);
  });

  test("fifty times side by side gives tokens once, and those are ended too (GHSA-7w99-5wm4-3g79)", async () => {
    const code = await flow.code();
    const answers = await Promise.all(Array.from({ length: 50 }, () => flow.redeem(code)));
    const good = answers.filter(({ status }) => status === 200);
    expect([good.length, answers.filter(({ body }) => body["error"] === "invalid_grant").length]).toEqual([1, 49]);
    expect(outcome(await flow.refresh(String(good[0]?.body["refresh_token"])))).toEqual(invalid);
  });
});

describe("PKCE", () => {
  const cases: readonly (readonly [string, string | null, string | undefined, boolean])[] = [
    ["the right verifier", CHALLENGE, VERIFIER, true],
    ["neither", null, undefined, true],
    ["no verifier", CHALLENGE, undefined, false],
    ["no challenge", null, VERIFIER, false],
    ["a short verifier", CHALLENGE, "abc", false],
    ["a long verifier", CHALLENGE, "a".repeat(129), false],
    ["a verifier of forbidden characters", CHALLENGE, "ä".repeat(43), false],
    ["another verifier", CHALLENGE, "a".repeat(43), false],
  ];
  test.each(cases)("%s", (_name, challenge, verifier, isGood) => {
    expect(isVerified(challenge, verifier)).toBe(isGood);
  });
});
