/** The receiver of docs/webhooks.md, as it stands there: it takes what we send, once, and nothing else. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rotateWebhookSecret } from "../../src/webhooks/secret-rotation.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testGate } from "../support/gate.ts";
import { workBench } from "../support/tasks.ts";
import { addWebhook, deliver, finish, receivers } from "../support/webhooks.ts";

const page = readFileSync(join(import.meta.dir, "../../docs/webhooks.md"), "utf8");

test("the receiver of the documentation takes what is sent, once, and refuses what was changed, is old, or is another's", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "receiver.mjs");
  writeFileSync(file, /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? "");
  const { isNews } = await import(file);
  await using world = await testGate();
  const bench = await workBench(world);
  const post = receivers(world);
  const { id: webhook_id, webhook_secret } = await addWebhook(world, bench.owner);
  const rotated = await rotateWebhookSecret(world.gate, bench.owner, { webhook_id, overlap_seconds: 60 });
  for (let count = 0; count < 2; count += 1) await finish(world, bench);
  await deliver(world);
  const [first, second] = post.calls;
  if (first === undefined || second === undefined) throw new Error("two were sent");
  const now = world.services.clock.now();
  expect(isNews("whsec_AAAA", first.headers, first.body, now)).toBe(false);
  expect(isNews(webhook_secret, first.headers, `${first.body} `, now)).toBe(false);
  expect(isNews(webhook_secret, { ...first.headers, "webhook-id": "x" }, first.body, now)).toBe(false);
  expect(isNews(webhook_secret, {}, first.body, now)).toBe(false);
  expect(isNews(webhook_secret, first.headers, first.body, now + 301_000)).toBe(false);
  expect([isNews(webhook_secret, first.headers, first.body, now), isNews(webhook_secret, first.headers, first.body, now)]).toEqual([true, false]);
  expect(isNews(rotated.webhook_secret, second.headers, second.body, now)).toBe(true);
});
