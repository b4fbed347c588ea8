/** The own profile, teams and credentials over HTTP: documented shapes, the rules of X-Team-ID, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addKey, addPerson, addTeam, signIn } from "../support/people.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { type Answer, bearer, type CallOptions, type Credentials, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let who: Credentials;
/** The owner without a team. */
let teamless: Shown;

beforeAll(async () => {
  site = await startRoles();
  who = await site.credentials();
  const { "x-team-id": _team, ...rest } = who.user;
  teamless = rest;
});
afterAll(() => site.close());

const call = async (path: string, options: CallOptions = {}): Promise<Answer> => await site.call(`/api/v1${path}`, { as: who.user, ...options });
const code = ({ status, body }: Answer) => [status, body["error_code"]];
const absent = "00000000-0000-7000-8000-00000000000f";

describe("GET /users/me", () => {
  test("has the documented fields", async () => {
    const { status, body } = await call("/users/me");
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(["display_name", "email_address", "feature_flags", "first_name", "id", "is_administrator", "last_name", "team_list"]);
    expect(body).toMatchObject({ first_name: "Ada", display_name: "Ada Lovelace", team_list: [{ id: site.people.teamId, display_name: "First" }] });
    expect(JSON.stringify(body)).not.toContain("password");
  });

  test("shows the license's flags by namespace and team, and all of them off when it is shut", async () => {
    site.license({ features: { account: { manual_team_creation: false } }, quotas: { global: { max_teams: 3 } } });
    const shape = { features: expect.any(Object), quotas: expect.any(Object) };
    expect((await call("/users/me")).body["feature_flags"]).toMatchObject({
      global: { quotas: { max_teams: 3 } },
      account: { features: { manual_team_creation: false, team_invitation_accept: true } },
      teams: { [site.people.teamId]: shape },
    });
    site.license({ state: "expired" });
    const { status, text } = await call("/users/me");
    expect(status).toBe(200);
    expect(text).not.toMatch(/"features":\{[^}]*true/);
    expect((await call("/users/me")).body["feature_flags"]).toMatchObject({ global: { quotas: { max_teams: 0 } }, account: { features: { team_invitation_accept: false } } });
    site.license({});
  });

  test("is the same by cookie and by device", async () => {
    const { body } = await call("/users/me");
    for (const shown of [who.cookie, who.device]) expect((await call("/users/me", { as: shown })).body).toEqual(body);
  });

  test("HEAD has the status and no body, for strangers too", async () => {
    const known = await call("/users/me", { method: "HEAD" });
    expect([known.status, known.text]).toEqual([200, ""]);
    expect((await call("/users/me", { method: "HEAD", as: {} })).status).toBe(401);
  });
});

describe("teams", () => {
  test("are created with an id and listed newest first in pages", async () => {
    const names = ["Green", "  Blue  ", "Rot & Weiß <b>"];
    for (const display_name of names) {
      site.world.services.clock.advance(1_000);
      const { status, body } = await call("/teams", { json: { display_name } });
      expect([status, Object.keys(body)]).toEqual([201, ["id"]]);
    }
    const first = await call("/teams?current_page=1&per_page=2");
    expect(first.body).toMatchObject({ team_list: [{ display_name: "Rot & Weiß <b>", role: "owner" }, { display_name: "Blue" }], page_meta: { current_page: 1, per_page: 2, total_count: 4 } });
    const last = await call("/teams?current_page=3&per_page=2");
    expect(last.body).toMatchObject({ team_list: [], page_meta: { current_page: 3, per_page: 2, total_count: 4 } });
    expect((await call("/teams")).body).toMatchObject({ page_meta: { current_page: 1, per_page: 20, total_count: 4 } });
  });

  test("of other people are not listed", async () => {
    await addTeam(site.gate, "Hidden");
    expect((await call("/teams?per_page=100")).text).not.toContain("Hidden");
  });

  const bad = ["current_page=0", "current_page=-1", "current_page=abc", "current_page=1.5", "current_page=", "current_page=1e99", "per_page=0", "per_page=101", "per_page=NaN", "per_page=0x10&x", "page=2", "per_page[]=2"];
  test.each(bad)("a list with %s is refused by field", async (query) => {
    for (const path of ["/teams", "/credentials", "/r/workflows"]) {
      const answer = await call(`${path}?${query}`);
      expect([path, ...code(answer)]).toEqual([path, 400, "invalid_request"]);
      expect(answer.text).toContain("fields");
    }
  });

  test("a page that is no number is told what it should be", async () => {
    const { body } = await call("/teams?current_page=abc");
    expect(body).toMatchObject({ error_message: "The query is not valid at /current_page: Expected a whole number.", details: { fields: [{ field: "/current_page", problem: "Expected a whole number" }] } });
  });

  const names: readonly [string, unknown][] = [
    ["nothing", {}],
    ["an empty name", { display_name: "" }],
    ["blanks", { display_name: "   " }],
    ["a name of 101 characters", { display_name: "x".repeat(101) }],
    ["a control character", { display_name: "a\u0000b" }],
    ["a number", { display_name: 1 }],
    ["an unknown field", { display_name: "a", owner_id: absent }],
    ["an id of one's own", { display_name: "a", id: absent }],
  ];
  test.each(names)("%s is no team", async (_name, json) => {
    expect(code(await call("/teams", { json }))).toEqual([400, "invalid_request"]);
  });
});

