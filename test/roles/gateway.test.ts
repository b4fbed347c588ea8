/** The gateway on a real socket: who gets through the upgrade, what a frame is answered with, and what ends a connection. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { revokeCredential } from "../../src/credentials/credentials.ts";
import { REVIEW_MS } from "../../src/credentials/open-connections.ts";
import { FRAME_BYTES_MAX } from "../../src/http/limits.ts";
import { closeCodes } from "../../src/roles/gateway/close-codes.ts";
import { FRAMES_PER_SECOND_MAX } from "../../src/roles/gateway/connections.ts";
import { PING_SECONDS } from "../../src/roles/gateway/sessions.ts";
import { upgradeStatus } from "../support/dial.ts";
import { eventually } from "../support/eventually.ts";
import { addKey } from "../support/people.ts";
import { shutStates } from "../support/refusal.ts";
import { bearer, type Credentials, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let credentials: Credentials;

beforeAll(async () => {
  site = await startRoles();
  credentials = await site.credentials();
});
afterAll(() => site.close());

const open: WebSocket[] = [];
beforeEach(() => site.license({}));
afterEach(async () => {
  for (const socket of open.splice(0)) socket.close();
  await eventually(async () => (await connected()) === 0, "all agents are gone");
});

const url = () => `${site.urls.gateway}/v1/connect`;

interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** An agent's end of a connection; frames are read in their order. */
interface Agent {
  send(frame: string | Uint8Array<ArrayBuffer>): void;
  next(): Promise<Readonly<Record<string, unknown>>>;
  readonly opened: Promise<void>;
  readonly ended: Promise<Ended>;
}

function dial(shown: Shown = credentials.agent): Agent {
  const socket = new WebSocket(url().replace("http", "ws"), { headers: shown });
  open.push(socket);
  const frames: Readonly<Record<string, unknown>>[] = [];
  const opened = Promise.withResolvers<void>();
  const end = Promise.withResolvers<Ended>();
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => void frames.push(JSON.parse(String(data)));
  socket.onclose = ({ code, reason }) => end.resolve({ code, reason });
  return {
    send: (frame) => socket.send(frame),
    async next() {
      await eventually(() => frames.length > 0, "a frame arrives");
      return frames.shift() ?? {};
    },
    opened: opened.promise,
    ended: end.promise,
  };
}

async function connected(): Promise<number> {
  const { text } = await site.call("/metrics", { role: "gateway" });
  return Number(/^cyberun_gateway_connections (\d+)$/m.exec(text)?.[1]);
}

let names = 0;
const hello = (changes: object = {}) => JSON.stringify({ type: "hello", protocol: 1, agent_id: `node-${(names += 1)}`, agent_version: "1.0.0", labels: [], capacity: 1, holds: [], ...changes });

async function welcomed(shown: Shown = credentials.agent): Promise<Agent> {
  const agent = dial(shown);
  await agent.opened;
  agent.send(hello());
  expect(await agent.next()).toMatchObject({ type: "welcome", ping_seconds: PING_SECONDS });
  return agent;
}

const ping = (sequence: number) => JSON.stringify({ type: "ping", sequence });

