/** What administrators see of the deployment itself: the system, and the keys that sign its tokens. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { addPerson, signIn } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let administrator: Shown;
beforeAll(async () => {
  site = await startRoles();
  administrator = (await site.credentials()).user;
  await addPerson(site.gate, { address: "grace@example.com" });
});
afterAll(() => site.close());

interface ListedKey {
  readonly kid: string;
  readonly alg: string;
  readonly key_status: string;
}

async function keys(): Promise<readonly ListedKey[]> {
  const { text } = await site.call("/api/v1/oidc/signing-keys", { as: administrator });
  return JSON.parse(text).signing_keys;
}

test("the system says what runs here, where the roles are and that each of them answers there", async () => {
  const { status, body } = await site.call("/api/v1/deployment/system", { as: administrator });
  expect([status, body["store_engine"], body["role_list"]]).toEqual([200, "sqlite", ["api", "issuer", "gateway"]]);
  expect(body["address_list"]).toEqual([
    { role: "api", url: site.urls.api },
    { role: "issuer", url: site.urls.issuer },
    { role: "gateway", url: site.urls.gateway },
  ]);
  const checks = new Map((Array.isArray(body["check_list"]) ? body["check_list"] : []).map((each) => [each.name, each.check_status]));
  for (const role of ["api", "issuer", "gateway"]) expect([role, checks.get(`${role} address`)]).toEqual([role, "ok"]);
  expect([...checks.keys()]).toEqual(expect.arrayContaining(["data directory", "disk", "clock", "agents"]));
  expect(body["lease"]).toMatchObject({ server: "http://license.test:9400", age_seconds: 3 });
});

test("a role that does not answer is a problem with what would mend it, and the rest is told all the same", async () => {
  await using other = await startRoles({ settings: { gatewayUrl: "http://127.0.0.1:1" } });
  const { body } = await other.call("/api/v1/deployment/system", { as: (await other.credentials()).user });
  const checks = new Map((Array.isArray(body["check_list"]) ? body["check_list"] : []).map((each) => [each.name, each]));
  expect(checks.get("gateway address")).toMatchObject({ check_status: "problem", message: expect.stringContaining("http://127.0.0.1:1"), hint: expect.any(String) });
  expect(checks.get("agents")).toMatchObject({ check_status: "skipped" });
  expect(checks.get("issuer address")).toMatchObject({ check_status: "ok" });
});

test("the next key is published soon and signs later, or signs at once; one that is revoked is refused from then on", async () => {
  const [first] = await keys();
  expect(first).toMatchObject({ alg: "ES256", key_status: "signing" });
  const soon = await site.call("/api/v1/oidc/signing-keys/rotate", { as: administrator, json: {} });
  expect([soon.status, JSON.parse(soon.text).changes[0].retires]).toEqual([200, first?.kid ?? ""]);
  expect((await keys()).map(({ key_status }) => key_status)).toEqual(["pending", "signing"]);
  const now = await site.call("/api/v1/oidc/signing-keys/rotate", { as: administrator, json: { is_now: true } });
  expect(now.status).toBe(200);
  // Both began at the same instant of the test's clock, so their order says nothing.
  expect((await keys()).map(({ key_status }) => key_status).toSorted()).toEqual(["retired", "signing"]);
  const kid = (await keys()).find(({ key_status }) => key_status === "signing")?.kid ?? "";
  const revoked = await site.call(`/api/v1/oidc/signing-keys/${kid}/revoke`, { as: administrator, method: "POST" });
  expect([revoked.status, revoked.body["kid"], typeof revoked.body["successor"]]).toEqual([200, kid, "string"]);
  expect((await keys()).find((key) => key.kid === kid)?.key_status).toBe("revoked");
  administrator = (await site.credentials()).user;
  expect((await site.call("/api/v1/oidc/signing-keys/unknown/revoke", { as: administrator, method: "POST" })).status).toBe(404);
});

test.each([
  ["GET", "/api/v1/deployment/system", undefined],
  ["GET", "/api/v1/oidc/signing-keys", undefined],
  ["POST", "/api/v1/oidc/signing-keys/rotate", {}],
  ["POST", "/api/v1/oidc/signing-keys/x/revoke", undefined],
])("%s %s is for administrators alone", async (method, path, json) => {
  const fresh = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, "grace@example.com")));
  const body = json === undefined ? {} : { json };
  expect([path, (await site.call(path, { as: fresh, method, ...body })).status]).toEqual([path, 403]);
  expect([path, (await site.call(path, { as: {}, method, ...body })).status]).toEqual([path, 401]);
  for (const kind of ["device", "integration", "agent"] as const) {
    const shown = (await site.credentials())[kind];
    expect([path, kind, [401, 403].includes((await site.call(path, { as: shown, method, ...body })).status)]).toEqual([path, kind, true]);
  }
});
