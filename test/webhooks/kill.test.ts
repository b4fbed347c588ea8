/**
 * kill -9 at every point between an event and the record of its delivery: the next process tells it, with the same
 * `webhook-id` where it was told before, and nothing is lost.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { LEASE_MS } from "../../src/webhooks/due-deliveries.ts";
import { testGate } from "../support/gate.ts";
import { workBench } from "../support/tasks.ts";
import { addWebhook, type Call, finish, verifies } from "../support/webhooks.ts";

const CHILD = join(import.meta.dir, "kill-child.ts");

/** Runs a child until it says `line`, and kills it there. */
async function runUntil(line: string, args: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, CHILD, ...args], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.includes(line)) break;
  }
  child.kill("SIGKILL");
  await child.exited;
  expect(said).toContain(line);
}

test.each([
  ["before note", 1],
  ["after note", 1],
  ["before take", 1],
  ["after take", 1],
  ["before send", 1],
  ["after send", 2],
  ["before record", 2],
  ["after record", 1],
])("killed %s", async (point, calls) => {
  await using world = await testGate({ startAtMs: 1_767_225_600_000 });
  const bench = await workBench(world);
  const got: Pick<Call, "headers" | "body">[] = [];
  await using receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    async fetch(request) {
      got.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
      return new Response("ok");
    },
  });
  const { id, webhook_secret } = await addWebhook(world, bench.owner);
  // By http, which no webhook can be made with: TLS has tests of its own, and the operator allows this address.
  await world.store.write(async (writer) => void (await writer.update(writer.tables.webhooks).set({ webhook_url: `http://receiver.example:${receiver.port}/` }).where(eq(writer.tables.webhooks.id, id))));
  const taskId = await finish(world, bench);
  const location = [world.database.dataDir, ...(world.database.databaseUrl === undefined ? [] : [world.database.databaseUrl])];
  await world.store.close();
  await runUntil(`at ${point}`, [point, String(world.services.clock.now()), ...location]);
  world.services.clock.advance(LEASE_MS + 10_000);
  await runUntil("settled", ["none", String(world.services.clock.now()), ...location]);

  const store = await world.database.reopen();
  const rows = await store.read(async (reader) => await reader.select().from(reader.tables.webhookDeliveries));
  expect(rows).toMatchObject([{ webhook_id: id, task_id: taskId, delivery_status: "delivered", attempt_count: 1, due_at: null }]);
  expect(got.map(({ headers, body }) => [headers["webhook-id"], JSON.parse(body).task_id])).toEqual(Array.from({ length: calls }, () => [rows[0]?.id, taskId]));
  const [last] = got.slice(-1);
  expect(verifies(world, webhook_secret, last ?? { headers: {}, body: "" })).toBe(true);
}, 120_000);
