/** Userinfo: told to whoever shows a token that stands, by the scopes it has, as things are now. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { type Flow, startFlow } from "../../support/code-flow.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addService } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: Flow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
});
afterAll(() => site.close());

const url = () => `${site.urls.issuer}${endpoints.userinfo}`;
const ask = async (token: unknown, query = "") => await callUrl(`${url()}${query}`, { headers: bearer(String(token)) });
const accessToken = async (scope = "openid email", of: Flow = flow) => String((await of.tokens({ scope }))["access_token"]);

describe("userinfo", () => {
  test("is told by GET, by POST with the header, and by POST with the form", async () => {
    const token = await accessToken();
    const told = { sub: site.people.owner.userId, email: ownerAddress, email_verified: true };
    const answers = [await ask(token), await callUrl(url(), { method: "POST", headers: bearer(token) }), await callUrl(url(), { form: { access_token: token } })];
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[200, told], [200, told], [200, told]]);
    expect(answers[0]?.headers.get("cache-control")).toBe("no-store");
  });

  test("has what the scopes of the token allow, and single claims that were asked for by name", async () => {
    expect((await ask(await accessToken("openid"))).body).toEqual({ sub: site.people.owner.userId });
    expect((await ask(await accessToken("openid profile"))).body).toEqual({ sub: site.people.owner.userId, name: "Ada Lovelace", given_name: "Ada", family_name: "Lovelace" });
    expect((await ask(await accessToken("openid teams"))).body["teams"]).toEqual([{ id: site.people.teamId, name: "First", role: "owner" }]);
    const claims = '{"userinfo":{"given_name":null,"password_hash":null,"sub":null},"id_token":{"email":null}}';
    const token = (await flow.tokens({ scope: "openid", claims }))["access_token"];
    expect((await ask(token)).body).toEqual({ sub: site.people.owner.userId, given_name: "Ada" });
  });

  test("follows the person's roles", async () => {
    const grace = await addPerson(site.gate, { teamId: site.people.teamId, role: "member" });
    const hers = await startFlow(site, { address: `${grace.userId}@example.com` });
    const token = await accessToken("openid teams", hers);
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.memberships).set({ role: "viewer" })));
    expect((await ask(token)).body["teams"]).toEqual([{ id: site.people.teamId, name: "First", role: "viewer" }]);
  });
});

describe("a request is refused", () => {
  test("without a token, with the scheme and no error", async () => {
    const { status, headers } = await callUrl(url());
    expect([status, headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="cyberun"']);
  });

  const bad: readonly (readonly [string, (token: string) => string])[] = [
    ["noise", () => "noise"],
    ["a token cut short", (token) => token.slice(0, -2)],
    ["a token of another signature", (token) => `${token.slice(0, -10)}AAAAAAAAAA`],
    ["an unsigned token", (token) => `${token.split(".").slice(0, 2).join(".")}.`],
  ];
  test.each(bad)("with %s", async (_name, change) => {
    const answer = await ask(change(await accessToken()));
    expect([...outcome(answer), answer.headers.get("www-authenticate")]).toEqual([401, "invalid_token", 'Bearer realm="cyberun", error="invalid_token"']);
  });

  test("with an ID token, a refresh token, a token of a client of its own, or one for the API", async () => {
    const body = await flow.tokens({ scope: "openid" });
    const service = await addService(site.gate);
    const own = await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(service) });
    const login = await site.call("/api/v1/auth/login", { json: { email_address: ownerAddress, user_password: PASSWORD } });
    for (const token of [body["id_token"], body["refresh_token"], own.body["access_token"], login.body["access_token"]]) expect(outcome(await ask(token))).toEqual([401, "invalid_token"]);
  });

  test("with the token in the address, or in two places", async () => {
    const token = await accessToken();
    expect(outcome(await callUrl(`${url()}?access_token=${token}`))).toEqual([400, "invalid_request"]);
    expect(outcome(await callUrl(url(), { form: { access_token: token }, headers: bearer(token) }))).toEqual([400, "invalid_request"]);
    expect(outcome(await callUrl(url(), { headers: { authorization: `Basic ${token}` } }))).toEqual([400, "invalid_request"]);
  });

  test("without the scope openid", async () => {
    expect(outcome(await ask(await accessToken("email")))).toEqual([403, "insufficient_scope"]);
  });

  test("for a token of a resource elsewhere alone", async () => {
    const reader = await startFlow(site, { metadata: { resources: ["https://api.example"] } });
    const { body } = await reader.redeem(await reader.code({ resource: "https://api.example" }), { resource: "https://api.example" });
    expect(outcome(await ask(body["access_token"]))).toEqual([401, "invalid_token"]);
  });

  test("once it is over, revoked, its code replayed, or its client shut out", async () => {
    const revoked = await accessToken();
    await post(site, "revocation", { form: { token: revoked }, headers: basic(flow.client) });
    expect(outcome(await ask(revoked))).toEqual([401, "invalid_token"]);
    const code = await flow.code();
    const { body } = await flow.redeem(code);
    expect((await ask(body["access_token"])).status).toBe(200);
    await flow.redeem(code);
    expect(outcome(await ask(body["access_token"]))).toEqual([401, "invalid_token"]);
    const late = await accessToken();
    site.license({ features: { global: { oidc_provider: false } } });
    expect((await ask(late)).status).toBe(403);
    site.license({});
    site.world.services.clock.advance(3_600_000);
    expect(outcome(await ask(late))).toEqual([401, "invalid_token"]);
  });
});
