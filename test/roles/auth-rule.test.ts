/**
 * The auth rule at the doors of the API server: one bearer header and nothing else, the team from the header for people
 * and from the row for keys, and a revocation that is true when its call returns.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { findNetwork } from "../../src/cidr.ts";
import { createCredential } from "../../src/credentials/credentials.ts";
import { LastUses } from "../../src/credentials/last-use.ts";
import { createKey } from "../../src/crypto/tokens.ts";
import { type OperationName, operations } from "../../src/gate/operations.ts";
import { surfaceOf, surfaceRowOf } from "../../src/gate/surfaces.ts";
import { createApp, listen } from "../../src/http/listener.ts";
import { createLog } from "../../src/log.ts";
import { apiAuthenticate } from "../../src/roles/api/authenticate.ts";
import { exampleOf } from "../../src/roles/api/example.ts";
import { type DescribedRoute, describedRoutes, plainSchema } from "../../src/roles/api/openapi.ts";
import { addRuntimeDoors } from "../../src/roles/api/runtime.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { addKey } from "../support/people.ts";
import { bearer, type Credentials, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let credentials: Credentials;

beforeAll(async () => {
  site = await startRoles();
  credentials = await site.credentials();
});
afterAll(() => site.close());

const WORKFLOWS = "/api/v1/r/workflows";
const keyOf = (name: "integration" | "agent" | "device" | "user") => credentials[name]["authorization"]?.slice("Bearer ".length) ?? "";

/** The status of a request whose header lines are sent as they stand: `fetch` would join or drop some. */
async function rawStatus(path: string, lines: readonly string[]): Promise<number> {
  const { hostname, port, host } = new URL(site.urls.api);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  socket.on("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines.map((line) => `${line}\r\n`).join("")}connection: close\r\n\r\n`));
  socket.on("data", (bytes) => void (answer += bytes.toString("latin1")));
  socket.on("error", reject);
  socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])));
  return await promise;
}

describe("the header", () => {
  const good = () => `authorization: Bearer ${keyOf("integration")}`;

  test.each([
    ["once", () => [good()], 200],
    ["with another case of scheme and name", () => [good().replace("authorization: Bearer", "AUTHORIZATION: bEARER")], 200],
    ["with spaces around", () => [good().replace("Bearer ", "Bearer   ") + "  "], 200],
    ["twice, the same", () => [good(), good()], 401],
    ["twice, good and bad", () => [good(), "authorization: Bearer nobody"], 401],
    ["twice, bad and good", () => ["authorization: Bearer nobody", good()], 401],
    ["twice, another scheme first", () => ["authorization: Basic YTpi", good()], 401],
    ["twice, empty first", () => ["authorization:", good()], 401],
    ["joined by a comma", () => [`${good()}, Bearer ${keyOf("integration")}`], 401],
    ["joined by a comma without a space", () => [`${good()},${keyOf("integration")}`], 401],
    ["without a scheme", () => [`authorization: ${keyOf("integration")}`], 401],
    ["as Basic", () => [good().replace("Bearer", "Basic")], 401],
    ["as a Basic password", () => [`authorization: Basic ${Buffer.from(`x:${keyOf("integration")}`).toString("base64")}`], 401],
    ["as Token", () => [good().replace("Bearer", "Token")], 401],
    ["with nothing behind Bearer", () => ["authorization: Bearer"], 401],
    ["with two words behind Bearer", () => [`${good()} x`], 401],
    ["in quotes", () => [`authorization: Bearer "${keyOf("integration")}"`], 401],
    ["with a tab for the space", () => [good().replace("Bearer ", "Bearer\t")], 401],
    ["in X-API-Key", () => [`x-api-key: ${keyOf("integration")}`], 401],
    ["in Proxy-Authorization", () => [`proxy-${good()}`], 401],
    ["in the dashboard's cookie", () => [`cookie: cyberun=${keyOf("integration")}`], 401],
  ] as const)("%s", async (_name, lines, status) => {
    expect(await rawStatus(WORKFLOWS, lines())).toBe(status);
  });

  test("of 9,000 bytes is refused unread", async () => {
    expect(await rawStatus(WORKFLOWS, [`authorization: Bearer ${" ".repeat(9_000)}${keyOf("integration")}`])).toBe(401);
  });
});

