/** Introspection and revocation over HTTP: who may know and end what, and that an end is true when the call returns. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operator } from "../../../src/gate/caller.ts";
import { deleteClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import type { Endpoint } from "../../../src/oidc/endpoints.ts";
import { type GrantTokenContent, signGrantToken } from "../../../src/oidc/grant-tokens.ts";
import { refreshTokenDigest } from "../../../src/oidc/refresh-token-lookup.ts";
import { endSession } from "../../../src/identity/sessions.ts";
import { createClientKey, signAssertion } from "../../support/client-assertion.ts";
import { auditRows } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addFirstParty, addService, type TestClient } from "../../support/oidc-client.ts";
import { addPerson, signIn } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

const API = "https://api.example";
let site: TestRoles;
let service: TestClient;
let other: TestClient;
let resourceServer: TestClient;

beforeAll(async () => {
  site = await startRoles();
  service = await addService(site.gate, { resources: [API] });
  other = await addService(site.gate);
  resourceServer = await addService(site.gate, { served_resources: [API] });
});
afterAll(() => site.close());
beforeEach(() => site.license({}));

const call = async (endpoint: Endpoint, as: TestClient, form: Readonly<Record<string, string>>) => await post(site, endpoint, { form, headers: basic(as) });
const introspect = async (as: TestClient, token: string) => (await call("introspection", as, { token })).body;
const revoke = async (as: TestClient, token: string) => await call("revocation", as, { token });
const getToken = async () => String((await call("token", service, { grant_type: "client_credentials" })).body["access_token"]);
const isActive = async (as: TestClient, token: string) => (await introspect(as, token))["active"];
const sign = async (content: Partial<GrantTokenContent>) =>
  (await signGrantToken(site.gate, site.keyring, { client_id: service.id, sub: "s", scope: "read", audience: [API], jkt: undefined, ...content })).access_token;

interface GrantRow {
  readonly userId: string;
  readonly sessionId?: string;
}

/** A grant of a person with a refresh token, as the code grant makes them. */
async function addGrant({ userId, sessionId }: GrantRow): Promise<{ readonly grantId: string; readonly refreshToken: string }> {
  const { store, services, sealer } = site.gate;
  const grantId = services.random.uuid();
  const refreshToken = `rt-${grantId}`;
  const now = services.clock.now();
  await store.write(async (writer) => {
    const { oidcGrants, oidcRefreshTokens } = writer.tables;
    await writer.insert(oidcGrants).values({ id: grantId, client_id: service.id, user_id: userId, session_id: sessionId ?? null, scope: "read", resource: "[]", amr: "[]", created_at: now });
    const digest = refreshTokenDigest(sealer, refreshToken);
    await writer.insert(oidcRefreshTokens).values({ digest, grant_id: grantId, client_id: service.id, generation: 1, scope: "read", created_at: now, expires_at: now + 60_000 });
  });
  return { grantId, refreshToken };
}

