/** `cyberun keys list|create|rotate|revoke` against a real API server: who signs in how, where a key goes, and where it is not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { openSessions, type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { addPerson, ownerAddress, PASSWORD } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";
import { enrol } from "../support/second-factor.ts";

let site: TestRoles;
let cli: PeopleCommands;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
});
afterAll(() => site.close());

const nobody = "00000000-0000-7000-8000-000000000000";
const create = ["keys", "create", "--kind", "integration", "--name", "CI"];
const environment = {};
const opens = async (key: string) => (await site.call("/api/v1/r/workflows", { as: bearer(key) })).status;
const rows = async () => (await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.credentials))).length;

describe("a person who signs in", () => {
  test("creates a key that is shown once, lists it without it, rotates and revokes it", async () => {
    const made = await cli.signedIn([...create, "--expires-in-days", "30", "--scopes", "workflows:read, tasks:read", "--allowed-cidrs", "127.0.0.0/8"]);
    expect([made.exit, made.err, made.body]).toEqual([0, "", { schema_version: 1, id: expect.any(String), kind: "integration", key_prefix: expect.stringMatching(/^sk-/), raw_key: expect.stringMatching(/^sk-.{50,}$/) }]);
    const { id, raw_key } = made.body;
    expect(await opens(String(raw_key))).toBe(200);
    const listed = await cli.signedIn(["keys", "list", "--kind", "integration"]);
    expect(listed.body["credentials"]).toContainEqual(expect.objectContaining({ id, display_name: "CI", key_status: "active", scopes: ["workflows:read", "tasks:read"], allowed_cidrs: ["127.0.0.0/8"], expires_at: expect.any(String) }));
    expect(listed.out).not.toContain(String(raw_key).slice(12));

    const rotated = await cli.signedIn(["keys", "rotate", String(id), "--overlap", "60"]);
    expect([rotated.exit, await opens(String(raw_key)), await opens(String(rotated.body["raw_key"]))]).toEqual([0, 200, 200]);
    expect((await cli.signedIn(["keys", "rotate", String(id), "--overlap", "60"])).exit).toBe(6);
    expect((await cli.signedIn(["keys", "revoke", String(id)])).exit).toBe(2);
    expect((await cli.signedIn(["keys", "revoke", String(id), "--yes"])).body).toEqual({ schema_version: 1, id, is_revoked: true });
    expect([await opens(String(raw_key)), await opens(String(rotated.body["raw_key"]))]).toEqual([401, 401]);
    expect((await cli.signedIn(["keys", "rotate", String(id), "--yes"])).exit).toBe(6);
  });

  test("sees a key on the first line, and the list as a table", async () => {
    const { exit, out, err } = await cli.plain([...create, "--email", ownerAddress], { environment, typed: [PASSWORD] });
    expect([exit, out.split("\n")[0], err]).toEqual([0, expect.stringMatching(/^sk-\S+$/), "Password: \n"]);
    expect(await opens(out.split("\n")[0] ?? "")).toBe(200);
    expect((await cli.plain(["keys", "list", "--email", ownerAddress, "--kind", "integration", "--per-page", "1"], { environment, typed: [PASSWORD] })).out).toMatch(/^ID +KIND +NAME +PREFIX +STATUS +LAST USED +ENDS\n\S{36} +integration +CI +sk-\S+ +active +- +-\nPage 1 shows 1 of \d+;/);
  });

  test("without an overlap the secret before ends at once, after a question", async () => {
    const { body } = await cli.signedIn(create);
    const rotate = ["keys", "rotate", String(body["id"]), "--email", ownerAddress];
    expect((await cli.plain(rotate, { environment, typed: [PASSWORD, "no"] })).exit).toBe(130);
    expect(await opens(String(body["raw_key"]))).toBe(200);
    expect((await cli.plain(rotate, { environment, typed: [PASSWORD, "yes"] })).exit).toBe(0);
    expect(await opens(String(body["raw_key"]))).toBe(401);
  });
});

describe("--out", () => {
  test("puts the key into a new file for this user alone, and prints it nowhere", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "ci.key");
    const made = await cli.signedIn([...create, "--out", path]);
    expect([made.exit, made.body]).toEqual([0, { schema_version: 1, id: expect.any(String), kind: "integration", key_prefix: expect.any(String), key_file: path }]);
    const key = readFileSync(path, "utf8").trim();
    expect([statSync(path).mode & 0o777, await opens(key), made.out.includes(key.slice(12)), made.err.includes(key.slice(12))]).toEqual([0o600, 200, false, false]);
    const plain = await cli.plain([...create, "--out", join(folder.path, "plain"), "--email", ownerAddress], { environment, typed: [PASSWORD] });
    expect([plain.exit, /sk-[0-9A-Za-z]{8}_[0-9A-Za-z]/.test(plain.out)]).toEqual([0, false]);
    const again = join(folder.path, "again");
    expect((await cli.signedIn(["keys", "rotate", String(made.body["id"]), "--yes", "--out", again])).exit).toBe(0);
    expect([await opens(key), await opens(readFileSync(again, "utf8").trim())]).toEqual([401, 200]);
  });

  test("is refused before a key is made or a password asked for, and overwrites nothing", async () => {
    using folder = temporaryFolder();
    const taken = join(folder.path, "taken");
    writeFileSync(taken, "mine");
    mkdirSync(join(folder.path, "folder"));
    const before = await rows();
    for (const [path, exit] of [[taken, 6], [join(folder.path, "no", "such"), 5], [join(folder.path, "folder"), 6], [join(taken, "below"), 5]] as const) {
      const refused = await cli.plain([...create, "--email", ownerAddress, "--out", path], { environment, typed: [PASSWORD] });
      expect([path, refused.exit, refused.out, refused.err.includes("Password")]).toEqual([path, exit, "", false]);
    }
    expect([await rows(), readFileSync(taken, "utf8")]).toEqual([before, "mine"]);
  });

  test("leaves no file when no key was made", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "ci.key");
    expect((await cli.signedIn(["keys", "create", "--kind", "device", "--name", "X", "--out", path])).exit).toBe(2);
    expect((await cli.signedIn(["keys", "rotate", nobody, "--yes", "--out", path])).exit).toBe(5);
    expect(existsSync(path)).toBe(false);
  });
});

describe("the second factor", () => {
  test("is asked for on a terminal or read from a file, and nothing works without it", async () => {
    using folder = temporaryFolder();
    const person = await addPerson(site.gate, { address: "two@example.com", teamId: site.people.teamId, role: "admin" });
    const { app, recoveryCodes } = await enrol(site.gate, person);
    const list = ["keys", "list", "--email", "two@example.com"];
    const typed = await cli.plain(list, { environment, typed: [PASSWORD, app.code()] });
    expect([typed.exit, typed.err.includes(app.code()), typed.err.includes(PASSWORD)]).toEqual([0, false, false]);
    expect(typed.err).toContain("Code of the second factor: ");
    const [code, password] = [join(folder.path, "code"), join(folder.path, "password")];
    writeFileSync(code, `${recoveryCodes[0] ?? ""}\n`);
    writeFileSync(password, `${PASSWORD}\n`);
    expect((await cli.plain([...list, "--password-file", password, "--code-file", code], { environment })).exit).toBe(0);
    expect((await cli.plain([...list, "--password-file", password, "--code-file", code], { environment })).exit).toBe(4);
    expect((await cli.plain(list, { environment, typed: [PASSWORD, app.wrong()] })).exit).toBe(4);
    const without = await cli.plain([...list, "--password-file", password, "--json"], { environment });
    const { error } = JSON.parse(without.err);
    expect([without.exit, error.code, error.hint.includes("--code-file"), error.details, without.err.includes("step_token")]).toEqual([4, "second_factor_required", true, undefined, false]);
  });
});

test("who has passkeys alone is asked for a recovery code, and the step's token is printed nowhere", async () => {
  const token = "step-token-of-the-server";
  const sent: string[] = [];
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    async fetch(request) {
      sent.push(await request.text());
      const isFirst = request.url.endsWith("/login");
      return isFirst
        ? Response.json({ error_code: "second_factor_required", error_message: "More.", details: { step_token: token, methods: ["passkey", "recovery_code"] } }, { status: 401 })
        : Response.json({ error_code: "unauthenticated", error_message: "The code is wrong." }, { status: 401 });
    },
  });
  const { exit, out, err } = await cli.plain(["keys", "list", "--json", "--email", ownerAddress, "--api-url", server.url.origin], { environment, typed: [PASSWORD, "a recovery code"] });
  expect([exit, out, err.includes("Recovery code (a passkey needs a browser): "), err.includes(token)]).toEqual([4, "", true, false]);
  expect(sent.map((text) => JSON.parse(text))).toEqual([{ email_address: ownerAddress, user_password: PASSWORD }, { step_token: token, code: "a recovery code" }]);
});

describe("is refused", () => {
  test("to every key: a device, an integration and an agent manage none", async () => {
    for (const words of [["list"], [...create.slice(1)], ["rotate", nobody, "--yes"], ["revoke", nobody, "--yes"]]) {
      const { exit, out, error } = await cli.device(["keys", ...words]);
      expect([words[0], exit, out, String(error["hint"]).includes("--email")]).toEqual([words[0], 2, "", true]);
    }
  });

  test.each<[readonly string[], number]>([
    [["keys", "list", "--kind", "master"], 2],
    [["keys", "create", "--name", "X"], 2],
    [["keys", "create", "--kind", "agent"], 2],
    [["keys", "create", "--kind", "admin", "--name", "X"], 2],
    [[...create, "--expires-in-days", "0"], 2],
    [[...create, "--expires-in-days", "366"], 2],
    [[...create, "--expires-in-days", "soon"], 2],
    [[...create, "--scopes", "everything"], 2],
    [[...create, "--scopes", ""], 2],
    [[...create, "--allowed-cidrs", "10.0.0.0/33"], 2],
    [["keys", "create", "--kind", "agent", "--name", "X", "--scopes", "tasks:read"], 2],
    [["keys", "rotate"], 2],
    [["keys", "rotate", "..", "--yes"], 2],
    [["keys", "rotate", nobody, "--overlap", "x"], 2],
    [["keys", "rotate", nobody, "--overlap", "99999999"], 2],
    [["keys", "rotate", nobody], 2],
    [["keys", "revoke", nobody, "--yes"], 5],
    [["keys", "revoke", "../teams/current", "--yes"], 2],
    [["keys", "list", "--out", "/tmp/x"], 2],
    [["keys", "list", "--team", nobody], 5],
    [["keys", "list", "--team", "x"], 2],
  ])("%j", async (words, expected) => {
    const before = await rows();
    const { exit, out, error } = await cli.signedIn(words);
    expect([exit, out, typeof error["message"], await rows()]).toEqual([expected, "", "string", before]);
  });

  test("with a wrong password, without one, with two sources for one, and to who may not", async () => {
    const list = ["keys", "list", "--email", ownerAddress];
    const wrong = await cli.plain([...list, "--password-stdin"], { environment, input: "not this one\n" });
    expect([wrong.exit, wrong.out, wrong.err.includes("not this one")]).toEqual([4, "", false]);
    expect((await cli.plain(list, { environment })).exit).toBe(2);
    expect((await cli.plain(list, { environment, typed: [undefined] })).exit).toBe(130);
    expect((await cli.plain([...list, "--password-stdin", "--password-file", "/x"], { environment })).exit).toBe(2);
    expect((await cli.plain([...list, "--password-file", "/nowhere"], { environment })).exit).toBe(5);
    await addPerson(site.gate, { address: "look@example.com", teamId: site.people.teamId, role: "viewer" });
    expect((await cli.signedIn(["keys", "list"], "look@example.com")).exit).toBe(0);
    expect((await cli.signedIn(create, "look@example.com")).exit).toBe(4);
    expect((await cli.signedIn(["keys", "list"], "nobody@example.com")).exit).toBe(4);
  });

  test("while the license is not good a key is not made, and one can be revoked", async () => {
    const { body } = await cli.signedIn(create);
    site.license({ state: "revoked" });
    expect((await cli.signedIn(create)).exit).toBe(7);
    expect((await cli.signedIn(["keys", "revoke", String(body["id"]), "--yes"])).exit).toBe(0);
    site.license({});
  });

  test.each([
    ["with a page", () => new Response("<html>")],
    ["with a token that is none", () => Response.json({ access_token: "a\nb" })],
    ["with JSON of its own", () => Response.json([])],
  ])("at a server that answers %s", async (_name, answer) => {
    await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, fetch: answer });
    const { exit, out } = await cli.plain([...create, "--email", ownerAddress, "--password-stdin", "--api-url", server.url.origin], { environment, input: PASSWORD });
    expect([exit, out]).toEqual([3, ""]);
  });
});

test("the password goes nowhere but into the sign-in, and a warning is due where it could be read on the way", async () => {
  const seen: string[] = [];
  site.world.services.replaceFetch(async (url, init) => {
    seen.push(`${url} ${JSON.stringify(init)}`);
    return Response.json({ error_code: "unauthenticated", error_message: "No." }, { status: 401 });
  });
  try {
    const { exit, err } = await cli.plain(["keys", "list", "--email", ownerAddress, "--password-stdin", "--api-url", "http://api.example"], { environment: { CYBERUN_API_KEY: cli.deviceKey }, input: PASSWORD });
    expect([exit, err.includes("in clear to http://api.example"), seen.length, seen[0]?.includes("/api/v1/auth/login "), seen[0]?.includes(cli.deviceKey)]).toEqual([4, true, 1, true, false]);
  } finally {
    site.world.services.replaceFetch();
  }
});

test("no sign-in of a command outlives it, and no key, password or token is in the server's log", async () => {
  const before = await openSessions(site);
  const { body } = await cli.signedIn(create);
  await cli.signedIn(["keys", "revoke", nobody, "--yes"]);
  expect((await cli.plain(["keys", "revoke", String(body["id"]), "--email", ownerAddress], { environment, typed: [PASSWORD, undefined] })).exit).toBe(130);
  expect(await openSessions(site)).toBe(before);
  const log = site.logged.join("\n");
  for (const secret of [PASSWORD, String(body["raw_key"]).slice(12)]) expect(log).not.toContain(secret);
});