describe("a credential elsewhere is none", () => {
  const names = ["access_token", "token", "api_key", "apikey", "key", "authorization", "Authorization", "bearer"];

  test.each(names)("in the query as %s", async (name) => {
    for (const kind of ["integration", "device", "user"] as const) {
      const answer = await site.call(`${WORKFLOWS}?${name}=${encodeURIComponent(keyOf(kind))}`);
      expect([answer.status, answer.body["error_code"]]).toEqual([401, "unauthenticated"]);
      expect(answer.text).not.toContain(keyOf(kind));
    }
  });

  test.each(names)("in a body as %s", async (name) => {
    const sent = { [name]: keyOf("user"), display_name: "x" };
    expect((await site.call("/api/v1/teams", { json: sent })).status).toBe(401);
    expect((await site.call("/api/v1/teams", { form: sent })).status).toBe(401);
    // RFC 6750 section 2.2 would take it from a form; this API does not.
  });

  test("in the user part of the address", async () => {
    const { host } = new URL(site.urls.api);
    const answer = await fetch(`http://x:${keyOf("integration")}@${host}${WORKFLOWS}`);
    expect(answer.status).toBe(401);
  });

  test("a key in place of an id is a bad request that repeats nothing", async () => {
    for (const [method, suffix] of [["DELETE", ""], ["POST", "/rotate"]] as const) {
      for (const text of [keyOf("integration"), keyOf("integration").slice(0, 12)]) {
        const answer = await site.call(`/api/v1/credentials/${text}${suffix}`, { method, as: credentials.user });
        expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
        expect(answer.text).not.toContain(text);
      }
    }
    expect(site.logged.join("")).not.toContain(keyOf("integration"));
  });
});

describe("the team", () => {
  const concrete = (path: string) => path.replace(/:[a-z_]+/g, "00000000-0000-7000-8000-00000000000f");

  /** Doors of surfaces where nothing is done but for a team, with a body that would be good. */
  const teamDoors = () => describedRoutes(site.apps.api.routes).filter(({ operation }) => ["runtime", "credentials"].includes(surfaceOf[operation]));
  /** Where the example is more than a shape can say. */
  const bodies: Readonly<Partial<Record<OperationName, unknown>>> = { "credential.create": { kind: "agent", display_name: "x" }, "credential.rotate": {}, "pairing.confirm": { user_code: "AB7K-PNQ3" } };
  const ask = async ({ method, path, operation, body }: DescribedRoute, as: Readonly<Record<string, string>>) =>
    await site.call(concrete(path), { method, as, ...(method === "GET" || body === undefined ? {} : { json: bodies[operation] ?? exampleOf(plainSchema(body)) }) });

  test("a person has to name it at every door that works for a team", async () => {
    expect(teamDoors().length).toBeGreaterThanOrEqual(5);
    for (const door of teamDoors()) {
      const answer = await ask(door, bearer(keyOf("user")));
      expect([door.operation, answer.status, answer.body["error_code"]]).toEqual([door.operation, 400, "team_required"]);
    }
  });

  test("one that is no UUID, is foreign or is named twice is refused", async () => {
    const other = "00000000-0000-7000-8000-0000000000ff";
    const { teamId } = site.people;
    const status = async (team: string) => (await site.call(WORKFLOWS, { as: { ...bearer(keyOf("user")), "x-team-id": team } })).status;
    for (const team of ["", "x", `team_${teamId}`, teamId.replaceAll("-", ""), `{${teamId}}`, `${teamId}, ${teamId}`, `${teamId} ${other}`]) expect([team, await status(team)]).toEqual([team, 400]);
    expect(await status(other)).toBe(404);
    expect(await status(teamId.toUpperCase())).toBe(200);
    const token = `authorization: Bearer ${keyOf("user")}`;
    expect(await rawStatus(WORKFLOWS, [token, `x-team-id: ${teamId}`, `x-team-id: ${other}`])).toBe(400);
    expect(await rawStatus(WORKFLOWS, [token, `x-team-id: ${teamId}`])).toBe(200);
  });

  test("a key's is that of its row, whatever the header says", async () => {
    const second = await createTeam(site.gate, site.people.owner, { display_name: "Second" });
    for (const name of ["integration", "device"] as const) {
      for (const team of ["", "nonsense", second.id, "00000000-0000-7000-8000-0000000000ff", `${second.id}, ${second.id}`]) {
        expect([name, team, (await site.call(WORKFLOWS, { as: { ...credentials[name], "x-team-id": team } })).status]).toEqual([name, team, 200]);
      }
    }
  });
});

