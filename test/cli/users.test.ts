/** `cyberun users …`, `deployment …` and `audit list`: through a running server's door, and on the store itself. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Gate } from "../../src/gate/operation.ts";
import { completePasswordReset } from "../../src/identity/password-reset.ts";
import { testBackups } from "../support/backups.ts";
import { run } from "../support/command-line.ts";
import { testEntitlements, type TestLicense } from "../support/gate.ts";
import { openDoorSite } from "../support/operator-door.ts";
import { addPerson, anonymous, PASSWORD, type SetUp, setUp, signIn } from "../support/people.ts";
import { makeTestDatabase } from "../support/store.ts";
import type { Answers } from "../support/terminal.ts";

type Environment = Readonly<Record<string, string>>;

interface Site extends AsyncDisposable {
  readonly gate: Gate;
  readonly people: SetUp;
  readonly environment: Environment;
}

/** A running server whose lease says what the test wants. */
async function openSite(license: TestLicense = {}): Promise<Site> {
  const home = await openDoorSite();
  const gate: Gate = { ...home.gate, entitled: { entitlements: () => testEntitlements(license) } };
  const people = await setUp(gate);
  await home.door?.stop();
  const door = await home.open(home.socket, { gate, backups: testBackups(home.dataDir), licenseServer: async () => home.site.server, auditAnchors: () => ({ count: 0, claims: [], damaged: [] }) });
  return {
    gate,
    people,
    environment: { CYBERUN_DATA_DIR: home.dataDir },
    async [Symbol.asyncDispose]() {
      await door?.stop();
      await home[Symbol.asyncDispose]();
    },
  };
}

async function call(words: readonly string[], environment: Environment, answers: Answers = {}) {
  const { exit, out, err } = await run([...words, "--json"], { environment, ...answers });
  return { exit, out, err, body: out === "" ? {} : JSON.parse(out), error: err.startsWith("{") ? JSON.parse(err).error : {} };
}

const grace = ["users", "create", "--email", "Grace@example.com", "--first-name", "Grace", "--last-name", "Hopper"];

