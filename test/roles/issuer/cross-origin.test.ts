/** Pages of other origins: which may read which answers, and that no cookie and no `null` is among what they may send. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { deleteClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { listClientOrigins } from "../../../src/oidc/clients/client-origins.ts";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { startFlow } from "../../support/code-flow.ts";
import { addClient } from "../../support/oidc-client.ts";
import { codeOf, strangersTo } from "../../support/refusal.ts";
import { bearer, startRoles, type TestRoles } from "../../support/roles.ts";

const ORIGIN = "https://spa.example";
let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
  await addClient(site.gate, { redirect_uris: [`${ORIGIN}/cb`, "http://localhost:5173/cb", "https://other.example:8443/x/cb"], token_endpoint_auth_method: "none" });
  await addClient(site.gate, { redirect_uris: ["com.example.app:/cb"], token_endpoint_auth_method: "none" });
});
afterAll(() => site.close());

const forPrograms = [endpoints.token, endpoints.userinfo, endpoints.revocation, endpoints.device_authorization, endpoints.pushed_authorization_request];
const documents = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"];
const others = [endpoints.introspection, endpoints.registration, endpoints.authorization, endpoints.end_session, "/interaction/x", "/healthz", "/metrics", "/nothing"];

async function preflight(path: string, origin: string, method = "POST") {
  const headers = { origin, "access-control-request-method": method, "access-control-request-headers": "authorization,dpop,content-type" };
  return await site.call(path, { role: "issuer", method: "OPTIONS", headers });
}
const allowed = (headers: Headers) => headers.get("access-control-allow-origin");
const cors = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control-"));

describe.each(forPrograms)("%s", (path) => {
  test.each([ORIGIN, "http://localhost:5173", "https://other.example:8443"])("answers a preflight of the registered origin %s", async (origin) => {
    const { status, headers, text } = await preflight(path, origin);
    expect([status, text, allowed(headers), headers.get("vary")]).toEqual([204, "", origin, "origin"]);
    expect(headers.get("access-control-allow-headers")?.split(", ").toSorted()).toEqual(["authorization", "content-type", "dpop"]);
    expect(headers.get("access-control-allow-methods")).toContain("POST");
    expect(Number(headers.get("access-control-max-age"))).toBeGreaterThan(0);
    expect([headers.get("access-control-allow-credentials"), headers.get("set-cookie")]).toEqual([null, null]);
  });

  test("lets the page read a refusal", async () => {
    const answer = await site.call(path, { role: "issuer", form: { grant_type: "nonsense" }, headers: { origin: ORIGIN } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect([allowed(answer.headers), answer.headers.get("vary"), answer.headers.get("access-control-allow-credentials")]).toEqual([ORIGIN, "origin", null]);
    expect(answer.headers.get("access-control-expose-headers")).toContain("www-authenticate");
  });

  test.each([
    "null",
    "https://evil.example",
    "http://spa.example",
    "https://spa.example:8443",
    "https://spa.example.evil.example",
    "https://evil.example/spa.example",
    "https://sub.spa.example",
    "https://SPA.example",
    "https://spa.example/",
    "https://spa.example.",
    "https://u@spa.example",
    "http://localhost",
    "http://localhost:5174",
    "com.example.app:",
    "file://",
    "chrome-extension://abcdef",
    "*",
    "https://spa.example https://evil.example",
    "https://spa.example, https://evil.example",
  ])("lets %s read nothing", async (origin) => {
    const before = await preflight(path, origin);
    expect([before.status, cors(before.headers)]).toEqual([403, []]);
    const answer = await site.call(path, { role: "issuer", form: {}, headers: { origin } });
    expect([cors(answer.headers), answer.headers.get("vary")]).toEqual([[], "origin"]);
  });

  test("says nothing of origins to whoever sends none", async () => {
    const answer = await site.call(path, { role: "issuer", form: {} });
    expect([cors(answer.headers), answer.headers.get("vary")]).toEqual([[], "origin"]);
  });

  test("an OPTIONS that is no preflight is a method like others", async () => {
    expect((await site.call(path, { role: "issuer", method: "OPTIONS", headers: { origin: ORIGIN } })).status).toBe(405);
  });
});

test.each(documents)("%s is for every origin, also for those without a name, and never with credentials", async (path) => {
  for (const origin of [ORIGIN, "null", "https://anybody.example"]) {
    const { headers } = await site.call(path, { role: "issuer", headers: { origin } });
    expect([allowed(headers), headers.get("access-control-allow-credentials"), headers.get("set-cookie")]).toEqual(["*", null, null]);
    expect(allowed((await preflight(path, origin, "GET")).headers)).toBe("*");
  }
});

test.each(others)("%s is for no other origin", async (path) => {
  const before = await preflight(path, ORIGIN);
  expect([before.status, cors(before.headers)]).toEqual([403, []]);
  expect(cors((await site.call(path, { role: "issuer", headers: { origin: ORIGIN } })).headers)).toEqual([]);
});

test("a page gets its tokens and who it is for", async () => {
  const flow = await startFlow(site, { metadata: { redirect_uris: [`${ORIGIN}/cb`], token_endpoint_auth_method: "none" } });
  const code = await flow.code({ redirect_uri: `${ORIGIN}/cb` });
  const tokens = await flow.redeem(code, { redirect_uri: `${ORIGIN}/cb` }, { origin: ORIGIN });
  expect([tokens.status, allowed(tokens.headers)]).toEqual([200, ORIGIN]);
  const info = await site.call(endpoints.userinfo, { role: "issuer", headers: { origin: ORIGIN, ...bearer(String(tokens.body["access_token"])) } });
  expect([info.status, allowed(info.headers), info.body["sub"]]).toEqual([200, ORIGIN, flow.session.userId]);
});

test("an origin that is registered is let in at once or in five seconds; one that is taken away is out in a minute", async () => {
  const mayRead = async () => allowed((await preflight(endpoints.token, "https://late.example")).headers) !== null;
  const { clock } = site.world.services;
  clock.advance(5_000);
  expect(await mayRead()).toBe(false);
  const { id } = await addClient(site.gate, { redirect_uris: ["https://late.example/cb"] });
  expect(await mayRead()).toBe(false);
  clock.advance(5_000);
  expect(await mayRead()).toBe(true);
  await updateClient(site.gate, operator, { client_id: id, is_disabled: true });
  clock.advance(60_000);
  expect(await mayRead()).toBe(false);
  await deleteClient(site.gate, operator, { client_id: id });
});

test("nobody else may list the origins", async () => {
  for (const { caller, code } of strangersTo("oidc_client.list_origins")) expect(await codeOf(listClientOrigins(site.gate, caller, undefined))).toBe(code);
});