describe("scopes and networks at the door", () => {
  test("a key without the scope is told which one, before its input is looked at", async () => {
    const { raw_key } = await createCredential(site.gate, site.people.owner, { kind: "integration", display_name: "Narrow", scopes: ["tasks:read"] });
    const answer = await site.call(`${WORKFLOWS}?per_page=nonsense`, { as: bearer(raw_key) });
    expect([answer.status, answer.body["error_code"], answer.body["details"]]).toEqual([
      403,
      "insufficient_scope",
      { scope: "workflows:read", scopes: ["tasks:read"], operation: "workflow.list_runtime" },
    ]);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="cyberun", error="insufficient_scope", scope="workflows:read"');
  });

  test("the peer's address counts, and headers that claim another do not", async () => {
    const make = async (cidr: string) => (await createCredential(site.gate, site.people.owner, { kind: "integration", display_name: "Net", allowed_cidrs: [cidr] })).raw_key;
    const [local, elsewhere] = [await make("127.0.0.0/8"), await make("192.0.2.0/24")];
    expect((await site.call(WORKFLOWS, { as: bearer(local) })).status).toBe(200);
    for (const headers of [{}, { "x-forwarded-for": "192.0.2.1" }, { "x-real-ip": "192.0.2.1" }, { forwarded: "for=192.0.2.1" }]) {
      const answer = await site.call(WORKFLOWS, { as: bearer(elsewhere), headers });
      expect([answer.status, answer.body["error_code"]]).toEqual([403, "forbidden"]);
    }
  });
});

test("behind a proxy that the configuration trusts it is the address that the proxy names", async () => {
  const { gate, keyring, world } = site;
  const log = createLog(world.services.clock, "error", () => {});
  const uses = new LastUses(gate, log);
  const [network] = [findNetwork("127.0.0.0/8")];
  const proxies = { networks: network === undefined ? [] : [network], header: "x-forwarded-for" } as const;
  const app = createApp({ role: "api", services: world.services, log, authenticate: apiAuthenticate(gate, keyring, uses), proxies });
  addRuntimeDoors(app, gate);
  const listener = listen(app, { hostname: "127.0.0.1", port: 0 }, world.services);
  const { raw_key } = await createCredential(gate, site.people.owner, { kind: "integration", display_name: "Net", allowed_cidrs: ["192.0.2.0/24", "2001:db8::/64"] });
  const status = async (forwarded: string) => (await fetch(`${listener.url}${WORKFLOWS}`, { headers: { ...bearer(raw_key), "x-forwarded-for": forwarded } })).status;
  const inside = ["192.0.2.1", "203.0.113.9, 192.0.2.1", "::ffff:192.0.2.1", "2001:db8::7", "nonsense, 192.0.2.1"];
  const outside = ["203.0.113.9", "192.0.2.1, 203.0.113.9", "192.0.2.1, nonsense", "127.0.0.1", "", "2001:db8:0:1::7"];
  for (const forwarded of inside) expect([forwarded, await status(forwarded)]).toEqual([forwarded, 200]);
  for (const forwarded of outside) expect([forwarded, await status(forwarded)]).toEqual([forwarded, 403]);
  await Promise.all([uses.stop(), listener.stop()]);
});