describe("through the running server's door", () => {
  test("the life of an account: created with a link, found, changed, disabled, enabled, deleted", async () => {
    await using site = await openSite();
    const { environment, gate } = site;
    const made = await call(grace, environment);
    expect([made.exit, made.err]).toEqual([0, ""]);
    expect(made.body).toEqual({ schema_version: 1, id: expect.any(String), reset_url: expect.stringContaining(`${gate.settings.issuerUrl}/reset-password/`), expires_at: expect.any(String) });
    await completePasswordReset(gate, anonymous, { reset_token: made.body.reset_url.split("/").at(-1), new_password: PASSWORD });
    expect((await signIn(gate, "grace@example.com")).userId).toBe(made.body.id);

    const shown = await call(["users", "show", "GRACE@example.com"], environment);
    expect(shown.body).toMatchObject({ id: made.body.id, email_address: "Grace@example.com", is_administrator: false, user_status: "active" });
    expect((await call(["users", "update", made.body.id, "--display-name", "Amazing Grace", "--administrator", "yes"], environment)).body).toEqual({ schema_version: 1, id: made.body.id });
    expect((await call(["users", "show", made.body.id], environment)).body).toMatchObject({ display_name: "Amazing Grace", first_name: "Grace", is_administrator: true });

    expect((await call(["users", "disable", "grace@example.com"], environment)).body).toEqual({ schema_version: 1, is_success: true });
    await expect(signIn(gate, "grace@example.com")).rejects.toThrow();
    expect((await run(["users", "list"], { environment })).out).toMatch(/Grace@example\.com +Amazing Grace +disabled +yes /);
    expect((await call(["users", "enable", made.body.id], environment)).exit).toBe(0);
    expect((await signIn(gate, "grace@example.com")).userId).toBe(made.body.id);

    expect((await call(["users", "delete", made.body.id, "--yes"], environment)).body).toEqual({ schema_version: 1, id: made.body.id, is_deleted: true });
    expect((await call(["users", "show", made.body.id], environment)).exit).toBe(5);
  });

  test("an account is deleted when the question is answered with yes, and not otherwise", async () => {
    await using site = await openSite();
    const { environment } = site;
    await call(grace, environment);
    const remove = ["users", "delete", "grace@example.com"];
    const unasked = await call(remove, environment);
    expect([unasked.exit, unasked.error.hint.includes("--yes")]).toEqual([2, true]);
    for (const typed of ["no", "", "y", undefined]) {
      const { exit, out, err } = await run(remove, { environment, typed: [typed] });
      expect([typed, exit, out, err.includes("Grace@example.com"), err.includes("Nothing was done.")]).toEqual([typed, 130, "", true, true]);
    }
    expect((await call(["users", "show", "grace@example.com"], environment)).exit).toBe(0);
    expect((await run(remove, { environment, typed: ["yes"] })).exit).toBe(0);
    expect((await call(["users", "show", "grace@example.com"], environment)).exit).toBe(5);
  });

  test("what an account still holds, and the last administrator, are not touched", async () => {
    await using site = await openSite();
    const { environment, people } = site;
    const owner = people.owner.userId;
    const owns = await call(["users", "delete", owner, "--yes"], environment);
    expect([owns.exit, owns.error.details.team_ids]).toEqual([6, [people.teamId]]);
    expect((await call(["users", "disable", owner], environment)).exit).toBe(6);
    expect((await call(["users", "update", owner, "--administrator", "no"], environment)).exit).toBe(6);
    expect((await call(["users", "show", owner], environment)).body).toMatchObject({ is_administrator: true, user_status: "active" });
  });

  test("the list comes page by page or whole, and is narrowed by a part of the address", async () => {
    await using site = await openSite();
    const { environment, gate } = site;
    for (const index of [1, 2, 3, 4]) await addPerson(gate, { address: `p${index}@other.example` });
    const first = await call(["users", "list", "--per-page", "2"], environment);
    expect([first.body.user_list.length, first.body.page_meta]).toEqual([2, { current_page: 1, per_page: 2, total_count: 5 }]);
    expect((await run(["users", "list", "--per-page", "2"], { environment })).out).toContain("Page 1 shows 2 of 5;");
    const last = await call(["users", "list", "--per-page", "2", "--page", "3"], environment);
    expect(last.body.user_list).toHaveLength(1);
    const all = await call(["users", "list", "--per-page", "2", "--all"], environment);
    expect([new Set(all.body.user_list.map(({ id }: { id: string }) => id)).size, all.body.page_meta.total_count]).toEqual([5, 5]);
    const found = await call(["users", "list", "--search", "OTHER.example", "--all"], environment);
    expect(found.body.user_list).toHaveLength(4);
    expect((await run(["users", "list", "--search", "nobody"], { environment })).out).toBe("There is no such account.\n");
  });

  test("teams with their owners, and caps with their use", async () => {
    await using site = await openSite({ quotas: { global: { max_users: 1, max_teams: 0 } } });
    const { environment, people } = site;
    const teams = await call(["deployment", "teams"], environment);
    expect(teams.body.team_list).toEqual([{ id: people.teamId, display_name: "First", owner_id: people.owner.userId, owner_email_address: "ada@example.com", member_count: 1, created_at: expect.any(String) }]);
    expect((await run(["deployment", "teams"], { environment })).out).toMatch(/First +ada@example\.com +1 /);
    const quotas = await call(["deployment", "quotas"], environment);
    expect(quotas.body.quota_list).toContainEqual({ namespace: "global", key: "max_users", limit: 1, used: 1 });
    expect(quotas.body.quota_list.every(({ namespace }: { namespace: string }) => namespace === "global")).toBe(true);
    const { out } = await run(["deployment", "quotas"], { environment });
    expect([/max_users +1 +1\n/.test(out), /max_teams +none +1\n/.test(out)]).toEqual([true, true]);
    const full = await call(grace, environment);
    expect([full.exit, full.error.code]).toEqual([7, "quota_exceeded"]);
  });

  test("the audit log names the operator, and no link", async () => {
    await using site = await openSite();
    const { environment } = site;
    const { body } = await call(grace, environment);
    const listed = await call(["audit", "list", "--operation", "user.create"], environment);
    expect(listed.body.audit_list).toMatchObject([{ operation: "user.create", outcome: "done", actor: "operator", subject: `user:${body.id}` }]);
    expect(listed.out).not.toContain(body.reset_url.split("/").at(-1));
    expect((await run(["audit", "list", "--subject", `user:${body.id}`], { environment })).out).toMatch(/user\.create +done +operator +user:/);
    expect((await call(["audit", "list", "--all", "--outcome", "refused"], environment)).body.audit_list).toEqual([]);
  });

  test("an account is not made without a good license", async () => {
    await using site = await openSite({ state: "expired" });
    const { exit, error } = await call(grace, site.environment);
    expect([exit, error.code]).toEqual([7, "expired"]);
    expect((await call(["users", "list"], site.environment)).body.user_list).toHaveLength(1);
  });

  test("a name cannot repaint the terminal", async () => {
    await using site = await openSite();
    const { environment } = site;
    const { body } = await call(grace, environment);
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ display_name: "\u001b[2JG\u202er\nX" })));
    const { out } = await run(["users", "list"], { environment });
    expect([out.includes("\u001b"), out.includes("\u202e"), out.split("\n").filter((line) => line.includes(body.id)).length, out.split("\n").length]).toEqual([false, false, 1, 4]);
  });
});

