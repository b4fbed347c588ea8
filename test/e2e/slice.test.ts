/**
 * The vertical slice through every door of the compiled executable: a vendor signs offline, an operator installs,
 * four roles serve, and each credential opens its own door and no other.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import type { Running } from "../support/executable.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, setupLink, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let site: Running;
let ada: Administrator;

beforeAll(async () => {
  workshop = await openWorkshop();
  const license = await workshop.sign("slice", ["--template", "enterprise", "--days", "30", "--feature", "account.manual_team_creation=on", "--quota", "global.max_teams=2"]);
  site = await workshop.serve(license);
  ada = await setUp(workshop, site);
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  workshop.close();
});

test("all four roles are alive and ready", async () => {
  for (const url of Object.values(site.urls)) {
    expect((await call(url, "/healthz")).status).toBe(200);
    expect((await call(url, "/readyz")).status).toBe(200);
    expect((await call(url, "/metrics")).status).toBe(200);
  }
});

test("the dashboard's script is inside the executable", async () => {
  const response = await fetch(`${site.urls.api}/app.js`);
  const script = await response.text();
  expect([response.status, response.headers.get("content-type"), script.length > 200_000]).toEqual([200, "text/javascript; charset=utf-8", true]);
  expect((await fetch(`${site.urls.api}/app.css`)).status).toBe(200);
});

test("the License Server tells its state without the customer's name", async () => {
  const { status, body } = await call(site.urls.license, "/v1/status");
  expect([status, body["state"]]).toEqual([200, "ok"]);
  expect(JSON.stringify(body)).not.toContain("Acme Ltd");
});

test("the first administrator reads a profile with the license's features", async () => {
  const { status, body } = await call(site.urls.api, "/api/v1/users/me", { bearer: ada.token });
  expect(status).toBe(200);
  expect(body).toMatchObject({ email_address: "ada@example.com", feature_flags: { account: { features: { manual_team_creation: true } }, global: { quotas: { max_teams: 2 } } } });
});

test("a set-up link is used up with its first use", async () => {
  await expect(setupLink(workshop, site)).rejects.toThrow("already set up");
});

test("teams can be made up to the license's cap, and not one more", async () => {
  const make = () => call(site.urls.api, "/api/v1/teams", { method: "POST", bearer: ada.token, body: JSON.stringify({ display_name: "Green" }) });
  const answers = await Promise.all(Array.from({ length: 8 }, make));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 7 }, () => 403)]);
  expect(answers.find(({ status }) => status === 403)?.body["error_code"]).toBe("quota_exceeded");
});

test("an sk- key lists workflows and opens nothing else", async () => {
  const { key } = await createKey(site, ada, "integration");
  expect(await call(site.urls.api, "/api/v1/r/workflows", { bearer: key })).toMatchObject({ status: 200, body: { workflow_list: [], page_meta: { total_count: 0 } } });
  for (const path of ["/api/v1/users/me", "/api/v1/teams", "/api/v1/credentials", "/api/v1/license"]) {
    expect([path, (await call(site.urls.api, path, { bearer: key })).status]).toEqual([path, 403]);
  }
});

/** The gateway's first frame, or undefined when it refuses the connection. */
async function dial(bearer: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = new WebSocket(`${site.urls.gateway}/v1/connect`.replace("http", "ws"), { headers: { authorization: `Bearer ${bearer}` } });
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", protocol: 1, agent_id: "node-1", agent_version: "1.0.0", labels: [], capacity: 1, holds: [] }));
  socket.onmessage = ({ data }) => resolve(String(data));
  socket.onclose = () => resolve(undefined);
  const welcome = await promise;
  socket.close();
  return welcome;
}

test("an agent's WebSocket opens with an ak- key and not with an sk- key", async () => {
  const agent = await createKey(site, ada, "agent");
  const integration = await createKey(site, ada, "integration");
  expect(JSON.parse((await dial(agent.key)) ?? "{}")).toMatchObject({ type: "welcome" });
  expect([await dial(integration.key), await dial("ak-nonsense"), await dial(ada.token)]).toEqual([undefined, undefined, undefined]);
});

test("an ak- key is refused by REST, and a revoked key by everything at once", async () => {
  const agent = await createKey(site, ada, "agent");
  expect((await call(site.urls.api, "/api/v1/r/workflows", { bearer: agent.key })).status).toBe(403);
  const revoked = await call(site.urls.api, `/api/v1/credentials/${agent.id}`, { method: "DELETE", bearer: ada.token, teamId: ada.teamId });
  expect(revoked).toMatchObject({ status: 204 });
  expect(await dial(agent.key)).toBeUndefined();
});

test("an access token verifies from the published keys with a JOSE library", async () => {
  const discovery = await call(site.urls.issuer, "/.well-known/openid-configuration");
  const keys = createRemoteJWKSet(new URL(String(discovery.body["jwks_uri"])));
  const { payload, protectedHeader } = await jwtVerify(ada.token, keys, { issuer: String(discovery.body["issuer"]), typ: "at+jwt" });
  expect([protectedHeader.alg, typeof payload.sub]).toEqual(["ES256", "string"]);
  await expect(jwtVerify(`${ada.token.slice(0, -4)}AAAA`, keys)).rejects.toThrow();
});

test("what was acknowledged is there after kill -9 and a new start on the same directory", async () => {
  const { key } = await createKey(site, ada, "integration");
  const { dataDir } = site;
  await site.kill();
  const license = await workshop.sign("again", ["--template", "enterprise", "--days", "30", "--sequence", "2"]);
  await using again = await workshop.serve(license, { dataDir });
  expect((await call(again.urls.api, "/api/v1/r/workflows", { bearer: key })).status).toBe(200);
});
