/** What people have allowed clients: listed, taken back, and then worth nothing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { listConsents, revokeConsent } from "../../src/oidc/consents.ts";
import { startFlow } from "../support/code-flow.ts";
import { outcome } from "../support/oauth.ts";
import { addPerson } from "../support/people.ts";
import { codeOf, strangersTo } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());

describe("a consent", () => {
  test("is listed for the person, grows with each scope, and holds what a claim by name stands for", async () => {
    const flow = await startFlow(site, { metadata: { client_name: "Invoices" } });
    await flow.code({ scope: "openid", claims: '{"userinfo":{"email":null}}' });
    await flow.code({ scope: "openid teams" });
    const { consent_list } = await listConsents(site.gate, site.people.owner, undefined);
    expect(consent_list).toMatchObject([{ client_id: flow.client.id, client_name: "Invoices", scope: "openid email teams" }]);
    const grace = await addPerson(site.gate);
    expect((await listConsents(site.gate, grace, undefined)).consent_list).toEqual([]);
  });

  test("that is taken back ends what came of it, and is asked for again", async () => {
    const flow = await startFlow(site);
    const tokens = await flow.tokens({ scope: "openid offline_access" });
    await revokeConsent(site.gate, site.people.owner, { client_id: flow.client.id });
    expect(outcome(await flow.refresh(String(tokens["refresh_token"])))).toEqual([400, "invalid_grant"]);
    expect((await flow.authorize({ prompt: "none" }))["error"]).toBe("consent_required");
    expect(await codeOf(revokeConsent(site.gate, site.people.owner, { client_id: flow.client.id }))).toBe("not_found");
  });

  test("is listed and taken back through the API", async () => {
    const flow = await startFlow(site, { metadata: { client_name: "Through the API" } });
    await flow.code();
    const { user } = await site.credentials();
    const path = "/api/v1/users/me/consents";
    expect((await site.call(path, { as: user })).text).toContain("Through the API");
    expect((await site.call(`${path}/${flow.client.id}`, { as: user, method: "DELETE" })).status).toBe(204);
    expect((await site.call(path, { as: user })).text).not.toContain("Through the API");
    expect((await site.call(`${path}/${flow.client.id}`, { as: user, method: "DELETE" })).status).toBe(404);
  });

  test("of somebody else is nobody's to take back", async () => {
    const flow = await startFlow(site);
    await flow.code();
    const grace = await addPerson(site.gate);
    expect(await codeOf(revokeConsent(site.gate, grace, { client_id: flow.client.id }))).toBe("not_found");
    expect((await flow.authorize({ prompt: "none" }))["code"]).toMatch(/./);
  });

  test("is people's business alone", async () => {
    for (const { caller, code } of strangersTo("consent.list")) expect(await codeOf(listConsents(site.gate, caller, undefined))).toBe(code);
    for (const { caller, code } of strangersTo("consent.revoke")) expect(await codeOf(revokeConsent(site.gate, caller, { client_id: "x" }))).toBe(code);
  });
});
