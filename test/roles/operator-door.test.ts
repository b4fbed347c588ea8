import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type OperationName, operations } from "../../src/gate/operations.ts";
import { operatorCalls } from "../../src/roles/operator/calls.ts";
import { SOCKET_PATH_BYTES_MAX } from "../../src/roles/operator/door.ts";
import { type DoorSite, knock, openDoorSite } from "../support/operator-door.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testBackups } from "../support/backups.ts";

let home: DoorSite;

beforeAll(async () => {
  home = await openDoorSite();
});

afterAll(() => home[Symbol.asyncDispose]());

const json = (input: unknown) => ({ body: JSON.stringify({ input }) });

test("nobody but the owner may open the socket", () => {
  expect(statSync(home.socket).mode & 0o777).toBe(0o600);
});

test("opening the door leaves the process's mask as it was", () => {
  const mask = process.umask();
  expect(mask).not.toBe(0o177);
});

test("exactly the listed operations are admitted, and all of them are the operator's", async () => {
  const admitted: readonly string[] = operatorCalls.map(({ operation }) => operation);
  expect([...admitted].sort()).toEqual([
    "administrator.create",
    "audit.export",
    "audit.list",
    "audit.verify",
    "backup.create",
    "backup.drill",
    "backup.read_status",
    "federation_bundle.export",
    "federation_keys.export",
    "federation_keys.import",
    "federation_keys.lead",
    "federation_keys.read",
    "federation_person.link",
    "federation_site.add",
    "federation_site.import",
    "federation_site.list",
    "federation_site.peek",
    "federation_site.read",
    "federation_site.remove",
    "federation_site.update",
    "federation_site_key.read",
    "initial_access_token.create",
    "join_token.create",
    "lease_client.list",
    "lease_client.revoke",
    "license.install",
    "license.reload",
    "license.test",
    "oidc_client.create",
    "oidc_client.delete",
    "oidc_client.list",
    "oidc_client.read",
    "oidc_client.rotate_secret",
    "oidc_client.update",
    "password_reset.create_link",
    "quota.read_deployment",
    "second_factor.reset",
    "setup_link.create",
    "signing_key.add",
    "signing_key.list",
    "signing_key.revoke",
    "signing_key.rotate",
    "team.list_all",
    "upstream_provider.create",
    "upstream_provider.delete",
    "upstream_provider.list",
    "upstream_provider.read",
    "upstream_provider.update",
    "user.create",
    "user.delete",
    "user.disable",
    "user.enable",
    "user.list",
    "user.read",
    "user.update",
  ]);
  for (const { operation } of operatorCalls) expect(operations[operation].accepts).toContain("operator");
  for (const name of Object.keys(operations).filter((operation) => !admitted.includes(operation))) {
    expect([name, await knock(home.socket, `/operations/${name}`, json(null))]).toMatchObject([name, { status: 404, body: { error_code: "not_found" } }]);
  }
});

test.each<[string, string, RequestInit, number, string]>([
  ["another path", "/", json(null), 404, "not_found"],
  ["a path around the list", "/operations/../operations/lease_client.list/x", json(null), 404, "not_found"],
  ["a name in another case", "/operations/Lease_Client.List", json(null), 404, "not_found"],
  ["another method", "/operations/lease_client.list", { method: "GET" }, 405, "method_not_allowed"],
  ["no body", "/operations/lease_client.list", {}, 400, "invalid_request"],
  ["a body that is no JSON", "/operations/lease_client.list", { body: "{" }, 400, "invalid_request"],
  ["a body without input", "/operations/lease_client.list", { body: "{}" }, 400, "invalid_request"],
  ["a body that is a list", "/operations/lease_client.list", { body: "[]" }, 400, "invalid_request"],
  ["input where none is taken", "/operations/lease_client.list", json({}), 400, "invalid_request"],
  ["input of another type", "/operations/license.test", json({ license: 1 }), 400, "invalid_request"],
  ["input with a member too many", "/operations/lease_client.revoke", json({ client_id: "x", force: true }), 400, "invalid_request"],
  ["input without a needed member", "/operations/administrator.create", json({ email_address: "a@b.example" }), 400, "invalid_request"],
  ["a text beyond its limit", "/operations/lease_client.revoke", json({ client_id: "x".repeat(1_025) }), 400, "invalid_request"],
  ["a client that is not there", "/operations/lease_client.revoke", json({ client_id: "x" }), 404, "not_found"],
])("%s is refused", async (_, path, init, status, code) => {
  expect(await knock(home.socket, path, init)).toMatchObject({ status, body: { error_code: code } });
});

test("a body beyond the limit is not read", async () => {
  const response = await fetch("http://localhost/operations/license.test", { unix: home.socket, method: "POST", body: "x".repeat(1_048_577) });
  expect(response.status).toBe(413);
});

test("a bug shows an id, and nothing of itself", async () => {
  using folder = temporaryFolder();
  const scope = {
    gate: home.gate,
    backups: testBackups(home.dataDir),
    auditAnchors: () => ({ count: 0, claims: [], damaged: [] }),
    licenseServer: async () => {
      throw new Error("a secret inside");
    },
  };
  const door = await home.open(join(folder.path, "s"), scope);
  const { status, body } = await knock(join(folder.path, "s"), "/operations/license.reload", json(null));
  await door?.stop();
  expect({ status, body }).toMatchObject({ status: 500, body: { error_code: "internal", details: { request_id: expect.any(String) } } });
  expect(JSON.stringify(body)).not.toContain("a secret inside");
  expect(home.logged.join("")).toContain("operator.failed");
});

test("what the operator does is in the audit log under the operator's name", async () => {
  expect(await knock(home.socket, "/operations/join_token.create", json(null))).toMatchObject({ status: 200, body: { output: { token: expect.stringMatching(/^join-/) } } });
  expect(await home.site.audited("join_token.create")).toMatchObject([{ outcome: "done", actor: "operator" }]);
});

describe("the socket's place", () => {
  test("a socket that a killed process left behind is replaced", async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "operator.sock");
    const script = `Bun.serve({ unix: process.argv[1], fetch: () => new Response() }); console.log("open");`;
    const child = Bun.spawn([process.execPath, "-e", script, socket], { stdout: "pipe", stderr: "inherit" });
    for await (const _ of child.stdout) break;
    child.kill("SIGKILL");
    await child.exited;
    expect(existsSync(socket)).toBe(true);
    const door = await home.open(socket);
    expect(await knock(socket, "/operations/lease_client.list", json(null))).toMatchObject({ status: 200 });
    await door?.stop();
    expect(existsSync(socket)).toBe(false);
  });

  test("a door that a living process has open is left to it", async () => {
    expect(await home.open(home.socket)).toBeUndefined();
    expect(home.logged.join("")).toContain("Another process of this data directory has the operator's door.");
    expect(await knock(home.socket, "/operations/lease_client.list", json(null))).toMatchObject({ status: 200 });
  });

  test("a path that is too long for a socket opens no door and says so", async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "x".repeat(SOCKET_PATH_BYTES_MAX), "operator.sock");
    expect(await home.open(socket)).toBeUndefined();
    expect(home.logged.join("")).toContain("choose a shorter data directory");
  });
});

test("every admitted operation exists", () => {
  const names: readonly OperationName[] = operatorCalls.map(({ operation }) => operation);
  for (const name of names) expect(Object.hasOwn(operations, name)).toBe(true);
});
