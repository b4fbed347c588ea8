import { expect, test } from "bun:test";
import { createCredential } from "../../src/credentials/credentials.ts";
import { system } from "../../src/gate/caller.ts";
import { produceNotifications } from "../../src/notifications/producing.ts";
import { testWebhook } from "../../src/webhooks/delivery-log.ts";
import { keptMail } from "../support/mail.ts";
import { testGate } from "../support/gate.ts";
import { addPerson, ownerAddress, setUp } from "../support/people.ts";
import { addWebhook, deliver, receivers } from "../support/webhooks.ts";

test("a key's end and the license's state go out by mail, each once, without the names that people chose", async () => {
  await using world = await testGate({ settings: { hasMailServer: true } });
  const mail = keptMail(world.gate);
  const { owner, teamId } = await setUp(world.gate);
  await addPerson(world.gate, { teamId, role: "admin", address: "grace@example.com" });
  await createCredential(world.gate, owner, { kind: "agent", display_name: "click http://evil.example", expires_in_days: 7 });
  await produceNotifications(world.gate, system, undefined);
  await produceNotifications(world.gate, system, undefined);
  await mail.deliver();
  expect(mail.letters.map(({ to, subject }) => [to, subject]).toSorted()).toEqual([
    [ownerAddress, "Test site: a key of your team ends soon"],
    ["grace@example.com", "Test site: a key of your team ends soon"],
  ].toSorted());
  expect(JSON.stringify(mail.letters)).not.toContain("evil.example");
  expect(mail.letters[0]?.text).toContain("2026-01-08");
});

test("without the feature email nothing waits to be sent", async () => {
  await using world = await testGate({ settings: { hasMailServer: true }, features: { global: { email: false } }, state: "ok" });
  const mail = keptMail(world.gate);
  const { owner } = await setUp(world.gate);
  await createCredential(world.gate, owner, { kind: "agent", display_name: "A", expires_in_days: 7 });
  expect(await produceNotifications(world.gate, system, undefined)).toBe(1);
  expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.outbox))).toEqual([]);
  expect(mail.letters).toEqual([]);
});

test("a webhook that was disabled for its receiver goes out by mail, without its name and address", async () => {
  await using world = await testGate({ settings: { hasMailServer: true } });
  const mail = keptMail(world.gate);
  const { owner } = await setUp(world.gate);
  const post = receivers(world);
  const { id: webhook_id } = await addWebhook(world, owner, { display_name: "click http://evil.example" });
  await testWebhook(world.gate, owner, { webhook_id });
  post.answer = () => 410;
  await deliver(world);
  for (let looks = 0; looks < 2; looks += 1) await produceNotifications(world.gate, system, undefined);
  await mail.deliver();
  expect(mail.letters).toMatchObject([{ to: ownerAddress, subject: "Test site: a webhook of your team was disabled", text: expect.stringContaining(webhook_id) }]);
  for (const chosen of ["evil.example", "receiver.example"]) expect(JSON.stringify(mail.letters)).not.toContain(chosen);
});
