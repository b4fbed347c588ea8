/** Teams and members over HTTP: documented shapes, the rules of X-Team-ID, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../src/gate/caller.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import type { Role } from "../../src/teams/permissions.ts";
import { addPerson, addTeam, signIn } from "../support/people.ts";
import { type Answer, bearer, type CallOptions, type Credentials, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let who: Credentials;
const absent = "00000000-0000-7000-8000-00000000000f";

beforeAll(async () => {
  site = await startRoles();
  who = await site.credentials();
});
afterAll(() => site.close());

const call = async (path: string, options: CallOptions = {}): Promise<Answer> => await site.call(`/api/v1${path}`, { as: who.user, ...options });
const code = ({ status, body }: Answer) => [status, body["error_code"]];

let count = 0;

/** A person signed in, speaking in the team. */
async function person(teamId: string | undefined, role: Role = "member"): Promise<{ readonly caller: UserCaller; readonly as: Shown }> {
  count += 1;
  const address = `team-person${count}@example.com`;
  const caller = await addPerson(site.gate, { address, role, ...(teamId === undefined ? {} : { teamId }) });
  const token = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
  return { caller, as: teamId === undefined ? token : { ...token, "x-team-id": teamId } };
}

/** A person's own new team. */
async function ownTeam() {
  const { caller, as } = await person(undefined);
  const { body } = await call("/teams", { as, json: { display_name: "Own" } });
  const teamId = String(body["id"]);
  return { caller, teamId, as: { ...as, "x-team-id": teamId } };
}

describe("/teams/current", () => {
  test("is read, renamed, handed on and deleted in the documented shapes", async () => {
    const { caller, teamId, as } = await ownTeam();
    const { caller: heir, as: asHeir } = await person(teamId, "viewer");
    const read = await call("/teams/current", { as });
    expect([read.status, read.body]).toEqual([200, { id: teamId, display_name: "Own", role: "owner", owner_id: caller.userId, member_count: 2, created_at: expect.any(String) }]);
    const renamed = await call("/teams/current", { as, method: "PUT", json: { display_name: "Blue" } });
    expect([renamed.status, renamed.body]).toEqual([200, { id: teamId }]);
    const handed = await call("/teams/current/transfer", { as, json: { new_owner_id: heir.userId } });
    expect([handed.status, handed.body]).toEqual([200, { is_success: true }]);
    expect(code(await call("/teams/current", { as, method: "DELETE" }))).toEqual([403, "forbidden"]);
    const deleted = await call("/teams/current", { as: asHeir, method: "DELETE" });
    expect([deleted.status, deleted.text]).toEqual([204, ""]);
    for (const shown of [as, asHeir]) expect(code(await call("/teams/current", { as: shown }))).toEqual([404, "not_found"]);
  });

  test("asks people for X-Team-ID, and keys for none", async () => {
    const { "x-team-id": _team, ...teamless } = who.user;
    for (const [method, path, json] of [["GET", "/teams/current", undefined], ["PUT", "/teams/current", { display_name: "a" }], ["DELETE", "/teams/current", undefined], ["POST", "/teams/current/transfer", { new_owner_id: absent }], ["GET", "/members", undefined], ["PUT", `/members/${absent}`, { role: "viewer" }], ["DELETE", `/members/${absent}`, undefined]] as const) {
      expect([path, ...code(await call(path, { as: teamless, method, ...(json === undefined ? {} : { json }) }))]).toEqual([path, 400, "team_required"]);
    }
    const foreign = await addTeam(site.gate);
    for (const extra of [{}, { "x-team-id": foreign }, { "x-team-id": "x" }]) {
      expect((await call("/teams/current", { as: { ...who.device, ...extra } })).body["id"]).toBe(site.people.teamId);
    }
  });

  test("of others is like one that is not there", async () => {
    const { teamId } = await ownTeam();
    for (const [method, path, json] of [["GET", "/teams/current", undefined], ["PUT", "/teams/current", { display_name: "a" }], ["DELETE", "/teams/current", undefined], ["GET", "/members", undefined]] as const) {
      const at = async (team: string) => await call(path, { as: { ...who.user, "x-team-id": team }, method, ...(json === undefined ? {} : { json }) });
      const [foreign, missing] = [await at(teamId), await at(absent)];
      expect(code(foreign)).toEqual([404, "not_found"]);
      expect(foreign.text).toBe(missing.text);
    }
  });

  test.each([
    ["PUT", "/teams/current", {}],
    ["PUT", "/teams/current", { display_name: "" }],
    ["PUT", "/teams/current", { display_name: "a", id: absent }],
    ["PUT", "/teams/current", { display_name: "a", role: "owner" }],
    ["PUT", "/teams/current", { display_name: ["a"] }],
    ["POST", "/teams/current/transfer", {}],
    ["POST", "/teams/current/transfer", { new_owner_id: "x" }],
    ["POST", "/teams/current/transfer", { new_owner_id: null }],
    ["POST", "/teams/current/transfer", { new_owner_id: absent, team_id: absent }],
    ["PUT", `/members/${absent}`, { role: "owner" }],
    ["PUT", `/members/${absent}`, { role: "viewer", user_id: absent }],
    ["PUT", `/members/${absent}`, {}],
    ["PUT", "/members/x", { role: "viewer" }],
    ["DELETE", "/members/x", undefined],
    ["DELETE", "/members/%2e%2e%2fx", undefined],
  ])("%s %s with %j is bad input", async (method, path, json) => {
    expect(code(await call(path, { method, ...(json === undefined ? {} : { json }) }))).toEqual([400, "invalid_request"]);
  });
});