describe("keys through the API", () => {
  test("are made with scopes and networks, listed as documented, rotated and revoked", async () => {
    const as = credentials.user;
    const made = await site.call("/api/v1/credentials", { as, json: { kind: "integration", display_name: "Whole", scopes: ["workflows:read"], allowed_cidrs: ["127.0.0.1"] } });
    expect([made.status, Object.keys(made.body)]).toEqual([201, ["id", "kind", "key_prefix", "raw_key"]]);
    const path = `/api/v1/credentials/${String(made.body["id"])}`;
    const listed = await site.call("/api/v1/credentials?kind=integration&per_page=1", { as });
    expect(listed.body["page_meta"]).toMatchObject({ current_page: 1, per_page: 1 });
    expect(listed.body["credentials"]).toMatchObject([{ id: made.body["id"], key_status: "active", scopes: ["workflows:read"], allowed_cidrs: ["127.0.0.1/32"], previous_key_expires_at: null }]);
    expect(listed.text).not.toContain(String(made.body["raw_key"]));
    const rotated = await site.call(`${path}/rotate`, { as, json: { overlap_seconds: 60 } });
    expect([rotated.status, Object.keys(rotated.body)]).toEqual([200, ["id", "kind", "key_prefix", "raw_key", "previous_key_expires_at"]]);
    expect((await site.call(`${path}/rotate`, { as, json: {} })).status).toBe(409);
    for (const key of [made, rotated]) expect((await site.call(WORKFLOWS, { as: bearer(String(key.body["raw_key"])) })).status).toBe(200);
    expect((await site.call(path, { as, method: "DELETE" })).status).toBe(204);
    for (const key of [made, rotated]) expect((await site.call(WORKFLOWS, { as: bearer(String(key.body["raw_key"])) })).status).toBe(401);
    expect((await site.call(path, { as, method: "DELETE" })).status).toBe(204);
    expect((await site.call(`${path}/rotate`, { as, json: {} })).status).toBe(409);
  });

  test("are rotated without a body too", async () => {
    const key = await addKey(site.gate, site.people.owner, "agent");
    const answer = await site.call(`/api/v1/credentials/${key.id}/rotate`, { as: credentials.user, method: "POST" });
    expect([answer.status, answer.body["previous_key_expires_at"]]).toEqual([200, null]);
  });

  test.each([
    [{ kind: "integration", display_name: "x", scopes: "workflows:read" }],
    [{ kind: "integration", display_name: "x", scopes: [1] }],
    [{ kind: "integration", display_name: "x", scopes: ["everything"] }],
    [{ kind: "integration", display_name: "x", allowed_cidrs: ["10.0.0.1/8"] }],
    [{ kind: "integration", display_name: "x", allowed_cidrs: {} }],
    [{ kind: "integration", display_name: "x", user_id: "00000000-0000-7000-8000-00000000000f" }],
    [{ kind: "integration", display_name: "x", team_id: "00000000-0000-7000-8000-00000000000f" }],
  ])("are not made from %j", async (json) => {
    const answer = await site.call("/api/v1/credentials", { as: credentials.user, json });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
  });
});

test("no key of any kind passes a door that changes how somebody gets in", async () => {
  const isName = (name: unknown): name is OperationName => typeof name === "string" && Object.hasOwn(operations, name);
  let asked = 0;
  for (const { method, path, hooks } of site.apps.api.routes) {
    const name: unknown = hooks.detail?.operationId;
    if (!isName(name) || surfaceRowOf(name).changesIdentity !== true) continue;
    for (const shown of [credentials.integration, credentials.agent, credentials.device]) {
      asked += 1;
      const answer = await site.call(path.replace(/:[a-z_]+/g, "00000000-0000-7000-8000-00000000000f"), { method, as: shown });
      expect([path, answer.status, answer.body["error_code"] ?? "page"]).toEqual([path, 403, path.startsWith("/api/") ? "forbidden" : expect.anything()]);
    }
  }
  expect(asked).toBeGreaterThan(60);
});

test("of 10,000 requests after the revoke call has returned none passes, whatever was on its way before", async () => {
  const key = await addKey(site.gate, site.people.owner, "integration");
  const as = bearer(key.rawKey);
  let isRevoked = false;
  const passed = { before: 0, after: 0, afterward: 0 };
  const ask = async () => {
    const startedAfter = isRevoked;
    const { status } = await fetch(`${site.urls.api}${WORKFLOWS}`, { headers: as });
    passed[startedAfter ? "afterward" : "before"] += 1;
    if (startedAfter && status !== 401) passed.after += 1;
  };
  const caller = async () => {
    while (passed.afterward < 10_000) await ask();
  };
  const callers = Array.from({ length: 50 }, caller);
  while (passed.before < 200) await ask();
  const revoked = await site.call(`/api/v1/credentials/${key.id}`, { method: "DELETE", as: credentials.user });
  isRevoked = true;
  await Promise.all(callers);
  expect(revoked.status).toBe(204);
  expect(passed.before).toBeGreaterThanOrEqual(200);
  expect(passed.afterward).toBeGreaterThanOrEqual(10_000);
  expect(passed.after).toBe(0);
}, 60_000);

test("a key that was never made is refused like one that was revoked", async () => {
  const unknown = await site.call(WORKFLOWS, { as: bearer(createKey("sk", site.gate.services.random)) });
  const revoked = await site.call(WORKFLOWS, { as: credentials.revoked });
  expect([unknown.status, unknown.text]).toEqual([401, revoked.text]);
});