describe("introspection", () => {
  test("tells the client and the resource server what the token is good for", async () => {
    const token = await getToken();
    for (const asker of [service, resourceServer]) {
      const body = await introspect(asker, token);
      expect(body).toMatchObject({ active: true, iss: site.urls.issuer, client_id: service.id, sub: service.id, aud: API, scope: "read write", token_type: "Bearer" });
      expect(Object.keys(body)).not.toContain("grant_id");
    }
    expect(await introspect(service, await sign({ jkt: "k", sid: undefined }))).toMatchObject({ token_type: "DPoP", cnf: { jkt: "k" } });
  });

  test("tells anybody else nothing but that it is not active", async () => {
    const answer = await call("introspection", other, { token: await getToken() });
    expect([answer.status, answer.text, answer.headers.get("cache-control")]).toEqual([200, '{"active":false}', "no-store"]);
  });

  const noise = ["x", "eyJ.a.b", "..", "null", "true", "'", "\u00e9", "x".repeat(10_000), "cs-0000"];
  test.each(noise)("of %j is not active", async (token) => {
    expect(await introspect(service, token)).toEqual({ active: false });
  });

  test("of a token with a character changed is not active (CVE-2026-27840)", async () => {
    const token = await getToken();
    for (const text of [token.slice(0, -1), `${token}A`, token.slice(1), `${token.slice(0, 40)}A${token.slice(41)}B`, token.toLowerCase()]) expect(await isActive(service, text)).toBe(false);
  });

  test("ignores the hint", async () => {
    const token = await getToken();
    for (const token_type_hint of ["access_token", "refresh_token", "nonsense"]) expect((await call("introspection", service, { token, token_type_hint })).body["active"]).toBe(true);
  });

  test("asks for the client first", async () => {
    const token = await getToken();
    expect(outcome(await post(site, "introspection", { form: { token } }))).toEqual([401, "invalid_client"]);
    expect(outcome(await call("introspection", { ...service, secret: "x" }, { token }))).toEqual([401, "invalid_client"]);
    expect(outcome(await post(site, "introspection", { form: {}, headers: {} }))).toEqual([401, "invalid_client"]);
    expect(outcome(await post(site, "introspection", { form: { token }, headers: { authorization: `Bearer ${token}` } }))).toEqual([401, "invalid_client"]);
  });

  test("is refused without a token, and to clients that cannot show who they are", async () => {
    expect(outcome(await call("introspection", service, {}))).toEqual([400, "invalid_request"]);
    const open = await addClient(site.gate, { token_endpoint_auth_method: "none" });
    expect(outcome(await post(site, "introspection", { form: { client_id: open.id, token: await getToken() } }))).toEqual([403, "access_denied"]);
  });

  test("needs the license for clients of others", async () => {
    const token = await getToken();
    site.license({ features: { global: { oidc_provider: false } } });
    expect(outcome(await call("introspection", service, { token }))).toEqual([403, "access_denied"]);
    site.license({ state: "expired" });
    expect(outcome(await call("introspection", service, { token }))).toEqual([503, "temporarily_unavailable"]);
  });

  test("of a token whose client is disabled or deleted is not active (CVE-2026-1486)", async () => {
    const client = await addService(site.gate, { resources: [API] });
    const token = String((await call("token", client, { grant_type: "client_credentials" })).body["access_token"]);
    expect(await isActive(resourceServer, token)).toBe(true);
    await updateClient(site.gate, operator, { client_id: client.id, is_disabled: true });
    expect(await isActive(resourceServer, token)).toBe(false);
    await updateClient(site.gate, operator, { client_id: client.id, is_disabled: false });
    expect(await isActive(resourceServer, token)).toBe(true);
    await deleteClient(site.gate, operator, { client_id: client.id });
    expect(await isActive(resourceServer, token)).toBe(false);
  });

  test("of a token that is over is not active", async () => {
    const stale = { ...site.gate, settings: { ...site.gate.settings, issuerUrl: site.urls.issuer, accessTokenSeconds: 0 } };
    const { access_token } = await signGrantToken(stale, site.keyring, { client_id: service.id, sub: "s", scope: "", audience: [API], jkt: undefined });
    expect(await isActive(service, access_token)).toBe(false);
  });
});

