import { expect, test } from "bun:test";
import { deliverMail } from "../../src/identity/mail-delivery.ts";
import { PostOffice } from "../../src/identity/post-office.ts";
import { requestPasswordReset } from "../../src/identity/password-reset.ts";
import { createLog } from "../../src/log.ts";
import { createMailer } from "../../src/mail/smtp.ts";
import { writeNotice } from "../../src/notifications/notice-mail.ts";
import { writeInvitation } from "../../src/teams/invitation-mail.ts";
import { eventually } from "../support/eventually.ts";
import { storeText, testGate } from "../support/gate.ts";
import { keptMail } from "../support/mail.ts";
import { addPerson, anonymous, ownerAddress, setUp } from "../support/people.ts";
import { codeOf, strangersTo } from "../support/refusal.ts";
import { startMailServer } from "../support/smtp.ts";

async function world() {
  const site = await testGate({ settings: { hasMailServer: true } });
  await setUp(site.gate);
  const ask = (email_address: string = ownerAddress) => requestPasswordReset(site.gate, anonymous, { email_address });
  const rows = async () => await site.store.read(async (reader) => await reader.select().from(reader.tables.outbox));
  return { ...site, ask, rows, mail: keptMail(site.gate), [Symbol.asyncDispose]: site.close };
}

test("no link and no address lies in the store while a mail waits", async () => {
  await using site = await world();
  await site.ask("stranger@example.com");
  await site.ask();
  expect(await storeText(site.store)).not.toContain("stranger");
  await site.mail.deliver();
  expect(await storeText(site.store)).not.toContain(site.mail.tokenTo(ownerAddress));
  expect((await site.rows()).map(({ recipient, settled_at }) => [recipient, settled_at === null])).toEqual([["", false], ["", false]]);
});

test("a mail server that is away is tried again, later each time, and given up after eight tries", async () => {
  await using site = await world();
  site.mail.answer = "failed";
  await site.ask();
  let tries = 0;
  for (let seconds = 0; seconds <= 4 * 3_600; seconds += 30) {
    tries += (await site.mail.deliver()).failed;
    site.services.clock.advance(30_000);
  }
  expect(tries).toBe(8);
  expect(await site.rows()).toMatchObject([{ attempts: 8, settled_at: expect.any(Number) }]);
});

test("once it is back, the letter goes out with a link that is good, and once", async () => {
  await using site = await world();
  site.mail.answer = "failed";
  await site.ask();
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 1 });
  site.mail.answer = "sent";
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 0 });
  site.services.clock.advance(30_000);
  expect(await site.mail.deliver()).toMatchObject({ sent: 1, failed: 0 });
  site.services.clock.advance(3_600_000);
  await site.mail.deliver();
  expect(site.mail.letters).toHaveLength(1);
});

test("a recipient that is refused for good is not tried again", async () => {
  await using site = await world();
  site.mail.answer = "refused";
  await site.ask();
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 1 });
  site.mail.answer = "sent";
  site.services.clock.advance(3_600_000);
  expect(await site.mail.deliver()).toMatchObject({ sent: 0, failed: 0 });
});

test("processes that deliver side by side send each mail once", async () => {
  await using site = await world();
  for (let person = 0; person < 6; person += 1) {
    await addPerson(site.gate, { address: `p${person}@example.com` });
    await site.ask(`p${person}@example.com`);
  }
  await Promise.all(Array.from({ length: 4 }, () => site.mail.deliver()));
  expect(site.mail.letters.map(({ to }) => to).toSorted()).toEqual(Array.from({ length: 6 }, (_each, person) => `p${person}@example.com`));
});

test("without the feature mail waits, and goes out when the license carries it again", async () => {
  await using site = await world();
  await site.ask();
  site.license({ features: { global: { email: false } } });
  expect(await codeOf(site.mail.deliver())).toBe("feature_disabled");
  site.license({});
  expect(await site.mail.deliver()).toMatchObject({ sent: 1 });
  for (const { caller, code } of strangersTo("outbox.deliver")) expect(await codeOf(deliverMail(site.gate, caller, { mailer: site.mail.mailer, writeInvitation, writeNotice }))).toBe(code);
});

test("the post office sends what is due to a real mail server by itself, logs no link, and stops", async () => {
  await using site = await world();
  await using server = await startMailServer();
  const lines: string[] = [];
  const log = createLog(site.services.clock, "debug", (line) => lines.push(line));
  const settings = { host: "127.0.0.1", port: server.port, tls: "none", from: "cyberun@example.com", login: undefined } as const;
  const office = new PostOffice(site.gate, { mailer: createMailer(settings, site.services.clock), writeInvitation, writeNotice }, log);
  server.refusesWith = 451;
  await site.ask();
  site.services.clock.advance(2_000);
  await eventually(() => lines.some((line) => line.includes("mail.failed")));
  server.refusesWith = undefined;
  await eventually(() => site.services.clock.timers() > 0);
  site.services.clock.advance(30_000);
  const [letter] = await server.received(1);
  expect(letter).toMatchObject({ from: "cyberun@example.com", to: [ownerAddress] });
  expect(letter?.text).toMatch(/\/reset-password\/[0-9A-Za-z]{43}/);
  await office.stop();
  expect(site.services.clock.timers()).toBe(0);
  expect(lines.join("")).not.toMatch(/reset-password\/[0-9A-Za-z]/);
});
