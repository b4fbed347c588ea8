/**
 * Hostile targets: not a byte reaches a canary that listens where nobody may reach it, whatever the address looks like and
 * wherever its name leads. The check at the webhook's making is passed by, so that it is the sending that is tried.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findDialAllowance } from "../../src/dialler.ts";
import { type Exchange, realNetwork } from "../../src/network.ts";
import { createWebhook, updateWebhook } from "../../src/webhooks/management.ts";
import { listDeliveries, readDelivery, testWebhook } from "../../src/webhooks/delivery-log.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { type SetUp, setUp } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";
import { aWebhook, addWebhook, deliver } from "../support/webhooks.ts";

const PUBLIC = "93.184.216.34";
const forbidden = [
  ...["0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1"],
  ...["198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::", "2001::1"],
  ...["fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1"],
];
/** Spellings of the canary's own address, and of what else stands on this host; `PORT` is the canary's. */
const spellings = [
  ...["https://127.0.0.1:PORT/", "https://127.1:PORT/", "https://127.0.1:PORT/", "https://2130706433:PORT/", "https://0x7f000001:PORT/", "https://0x7f.0.0.1:PORT/", "https://0177.0.0.1:PORT/", "https://017700000001:PORT/"],
  ...["https://127.0.0.1.:PORT/", "https://①②⑦.0.0.1:PORT/", "https://127。0。0。1:PORT/", "https://0:PORT/", "https://0.0.0.0:PORT/", "https://127.255.255.254:PORT/", "https://[::1]:PORT/", "https://[::]:PORT/"],
  ...["https://[0:0:0:0:0:0:0:1]:PORT/", "https://[::ffff:127.0.0.1]:PORT/", "https://[::ffff:7f00:1]:PORT/", "https://[::127.0.0.1]:PORT/", "https://[64:ff9b::127.0.0.1]:PORT/", "https://[fe80::1%25lo]:PORT/"],
  ...["https://localhost:PORT/", "https://LOCALHOST:PORT/", "https://localhost.:PORT/", "https://localhost.localdomain:PORT/", "https://ip6-localhost:PORT/", "https://loopback.example:PORT/", "https://127.0.0.1.nip.example:PORT/"],
  ...["https://receiver.example@127.0.0.1:PORT/", "https://u:p@receiver.example:PORT/", "https://receiver.example:x@localhost:PORT/", "https://127.0.0.1:PORT#@receiver.example/", "https://127.0.0.1:PORT\\@receiver.example/", "https:\\\\127.0.0.1:PORT/", "https:127.0.0.1:PORT/"],
  ...["http://127.0.0.1:PORT/", "http://receiver.example:PORT/", "ftp://127.0.0.1:PORT/", "gopher://127.0.0.1:PORT/_x", "file:///etc/passwd", "ws://127.0.0.1:PORT/", "unix:/run/x.sock", "data:text/plain,x", "javascript:1", "//127.0.0.1:PORT/", "dict://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/"],
  ...["https://receiver.example:22/", "https://receiver.example:25/", "https://receiver.example:6379x/", "https://receiver.example:99999/", "https://receiver.example:0/", "", " ", "x", "https://", "https://:PORT/"],
];

interface Hostile {
  readonly url: string;
  /** What its name leads to. */
  readonly leadsTo: readonly string[];
}

const literal = (address: string) => (address.includes(":") ? `[${address}]` : address);
const hostile: readonly Hostile[] = [
  ...forbidden.map((address) => ({ url: `https://${literal(address)}:PORT/`, leadsTo: [PUBLIC] })),
  ...forbidden.map((address) => ({ url: "https://receiver.example:PORT/", leadsTo: [address] })),
  ...forbidden.map((address) => ({ url: "https://receiver.example:PORT/", leadsTo: [PUBLIC, address] })),
  ...spellings.map((url) => ({ url, leadsTo: ["127.0.0.1"] })),
  ...[[], ["fe80::1%lo"], ["example"], [""]].map((leadsTo) => ({ url: "https://receiver.example:PORT/", leadsTo })),
];

let world: TestGate;
let people: SetUp;
let webhookId: string;
let resolved: readonly string[];
const exchanges: Exchange[] = [];
let bytes = 0;
let canaries: readonly { readonly port: number; stop(close: boolean): void }[];

