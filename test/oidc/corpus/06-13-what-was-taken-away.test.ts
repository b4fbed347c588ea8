/** Advisories 6, 10 to 13: what was disabled, ended or taken back bites at once, on every way in. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { decodeJwt } from "jose";
import { operator, type UserCaller } from "../../../src/gate/caller.ts";
import { updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { openBrowser } from "../../support/browser.ts";
import { CHALLENGE, type Flow, REDIRECT, startFlow } from "../../support/code-flow.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addService } from "../../support/oidc-client.ts";
import { addPerson } from "../../support/people.ts";
import { callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let grace: UserCaller;
let flow: Flow;

beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(async () => {
  grace = await addPerson(site.gate, { teamId: site.people.teamId });
  flow = await startFlow(site, { address: `${grace.userId}@example.com` });
});

const change = async (metadata: Readonly<Record<string, unknown>>) => await updateClient(site.gate, operator, { client_id: flow.client.id, metadata });
const disableClient = async () => await updateClient(site.gate, operator, { client_id: flow.client.id, is_disabled: true });
const disablePerson = async () => {
  const disabled_at = site.gate.services.clock.now();
  await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at }).where(byId(writer.tables.users.id))));
};
const byId = (column: Parameters<typeof eq>[0]) => eq(column, grace.userId);
const refreshToken = async (scope = "openid email") => String((await flow.tokens({ scope }))["refresh_token"]);
const silent = async () => {
  const browser = openBrowser(site.urls.issuer);
  browser.cookies.set("cyberun-issuer", flow.session.secret);
  const query = { client_id: flow.client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", prompt: "none", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  return await browser.open(`${site.urls.issuer}/oauth/authorize?${new URLSearchParams(query).toString()}`);
};
const userinfo = async (token: unknown) => await callUrl(`${site.urls.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${String(token)}` } });

describe("advisory 6: what changed since the sign-in counts at the next refresh and the next silent request:", () => {
  test("a person who was disabled has no refresh", async () => {
    const token = await refreshToken();
    await disablePerson();
    expect(outcome(await flow.refresh(token))).toEqual([400, "invalid_grant"]);
  });

  test("a person who was disabled has no silent sign-in", async () => {
    await flow.code();
    expect((await silent()).location?.searchParams.has("code")).toBe(true);
    await disablePerson();
    expect((await silent()).location?.searchParams.get("error")).toBe("login_required");
  });

  test("a code of a person who was disabled meanwhile gives nothing", async () => {
    const code = await flow.code();
    await disablePerson();
    expect(outcome(await flow.redeem(code))).toEqual([400, "invalid_grant"]);
  });

  test("a role that was lost is gone from the next tokens", async () => {
    const token = await refreshToken("openid teams");
    await site.gate.store.write(async (writer) => void (await writer.delete(writer.tables.memberships).where(byId(writer.tables.memberships.user_id))));
    const { body } = await flow.refresh(token);
    expect(JSON.stringify(decodeJwt(String(body["id_token"])))).not.toContain(site.people.teamId);
  });

  test("a scope that the client lost is not refreshed", async () => {
    const token = await refreshToken("openid email");
    await change({ scope: "openid" });
    const { status, body } = await flow.refresh(token);
    expect([status, body["scope"]]).toEqual([200, "openid"]);
    expect(decodeJwt(String(body["id_token"]))["email"]).toBeUndefined();
  });

  test("a scope that the client lost between code and tokens is not given", async () => {
    const code = await flow.code({ scope: "openid email" });
    await change({ scope: "openid" });
    expect((await flow.redeem(code)).body["scope"]).toBe("openid");
  });

  test("a client that lost offline access has none", async () => {
    const token = await refreshToken("openid offline_access");
    await change({ scope: "openid" });
    expect(outcome(await flow.refresh(token))).toEqual([400, "invalid_grant"]);
  });

  test("a resource that the client lost is not refreshed", async () => {
    await change({ resources: ["https://api.example"] });
    const tokens = await flow.tokens({ resource: "https://api.example" });
    await change({ resources: [] });
    const { body } = await flow.refresh(String(tokens["refresh_token"]));
    expect(decodeJwt(String(body["access_token"])).aud).toBe(site.urls.issuer);
  });

  test("a client that lost the refresh grant does not refresh", async () => {
    const token = await refreshToken();
    await change({ grant_types: ["authorization_code"] });
    expect(outcome(await flow.refresh(token))).toEqual([400, "unauthorized_client"]);
  });

  test("a client whose tokens have to be bound from now on does not refresh without a proof", async () => {
    const token = await refreshToken();
    await change({ dpop_bound_access_tokens: true });
    expect(outcome(await flow.refresh(token))).toEqual([400, "invalid_dpop_proof"]);
  });

  test("an address that the client took back is not redirected to, signed in or not", async () => {
    await flow.code();
    await change({ redirect_uris: ["https://app.example/new"] });
    expect([(await silent()).status, (await silent()).location]).toEqual([400, undefined]);
  });
});

describe("advisory 10: a client that was disabled is refused", () => {
  const doors: readonly (readonly [string, () => Promise<readonly unknown[]>, readonly unknown[]])[] = [
    ["with a code", async () => outcome(await afterDisabling(await flow.code(), (code) => flow.redeem(code))), [401, "invalid_client"]],
    ["with a refresh token", async () => outcome(await afterDisabling(await refreshToken(), (token) => flow.refresh(token))), [401, "invalid_client"]],
    ["at introspection", async () => outcome(await afterDisabling("x", (token) => post(site, "introspection", { form: { token }, headers: basic(flow.client) }))), [401, "invalid_client"]],
    ["at revocation", async () => outcome(await afterDisabling("x", (token) => post(site, "revocation", { form: { token }, headers: basic(flow.client) }))), [401, "invalid_client"]],
    ["at the pushed request", async () => outcome(await afterDisabling(REDIRECT, (redirect_uri) => post(site, "pushed_authorization_request", { form: { redirect_uri, response_type: "code" }, headers: basic(flow.client) }))), [401, "invalid_client"]],
    ["with its access token at userinfo", async () => [(await afterDisabling((await flow.tokens())["access_token"], userinfo)).status], [401]],
    ["at the authorization endpoint, by a page", async () => afterDisabling("", async () => [(await silent()).status, (await silent()).location]), [400, undefined]],
  ];
  async function afterDisabling<T, R>(held: T, use: (held: T) => Promise<R>): Promise<R> {
    await disableClient();
    return await use(held);
  }
  test.each(doors)("%s", async (_name, ask, expected) => {
    expect(await ask()).toEqual([...expected]);
  });

  test("with its own credentials", async () => {
    const service = await addService(site.gate);
    await updateClient(site.gate, operator, { client_id: service.id, is_disabled: true });
    expect(outcome(await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(service) }))).toEqual([401, "invalid_client"]);
  });

  test("in the middle of a sign-in", async () => {
    const browser = openBrowser(site.urls.issuer);
    const query = { client_id: flow.client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" };
    await browser.open(`${site.urls.issuer}/oauth/authorize?${new URLSearchParams(query).toString()}`);
    await disableClient();
    const visit = await browser.submit("sign-in", { email_address: `${grace.userId}@example.com`, user_password: "correct horse battery" });
    expect([visit.status, visit.location, browser.cookies.has("cyberun-issuer")]).toEqual([410, undefined, false]);
  });
});

describe("advisory 11: a resource can be narrowed and never widened", () => {
  const [A, B, C] = ["https://a.example", "https://b.example", "https://c.example"] as const;
  const audience = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) => (typeof body["access_token"] === "string" ? decodeJwt(body["access_token"]).aud : body["error"]);

  test("with the code", async () => {
    await change({ resources: [A, B, C] });
    expect(audience(await flow.redeem(await flow.code({ resource: A }), { resource: B }))).toBe("invalid_target");
    expect(audience(await flow.redeem(await flow.code({ resource: A }), { resource: A }))).toBe(A);
  });

  test("with the refresh token", async () => {
    await change({ resources: [A, B, C] });
    const token = String((await flow.tokens({ resource: A }))["refresh_token"]);
    for (const resource of [B, C, site.urls.api, `${A}/`, "https://A.example"]) expect([resource, audience(await flow.refresh(token, { resource }))]).toEqual([resource, "invalid_target"]);
    expect(audience(await flow.refresh(token, { resource: A }))).toBe(A);
  });
});

describe("advisory 12: somebody whose account is shut", () => {
  const rows: readonly (readonly [string, () => Promise<() => Promise<number>>])[] = [
    ["has no session at the API", async () => {
      const login = await site.call("/api/v1/auth/login", { json: { email_address: `${grace.userId}@example.com`, user_password: "correct horse battery" } });
      return async () => (await site.call("/api/v1/users/me", { headers: { authorization: `Bearer ${String(login.body["access_token"])}` } })).status;
    }],
    ["has no session refresh", async () => {
      const login = await site.call("/api/v1/auth/login", { json: { email_address: `${grace.userId}@example.com`, user_password: "correct horse battery" } });
      return async () => (await site.call("/api/v1/auth/refresh", { json: { refresh_token: String(login.body["refresh_token"]) } })).status;
    }],
    ["has no access token of a client", async () => {
      const token = (await flow.tokens())["access_token"];
      return async () => (await userinfo(token)).status;
    }],
    ["does not sign in", async () => async () => (await site.call("/api/v1/auth/login", { json: { email_address: `${grace.userId}@example.com`, user_password: "correct horse battery" } })).status],
  ];
  test.each(rows)("%s", async (_name, prepare) => {
    const ask = await prepare();
    await disablePerson();
    expect(await ask()).toBe(401);
  });
});

describe("advisory 13: an identifier of a session", () => {
  test("is a new one with each sign-in, and never again that of a session that ended", async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 5; count += 1) {
      const again = await startFlow(site, { client: flow.client, address: `${grace.userId}@example.com` });
      seen.add(String(decodeJwt(String((await again.tokens())["id_token"]))["sid"]));
    }
    expect(seen.size).toBe(5);
  });

  test("names nobody in the next browser that brings it as a cookie", async () => {
    const sid = String(decodeJwt(String((await flow.tokens())["id_token"]))["sid"]);
    const browser = openBrowser(site.urls.issuer);
    browser.cookies.set("cyberun-issuer", sid);
    expect((await browser.open(`${site.urls.issuer}/oauth/logout`)).text).toContain('id="signed-out"');
  });

  test("of offline access ends with the offline access, for all of its tokens", async () => {
    const tokens = await flow.tokens({ scope: "openid offline_access" });
    await post(site, "revocation", { form: { token: String(tokens["refresh_token"]) }, headers: basic(flow.client) });
    expect([outcome(await flow.refresh(String(tokens["refresh_token"]))), (await userinfo(tokens["access_token"])).status]).toEqual([[400, "invalid_grant"], 401]);
  });
});
