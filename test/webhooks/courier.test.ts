/** The job that delivers, with real receivers over TLS. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { withExtraCa } from "../../src/certificates.ts";
import { findDialAllowance } from "../../src/dialler.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createLog } from "../../src/log.ts";
import { Courier, LOOK_MS } from "../../src/webhooks/courier.ts";
import { listDeliveries, readDelivery, testWebhook } from "../../src/webhooks/delivery-log.ts";
import { HOST_MAX, TEAM_MAX, TOTAL_MAX, withRoom } from "../../src/webhooks/due-deliveries.ts";
import { SEND_MS_MAX } from "../../src/webhooks/sending.ts";
import { testAuthority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { testNeeding } from "../support/skip.ts";
import { workBench } from "../support/tasks.ts";
import { addWebhook, finish, receivers, verifies } from "../support/webhooks.ts";

interface Got {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Receivers on real sockets, each with a certificate of the test's own authority. */
function tlsReceivers(folder: string) {
  const authority = testAuthority(folder);
  const servers: { stop(close: boolean): Promise<void> }[] = [];
  return {
    caFile: authority.file,
    add(name: string, answer: (got: Got) => Response | Promise<Response>, certifiedAs = name) {
      const { certFile, keyFile } = authority.sign(certifiedAs);
      const tls = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
      const handle = async (request: Request) => await answer({ headers: Object.fromEntries(request.headers), body: await request.text() });
      const server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, idleTimeout: 0, tls, fetch: handle });
      servers.push(server);
      return `https://${name}:${server.port}/hook`;
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map((server) => server.stop(true)))),
  };
}

/** The gate of a process that may reach loopback, where all names lead. */
function reachingLoopback(world: TestGate, caFile: string): Gate {
  const loopback = findDialAllowance("127.0.0.0/8");
  if (loopback === undefined) throw new Error("it is an allowance");
  world.services.replaceNetwork({ resolve: async () => ["127.0.0.1"] });
  return { ...world.gate, services: withExtraCa(world.services, caFile), settings: { ...world.gate.settings, dialAllow: [loopback] } };
}

function openCourier(gate: Gate) {
  const lines: string[] = [];
  const courier = new Courier(gate, createLog(gate.services.clock, "debug", (line) => void lines.push(line)));
  return { courier, lines };
}

testNeeding("openssl", "a finished task reaches its receiver over TLS, verified by the standard's own library, and is not sent twice", async () => {
  using folder = temporaryFolder();
  await using servers = tlsReceivers(folder.path);
  await using world = await testGate();
  const bench = await workBench(world);
  const got: Got[] = [];
  const webhook_url = servers.add("receiver.example", (call) => {
    got.push(call);
    return new Response("thanks");
  });
  const { id: webhook_id, webhook_secret } = await addWebhook(world, bench.owner, { webhook_url });
  const taskId = await finish(world, bench);
  const { courier, lines } = openCourier(reachingLoopback(world, servers.caFile));
  const settled = async () => (await listDeliveries(world.gate, bench.owner, { webhook_id, delivery_status: "delivered" })).delivery_list;
  world.services.clock.advance(LOOK_MS);
  await eventually(async () => (await settled()).length === 1);
  const [call] = got;
  expect([JSON.parse(call?.body ?? "").task_id, verifies(world, webhook_secret, call ?? { headers: {}, body: "" })]).toEqual([taskId, true]);
  expect(await readDelivery(world.gate, bench.owner, { webhook_id, delivery_id: call?.headers["webhook-id"] ?? "" })).toMatchObject({ response_status: 200, response_body: "thanks" });
  await courier.stop();
  expect([got.length, world.services.clock.timers(), lines]).toEqual([1, 0, []]);
});

testNeeding("openssl", "a receiver that shows no certificate for its name gets nothing", async () => {
  using folder = temporaryFolder();
  await using servers = tlsReceivers(folder.path);
  await using world = await testGate();
  const bench = await workBench(world);
  let asked = 0;
  const webhook_url = servers.add("receiver.example", () => new Response(String((asked += 1))), "other.example");
  const { id: webhook_id } = await addWebhook(world, bench.owner, { webhook_url });
  const { delivery_id } = await testWebhook(world.gate, bench.owner, { webhook_id });
  const { courier } = openCourier(reachingLoopback(world, servers.caFile));
  world.services.clock.advance(LOOK_MS);
  const read = async () => await readDelivery(world.gate, bench.owner, { webhook_id, delivery_id });
  await eventually(async () => (await read()).attempt_count === 1);
  expect(await read()).toMatchObject({ delivery_status: "pending", response_status: null });
  expect(asked).toBe(0);
  await courier.stop();
});