beforeAll(async () => {
  world = await testGate();
  people = await setUp(world.gate);
  webhookId = (await addWebhook(world, people.owner)).id;
  const socket = { open: () => void (bytes += 1), data: (_socket: unknown, chunk: Uint8Array) => void (bytes += chunk.length) };
  const four = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  canaries = [four, Bun.listen({ hostname: "::1", port: four.port, socket })];
  world.services.replaceNetwork({
    resolve: async () => resolved,
    // What is let through goes to the real network, where the canary listens.
    exchange: async (exchange) => {
      exchanges.push(exchange);
      return await realNetwork.exchange(exchange);
    },
  });
});
afterAll(async () => {
  for (const canary of canaries) canary.stop(true);
  await world.close();
});

const portOf = () => String(canaries[0]?.port ?? 0);

/** Has the webhook call `url`, past the check of its making; gives what its log says. */
async function tryTarget(url: string) {
  await world.store.write(async (writer) => {
    const { webhooks } = writer.tables;
    await writer.update(webhooks).set({ webhook_url: url, webhook_status: "active", failing_since: null }).where(eq(webhooks.id, webhookId));
  });
  const { delivery_id } = await testWebhook(world.gate, people.owner, { webhook_id: webhookId });
  const ended = await deliver(world);
  const shown = await readDelivery(world.gate, people.owner, { webhook_id: webhookId, delivery_id });
  await world.store.write(async (writer) => void (await writer.delete(writer.tables.webhookDeliveries)));
  return { ended, shown };
}

test("there are at least a hundred and fifty of them", () => {
  expect(hostile.length).toBeGreaterThanOrEqual(150);
});

test("none of them is connected to, each is told in the same few words, and no word says where it led", async () => {
  const told = new Set<string>();
  for (const { url, leadsTo } of hostile) {
    resolved = leadsTo;
    const { ended, shown } = await tryTarget(url.replace("PORT", portOf()));
    expect([url, leadsTo, ended, exchanges.length, bytes]).toEqual([url, leadsTo, ["retried"], 0, 0]);
    const [attempt] = shown.attempts;
    told.add(attempt?.error ?? "none");
    expect(shown).toMatchObject({ delivery_status: "pending", response_status: null, response_body: null });
  }
  expect([...told].sort()).toEqual([
    "The address has user information, and is not connected to.",
    "The address is not an https address, and is not connected to.",
    "The address is not one that this deployment may reach, and is not connected to.",
  ]);
});

test("a canary hears who may reach it: the test would see a byte", async () => {
  const allowance = findDialAllowance("127.0.0.1");
  if (allowance === undefined) throw new Error("it is an allowance");
  resolved = ["127.0.0.1"];
  const before = bytes;
  const gate = { ...world.gate, settings: { ...world.gate.settings, dialAllow: [allowance] } };
  await world.store.write(async (writer) => void (await writer.update(writer.tables.webhooks).set({ webhook_url: `https://receiver.example:${portOf()}/` })));
  await testWebhook(gate, people.owner, { webhook_id: webhookId });
  const sending = deliver({ gate });
  for (let turns = 0; bytes === before && turns < 1_000_000; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(bytes).toBeGreaterThan(before);
  for (const canary of canaries) canary.stop(true);
  world.services.clock.advance(15_000);
  expect(await sending).toEqual(["retried"]);
  await world.store.write(async (writer) => void (await writer.delete(writer.tables.webhookDeliveries)));
  exchanges.length = 0;
});

test("those that show what they are do not become the address of a webhook", async () => {
  const literals = hostile.filter(({ url, leadsTo }) => leadsTo[0] === PUBLIC && leadsTo.length === 1 && !url.includes("receiver"));
  expect(literals.length).toBe(forbidden.length);
  for (const { url } of literals) {
    const webhook_url = url.replace("PORT", "8443");
    expect([url, await codeOf(createWebhook(world.gate, people.owner, { ...aWebhook, webhook_url }))]).toEqual([url, "invalid_request"]);
    expect([url, await codeOf(updateWebhook(world.gate, people.owner, { webhook_id: webhookId, webhook_url }))]).toEqual([url, "invalid_request"]);
  }
  expect((await listDeliveries(world.gate, people.owner, { webhook_id: webhookId })).page_meta.total_count).toBe(0);
});
