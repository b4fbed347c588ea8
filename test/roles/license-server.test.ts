/** The License Server on a real socket: the handshake, the push stream, and what a stranger gets. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../src/gate/caller.ts";
import { createApp, listen, type Listener } from "../../src/http/listener.ts";
import { HEARTBEAT_MS, STREAMS_PER_CLIENT_MAX, TICKET_SECONDS } from "../../src/license/server/changes.ts";
import { revokeLeaseClient } from "../../src/license/server/enrolment.ts";
import { verifyLease } from "../../src/license/lease.ts";
import { createLog } from "../../src/log.ts";
import { addLicenseServerDoors, licenseServerMetrics } from "../../src/roles/license-server.ts";
import { eventually } from "../support/eventually.ts";
import { type LicenseOverrides, testVendor } from "../support/license.ts";
import { type ProofChanges, type TestClient, TestSite } from "../support/license-server.ts";

const vendor = testVendor();
const NOW = Date.UTC(2026, 0, 1) / 1_000;
const DAY = 86_400;
const signed = (overrides: LicenseOverrides = {}) => vendor.sign({ issued_at: NOW - DAY, not_before: NOW - DAY, expires_at: NOW + 365 * DAY, ...overrides });

let site: TestSite;
let listener: Listener;
let client: TestClient;
let sequence = 1;

beforeAll(async () => {
  site = await TestSite.start({ license: signed() });
  const { services } = site;
  const log = createLog(services.clock, "error", (line) => expect.unreachable(line));
  const app = createApp({ role: "license", services, log, authenticate: async (_request, address) => ({ kind: "anonymous", address }) });
  addLicenseServerDoors(app, site.server);
  listener = listen(app, { hostname: "127.0.0.1", port: 0 }, services);
});
afterAll(async () => {
  await site.server.abandon();
  await listener.stop();
  await site[Symbol.asyncDispose]();
});
beforeEach(() => {
  client = site.client();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${listener.url}${path}`, { method, headers: { "content-type": "application/json" }, ...(body === undefined ? {} : { body: text }) });
  const answer: unknown = await response.json();
  return { status: response.status, body: typeof answer === "object" && answer !== null ? Object.fromEntries(Object.entries(answer)) : {} };
}

/** A proof for a challenge that came over the socket. */
async function proof(changes: ProofChanges = {}, asker: TestClient = client): Promise<string> {
  const client_nonce = asker.nonce();
  const { status, body } = await call("POST", "/v1/challenges", { client_key: asker.x, role: asker.role, client_nonce });
  expect(status).toBe(200);
  return asker.proof({ client_nonce, server_nonce: String(body["server_nonce"]), ...changes });
}

async function lease(asker: TestClient = client): Promise<Answer> {
  const answer = await call("POST", "/v1/leases", { proof: await proof({}, asker) });
  if (answer.status === 200) asker.remember(verifyLease(String(answer.body["lease"]), [site.server.instance]));
  return answer;
}

/** A push stream as a client reads it. */
interface Stream {
  readonly response: Response;
  text: string;
  ended: boolean;
  close(): void;
}

async function stream(ticket: unknown): Promise<Stream> {
  const stop = new AbortController();
  const response = await fetch(`${listener.url}/v1/changes`, { headers: { authorization: `Bearer ${ticket}` }, signal: stop.signal });
  const seen = { response, text: "", ended: false, close: () => stop.abort() };
  const read = async () => {
    for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
  };
  void read().then(
    () => (seen.ended = true),
    () => (seen.ended = true),
  );
  return seen;
}