describe("X-Team-ID", () => {
  const paths = ["/credentials", "/r/workflows"] as const;
  test.each(paths)("is required for a person at %s", async (path) => {
    expect(code(await call(path, { as: teamless }))).toEqual([400, "team_required"]);
  });

  test.each(paths)("must be a UUID at %s", async (path) => {
    for (const id of ["team_01HX", "1", "", `${site.people.teamId}x`, "*", "'; drop table teams"]) {
      expect([id, ...code(await call(path, { as: { ...teamless, "x-team-id": id } }))]).toEqual([id, 400, "invalid_request"]);
    }
  });

  test("is taken in any case", async () => {
    expect((await call("/credentials", { as: { ...teamless, "x-team-id": site.people.teamId.toUpperCase() } })).status).toBe(200);
  });

  test.each(paths)("of a foreign team is answered as of one that does not exist, at %s", async (path) => {
    const foreign = await call(path, { as: { ...teamless, "x-team-id": await addTeam(site.gate) } });
    const missing = await call(path, { as: { ...teamless, "x-team-id": absent } });
    expect(code(foreign)).toEqual([404, "not_found"]);
    expect([missing.status, missing.text]).toEqual([foreign.status, foreign.text]);
  });

  test("beside a key is ignored, whatever it is", async () => {
    for (const shown of [who.integration, who.device]) {
      for (const id of [absent, "not a uuid"]) expect((await call("/r/workflows", { as: { ...shown, "x-team-id": id } })).status).toBe(200);
    }
  });

  test("tells a stranger nothing: a missing credential comes first", async () => {
    for (const shown of [{}, bearer("nonsense"), { cookie: "cyberun=0123456789abcdef" }]) {
      expect((await call("/credentials", { as: { ...shown, "x-team-id": "not a uuid" } })).status).toBe(401);
    }
  });
});