testNeeding("openssl", "a receiver that never answers holds up nobody, has few calls at a time, and is given up after 15 seconds each", async () => {
  using folder = temporaryFolder();
  await using servers = tlsReceivers(folder.path);
  await using world = await testGate();
  const bench = await workBench(world);
  let [slow, quick] = [0, 0];
  const { promise: never } = Promise.withResolvers<Response>();
  const slowUrl = servers.add("slow.example", async () => {
    slow += 1;
    return await never;
  });
  const quickUrl = servers.add("quick.example", () => new Response(String((quick += 1))));
  const { id: slowId } = await addWebhook(world, bench.owner, { webhook_url: slowUrl });
  const { id: quickId } = await addWebhook(world, bench.owner, { webhook_url: quickUrl });
  for (let count = 0; count < 30; count += 1) await testWebhook(world.gate, bench.owner, { webhook_id: slowId });
  for (let count = 0; count < 20; count += 1) await testWebhook(world.gate, bench.owner, { webhook_id: quickId });
  const { courier } = openCourier(reachingLoopback(world, servers.caFile));
  world.services.clock.advance(LOOK_MS);
  await eventually(async () => quick === 20 && (await listDeliveries(world.gate, bench.owner, { webhook_id: quickId, delivery_status: "delivered" })).page_meta.total_count === 20);
  await eventually(() => slow === HOST_MAX);
  world.services.clock.advance(SEND_MS_MAX);
  await eventually(() => slow === 2 * HOST_MAX);
  const tried = (await listDeliveries(world.gate, bench.owner, { webhook_id: slowId, per_page: 100 })).delivery_list.filter(({ attempt_count }) => attempt_count === 1);
  expect(tried.length).toBe(HOST_MAX);
  await courier.stop();
  expect([slow, world.services.clock.timers()]).toEqual([2 * HOST_MAX, 0]);
});

test("nothing is asked of the store but one look at a time while nothing happens, and a store that fails is asked again", async () => {
  await using world = await testGate();
  const bench = await workBench(world);
  const post = receivers(world);
  await addWebhook(world, bench.owner);
  let isBroken = true;
  let reads = 0;
  const read: Gate["store"]["read"] = async (query) => {
    reads += 1;
    if (isBroken) throw new Error("no store");
    return await world.store.read(query);
  };
  const store: Gate["store"] = { engine: world.store.engine, read, write: (command) => world.store.write(command), close: () => world.store.close() };
  const { courier, lines } = openCourier({ ...world.gate, store });
  await finish(world, bench);
  for (const looks of [1, 2, 3]) {
    world.services.clock.advance(LOOK_MS);
    await eventually(() => lines.length === looks && world.services.clock.timers() === 1);
    expect(reads).toBe(looks);
  }
  expect(lines[0]).toContain("webhooks.broken");
  isBroken = false;
  world.services.clock.advance(LOOK_MS);
  await eventually(() => post.calls.length === 1);
  await courier.stop();
});

test("what is refused by a receiver is logged once it is given up, without its secret, its address's path and its answer", async () => {
  await using world = await testGate();
  const bench = await workBench(world);
  const post = receivers(world);
  post.answer = () => ({ status: 410, body: "the answer" });
  const { webhook_secret } = await addWebhook(world, bench.owner, { webhook_url: "https://receiver.example/hook-with-a-key-in-it" });
  await finish(world, bench);
  const { courier, lines } = openCourier(world.gate);
  world.services.clock.advance(LOOK_MS);
  await eventually(() => lines.length === 1);
  expect(lines[0]).toContain("webhook.disabled");
  for (const secret of [webhook_secret, webhook_secret.slice(6), "hook-with-a-key", "the answer"]) expect(lines.join()).not.toContain(secret);
  await courier.stop();
});

test("room is given by host and by team, and never beyond it", () => {
  const candidates = Array.from({ length: 200 }, (_each, index) => ({ id: `d${index}`, host: `h${index % 40}:443`, team_id: `t${index % 3}` }));
  const flying = { total: 0, hosts: new Map([["h0:443", HOST_MAX]]), teams: new Map([["t0", TEAM_MAX - 1]]) };
  const chosen = withRoom(candidates, flying);
  const count = (of: (each: (typeof candidates)[number]) => boolean) => chosen.filter(of).length;
  expect(count(({ host }) => host === "h0:443")).toBe(0);
  expect([count(({ team_id }) => team_id === "t0"), count(({ team_id }) => team_id === "t1"), count(({ team_id }) => team_id === "t2")]).toEqual([1, TEAM_MAX, TEAM_MAX]);
  for (let host = 0; host < 40; host += 1) expect(count((each) => each.host === `h${host}:443`)).toBeLessThanOrEqual(HOST_MAX);
  expect(TOTAL_MAX).toBeGreaterThan(TEAM_MAX);
});
