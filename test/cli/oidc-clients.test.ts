/** `cyberun oidc clients …`, on the store itself and through a running server's door. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testBackups } from "../support/backups.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testEntitlements } from "../support/gate.ts";
import { openDoorSite } from "../support/operator-door.ts";
import { makeTestDatabase } from "../support/store.ts";

type Environment = Readonly<Record<string, string>>;

async function call(words: readonly string[], environment: Environment) {
  const { exit, out, err } = await run(["oidc", "clients", ...words, "--json"], { environment });
  return { exit, out, err, body: out === "" ? {} : JSON.parse(out) };
}

describe("through the running server's door", () => {
  test("the life of a client: create, show, list, update, disable, enable, rotate its secret, delete", async () => {
    await using home = await openDoorSite();
    const { entitled: _none, ...gate } = home.gate;
    const scope = { gate: { ...gate, entitled: { entitlements: () => testEntitlements() } }, licenseServer: async () => home.site.server, backups: testBackups(home.dataDir), auditAnchors: () => ({ count: 0, claims: [], damaged: [] }) };
    await home.door?.stop();
    const door = await home.open(home.socket, scope);
    const environment = { CYBERUN_DATA_DIR: home.dataDir };
    const made = await call(["create", "--name", "Shop", "--redirect-uri", "https://a.example/cb, https://b.example/cb"], environment);
    expect([made.exit, made.err]).toEqual([0, ""]);
    const { client_id: id } = made.body.client;
    expect(made.body).toMatchObject({ client: { client_name: "Shop", redirect_uris: ["https://a.example/cb", "https://b.example/cb"] }, client_secret: expect.stringMatching(/^cs-/) });
    expect((await call(["show", id], environment)).body.client).toMatchObject({ client_name: "Shop", require_pkce: true });
    expect((await run(["oidc", "clients", "list"], { environment })).out).toContain(`${id}  client_secret_basic  Shop`);

    using folder = temporaryFolder();
    const file = join(folder.path, "metadata.json");
    writeFileSync(file, JSON.stringify({ scope: "openid", logo_uri: "https://a.example/logo" }));
    expect((await call(["update", id, "--metadata-file", file], environment)).body.client).toMatchObject({ scope: "openid", logo_uri: "https://a.example/logo", client_name: "Shop" });
    expect((await call(["disable", id], environment)).body.client.is_disabled).toBe(true);
    expect((await run(["oidc", "clients", "list"], { environment })).out).toContain("disabled");
    expect((await call(["enable", id], environment)).body.client.is_disabled).toBe(false);
    const rotated = await call(["rotate-secret", id, "--overlap", "0"], environment);
    expect(rotated.body).toMatchObject({ client_secret: expect.stringMatching(/^cs-/), overlap_seconds: 0 });
    expect((await call(["token", "--life", "60"], environment)).body.initial_access_token).toMatch(/^iat-/);
    expect((await call(["delete", id], environment)).exit).toBe(0);
    expect((await run(["oidc", "clients", "list"], { environment })).out).toContain("No client is registered yet.");
    expect((await call(["show", id], environment)).exit).toBe(5);
    await door?.stop();
  });

  test("without the license no client is created, and the feature or state is named", async () => {
    await using home = await openDoorSite();
    const environment = { CYBERUN_DATA_DIR: home.dataDir };
    const refused = await call(["create", "--redirect-uri", "https://a.example/cb"], environment);
    expect(refused.exit).toBe(7);
  });
});

describe("on the store, while no server runs", () => {
  test("clients are listed, and none is created", async () => {
    await using database = await makeTestDatabase();
    const environment = { CYBERUN_DATA_DIR: database.dataDir, ...(database.databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: database.databaseUrl }) };
    expect((await call(["list"], environment)).body.clients).toEqual([]);
    for (const words of [["create", "--redirect-uri", "https://a.example/cb"], ["token"]]) {
      const { exit, err } = await call(words, environment);
      expect([words[0], exit, err.includes("cyberun serve")]).toEqual([words[0], 3, true]);
    }
  });

  test.each([
    [["create", "--metadata-file", "/nowhere"], 5],
    [["rotate-secret", "x", "--overlap", "soon"], 2],
    [["rotate-secret", "x"], 5],
    [["token", "--life", "-1"], 2],
    [["show"], 2],
    [["delete", "x"], 5],
  ] as const)("%j is refused", async (words, exit) => {
    await using database = await makeTestDatabase();
    const environment = { CYBERUN_DATA_DIR: database.dataDir, ...(database.databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: database.databaseUrl }) };
    expect((await call(words, environment)).exit).toBe(exit);
  });

  test("a metadata file that is no object is refused by name", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const file = join(folder.path, "metadata.json");
    for (const text of ["", "[]", "null", "{"]) {
      writeFileSync(file, text);
      const { exit, err } = await call(["create", "--metadata-file", file], { CYBERUN_DATA_DIR: database.dataDir });
      expect([text, exit, err.includes("metadata.json")]).toEqual([text, 2, true]);
    }
  });
});