describe("credentials", () => {
  test.each(["integration", "agent"])("an %s key is shown once, and listed without its secret", async (kind) => {
    const created = await call("/credentials", { json: { kind, display_name: "Build", expires_in_days: 30 } });
    expect([created.status, Object.keys(created.body).toSorted()]).toEqual([201, ["id", "key_prefix", "kind", "raw_key"]]);
    const rawKey = String(created.body["raw_key"]);
    expect(rawKey.startsWith(String(created.body["key_prefix"]))).toBe(true);
    const listed = await call(`/credentials?kind=${kind}`);
    expect(listed.body).toMatchObject({ credentials: expect.arrayContaining([expect.objectContaining({ id: created.body["id"], key_status: "active", display_name: "Build" })]) });
    expect(listed.text).not.toContain(rawKey);
    expect(listed.text).not.toContain(rawKey.slice(12, 40));
    expect(listed.text).not.toMatch(/digest|hash/);
  });

  const wrong: readonly [string, unknown][] = [
    ["a device", { kind: "device", display_name: "a" }],
    ["an unknown kind", { kind: "admin", display_name: "a" }],
    ["no kind", { display_name: "a" }],
    ["no name", { kind: "agent" }],
    ["a long name", { kind: "agent", display_name: "x".repeat(101) }],
    ["no days at all", { kind: "agent", display_name: "a", expires_in_days: 0 }],
    ["366 days", { kind: "agent", display_name: "a", expires_in_days: 366 }],
    ["half a day", { kind: "agent", display_name: "a", expires_in_days: 0.5 }],
    ["days as text", { kind: "agent", display_name: "a", expires_in_days: "30" }],
    ["days as null", { kind: "agent", display_name: "a", expires_in_days: null }],
    ["a key of one's own", { kind: "agent", display_name: "a", raw_key: "ak-mine" }],
    ["a team in the body", { kind: "agent", display_name: "a", team_id: absent }],
  ];
  test.each(wrong)("%s is refused", async (_name, json) => {
    expect(code(await call("/credentials", { json }))).toEqual([400, "invalid_request"]);
  });

  test("a revocation is true when the call returns, for everybody at once, and can be repeated", async () => {
    const key = await addKey(site.gate, site.people.owner, "integration");
    const use = () => call("/r/workflows", { as: bearer(key.rawKey) });
    expect((await use()).status).toBe(200);
    const revoked = await call(`/credentials/${key.id}`, { method: "DELETE" });
    expect([revoked.status, revoked.text]).toEqual([204, ""]);
    expect((await Promise.all(Array.from({ length: 16 }, use))).map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 401));
    expect((await call(`/credentials/${key.id}`, { method: "DELETE" })).status).toBe(204);
  });

  test("a key in the address is refused with 400, and stands in no answer and no log", async () => {
    const key = await addKey(site.gate, site.people.owner, "integration");
    for (const name of [key.rawKey, key.rawKey.slice(0, 12), "x", "%zz", "a%2fb"]) {
      const answer = await call(`/credentials/${name}`, { method: "DELETE" });
      expect([name, ...code(answer)]).toEqual([name, 400, "invalid_request"]);
      expect(answer.text).not.toContain(key.rawKey);
    }
    expect(site.logged.join("")).not.toContain(key.rawKey);
    expect((await call("/r/workflows", { as: bearer(key.rawKey) })).status).toBe(200);
  });

  test("a foreign team's credential is answered as one that does not exist", async () => {
    const teamId = await addTeam(site.gate);
    const other = await addPerson(site.gate, { teamId, role: "owner" });
    const key = await addKey(site.gate, other, "integration");
    const foreign = await call(`/credentials/${key.id}`, { method: "DELETE" });
    const missing = await call(`/credentials/${absent}`, { method: "DELETE" });
    expect(code(foreign)).toEqual([404, "not_found"]);
    expect(missing.text).toBe(foreign.text);
    expect((await call("/r/workflows", { as: bearer(key.rawKey) })).status).toBe(200);
  });

  test.each(["member", "viewer"] as const)("a %s sees them and changes nothing", async (role) => {
    const address = `${role}@example.com`;
    await addPerson(site.gate, { address, teamId: site.people.teamId, role });
    const as = { ...bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address))), "x-team-id": site.people.teamId };
    const key = await addKey(site.gate, site.people.owner, "agent");
    expect((await call("/credentials", { as })).status).toBe(200);
    expect(code(await call("/credentials", { as, json: { kind: "agent", display_name: "a" } }))).toEqual([403, "forbidden"]);
    expect(code(await call(`/credentials/${key.id}`, { as, method: "DELETE" }))).toEqual([403, "forbidden"]);
  });
});

describe("/r/workflows", () => {
  test.each(["user", "cookie", "device", "integration"] as const)("is an empty page by %s", async (name) => {
    const { status, body } = await call("/r/workflows", { as: who[name] });
    expect([status, body]).toEqual([200, { workflow_list: [], page_meta: { current_page: 1, per_page: 20, total_count: 0 } }]);
  });
});

describe("addresses", () => {
  test.each(["/nothing", "/users/me/", "/teams/CURRENT", "/teams/current;x", "/../users"])("%s is nothing", async (path) => {
    expect(code(await call(path))).toEqual([404, "not_found"]);
  });

  test.each(["/users/ME", "/users/me;x"])("%s has no id where one stands", async (path) => {
    expect(code(await call(path))).toEqual([400, "invalid_request"]);
  });

  test.each([["DELETE", "/quotas", "GET"], ["PATCH", "/teams", "GET, POST"], ["GET", "/credentials/x", "DELETE"], ["OPTIONS", "/teams", "GET, POST"], ["GET", "/auth/login", "POST"]])(
    "%s %s is told the methods there are",
    async (method, path, allow) => {
      const answer = await call(path, { method });
      expect([...code(answer), answer.headers.get("allow")]).toEqual([405, "method_not_allowed", allow]);
    },
  );

  test("another site's script gets no leave to read", async () => {
    const answer = await call("/users/me", { method: "OPTIONS", headers: { origin: "https://evil.example", "access-control-request-method": "GET" } });
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});