describe("/members", () => {
  test("are listed, changed and removed in the documented shapes", async () => {
    const { teamId, as } = await ownTeam();
    const { caller: member, as: asMember } = await person(teamId);
    const list = await call("/members?per_page=1&current_page=2", { as });
    expect(list.body).toMatchObject({ member_list: [{ user_id: member.userId, role: "member" }], page_meta: { current_page: 2, per_page: 1, total_count: 2 } });
    const changed = await call(`/members/${member.userId}`, { as, method: "PUT", json: { role: "admin" } });
    expect([changed.status, changed.body]).toEqual([200, { is_success: true }]);
    expect((await call("/teams/current", { as: asMember, method: "PUT", json: { display_name: "By the admin" } })).status).toBe(200);
    const removed = await call(`/members/${member.userId}`, { as, method: "DELETE" });
    expect([removed.status, removed.text]).toEqual([204, ""]);
    expect(code(await call("/teams/current", { as: asMember }))).toEqual([404, "not_found"]);
    const again = await call(`/members/${member.userId}`, { as, method: "DELETE" });
    expect([again.status, again.body["error_message"]]).toEqual([404, "resource not found"]);
  });

  test("of another team are like people who are not there", async () => {
    const { as } = await ownTeam();
    const { caller: stranger } = await person(site.people.teamId);
    for (const [method, json] of [["PUT", { role: "viewer" }], ["DELETE", undefined]] as const) {
      const at = async (id: string) => await call(`/members/${id}`, { as, method, ...(json === undefined ? {} : { json }) });
      const [foreign, missing] = [await at(stranger.userId), await at(absent)];
      expect(code(foreign)).toEqual([404, "not_found"]);
      expect(foreign.text).toBe(missing.text);
    }
  });

  test("leave by removing themselves; the owner does not", async () => {
    const { teamId, as } = await ownTeam();
    const { caller, as: asMember } = await person(teamId);
    expect(code(await call(`/members/${String((await call("/users/me", { as })).body["id"])}`, { as, method: "DELETE" }))).toEqual([409, "conflict"]);
    expect((await call(`/members/${caller.userId}`, { as: asMember, method: "DELETE" })).status).toBe(204);
    expect(code(await call("/members", { as: asMember }))).toEqual([404, "not_found"]);
  });
});

test("GET /quotas tells cap and use of account, team and, to administrators, deployment", async () => {
  site.license({ quotas: { account: { max_owned_teams: 50 }, team: { max_members: 9 } } });
  const list = await call("/quotas");
  expect(list.status).toBe(200);
  expect(list.body["quota_list"]).toEqual(expect.arrayContaining([{ namespace: "team", key: "max_members", limit: 9, used: expect.any(Number) }, { namespace: "global", key: "max_users", limit: -1, used: expect.any(Number) }]));
  const { as } = await person(undefined);
  expect((await call("/quotas", { as })).body).toEqual({ quota_list: [{ namespace: "account", key: "max_owned_teams", limit: 50, used: 0 }] });
  const [foreign, missing] = await Promise.all([await addTeam(site.gate), absent].map((team) => call("/quotas", { as: { ...as, "x-team-id": team } })));
  expect([foreign?.status, foreign?.text]).toEqual([404, missing?.text]);
  site.license({});
});

test("with manual_team_creation off nobody makes a team, and what there is goes on", async () => {
  site.license({ features: { account: { manual_team_creation: false } } });
  const refused = await call("/teams", { json: { display_name: "More" } });
  expect([...code(refused), refused.body["details"]]).toMatchObject([403, "feature_disabled", { feature: "manual_team_creation", namespace: "account" }]);
  expect((await call("/teams/current", { method: "PUT", json: { display_name: "Still mine" } })).status).toBe(200);
  site.license({});
  expect((await call("/teams", { json: { display_name: "More" } })).status).toBe(201);
});