describe("a token of a person's grant ends with", () => {
  const granted = async () => {
    const person = await addPerson(site.gate, { address: `${site.gate.services.random.uuid()}@example.com` });
    const session = await signIn(site.gate);
    const { grantId, refreshToken } = await addGrant({ userId: person.userId, sessionId: session.sessionId });
    const token = await sign({ grant_id: grantId, sub: person.userId });
    const states = async () => [await isActive(resourceServer, token), await isActive(service, refreshToken)];
    expect(await states()).toEqual([true, true]);
    return { person, session, grantId, refreshToken, token, states };
  };

  test("the session", async () => {
    const { session, states } = await granted();
    await endSession(site.gate, { ...site.people.owner, sessionId: session.sessionId }, undefined);
    expect(await states()).toEqual([false, false]);
  });

  test("the person's account", async () => {
    const { person, states } = await granted();
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, person.userId))));
    expect(await states()).toEqual([false, false]);
  });

  test("its refresh token's revocation", async () => {
    const { refreshToken, states } = await granted();
    expect((await revoke(service, refreshToken)).status).toBe(200);
    expect(await states()).toEqual([false, false]);
    expect((await revoke(service, refreshToken)).status).toBe(200);
  });

  test("nothing that another client does", async () => {
    const { refreshToken, token, states } = await granted();
    expect(outcome(await revoke(other, refreshToken))).toEqual([400, "unauthorized_client"]);
    expect(outcome(await revoke(resourceServer, token))).toEqual([400, "unauthorized_client"]);
    expect(await isActive(other, refreshToken)).toBe(false);
    expect(await isActive(resourceServer, refreshToken)).toBe(false);
    expect(await states()).toEqual([true, true]);
  });

  test("the grant of another client, when it names that one", async () => {
    const { grantId } = await granted();
    expect(await isActive(other, await sign({ client_id: other.id, grant_id: grantId }))).toBe(false);
    expect(await isActive(service, await sign({ grant_id: "nothing" }))).toBe(false);
  });

  test("its refresh token's last moment, for that token", async () => {
    const { refreshToken } = await granted();
    site.world.services.clock.advance(60_000);
    expect(await isActive(service, refreshToken)).toBe(false);
  });
});

test("a token of the platform's own session is known to its resource server while the session lives", async () => {
  await addFirstParty(site.gate, "own", { scope: "api" });
  const session = await signIn(site.gate);
  const token = await sign({ client_id: "own", sub: session.userId, sid: session.sessionId });
  expect(await isActive(resourceServer, token)).toBe(true);
  expect(await isActive(resourceServer, await sign({ client_id: "own", sub: "somebody else", sid: session.sessionId }))).toBe(false);
  await endSession(site.gate, { ...site.people.owner, sessionId: session.sessionId }, undefined);
  expect(await isActive(resourceServer, token)).toBe(false);
});

describe("revocation", () => {
  test("is true when the call returns, leaves the other tokens, and can be repeated", async () => {
    const [token, second] = [await getToken(), await getToken()];
    const answer = await revoke(service, token);
    expect([answer.status, answer.text]).toEqual([200, ""]);
    const seen = await Promise.all(Array.from({ length: 16 }, () => isActive(resourceServer, token)));
    expect(seen).toEqual(Array.from({ length: 16 }, () => false));
    expect(await isActive(resourceServer, second)).toBe(true);
    expect((await revoke(service, token)).status).toBe(200);
    expect((await auditRows(site.gate.store)).filter(({ operation }) => operation === "token.revoke").length).toBeGreaterThan(0);
  });

  test.each(["x", "eyJ.a.b", "x".repeat(10_000), "\u0435"])("of %j is answered as of a token (RFC 7009 section 2.2)", async (token) => {
    expect((await revoke(service, token)).status).toBe(200);
  });

  test("is refused to strangers, to other clients, and without a token", async () => {
    const token = await getToken();
    expect(outcome(await post(site, "revocation", { form: { token } }))).toEqual([401, "invalid_client"]);
    expect(outcome(await revoke({ ...service, secret: "x" }, token))).toEqual([401, "invalid_client"]);
    expect(outcome(await revoke(other, token))).toEqual([400, "unauthorized_client"]);
    expect(outcome(await call("revocation", service, {}))).toEqual([400, "invalid_request"]);
    expect(await isActive(service, token)).toBe(true);
  });

  test("needs no license", async () => {
    const token = await getToken();
    site.license({ state: "expired" });
    expect((await revoke(service, token)).status).toBe(200);
    site.license({});
    expect(await isActive(service, token)).toBe(false);
  });

  test("50 times at once is one", async () => {
    const token = await getToken();
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await revoke(service, token)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await isActive(service, token)).toBe(false);
  });

  test("of a token with an assertion that was used is refused", async () => {
    const key = createClientKey();
    const client = await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
    const client_assertion = signAssertion(key, { clientId: client.id, audience: site.urls.issuer, now: Math.floor(site.gate.services.clock.now() / 1_000) });
    const form = { token: "x", client_assertion, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    expect((await post(site, "revocation", { form })).status).toBe(200);
    expect(outcome(await post(site, "introspection", { form }))).toEqual([401, "invalid_client"]);
  });
});
