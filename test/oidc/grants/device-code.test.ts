/** A device asks, a person decides, and of any number of polls one gets tokens (RFC 8628). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { decodeJwt } from "jose";
import { changePassword } from "../../../src/identity/password-change.ts";
import { revokeConsent } from "../../../src/oidc/consents.ts";
import { DEVICE_GRANT } from "../../../src/oidc/clients/client.ts";
import { createClientKey, signAssertion, signProof } from "../../support/client-assertion.ts";
import { type DeviceFlow, signedInPerson, startDeviceFlow } from "../../support/device-flow.ts";
import { storeText } from "../../support/gate.ts";
import { outcome, post } from "../../support/oauth.ts";
import { addClient, addFirstParty } from "../../support/oidc-client.ts";
import { addPerson, PASSWORD } from "../../support/people.ts";
import { shutStates } from "../../support/refusal.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: DeviceFlow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startDeviceFlow(site);
});
afterAll(() => site.close());
beforeEach(() => {
  site.license({});
  // So that polls of one test say nothing about those of the next.
  site.world.services.clock.advance(60_000);
});

const pending = [400, "authorization_pending"];
const slower = [400, "slow_down"];
const invalid = [400, "invalid_grant"];
const wait = (seconds: number) => site.world.services.clock.advance(seconds * 1_000);

async function userinfoStatus(accessToken: unknown): Promise<number> {
  return (await callUrl(`${site.urls.issuer}/oauth/userinfo`, { as: bearer(String(accessToken)) })).status;
}

describe("the answer to a device", () => {
  test("has both codes, where to type the one, and how often to ask with the other", async () => {
    const { status, body, headers } = await flow.start({ scope: "openid" });
    expect([status, headers.get("cache-control"), Object.keys(body).toSorted()]).toEqual([200, "no-store", ["device_code", "expires_in", "interval", "user_code", "verification_uri", "verification_uri_complete"]]);
    expect(body).toMatchObject({ expires_in: 600, interval: 5, verification_uri: `${site.urls.issuer}/device` });
    expect(body["user_code"]).toMatch(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/);
    expect(body["device_code"]).toMatch(/^[0-9A-Za-z]{43}$/);
    expect(body["verification_uri_complete"]).toBe(`${site.urls.issuer}/device?user_code=${String(body["user_code"])}`);
  });

  test("is named by discovery, with the grant", async () => {
    const { body } = await site.call("/.well-known/openid-configuration", { role: "issuer" });
    expect(body["device_authorization_endpoint"]).toBe(`${site.urls.issuer}/oauth/device_authorization`);
    expect(body["grant_types_supported"]).toContain(DEVICE_GRANT);
  });

  test("leaves neither code in clear in the store", async () => {
    const { deviceCode, userCode } = await flow.ask();
    const text = await storeText(site.gate.store);
    expect([text.includes(deviceCode), text.includes(userCode), text.includes(userCode.replace("-", ""))]).toEqual([false, false, false]);
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, readonly unknown[]])[] = [
    ["a scope that the client may not have", { scope: "openid admin" }, [400, "invalid_scope"]],
    ["the scope of the platform's own programs", { scope: "api" }, [400, "invalid_scope"]],
    ["a scope that is none", { scope: 'a"b' }, [400, "invalid_scope"]],
    ["a resource that the client may not ask for", { resource: "https://other.example" }, [400, "invalid_target"]],
  ];
  test.each(refusals)("is a refusal for %s", async (_name, form, expected) => {
    expect(outcome(await flow.start(form))).toEqual([...expected]);
  });

  test("is a refusal for a client that is unknown, shows a wrong secret or is not registered for the grant", async () => {
    expect(outcome(await flow.start({}, { authorization: `Basic ${Buffer.from(`${flow.client.id}:wrong`).toString("base64")}` }))).toEqual([401, "invalid_client"]);
    expect(outcome(await post(site, "device_authorization", { form: { client_id: "nobody" } }))).toEqual([401, "invalid_client"]);
    expect(outcome(await post(site, "device_authorization", { form: {} }))).toEqual([401, "invalid_client"]);
    const other = await startDeviceFlow(site, { client: await addClient(site.gate) });
    expect(outcome(await other.start())).toEqual([400, "unauthorized_client"]);
    expect(outcome(await other.poll("a".repeat(43)))).toEqual([400, "unauthorized_client"]);
  });

  test("needs the license and its feature, but not for the platform's own clients", async () => {
    const own = await startDeviceFlow(site, { client: await addFirstParty(site.gate, "own-screen", { grant_types: [DEVICE_GRANT], response_types: [], redirect_uris: [], scope: "openid api" }) });
    const codes = await flow.ask();
    site.license({ features: { global: { oidc_provider: false } } });
    expect(outcome(await flow.start())).toEqual([403, "access_denied"]);
    expect(outcome(await flow.poll(codes.deviceCode))).toEqual([403, "access_denied"]);
    for (const state of shutStates) {
      site.license({ state });
      expect([state, ...outcome(await flow.start())]).toEqual([state, 503, "temporarily_unavailable"]);
      expect([state, (await own.start()).status]).toEqual([state, 200]);
    }
    const mine = await own.ask();
    await own.decide(mine.userCode, "allow");
    expect((await own.poll(mine.deviceCode)).status).toBe(200);
  });
});

describe("a poll", () => {
  test("is told to wait until somebody decides, and gets tokens then", async () => {
    const { deviceCode, userCode } = await flow.ask({ scope: "openid email offline_access" });
    expect(outcome(await flow.poll(deviceCode))).toEqual(pending);
    await flow.decide(userCode.toLowerCase().replace("-", " "), "allow");
    const { status, body, headers } = await flow.poll(deviceCode);
    expect([status, body["token_type"], body["scope"], headers.get("cache-control")]).toEqual([200, "Bearer", "openid email offline_access", "no-store"]);
    expect(decodeJwt(String(body["id_token"]))).toMatchObject({ sub: flow.person.userId, aud: flow.client.id, email: "ada@example.com", amr: ["pwd"], acr: "urn:cyberun:acr:single-factor" });
    expect(decodeJwt(String(body["id_token"]))["sid"]).toBeUndefined();
    expect(await userinfoStatus(body["access_token"])).toBe(200);
    const refreshed = await flow.poll(deviceCode, { grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) });
    expect([refreshed.status, typeof refreshed.body["access_token"]]).toEqual([200, "string"]);
  });

  test("that comes too soon is told to slow down, each time for five seconds more", async () => {
    const { deviceCode } = await flow.ask();
    const told: unknown[] = [];
    for (const seconds of [0, 4, 9, 15, 14, 20]) {
      wait(seconds);
      told.push(outcome(await flow.poll(deviceCode)));
    }
    // Intervals: 5, then 10 after the poll at 4 s, 15 after that at 9 s; 15 s later is soon enough, 14 s is not.
    expect(told).toEqual([pending, slower, slower, pending, slower, pending]);
  });

  test("learns of the no, and of the end", async () => {
    const denied = await flow.ask();
    await flow.decide(denied.userCode, "deny");
    expect(outcome(await flow.poll(denied.deviceCode))).toEqual([400, "access_denied"]);
    expect(outcome(await flow.poll(denied.deviceCode))).toEqual([400, "access_denied"]);
    const late = await flow.ask();
    const approved = await flow.ask();
    await flow.decide(approved.userCode, "allow");
    wait(599);
    expect(outcome(await flow.poll(late.deviceCode))).toEqual(pending);
    wait(1);
    expect([outcome(await flow.poll(late.deviceCode)), outcome(await flow.poll(approved.deviceCode))]).toEqual([
      [400, "expired_token"],
      [400, "expired_token"],
    ]);
  });

  test("of another client, or with another code, is refused and changes nothing", async () => {
    const other = await startDeviceFlow(site);
    const { deviceCode, userCode } = await flow.ask();
    await flow.decide(userCode, "allow");
    expect(outcome(await other.poll(deviceCode))).toEqual(invalid);
    for (const wrong of ["", "x", "a".repeat(43), `${deviceCode}a`, deviceCode.slice(1), userCode, deviceCode.toLowerCase()]) expect([wrong, ...outcome(await flow.poll(wrong))]).toEqual([wrong, ...invalid]);
    expect(outcome(await flow.poll(deviceCode, { resource: "https://other.example" }))).toEqual([400, "invalid_target"]);
    expect((await flow.poll(deviceCode)).status).toBe(200);
  });

  test("gets nothing when the person was disabled or took the consent back meanwhile", async () => {
    const { deviceCode, userCode } = await flow.ask();
    await flow.decide(userCode, "allow");
    await revokeConsent(site.gate, flow.person, { client_id: flow.client.id });
    expect(outcome(await flow.poll(deviceCode))).toEqual(invalid);
    const other = await addPerson(site.gate, { address: "disabled@example.com" });
    const second = await flow.ask();
    await flow.decide(second.userCode, "allow", await signedInPerson(site, "disabled@example.com"));
    const disabled_at = site.world.services.clock.now();
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at }).where(eq(writer.tables.users.id, other.userId))));
    expect(outcome(await flow.poll(second.deviceCode))).toEqual(invalid);
  });

  test("gives tokens to exactly one of 50 side by side, and those are good", async () => {
    const { deviceCode, userCode } = await flow.ask({ scope: "openid" });
    await flow.decide(userCode, "allow");
    const answers = await Promise.all(Array.from({ length: 50 }, () => flow.poll(deviceCode)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => outcome(answer)[1] === "invalid_grant")).toHaveLength(49);
    expect(await userinfoStatus(answers.find(({ status }) => status === 200)?.body["access_token"])).toBe(200);
  });

  test("that comes again later ends what the first one got: two have the code", async () => {
    const { deviceCode, userCode } = await flow.ask({ scope: "openid" });
    await flow.decide(userCode, "allow");
    const { body } = await flow.poll(deviceCode);
    expect(await userinfoStatus(body["access_token"])).toBe(200);
    wait(2);
    expect(outcome(await flow.poll(deviceCode))).toEqual(invalid);
    expect(await userinfoStatus(body["access_token"])).toBe(401);
    expect(outcome(await flow.poll(deviceCode, { grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) }))).toEqual(invalid);
  });
});

describe("clients of every kind", () => {
  test("a public client's refresh token is bound to the key that it proved", async () => {
    const screen = await startDeviceFlow(site, { metadata: { token_endpoint_auth_method: "none", dpop_bound_access_tokens: true } });
    const key = createClientKey();
    const url = `${site.urls.issuer}/oauth/token`;
    const proof = () => ({ dpop: signProof(key, { url, now: site.world.services.clock.now() / 1_000 }) });
    const { deviceCode, userCode } = await screen.ask({ scope: "openid" });
    await screen.decide(userCode, "allow");
    expect(outcome(await screen.poll(deviceCode))).toEqual([400, "invalid_dpop_proof"]);
    const { body } = await screen.poll(deviceCode, {}, proof());
    expect([body["token_type"], decodeJwt(String(body["access_token"]))["cnf"]]).toEqual(["DPoP", { jkt: expect.any(String) }]);
    const refresh = { grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) };
    const other = { dpop: signProof(createClientKey(), { url, now: site.world.services.clock.now() / 1_000 }) };
    expect(outcome(await screen.poll(deviceCode, refresh, other))).toEqual(invalid);
    expect((await screen.poll(deviceCode, refresh, proof())).status).toBe(200);
  });

  test("private_key_jwt shows the client at both endpoints", async () => {
    const key = createClientKey();
    const client = await addClient(site.gate, { grant_types: [DEVICE_GRANT], response_types: [], redirect_uris: [], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
    const assertion = () => ({
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: signAssertion(key, { clientId: client.id, audience: site.urls.issuer, now: Math.floor(site.world.services.clock.now() / 1_000) }),
    });
    const { status, body } = await post(site, "device_authorization", { form: assertion() });
    expect(status).toBe(200);
    expect(outcome(await post(site, "token", { form: { ...assertion(), grant_type: DEVICE_GRANT, device_code: String(body["device_code"]) } }))).toEqual(pending);
  });

  test("resources that were asked for are in the token, and no others", async () => {
    const reader = await startDeviceFlow(site, { metadata: { resources: ["https://api.example", "https://files.example"] } });
    const { deviceCode, userCode } = await reader.ask({ scope: "openid", resource: "https://api.example" });
    await reader.decide(userCode, "allow");
    expect(decodeJwt(String((await reader.poll(deviceCode)).body["access_token"])).aud).toEqual(["https://api.example", site.urls.issuer]);
  });

  test("the device is signed out when its person chooses another password", async () => {
    const person = await addPerson(site.gate, { address: "changes@example.com" });
    const { deviceCode, userCode } = await flow.ask({ scope: "openid" });
    await flow.decide(userCode, "allow", await signedInPerson(site, "changes@example.com"));
    const { body } = await flow.poll(deviceCode);
    expect(await userinfoStatus(body["access_token"])).toBe(200);
    wait(1);
    await changePassword(site.gate, person, { current_password: PASSWORD, new_password: "another horse, another battery" });
    expect(await userinfoStatus(body["access_token"])).toBe(401);
    expect(outcome(await flow.poll(deviceCode, { grant_type: "refresh_token", refresh_token: String(body["refresh_token"]) }))).toEqual(invalid);
  });

  test("the device stays signed in when the browser that approved it signs out", async () => {
    const { deviceCode, userCode } = await flow.ask({ scope: "openid" });
    const browser = await signedInPerson(site);
    await flow.decide(userCode, "allow", browser);
    const { body } = await flow.poll(deviceCode);
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.sessions).set({ ended_at: site.world.services.clock.now() })));
    expect(await userinfoStatus(body["access_token"])).toBe(200);
    flow = await startDeviceFlow(site);
  });
});
