/** `cyberun oidc providers …`, on the store itself and through a running server's door. */
import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testBackups } from "../support/backups.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { storeText, testEntitlements } from "../support/gate.ts";
import { openDoorSite } from "../support/operator-door.ts";
import { makeTestDatabase } from "../support/store.ts";

type Environment = Readonly<Record<string, string>>;
const SECRET = "the secret that the provider gave";

async function call(words: readonly string[], environment: Environment) {
  const { exit, out, err } = await run(["oidc", "providers", ...words, "--json"], { environment });
  return { exit, out, err, body: out === "" ? {} : JSON.parse(out) };
}

function secretFile(folder: string, text = `${SECRET}\nanother line\n`): string {
  const file = join(folder, "client.secret");
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}

describe("through the running server's door", () => {
  test("the life of a provider: create, show, list, update, disable, enable, delete", async () => {
    await using home = await openDoorSite();
    using folder = temporaryFolder();
    const { entitled: _none, ...gate } = home.gate;
    const scope = { gate: { ...gate, entitled: { entitlements: () => testEntitlements() } }, licenseServer: async () => home.site.server, backups: testBackups(home.dataDir), auditAnchors: () => ({ count: 0, claims: [], damaged: [] }) };
    await home.door?.stop();
    const door = await home.open(home.socket, scope);
    const environment = { CYBERUN_DATA_DIR: home.dataDir };
    const made = await call(["create", "google", "--issuer", "google", "--client-id", "x.apps", "--client-secret-file", secretFile(folder.path), "--domains", "example.com, example.org", "--provisioning", "trusted"], environment);
    expect([made.exit, made.err, made.out.includes(SECRET)]).toEqual([0, "", false]);
    expect(made.body.provider).toMatchObject({ issuer: "https://accounts.google.com", allowed_domains: ["example.com", "example.org"], provisioning: "trusted", redirect_uri: expect.stringMatching(/\/upstream\/callback$/) });
    expect(await storeText(home.gate.store)).not.toContain(SECRET);
    expect((await call(["show", "google"], environment)).body.provider).toMatchObject({ display_name: "Google", has_secret: true });
    expect((await run(["oidc", "providers", "list"], { environment })).out).toContain("https://accounts.google.com  Google");
    const metadata = join(folder.path, "more.json");
    writeFileSync(metadata, JSON.stringify({ scope: "openid email", display_name: "not this" }));
    expect((await call(["update", "google", "--metadata-file", metadata, "--name", "Our Google"], environment)).body.provider).toMatchObject({ scope: "openid email", display_name: "Our Google", client_id: "x.apps" });
    expect((await call(["disable", "google"], environment)).body.provider.is_disabled).toBe(true);
    expect((await run(["oidc", "providers", "list"], { environment })).out).toContain("disabled");
    expect((await call(["enable", "google"], environment)).body.provider.is_disabled).toBe(false);
    expect((await call(["delete", "google"], environment)).exit).toBe(0);
    expect((await run(["oidc", "providers", "list"], { environment })).out).toContain("There is no provider yet.");
    await door?.stop();
  });

  test("without the license none is added", async () => {
    await using home = await openDoorSite();
    using folder = temporaryFolder();
    const words = ["create", "google", "--issuer", "google", "--client-id", "x", "--client-secret-file", secretFile(folder.path)];
    expect((await call(words, { CYBERUN_DATA_DIR: home.dataDir })).exit).toBe(7);
  });
});

describe("on the store, while no server runs", () => {
  test("providers are listed, also those of the config file, and none is added", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    secretFile(folder.path);
    const config = join(folder.path, "cyberun.toml");
    writeFileSync(config, '[upstream_providers.google]\npreset = "google"\nclient_id = "x"\nclient_secret_file = "client.secret"\n');
    const environment = { CYBERUN_DATA_DIR: database.dataDir, ...(database.databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: database.databaseUrl }) };
    expect((await call(["list"], environment)).body.providers).toEqual([]);
    const listed = await call(["list", "--config", config], environment);
    expect([listed.body.providers, listed.out.includes(SECRET)]).toMatchObject([[{ id: "google", source: "file" }], false]);
    expect((await call(["disable", "google", "--config", config], environment)).exit).toBe(6);
    const refused = await call(["create", "corp", "--issuer", "https://login.example.com", "--client-id", "x", "--client-secret-file", join(folder.path, "client.secret")], environment);
    expect([refused.exit, refused.err.includes("cyberun serve")]).toEqual([3, true]);
  });

  test.each([
    [["show"], 2],
    [["show", "x"], 5],
    [["delete", "x"], 5],
    [["disable", "x"], 5],
    [["update", "x", "--client-secret-file", "/nowhere"], 5],
    [["create", "x", "--metadata-file", "/nowhere"], 5],
    [["create", "x", "--client-secret", "typed"], 2],
  ] as const)("%j is refused", async (words, exit) => {
    await using database = await makeTestDatabase();
    const environment = { CYBERUN_DATA_DIR: database.dataDir, ...(database.databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: database.databaseUrl }) };
    expect((await call(words, environment)).exit).toBe(exit);
  });

  test("an empty secret file is refused by name", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const file = secretFile(folder.path, "");
    const { exit, err } = await call(["create", "x", "--client-secret-file", file], { CYBERUN_DATA_DIR: database.dataDir });
    expect([exit, err.includes("client.secret")]).toEqual([2, true]);
  });
});
