/** `cyberun containers …` against a real API server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let cli: PeopleCommands;
let folder: Folder;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
  folder = temporaryFolder();
});
afterAll(async () => {
  await site.close();
  folder[Symbol.dispose]();
});

function file(body: unknown): string {
  const path = join(folder.path, "service.json");
  writeFileSync(path, JSON.stringify(body));
  return path;
}

test("a service is defined, shown, changed, deployed, stopped and deleted", async () => {
  const made = await cli.device(["containers", "create", file({ service_slug: "echo", display_name: "Echo", docker_image: "acme/echo:1" })]);
  expect([made.exit, made.body["id"]]).toEqual([0, expect.any(String)]);
  expect((await cli.plain(["containers", "list"])).out).toMatch(/^SLUG +NAME +TYPE +STATUS +ADDRESS\necho +Echo +deployed +created +http:\S+\/api\/v1\/r\/containers\/echo\/\n$/);
  expect((await cli.device(["containers", "update", "echo", file({ display_name: "Second" })])).exit).toBe(0);
  expect((await cli.device(["containers", "deploy", "echo"])).body).toEqual({ schema_version: 1, service_slug: "echo", service_status: "deploying" });
  const shown = await cli.plain(["containers", "show", "echo"]);
  expect(shown.out).toContain("display_name: Second\n");
  expect(shown.out).toMatch(/\n0 +no agent is fit +starting/);
  expect((await cli.device(["containers", "update", "echo", file({ display_name: "Third" })])).exit).toBe(6);
  expect((await cli.device(["containers", "stop", "echo"])).body).toMatchObject({ service_status: "stopped" });
  expect((await cli.device(["containers", "delete", "echo"])).exit).toBe(2);
  expect((await cli.device(["containers", "delete", "echo", "--yes"])).body).toEqual({ schema_version: 1, id: made.body["id"], is_deleted: true });
  expect((await cli.device(["containers", "show", "echo"])).exit).toBe(5);
});

test("what is no slug or no definition is said before anything is done", async () => {
  for (const words of [["show", "../x"], ["create", file([])], ["create", file({ service_slug: "x" })]]) expect([words, (await cli.device(["containers", ...words])).exit]).toEqual([words, 2]);
});