describe("before the upgrade", () => {
  test.each([
    ["stranger", 401],
    ["user", 401],
    ["cookie", 401],
    ["device", 403],
    ["integration", 403],
    ["broken", 401],
    ["expired", 401],
    ["revoked", 401],
    ["ended", 401],
    ["agent", 101],
  ] as const)("a %s is answered %i", async (name, status) => {
    expect(await upgradeStatus(url(), credentials[name])).toBe(status);
  });

  const elsewhere: readonly [string, () => Promise<number>][] = [
    ["in the query", async () => await upgradeStatus(`${url()}?token=${credentials.agent["authorization"]?.slice(7)}`)],
    ["in the subprotocol", async () => await upgradeStatus(url(), { "sec-websocket-protocol": `${credentials.agent["authorization"]?.slice(7)}` })],
    ["in a cookie", async () => await upgradeStatus(url(), { cookie: `cyberun=${credentials.agent["authorization"]?.slice(7)}` })],
    ["with another scheme", async () => await upgradeStatus(url(), { authorization: `Basic ${credentials.agent["authorization"]?.slice(7)}` })],
    ["in an enormous header", async () => await upgradeStatus(url(), { authorization: `Bearer${" ".repeat(9_000)}${credentials.agent["authorization"]?.slice(7)}` })],
  ];
  test.each(elsewhere)("a key %s is not looked at", async (_name, attempt) => {
    expect(await attempt()).toBe(401);
  });

  test.each(shutStates)("in the license state %s it is 503", async (state) => {
    site.license({ state });
    expect(await upgradeStatus(url(), credentials.agent)).toBe(503);
  });

  test("a revoked key does not connect again", async () => {
    const key = await addKey(site.gate, site.people.owner, "agent");
    expect(await upgradeStatus(url(), bearer(key.rawKey))).toBe(101);
    await revokeCredential(site.gate, site.people.owner, { credential_id: key.id });
    expect(await upgradeStatus(url(), bearer(key.rawKey))).toBe(401);
  });

  test("a plain request is told to upgrade, once it is known to come from an agent", async () => {
    const answer = await site.call("/v1/connect", { role: "gateway", as: credentials.agent });
    expect([answer.status, answer.headers.get("upgrade"), answer.body["error_code"]]).toEqual([426, "websocket", "upgrade_required"]);
    expect((await site.call("/v1/connect", { role: "gateway" })).status).toBe(401);
    expect((await site.call("/v1/connect", { role: "gateway", as: credentials.integration })).status).toBe(403);
  });

  test("another method is told which one it is", async () => {
    const answer = await site.call("/v1/connect", { role: "gateway", method: "POST" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
  });
});

describe("frames", () => {
  test("each ping is answered by its pong, in order", async () => {
    const agent = await welcomed();
    const sequences = [0, 1, 2, Number.MAX_SAFE_INTEGER];
    for (const sequence of sequences) agent.send(ping(sequence));
    for (const sequence of sequences) expect(await agent.next()).toEqual({ type: "pong", sequence });
  });

  const garbage: readonly [string, string | Uint8Array<ArrayBuffer>][] = [
    ["no JSON", "hello"],
    ["broken JSON", "{"],
    ["an empty frame", ""],
    ["null", "null"],
    ["a number", "7"],
    ["a list", "[]"],
    ["another type", '{"type":"shutdown","sequence":1}'],
    ["a missing member", '{"type":"ping"}'],
    ["an unknown member", '{"type":"ping","sequence":1,"x":1}'],
    ["a negative sequence", ping(-1)],
    ["a broken sequence", '{"type":"ping","sequence":1.5}'],
    ["a sequence beyond exact numbers", '{"type":"ping","sequence":9007199254740993}'],
    ["a text for a number", '{"type":"ping","sequence":"1"}'],
    ["a foreign prototype", '{"__proto__":{"type":"ping","sequence":1}}'],
    ["binary", new Uint8Array([0, 255, 1])],
    ["a ping in binary", new TextEncoder().encode(ping(1))],
    ["deep nesting", "[".repeat(30_000)],
    ["the largest frame", "x".repeat(FRAME_BYTES_MAX)],
  ];
  test.each(garbage)("%s is told so, and the connection goes on", async (_name, frame) => {
    const agent = await welcomed();
    agent.send(frame);
    expect(await agent.next()).toEqual({ type: "error", error_code: "invalid_request", error_message: "The frame is not one of the protocol." });
    agent.send(ping(3));
    expect(await agent.next()).toEqual({ type: "pong", sequence: 3 });
  });

  test("a frame beyond the limit ends the connection", async () => {
    const agent = await welcomed();
    agent.send("x".repeat(FRAME_BYTES_MAX + 1));
    expect([1006, 1009]).toContain((await agent.ended).code);
  });

  test.each([["pings", ping(1)], ["garbage", "\u0000"]])("a flood of %s ends the one connection that sent it, and no other", async (_name, frame) => {
    const other = await welcomed();
    const agent = await welcomed();
    for (let count = 0; count < 20 * FRAMES_PER_SECOND_MAX; count += 1) agent.send(frame);
    expect(await agent.ended).toEqual({ code: closeCodes.protocol, reason: `more than ${FRAMES_PER_SECOND_MAX} frames in a second` });
    other.send(ping(5));
    expect(await other.next()).toEqual({ type: "pong", sequence: 5 });
  });

  test("the count begins anew with each second", async () => {
    const agent = await welcomed();
    for (let second = 0; second < 3; second += 1) {
      site.world.services.clock.advance(1_000);
      for (let count = 0; count < FRAMES_PER_SECOND_MAX; count += 1) agent.send(ping(count));
      for (let count = 0; count < FRAMES_PER_SECOND_MAX; count += 1) expect(await agent.next()).toEqual({ type: "pong", sequence: count });
    }
  });
});

describe("the end of a connection", () => {
  test.each(shutStates)("a license that becomes %s closes every socket and says why", async (state) => {
    const agents = [await welcomed(), await welcomed()];
    site.license({ state });
    site.gateway.reviewLicense();
    for (const { ended } of agents) expect(await ended).toEqual({ code: closeCodes.license, reason: state });
    expect(await connected()).toBe(0);
  });

  test.each(["ok", "expiring", "unreachable"] as const)("a license that is %s closes nothing", async (state) => {
    const agent = await welcomed();
    site.license({ state });
    site.gateway.reviewLicense();
    agent.send(ping(1));
    expect(await agent.next()).toEqual({ type: "pong", sequence: 1 });
  });

  test("a gateway that stops says so", async () => {
    const agent = await welcomed();
    const stopped = site.gateway.stop();
    expect(await agent.next()).toMatchObject({ type: "reconnect", after_ms: 1_000 });
    expect(await agent.ended).toEqual({ code: closeCodes.stopping, reason: "the gateway stops" });
    await stopped;
    await site.close();
    site = await startRoles();
    credentials = await site.credentials();
  });

  test("an agent that leaves is not counted any more", async () => {
    await welcomed();
    expect(await connected()).toBe(1);
    for (const socket of open) socket.close();
    await eventually(async () => (await connected()) === 0);
  });
});

describe("a key that ends closes what it opened", () => {
  async function agentOf(key: { readonly rawKey: string }): Promise<Agent> {
    return await welcomed(bearer(key.rawKey));
  }
  const pass = () => site.world.services.clock.advance(REVIEW_MS);

  test("revoked: the sockets of that key, with the reason, and no others", async () => {
    const [gone, kept] = [await addKey(site.gate, site.people.owner, "agent"), await addKey(site.gate, site.people.owner, "agent")];
    const agents = [await agentOf(gone), await agentOf(gone), await agentOf(kept)];
    expect((await site.call(`/api/v1/credentials/${gone.id}`, { method: "DELETE", as: credentials.user })).status).toBe(204);
    pass();
    for (const agent of agents.slice(0, 2)) expect(await agent.ended).toEqual({ code: closeCodes.credential, reason: "the key is no longer good" });
    agents[2]?.send(ping(1));
    expect(await agents[2]?.next()).toEqual({ type: "pong", sequence: 1 });
    expect(await connected()).toBe(1);
  });

  test("of a device that revoked itself: the agent key that came with it", async () => {
    const started = await site.call("/api/v1/desktop/pair/start", { method: "POST" });
    await site.call("/api/v1/desktop/pair/confirm", { as: credentials.user, json: { user_code: started.body["user_code"] } });
    const { body } = await site.call("/api/v1/desktop/pair/poll", { json: { device_code: started.body["device_code"] } });
    const agent = await agentOf({ rawKey: String(body["agent_key"]) });
    expect((await site.call("/api/v1/auth/device/revoke", { method: "POST", as: bearer(String(body["raw_key"])) })).status).toBe(204);
    pass();
    expect(await agent.ended).toEqual({ code: closeCodes.credential, reason: "the key is no longer good" });
  });

  test("rotated without an overlap: what the new key opens stays", async () => {
    const key = await addKey(site.gate, site.people.owner, "agent");
    const old = await agentOf(key);
    const rotated = await site.call(`/api/v1/credentials/${key.id}/rotate`, { as: credentials.user, json: {} });
    const fresh = await agentOf({ rawKey: String(rotated.body["raw_key"]) });
    pass();
    expect(await old.ended).toMatchObject({ code: closeCodes.credential });
    fresh.send(ping(2));
    expect(await fresh.next()).toEqual({ type: "pong", sequence: 2 });
  });
});