describe("the handshake", () => {
  test("over the socket ends in a lease for this client, and a ticket", async () => {
    const { status, body } = await lease();
    expect(status).toBe(200);
    expect(verifyLease(String(body["lease"]), [site.server.instance])).toMatchObject({ client: client.key.kid, state: "ok" });
    expect(body["changes_ticket"]).toMatch(/^[A-Za-z0-9_-]{100,}$/);
  });

  test("a challenge names server, epoch and its own life", async () => {
    const { body } = await call("POST", "/v1/challenges", { client_key: client.x, role: "api", client_nonce: client.nonce() });
    expect(body).toEqual({ server_nonce: expect.stringMatching(/^[\w-]{43}$/), instance_key: site.server.instanceKey, epoch: 1, expires_in: 30 });
  });

  test("a proof serves once", async () => {
    const message = await proof();
    expect((await call("POST", "/v1/leases", { proof: message })).status).toBe(200);
    expect(await call("POST", "/v1/leases", { proof: message })).toMatchObject({ status: 403, body: { error_code: "handshake_refused" } });
  });

  const malformed: readonly (readonly [string, string, unknown, number])[] = [
    ["no body", "/v1/challenges", undefined, 400],
    ["no JSON", "/v1/challenges", "{", 400],
    ["an empty object", "/v1/challenges", {}, 400],
    ["a role that is none", "/v1/challenges", { client_key: "A".repeat(43), role: "license", client_nonce: "A".repeat(43) }, 400],
    ["a short nonce", "/v1/challenges", { client_key: "A".repeat(43), role: "api", client_nonce: "A" }, 400],
    ["a weak key", "/v1/challenges", { client_key: "A".repeat(43), role: "api", client_nonce: "A".repeat(43) }, 400],
    ["a member too many", "/v1/challenges", { client_key: "A".repeat(43), role: "api", client_nonce: "A".repeat(43), more: 1 }, 400],
    ["no proof", "/v1/leases", {}, 400],
    ["a proof that is no text", "/v1/leases", { proof: 1 }, 400],
    ["a proof that is none", "/v1/leases", { proof: "a.b.c" }, 403],
    ["a proof that is too large", "/v1/leases", { proof: "a".repeat(20_000) }, 400],
    ["a body that is too large", "/v1/leases", "x".repeat(2_000_000), 413],
  ];
  for (const [what, path, body, status] of malformed) {
    test(`${what} at ${path} is answered with ${status} and changes nothing`, async () => {
      const response = await fetch(`${listener.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      expect(response.status).toBe(status);
    });
  }

  test("a client that is not enrolled is told how it could be", async () => {
    client.enrol = "nothing";
    expect(await lease()).toMatchObject({ status: 403, body: { error_code: "not_enrolled", hint: expect.stringContaining("join-token") } });
  });
});

describe("status", () => {
  test("is for everybody and names no customer", async () => {
    const { status, body } = await call("GET", "/v1/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: "ok", license: { deployment_id: "test-deployment" }, server: { clock: "ok" } });
    expect(JSON.stringify(body)).not.toContain("Customer");
  });

  test("metrics are what they say", () => {
    const samples = new Map(licenseServerMetrics(site.server).map((metric) => [metric.name, metric.samples]));
    expect(samples.get("cyberun_license_server_state")).toContainEqual({ labels: { state: "ok" }, value: 1 });
  });
});

describe("the push stream", () => {
  test("tells a change at once, and stays alive when there is none", async () => {
    const { body } = await lease();
    const seen = await stream(body["changes_ticket"]);
    expect(seen.response.headers.get("content-type")).toContain("text/event-stream");
    await eventually(() => seen.text.includes('"state":"ok"'), "the first event says how things stand");
    site.services.clock.advance(HEARTBEAT_MS);
    await eventually(() => seen.text.includes(": still here\n\n"), "a heartbeat");
    const before = seen.text.length;
    site.writeFile(signed({ sequence: ++sequence }));
    await site.pass(2_000);
    await eventually(() => seen.text.slice(before).includes("event: changed\n"), "the change");
    seen.close();
    await eventually(() => site.server.changes.count === 0, "the stream is forgotten");
  });

  test("ends when its client is revoked, and does not open again", async () => {
    const { body } = await lease();
    const seen = await stream(body["changes_ticket"]);
    await revokeLeaseClient(site.server.gate, operator, { server: site.server, clientId: client.key.kid });
    await eventually(() => seen.ended, "the end of the stream");
    expect((await stream(body["changes_ticket"])).response.status).toBe(403);
  });

  test("of one client are few: the oldest gives way", async () => {
    const { body } = await lease();
    const all: Stream[] = [];
    for (let count = 0; count <= STREAMS_PER_CLIENT_MAX; count += 1) all.push(await stream(body["changes_ticket"]));
    await eventually(() => all[0]?.ended === true, "the oldest stream ends");
    expect(site.server.changes.count).toBe(STREAMS_PER_CLIENT_MAX);
    for (const seen of all) seen.close();
    await eventually(() => site.server.changes.count === 0, "all streams are forgotten");
  });

  test("does not open to an altered, old or missing ticket", async () => {
    const { body } = await lease();
    const ticket = String(body["changes_ticket"]);
    const text = Buffer.from(ticket, "base64url").toString("latin1");
    const later = Buffer.from(text.replace(/^\d+/, (expiry) => String(Number(expiry) + 1)), "latin1").toString("base64url");
    const another = Buffer.from(text.replace(client.key.kid, site.client().key.kid), "latin1").toString("base64url");
    for (const bad of ["", "x", ticket.slice(0, -1), `${ticket}A`, later, another]) expect((await stream(bad)).response.status).toBe(401);
    site.services.clock.stepWall(TICKET_SECONDS * 1_000);
    expect((await stream(ticket)).response.status).toBe(401);
  });
});

describe("reload and install by an enrolled client", () => {
  test("need a proof for that very purpose and that very file", async () => {
    await lease();
    const license = signed({ sequence: ++sequence });
    const sha = (text: string) => createHash("sha256").update(text).digest("base64url");
    const install = async (changes: ProofChanges) => await call("PUT", "/v1/license", { license, proof: await proof({ purpose: "install", file_sha256: sha(license), ...changes }) });
    for (const changes of [{ purpose: "lease" }, { purpose: "reload" }, { file_sha256: sha("another") }, { audience: client.nonce() }] as const) {
      expect(await install(changes)).toMatchObject({ status: 403, body: { error_code: "handshake_refused" } });
    }
    expect(await install({})).toMatchObject({ status: 200, body: { license: { sequence } } });
    expect(site.readFile()).toBe(license);
    expect(await call("POST", "/v1/reload", { proof: await proof({ purpose: "reload" }) })).toMatchObject({ status: 200, body: { state: "ok" } });
    expect(await call("POST", "/v1/reload", { proof: await proof() })).toMatchObject({ status: 403 });
  });

  test("a file is tested by a proof for that alone, and nothing is replaced", async () => {
    await lease();
    const before = site.readFile();
    const license = signed({ sequence: sequence + 1, features: { team: { webhooks: false } } });
    const file_sha256 = createHash("sha256").update(license).digest("base64url");
    for (const changes of [{ purpose: "install" }, { purpose: "lease" }, { purpose: "test", file_sha256: client.nonce() }] as const) {
      expect(await call("POST", "/v1/license/test", { license, proof: await proof({ file_sha256, ...changes }) })).toMatchObject({ status: 403, body: { error_code: "handshake_refused" } });
    }
    expect(await call("PUT", "/v1/license", { license, proof: await proof({ purpose: "test", file_sha256 }) })).toMatchObject({ status: 403 });
    const told = await call("POST", "/v1/license/test", { license, proof: await proof({ purpose: "test", file_sha256 }) });
    expect(told).toMatchObject({ status: 200, body: { outcome: "accepted", license: { sequence: sequence + 1 } } });
    expect(JSON.stringify(told.body["differences"])).toContain("features.team.webhooks");
    expect(site.readFile()).toBe(before);
    const stranger = site.client();
    expect(await call("POST", "/v1/license/test", { license, proof: await proof({ purpose: "test", file_sha256 }, stranger) })).toMatchObject({ status: 403, body: { error_code: "not_enrolled" } });
  });

  test("of a bad file answer with the reason and change nothing", async () => {
    await lease();
    const license = signed({ sequence: 1, license_id: "older" });
    const file_sha256 = createHash("sha256").update(license).digest("base64url");
    const answer = await call("PUT", "/v1/license", { license, proof: await proof({ purpose: "install", file_sha256 }) });
    expect(answer).toMatchObject({ status: 400, body: { error_code: "invalid_license", details: { refusal: "sequence_too_low" } } });
  });

  test("are refused to a client that is not enrolled, whatever it can sign", async () => {
    expect(await call("POST", "/v1/reload", { proof: await proof({ purpose: "reload" }) })).toMatchObject({ status: 403, body: { error_code: "not_enrolled" } });
  });
});
