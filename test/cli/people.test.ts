/** `cyberun teams`, `members`, `invitations`, `quotas` and `notifications` against a real API server, both ways in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { system } from "../../src/gate/caller.ts";
import { createCredential } from "../../src/credentials/credentials.ts";
import { produceNotifications } from "../../src/notifications/producing.ts";
import { openSessions, type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { addKey, addPerson, addTeam, PASSWORD } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let cli: PeopleCommands;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
});
afterAll(() => site.close());

const nobody = "00000000-0000-7000-8000-000000000000";

describe("teams", () => {
  test("are made, and a device goes on to see its own alone while who signs in sees all", async () => {
    const made = await cli.device(["teams", "create", "Blue"]);
    expect([made.exit, made.err, made.body]).toEqual([0, "", { schema_version: 1, id: expect.any(String) }]);
    const own = await cli.device(["teams", "list"]);
    expect(own.body).toEqual({
      schema_version: 1,
      team_list: [{ id: site.people.teamId, display_name: "First", role: "owner", created_at: expect.any(String) }],
      page_meta: { current_page: 1, per_page: 20, total_count: 1 },
    });
    const all = await cli.signedIn(["teams", "list", "--all", "--per-page", "1"]);
    expect([all.exit, all.body["team_list"]]).toMatchObject([0, [{ id: made.body["id"], display_name: "Blue" }, { id: site.people.teamId }]]);
    expect((await cli.plain(["teams", "list"])).out).toMatch(/^ID +NAME +ROLE +CREATED\n\S{36} +First +owner +\d{4}-\d\d-\d\d \d\d:\d\dZ\n$/);
  });

  test("are shown, renamed, handed on and deleted by who signs in, in the team that is named", async () => {
    const heir = await addPerson(site.gate);
    const id = String((await cli.device(["teams", "create", "Green"])).body["id"]);
    const team = ["--team", id];
    expect((await cli.signedIn(["teams", "show", ...team])).body).toMatchObject({ id, display_name: "Green", role: "owner", member_count: 1 });
    expect((await cli.signedIn(["teams", "rename", "Greener", ...team])).body).toEqual({ schema_version: 1, id });
    expect((await cli.signedIn(["teams", "show", ...team])).body["display_name"]).toBe("Greener");
    expect((await cli.signedIn(["teams", "transfer", heir.userId, "--yes", ...team])).exit).toBe(5);
    const unasked = await cli.signedIn(["teams", "delete", ...team]);
    expect([unasked.exit, unasked.error["code"]]).toEqual([2, "invalid_request"]);
    expect((await cli.signedIn(["teams", "delete", "--yes", ...team])).body).toEqual({ schema_version: 1, id, is_deleted: true });
    expect((await cli.signedIn(["teams", "show", ...team])).exit).toBe(5);
    expect((await cli.signedIn(["teams", "show", "--team", site.people.teamId])).body["display_name"]).toBe("First");
  });

  test("a question names what would be deleted, and every answer but yes deletes nothing", async () => {
    const person = await addPerson(site.gate, { address: "asked@example.com" });
    const typed = [PASSWORD, "no"];
    const sign = ["--email", "asked@example.com"];
    const environment = {};
    expect((await cli.plain(["teams", "create", "Asked", ...sign], { environment, typed: [PASSWORD] })).exit).toBe(0);
    const refused = await cli.plain(["teams", "delete", ...sign], { environment, typed });
    expect([refused.exit, refused.out, refused.err.includes("The team Asked ("), refused.err.includes(PASSWORD)]).toEqual([130, "", true, false]);
    expect((await cli.plain(["teams", "show", ...sign], { environment, typed })).exit).toBe(0);
    expect((await cli.plain(["teams", "delete", ...sign], { environment, typed: [PASSWORD, "Yes"] })).exit).toBe(0);
    const gone = await cli.plain(["teams", "show", ...sign, "--json"], { environment, typed });
    expect([gone.exit, JSON.parse(gone.err.split("\n").at(-2) ?? "").error.code]).toEqual([2, "team_required"]);
    expect(person.teamId).toBeUndefined();
  });
});

describe("members and invitations", () => {
  test("an invitation is made with its link, listed without it, taken back", async () => {
    const made = await cli.device(["invitations", "create", "kay@example.com", "--role", "viewer"]);
    expect([made.exit, made.body]).toEqual([0, { schema_version: 1, id: expect.any(String), invitation_token: expect.any(String), invitation_url: expect.stringContaining("/invitation/") }]);
    const listed = await cli.device(["invitations", "list"]);
    expect(listed.body["invitation_list"]).toMatchObject([{ id: made.body["id"], email_address: "kay@example.com", invitation_role: "viewer" }]);
    expect(listed.out).not.toContain(String(made.body["invitation_token"]));
    expect((await cli.device(["invitations", "create", "KAY@example.com"])).exit).toBe(6);
    expect((await cli.device(["invitations", "cancel", String(made.body["id"])])).body).toEqual({ schema_version: 1, id: made.body["id"], is_cancelled: true });
    expect((await cli.plain(["invitations", "list"])).out).toBe("No invitation waits for an answer.\n");
    expect((await cli.device(["invitations", "cancel", String(made.body["id"])])).exit).toBe(5);
    const plain = await cli.plain(["invitations", "create", "lin@example.com"]);
    expect(plain.out.split("\n")).toEqual([expect.stringMatching(/^http.*\/invitation\//), expect.stringContaining("lin@example.com is invited as member"), expect.stringContaining("never again"), ""]);
  });

  test("members are listed, get another role and are removed when it is meant", async () => {
    const { userId } = await addPerson(site.gate, { teamId: site.people.teamId, address: "mem@example.com" });
    expect((await cli.plain(["members", "list"])).out).toMatch(/mem@example\.com +Grace Hopper +member +\d{4}/);
    expect((await cli.device(["members", "set-role", userId, "admin"])).body).toEqual({ schema_version: 1, is_success: true });
    expect((await cli.device(["members", "list"])).body["member_list"]).toContainEqual(expect.objectContaining({ user_id: userId, role: "admin" }));
    expect((await cli.device(["members", "remove", userId])).exit).toBe(2);
    expect((await cli.device(["members", "remove", userId], { typed: ["n"] })).exit).toBe(130);
    expect((await cli.device(["members", "remove", userId], { typed: ["yes"] })).body).toEqual({ schema_version: 1, user_id: userId, is_removed: true });
    expect((await cli.device(["members", "remove", userId, "--yes"])).exit).toBe(5);
  });
});

test("caps are those that the person may see: the deployment's only for an administrator who signs in", async () => {
  const namespaces = (body: Readonly<Record<string, unknown>>) => {
    const list: { readonly namespace: string }[] = JSON.parse(JSON.stringify(body["quota_list"]));
    return [...new Set(list.map(({ namespace }) => namespace))].toSorted();
  };
  expect(namespaces((await cli.device(["quotas"])).body)).toEqual(["account", "team"]);
  expect(namespaces((await cli.signedIn(["quotas"])).body)).toEqual(["account", "global"]);
  expect(namespaces((await cli.signedIn(["quotas", "--team", site.people.teamId])).body)).toEqual(["account", "global", "team"]);
  await addPerson(site.gate, { address: "plain@example.com", teamId: site.people.teamId });
  expect(namespaces((await cli.signedIn(["quotas", "--team", site.people.teamId], "plain@example.com")).body)).toEqual(["account", "team"]);
  expect((await cli.plain(["quotas"])).out).toMatch(/team +max_members +unlimited +\d+\n/);
});

test("notifications are listed, read one by one and all at once", async () => {
  for (const name of ["A", "B"]) await createCredential(site.gate, site.people.owner, { kind: "agent", display_name: name, expires_in_days: 7 });
  await produceNotifications(site.gate, system, undefined);
  const listed = await cli.device(["notifications", "list", "--unread"]);
  const [first]: { readonly id: string }[] = JSON.parse(JSON.stringify(listed.body["notification_list"]));
  expect(listed.body).toMatchObject({ unread_count: 2, page_meta: { total_count: 2 } });
  expect((await cli.device(["notifications", "read", first?.id ?? ""])).body).toEqual({ schema_version: 1, is_success: true });
  expect((await cli.device(["notifications", "list", "--unread"])).body["unread_count"]).toBe(1);
  expect((await cli.plain(["notifications", "read-all"])).out).toBe("1 notification was marked as read.\n");
  expect((await cli.plain(["notifications", "list", "--unread"])).out).toBe("There is no notification.\n");
  expect((await cli.plain(["notifications", "list"])).out).toMatch(/yes +The key ak-.{8}_… ends in 7 days/);
});

describe("is refused", () => {
  test.each<[readonly string[], number]>([
    [["teams", "create"], 2],
    [["teams", "create", ""], 2],
    [["teams", "create", "A", "B"], 2],
    [["teams", "list", "--per-page", "500"], 2],
    [["teams", "show", "--team", nobody], 2],
    [["teams", "show", "--password-stdin"], 2],
    [["teams", "rename", ""], 2],
    [["teams", "transfer", nobody], 2],
    [["teams", "transfer", nobody, "--yes"], 5],
    [["teams", "transfer", "../members", "--yes"], 2],
    [["teams", "delete"], 2],
    [["members", "set-role", nobody], 2],
    [["members", "set-role", nobody, "admin"], 5],
    [["members", "set-role", nobody, "king"], 2],
    [["members", "set-role", "..", "admin"], 2],
    [["members", "remove", "%2e%2e", "--yes"], 2],
    [["devices", "revoke", ".."], 2],
    [["members", "remove", "../teams/current", "--yes"], 2],
    [["members", "list", "--unread"], 2],
    [["invitations", "create", "nonsense"], 2],
    [["invitations", "create", "x@example.com", "--role", "owner"], 2],
    [["invitations", "create", "ada@example.com"], 6],
    [["invitations", "cancel", nobody], 5],
    [["invitations", "cancel", "x"], 2],
    [["quotas", "--page", "1"], 2],
    [["quotas", "list"], 2],
    [["notifications", "read", nobody], 5],
    [["notifications", "read", "x/../../y"], 2],
    [["notifications"], 2],
  ])("as a device: %j", async (words, expected) => {
    const { exit, out, error } = await cli.device(words);
    expect([exit, out, typeof error["message"]]).toEqual([expected, "", "string"]);
  });

  test("by whoever may not: a viewer, a stranger's team, a key that is no person, nobody at all", async () => {
    await addPerson(site.gate, { address: "view@example.com", teamId: site.people.teamId, role: "viewer" });
    const foreign = await addTeam(site.gate);
    const viewer = async (...words: readonly string[]) => (await cli.signedIn([...words, "--team", site.people.teamId], "view@example.com")).exit;
    expect([await viewer("members", "list"), await viewer("teams", "rename", "Mine"), await viewer("teams", "delete", "--yes"), await viewer("invitations", "create", "x@example.com")]).toEqual([0, 4, 4, 4]);
    for (const words of [["teams", "show"], ["members", "list"], ["invitations", "list"], ["quotas"]]) {
      expect([words[0], (await cli.signedIn([...words, "--team", foreign])).exit]).toEqual([words[0], 5]);
    }
    const { rawKey } = await addKey(site.gate, site.people.owner, "integration");
    const asKey = await cli.plain(["teams", "list", "--json"], { environment: { CYBERUN_API_KEY: rawKey } });
    expect([asKey.exit, asKey.err.includes(rawKey.slice(12))]).toEqual([4, false]);
    const asNobody = await cli.plain(["teams", "list"], { environment: {} });
    expect([asNobody.exit, asNobody.err.includes("cyberun login")]).toEqual([4, true]);
  });

  test("while the license is not good, by its state; reading goes on", async () => {
    site.license({ state: "expired" });
    const refused = await cli.device(["teams", "create", "Late"]);
    expect([refused.exit, refused.error["code"]]).toEqual([7, "expired"]);
    expect((await cli.device(["members", "list"])).exit).toBe(0);
    site.license({});
  });

  test("a team is asked for where there are several, by id", async () => {
    await cli.device(["teams", "create", "Another"]);
    const { exit, error } = await cli.signedIn(["members", "list"]);
    expect([exit, error["code"], error["details"]]).toMatchObject([2, "team_required", { team_ids: expect.arrayContaining([site.people.teamId]) }]);
    expect((await cli.signedIn(["members", "list", "--team", "First"])).exit).toBe(2);
  });
});

test("no sign-in of a command outlives it, whatever became of it", async () => {
  const before = await openSessions(site);
  await cli.signedIn(["teams", "list"]);
  await cli.signedIn(["members", "list"]);
  await cli.signedIn(["teams", "rename", "", "--team", site.people.teamId]);
  await cli.signedIn(["teams", "show", "--team", nobody]);
  expect(await openSessions(site)).toBe(before);
});

test("a server that cannot be reached is named, and repeating it can work", async () => {
  const gone = { CYBERUN_API_KEY: cli.deviceKey, CYBERUN_API_URL: "http://127.0.0.1:1" };
  const { exit, out, err } = await cli.plain(["teams", "list", "--json"], { environment: gone });
  expect([exit, out, JSON.parse(err).error.retryable, err.includes(cli.deviceKey)]).toEqual([3, "", true, false]);
});
