/** The commands that act on this host, both ways: through a running server's door, and on the store itself. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundledLicense } from "../../src/license/trust.ts";
import { realServices } from "../../src/services.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { run } from "../support/command-line.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { openDoorSite } from "../support/operator-door.ts";
import { makeTestDatabase, type TestDatabase } from "../support/store.ts";

const password = "planted-Pa55word";

function environmentOf({ dataDir, databaseUrl }: Pick<TestDatabase, "dataDir" | "databaseUrl">): Record<string, string> {
  return { CYBERUN_DATA_DIR: dataDir, ...(databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: databaseUrl }) };
}

function written(folder: Folder, name: string, content: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
}

function parsed(text: string): unknown {
  expect(text.trimEnd()).not.toContain("\n");
  return JSON.parse(text);
}

describe("on the store, while no server runs", () => {
  test("an administrator is created before the first start, and then the deployment is set up", async () => {
    await using database = await makeTestDatabase();
    const environment = environmentOf(database);
    const create = ["admin", "create", "--email", "Ada@Example.com", "--password-stdin", "--json"];
    const first = await run(create, { environment, input: `${password}\n` });
    expect(first).toMatchObject({ exit: 0, err: "" });
    expect(parsed(first.out)).toMatchObject({ schema_version: 1, email_address: "Ada@Example.com", is_first: true, team_id: expect.any(String), user_id: expect.any(String) });
    expect(first.out).not.toContain(password);
    const again = await run(create, { environment, input: password });
    expect(again).toMatchObject({ exit: 6, out: "" });
    expect(parsed(again.err)).toMatchObject({ error: { code: "conflict", retryable: false } });
    const second = await run(["admin", "create", "--email", "b@example.com", "--password-stdin"], { environment, input: password });
    expect(second).toMatchObject({ exit: 0, out: `Created the administrator b@example.com in ${database.dataDir}.\n` });
    expect(await run(["admin", "setup-link"], { environment })).toMatchObject({ exit: 6, out: "" });
  });

  test("a set-up link carries the configured address and says that no server runs", async () => {
    await using database = await makeTestDatabase();
    const environment = { ...environmentOf(database), CYBERUN_PUBLIC_URL: "https://c.example" };
    const { exit, out } = await run(["admin", "setup-link", "--json"], { environment });
    expect(exit).toBe(0);
    expect(parsed(out)).toMatchObject({ setup_url: expect.stringMatching(/^https:\/\/c\.example\/setup\/[\w-]{43}$/), is_server_running: false });
    expect((await run(["admin", "setup-link"], { environment })).out).toContain("No server runs on this data directory now");
  });

  test("somebody who lost the password gets a link, and who has no second factor has none removed", async () => {
    await using database = await makeTestDatabase();
    const environment = { ...environmentOf(database), CYBERUN_ISSUER_URL: "https://c.example" };
    await run(["admin", "create", "--email", "a@example.com", "--password-stdin"], { environment, input: "correct horse battery" });
    const { exit, out } = await run(["admin", "reset-link", "--email", "A@example.com", "--json"], { environment });
    expect([exit, parsed(out)]).toMatchObject([0, { reset_url: expect.stringMatching(/^https:\/\/c\.example\/reset-password\/[\w-]{43}$/) }]);
    for (const command of ["reset-link", "reset-factor"]) {
      expect(await run(["admin", command, "--email", "nobody@example.com"], { environment })).toMatchObject({ exit: 5, out: "" });
      expect(await run(["admin", command], { environment })).toMatchObject({ exit: 2, out: "" });
    }
    expect(await run(["admin", "reset-factor", "--email", "a@example.com"], { environment })).toMatchObject({ exit: 5, out: "" });
  });

  test("a license is installed before the first start, judged again, and a broken one changes nothing", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const environment = environmentOf(database);
    const good = written(folder, "good.lic", bundledLicense);
    const installed = await run(["license", "install", good, "--json"], { environment });
    expect(installed).toMatchObject({ exit: 0, err: "" });
    expect(parsed(installed.out)).toMatchObject({ state: "ok", license: { license_id: "dev-trial" }, is_server_running: false, license_file: join(database.dataDir, "license.lic") });
    expect(readFileSync(join(database.dataDir, "license.lic"), "utf8").trim()).toBe(bundledLicense.trim());
    expect(await run(["license", "test", good], { environment })).toMatchObject({ exit: 0, out: "This is the license in force.\n" });
    const bad = written(folder, "bad.lic", "x");
    expect(await run(["license", "install", bad], { environment })).toMatchObject({ exit: 7, out: "" });
    const tested = await run(["license", "test", bad, "--json"], { environment });
    expect([tested.exit, parsed(tested.out)]).toMatchObject([7, { outcome: "refused", refusal: "malformed" }]);
    expect(readFileSync(join(database.dataDir, "license.lic"), "utf8").trim()).toBe(bundledLicense.trim());
    const reloaded = await run(["license", "reload", "--json"], { environment });
    expect([reloaded.exit, parsed(reloaded.out)]).toMatchObject([0, { state: "ok" }]);
  });

  test("join tokens and clients need a License Server that has run here", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const environment = environmentOf(database);
    expect(await run(["license", "join-token"], { environment })).toMatchObject({ exit: 5, out: "" });
    await run(["license", "install", written(folder, "good.lic", bundledLicense)], { environment });
    const made = await run(["license", "join-token", "--json"], { environment });
    expect([made.exit, parsed(made.out)]).toMatchObject([0, { join_token: expect.stringMatching(/^join-/), expires_at: expect.any(Number) }]);
    expect(await run(["license", "clients"], { environment })).toMatchObject({ exit: 0, out: "No client is enrolled yet.\n" });
    expect(await run(["license", "clients", "--revoke", "nobody"], { environment })).toMatchObject({ exit: 5, out: "" });
    // One id in 64 begins with a hyphen.
    expect(await run(["license", "clients", "--revoke", "-d8sFz3K_w0tQ"], { environment })).toMatchObject({ exit: 5, out: "" });
  });

  test("a mistyped data directory is not made", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "typo");
    for (const command of [["admin", "setup-link"], ["license", "clients"], ["license", "join-token"], ["license", "reload"]]) {
      expect(await run([...command, "--data-dir", dataDir])).toMatchObject({ exit: 5, out: "" });
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test("a store that a server has open, and whose door cannot be reached, is left alone", async () => {
    await using database = await makeTestDatabase();
    const store = await database.open();
    const answer = await run(["admin", "setup-link"], { environment: { CYBERUN_DATA_DIR: database.dataDir } });
    // The lock is SQLite's; PostgreSQL lets both in, and then the directory's own store is simply another one.
    if (store.engine === "sqlite") {
      expect(answer).toMatchObject({ exit: 6, out: "" });
      expect(answer.err).toContain("Stop it and run this again.");
    }
    await store.close();
  });

  test("a store whose server could open no door, because its directory has too long a name, says which of the two to change", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "x".repeat(120));
    mkdirSync(dataDir);
    const store = await openSqliteStore({ file: join(dataDir, "cyberun.db"), clock: realServices().clock });
    const answer = await run(["admin", "setup-link", "--data-dir", dataDir]);
    await store.close();
    expect(answer).toMatchObject({ exit: 6, out: "" });
    expect(answer.err).toContain("Stop the server, or choose a shorter data directory.");
  });

  test("on a new host a file is tested for that host, and nothing is made", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const good = await run(["license", "test", written(folder, "good.lic", bundledLicense), "--data-dir", dataDir, "--json"]);
    expect([good.exit, parsed(good.out)]).toMatchObject([0, { outcome: "accepted", state: "ok", license: { license_id: "dev-trial" }, differences: [] }]);
    const bad = await run(["license", "test", written(folder, "bad.lic", "x"), "--data-dir", dataDir]);
    expect(bad).toMatchObject({ exit: 7, out: expect.stringContaining("It would be refused (malformed)") });
    expect(existsSync(dataDir)).toBe(false);
  });

  test("a damaged master key is one clear sentence", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "master.key"), "short\n");
    const { exit, out, err } = await run(["admin", "setup-link", "--data-dir", folder.path]);
    expect({ exit, out }).toEqual({ exit: 3, out: "" });
    expect(err).toContain("master.key is damaged");
    expect(err).not.toContain("short");
  });
});

describe("through the door of a running server", () => {
  test("the same commands are answered by the server", async () => {
    await using home = await openDoorSite();
    const environment = { CYBERUN_DATA_DIR: home.dataDir };
    const link = await run(["admin", "setup-link", "--json"], { environment });
    expect([link.exit, parsed(link.out)]).toMatchObject([0, { setup_url: expect.stringContaining("http://localhost:9401/setup/"), is_server_running: true }]);
    const created = await run(["admin", "create", "--email", "ada@example.com", "--password-stdin", "--json"], { environment, input: password });
    expect([created.exit, parsed(created.out)]).toMatchObject([0, { is_first: true }]);
    const client = home.site.client("api");
    home.site.writeFile(home.site.vendor.sign());
    expect(parsed((await run(["license", "reload", "--json"], { environment })).out)).toMatchObject({ state: "ok", is_server_running: true });
    await client.lease();
    const clients = parsed((await run(["license", "clients", "--json"], { environment })).out);
    expect(clients).toMatchObject({ clients: [{ id: client.key.kid, role: "api", enrolled_by: "local", revoked_at: null }] });
    expect(await run(["license", "clients", "--revoke", client.key.kid], { environment })).toMatchObject({ exit: 0 });
    expect((await run(["license", "clients"], { environment })).out).toContain("revoked ");
    expect(existsSync(join(home.dataDir, "master.key"))).toBe(false);
  });

  test("a test of a file tells what would change, and its refusal is told as the server says it", async () => {
    await using home = await openDoorSite();
    using folder = temporaryFolder();
    const environment = { CYBERUN_DATA_DIR: home.dataDir };
    const { vendor } = home.site;
    home.site.writeFile(vendor.sign({ sequence: 2 }));
    await run(["license", "reload"], { environment });
    const smaller = written(folder, "smaller.lic", vendor.sign({ sequence: 3, quotas: { team: { max_agents: 1 } }, features: { team: { webhooks: false } } }));
    const people = await run(["license", "test", smaller], { environment });
    expect(people.exit).toBe(0);
    for (const text of ["The state would be ok.", "quotas.team.max_agents: ", "→ 1", "features.team.webhooks: true → false", "Warning: "]) expect(people.out).toContain(text);
    const older = written(folder, "older.lic", vendor.sign({ sequence: 1 }));
    const refused = await run(["license", "test", older, "--json"], { environment });
    expect([refused.exit, parsed(refused.out)]).toMatchObject([7, { outcome: "refused", refusal: "sequence_too_low" }]);
    const foreign = written(folder, "foreign.lic", bundledLicense);
    const installed = await run(["license", "install", foreign, "--json"], { environment });
    expect([installed.exit, installed.out, parsed(installed.err)]).toMatchObject([7, "", { error: { code: "invalid_license", details: { refusal: "unknown_key" } } }]);
    expect(home.site.state).toBe("ok");
  });
});

describe("passwords", () => {
  const create = ["admin", "create", "--email", "ada@example.com"];

  test.each<[string, readonly string[], { input?: string; typed?: readonly (string | undefined)[] }, number, string]>([
    ["no source, and nobody to ask", create, {}, 2, "A password is missing"],
    ["two sources", [...create, "--password-stdin", "--password-file", "/x"], {}, 2, "exclude each other"],
    ["a file that is not there", [...create, "--password-file", "/nowhere"], {}, 5, "There is no file /nowhere."],
    ["an empty standard input", [...create, "--password-stdin"], { input: "" }, 2, "password"],
    ["a password that is too short", [...create, "--password-stdin"], { input: "short12" }, 2, "8 to 128 characters"],
    ["two that differ", create, { typed: [password, "another-one"] }, 2, "The two passwords differ."],
    ["no address", ["admin", "create", "--password-stdin"], { input: password }, 2, "--email is missing."],
    ["an address that is none", ["admin", "create", "--email", "ada", "--password-stdin"], { input: password }, 2, "email_address"],
    ["on the command line", [...create, "--password", password], {}, 2, "--password: there is no such flag"],
  ])("%s is refused", async (_, argv, answers, exit, text) => {
    using folder = temporaryFolder();
    const answer = await run(argv, { environment: { CYBERUN_DATA_DIR: folder.path }, ...answers });
    expect(answer).toMatchObject({ exit, out: "" });
    expect(answer.err).toContain(text);
    expect(answer.err).not.toContain(password);
  });

  test("a question that is broken off ends in 130 and makes nobody", async () => {
    using folder = temporaryFolder();
    const environment = { CYBERUN_DATA_DIR: folder.path };
    expect(await run(create, { environment, typed: [undefined] })).toMatchObject({ exit: 130, out: "" });
    expect(await run(create, { environment, typed: [password, undefined] })).toMatchObject({ exit: 130, out: "" });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("a person types it twice; a file gives its first line", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const environment = environmentOf(database);
    expect(await run(create, { environment, typed: [password, password] })).toMatchObject({ exit: 0 });
    const passwordFile = written(folder, "password", ` ${password} \nsecond line\n`);
    expect(await run(["admin", "create", "--email", "b@example.com", "--password-file", passwordFile], { environment })).toMatchObject({ exit: 0 });
  });
});

describe("fingerprint", () => {
  test("hashes the parts of this host for one deployment", async () => {
    using folder = temporaryFolder();
    const withoutId = await run(["license", "fingerprint", "--data-dir", folder.path]);
    expect(withoutId).toMatchObject({ exit: 2, out: "" });
    const license = written(folder, "license.lic", bundledLicense);
    const answers = await Promise.all([
      run(["license", "fingerprint", "--license", license, "--json"]),
      run(["license", "fingerprint", "--deployment-id", "other", "--json"]),
    ]);
    for (const { exit, out, err } of answers) {
      // A machine without any readable part, such as a bare container, says so.
      if (exit === 0) expect(parsed(out)).toMatchObject({ parts: expect.arrayContaining([expect.stringMatching(/^[a-z-]+:[\w-]{43}$/)]) });
      else expect([exit, err]).toEqual([3, expect.stringContaining("No part of this host can be read.")]);
    }
    if (answers[0].exit === 0) expect(answers[0].out).not.toBe(answers[1].out);
  });
});
