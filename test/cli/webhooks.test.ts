/** `cyberun webhooks …` against a real API server: a secret that is shown once, and what a receiver got. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { temporaryFolder } from "../support/folder.ts";
import { type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let cli: PeopleCommands;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
});
afterAll(() => site.close());

const create = ["webhooks", "create", "--name", "CI", "--url", "https://hooks.example/ci", "--events", "task.completed, task.failed"];
const nobody = "00000000-0000-7000-8000-000000000000";

test("a webhook is made with its secret, listed and shown without it, changed, and deleted", async () => {
  const made = await cli.device(create);
  expect([made.exit, made.body]).toEqual([0, { schema_version: 1, id: expect.any(String), webhook_secret: expect.stringMatching(/^whsec_/) }]);
  const id = String(made.body["id"]);
  const listed = await cli.device(["webhooks", "list"]);
  expect(listed.body["webhook_list"]).toContainEqual(expect.objectContaining({ id, display_name: "CI", webhook_status: "active" }));
  const shown = await cli.plain(["webhooks", "show", id]);
  expect(shown.out).toContain("webhook_url: https://hooks.example/ci\n");
  for (const { out } of [listed, shown]) expect(out).not.toContain(String(made.body["webhook_secret"]).slice(12));
  expect((await cli.device(["webhooks", "update", id])).exit).toBe(2);
  expect((await cli.device(["webhooks", "update", id, "--name", "Build", "--status", "disabled"])).exit).toBe(0);
  expect((await cli.device(["webhooks", "show", id])).body).toMatchObject({ display_name: "Build", webhook_status: "disabled", webhook_events: ["task.completed", "task.failed"] });
  expect((await cli.device(["webhooks", "delete", id])).exit).toBe(2);
  expect((await cli.device(["webhooks", "delete", id, "--yes"])).body).toEqual({ schema_version: 1, id, is_deleted: true });
  for (const command of ["show", "test", "deliveries"]) expect([command, (await cli.device(["webhooks", command, id])).exit]).toEqual([command, 5]);
});

test("what is missing is said before anything is asked of the server", async () => {
  for (const flag of ["--name", "--url", "--events"]) {
    const at = create.indexOf(flag);
    const { exit, err } = await cli.device([...create.slice(0, at), ...create.slice(at + 2)]);
    expect([exit, err]).toEqual([2, expect.stringContaining(`${flag} is missing.`)]);
  }
  expect((await cli.device([...create.slice(0, -1), "task.eaten"])).exit).toBe(2);
});

test("a secret goes into a file of its own; a new one ends the one before at once, or after an overlap", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "secret");
  const made = await cli.device([...create, "--out", out]);
  expect([made.exit, made.body["secret_file"], made.out.includes("whsec_"), statSync(out).mode & 0o777]).toEqual([0, out, false, 0o600]);
  expect(readFileSync(out, "utf8")).toMatch(/^whsec_\S+\n$/);
  const id = String(made.body["id"]);
  expect((await cli.device([...create, "--out", out])).exit).toBe(6);
  expect((await cli.device(["webhooks", "rotate-secret", id])).exit).toBe(2);
  const rotated = await cli.plain(["webhooks", "rotate-secret", id, "--overlap", "60"]);
  expect([rotated.exit, rotated.out]).toEqual([0, expect.stringMatching(/^whsec_\S+\nThe one before signs as well until \S+\.\n/)]);
  expect((await cli.device(["webhooks", "rotate-secret", id, "--overlap", "60"])).exit).toBe(6);
  expect((await cli.device(["webhooks", "rotate-secret", id, "--yes"])).body).toEqual({ schema_version: 1, id, webhook_secret: expect.stringMatching(/^whsec_/), previous_secret_expires_at: null });
});

test("a test call is on its way, and the log of deliveries tells of it", async () => {
  const id = String((await cli.device(create)).body["id"]);
  const tested = await cli.device(["webhooks", "test", id]);
  expect(tested.body).toEqual({ schema_version: 1, webhook_id: id, delivery_id: expect.any(String) });
  const delivery = String(tested.body["delivery_id"]);
  expect((await cli.plain(["webhooks", "deliveries", id])).out).toMatch(new RegExp(`^ID +EVENT +STATUS +ATTEMPTS +ANSWER +CREATED +NEXT ATTEMPT\n${delivery} +webhook\\.test +pending +0 +- `));
  expect((await cli.device(["webhooks", "deliveries", id, "--status", "delivered"])).body["delivery_list"]).toEqual([]);
  const shown = await cli.plain(["webhooks", "delivery", id, delivery]);
  expect(shown.out).toContain("delivery_status: pending\n");
  expect(shown.out).toEndWith("It was not tried yet.\n");
  // One that is on its way is not sent a second time.
  expect((await cli.device(["webhooks", "replay", id, delivery])).exit).toBe(6);
  expect((await cli.device(["webhooks", "delivery", id, nobody])).exit).toBe(5);

  // As the courier leaves one that nobody took.
  const attempts = JSON.stringify([{ attempted_at: site.world.services.clock.now(), response_status: 500, error: null }]);
  await site.gate.store.write(async (writer) => {
    const { webhookDeliveries: deliveries } = writer.tables;
    await writer.update(deliveries).set({ delivery_status: "failed", due_at: null, attempt_count: 1, attempts }).where(eq(deliveries.id, delivery));
  });
  expect((await cli.plain(["webhooks", "delivery", id, delivery])).out).toMatch(/\nATTEMPTED +ANSWER +ERROR\n\S+ \S+ +500 +-\n$/);
  expect((await cli.device(["webhooks", "replay", id, delivery])).body).toEqual({ schema_version: 1, webhook_id: id, delivery_id: delivery });
  expect((await cli.device(["webhooks", "deliveries", id, "--status", "pending"])).body["delivery_list"]).toEqual([expect.objectContaining({ id: delivery, attempt_count: 0 })]);
});