describe("on the store, while no server runs", () => {
  test("accounts are listed, changed and deleted; none is made, and no caps are told", async () => {
    await using database = await makeTestDatabase();
    const environment = { CYBERUN_DATA_DIR: database.dataDir, ...(database.databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: database.databaseUrl }) };
    for (const email of ["ada@example.com", "grace@example.com"]) await run(["admin", "create", "--email", email, "--password-stdin"], { environment, input: PASSWORD });
    expect((await call(["users", "list"], environment)).body.user_list).toHaveLength(2);
    expect((await call(["users", "disable", "grace@example.com"], environment)).exit).toBe(0);
    expect((await call(["users", "show", "grace@example.com"], environment)).body.user_status).toBe("disabled");
    expect((await call(["users", "delete", "grace@example.com", "--yes"], environment)).exit).toBe(0);
    expect((await call(["deployment", "teams"], environment)).body.team_list).toHaveLength(1);
    expect((await call(["audit", "list", "--operation", "user.delete"], environment)).body.audit_list).toMatchObject([{ actor: "operator" }]);
    for (const words of [grace, ["deployment", "quotas"]]) {
      const { exit, error } = await call(words, environment);
      expect([words[1], exit, error.retryable, error.hint.includes("cyberun serve")]).toEqual([words[1], 3, true, true]);
    }
  });

  test("a folder that holds no deployment is not made into one", async () => {
    for (const words of [["users", "list"], ["deployment", "teams"], ["audit", "list"]]) {
      expect((await call(words, { CYBERUN_DATA_DIR: "/nowhere/at/all" })).exit).toBe(5);
    }
  });
});

describe("is refused", () => {
  let shared: Site;
  beforeAll(async () => {
    shared = await openSite();
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  const nobody = "00000000-0000-7000-8000-000000000000";
  test.each<[readonly string[], number]>([
    [["users", "show"], 2],
    [["users", "show", "not-an-id"], 2],
    [["users", "show", nobody], 5],
    [["users", "show", "nobody@example.com"], 5],
    [["users", "show", "a%@example.com"], 5],
    [["users", "disable", nobody], 5],
    [["users", "enable", nobody], 5],
    [["users", "delete", nobody, "--yes"], 5],
    [["users", "delete", "ada@example.com"], 2],
    [["users", "update", "ada@example.com"], 2],
    [["users", "update", "ada@example.com", "--administrator", "true"], 2],
    [["users", "update", "ada@example.com", "--first-name", ""], 2],
    [["users", "update", nobody, "--first-name", "X"], 5],
    [["users", "create", "--email", "x@example.com", "--first-name", "X"], 2],
    [["users", "create", "--first-name", "X", "--last-name", "Y"], 2],
    [["users", "create", "--email", "nonsense", "--first-name", "X", "--last-name", "Y"], 2],
    [["users", "create", "--email", "ADA@example.com", "--first-name", "X", "--last-name", "Y"], 6],
    [["users", "list", "--page", "0"], 2],
    [["users", "list", "--page", "x"], 2],
    [["users", "list", "--per-page", "101"], 2],
    [["users", "list", "--per-page", "0", "--all"], 2],
    [["users", "list", "--per-page", "101", "--all"], 2],
    [["users", "list", "--page", "1", "--all"], 2],
    [["users", "list", "--search", "x".repeat(255)], 2],
    [["users", "list", "--yes"], 2],
    [["deployment", "teams", "--page", "1000001"], 2],
    [["deployment", "quotas", "--all"], 2],
    [["deployment"], 2],
    [["audit", "list", "--operation", "no.such"], 2],
    [["audit", "list", "--from", "yesterday"], 2],
    [["audit", "list", "--outcome", "maybe"], 2],
  ])("%j", async (words, expected) => {
    const { exit, out, error } = await call(words, shared.environment);
    expect([exit, out, typeof error.message]).toEqual([expected, "", "string"]);
  });
});
