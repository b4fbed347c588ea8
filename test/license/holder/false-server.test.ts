import { expect, test } from "bun:test";
import { signingKeyFromSeed, signJws } from "../../../src/crypto/jws.ts";
import type { Entitlements, LicenseState } from "../../../src/license/entitlements.ts";
import type { Lease } from "../../../src/license/lease.ts";
import type { AddressResult } from "../../../src/license/holder/lease-holder.ts";
import { ANSWER_BYTES_MAX } from "../../../src/license/holder/license-client.ts";
import { drill } from "../../drill/false-server.ts";
import { eventually } from "../../support/eventually.ts";
import { leaseSite, stateOf } from "../../support/lease-site.ts";
import { testVendor } from "../../support/license.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";

const HOUR = 3_600;
const nothing = { global: {}, account: {}, team: {} };
const strangers = testVendor("strangers");
const otherKey = signingKeyFromSeed(new Uint8Array(32).fill(9));
const other32 = Buffer.alloc(32, 5).toString("base64url");

function expectNothing(holder: { entitlements(): Entitlements }, expected: LicenseState): void {
  const { state, features, quotas } = holder.entitlements();
  expect({ state, features, quotas }).toEqual({ state: expected, features: nothing, quotas: nothing });
}

/** What a License Server that holds the pinned key may still not do, and the check that stops it. */
const lies: readonly (readonly [string, AddressResult["outcome"], (lease: Lease) => Partial<Lease>])[] = [
  ["is for another role", "role", () => ({ role: "issuer" })],
  ["is for another client", "client", () => ({ client: other32 })],
  ["answers another question", "client_nonce", () => ({ client_nonce: other32 })],
  ["answers another challenge", "server_nonce", () => ({ server_nonce: other32 })],
  ["has the counter of the last one", "replay", (lease) => ({ counter: lease.counter - 1 })],
  ["comes from an earlier start of the server", "replay", (lease) => ({ epoch: lease.epoch - 1, counter: 1_000 })],
  ["carries another vendor's license", "license", () => ({ license: strangers.sign() })],
  ["carries an altered license", "license", ({ license }) => ({ license: license.replace(/.$/, (last) => (last === "A" ? "B" : "A")) })],
  ["carries no license", "license", () => ({ license: "" })],
  ["carries a license that a trial key signed", "license", () => ({ license: signJws("cyberun-license+jws", testVendor().keys.trial, testVendor().payload()) })],
  ["carries a license of an older sequence", "sequence", () => ({ license: testVendor().sign({ sequence: 1 }) })],
  ["was issued before the license begins", "dates", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, not_before: issued_at + 1 }) })],
  ["was issued after the license's end", "dates", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, expires_at: issued_at }) })],
  ["carries a trial that was never begun", "activation", () => ({ license: testVendor().sign({ sequence: 3, template: "trial" }) })],
  ["carries a trial that begins tomorrow", "activation", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, template: "trial" }), activated_at: issued_at + 1 })],
  ["carries a trial that is over", "activation", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, template: "trial" }), activated_at: issued_at - 30 * 24 * HOUR })],
  ["ends when it begins", "lease_times", ({ issued_at }) => ({ expires_at: issued_at })],
  ["lasts a second longer than licensed", "lease_too_long", ({ expires_at }) => ({ expires_at: expires_at + 1 })],
  ["lasts longer than its license", "lease_too_long", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, expires_at: issued_at + 299 }) })],
  ["lasts longer than its trial", "lease_too_long", ({ issued_at }) => ({ license: testVendor().sign({ sequence: 3, template: "trial" }), activated_at: issued_at - 30 * 24 * HOUR + 299 })],
  ["was issued an hour ago", "clocks", ({ issued_at, expires_at }) => ({ issued_at: issued_at - HOUR, expires_at: expires_at - HOUR })],
  ["is issued in an hour", "clocks", ({ issued_at, expires_at }) => ({ issued_at: issued_at + HOUR, expires_at: expires_at + HOUR })],
];

for (const [name, refusal, lie] of lies) {
  test(`a lease of the pinned server that ${name} grants nothing and takes nothing`, async () => {
    await using site = leaseSite();
    const server = site.server();
    server.license = site.vendor.sign({ sequence: 2 });
    const holder = await site.role("api", [server]);
    const before = holder.entitlements();
    server.lease = (honest) => ({ ...honest, ...lie(honest) });
    await holder.refresh();
    expect(holder.status().addresses[0]?.outcome).toBe(refusal);
    expect(holder.entitlements()).toEqual(before);
    if (refusal === "replay" || refusal === "sequence") return;
    const fresh = await site.role("gateway", [server]);
    if (refusal !== "role") expect(fresh.status().addresses[0]?.outcome).toBe(refusal);
    expectNothing(fresh, "missing");
  });
}

const forgeries: readonly (readonly [string, (message: string, lease: Lease) => string])[] = [
  ["signed by another key", (_message, lease) => signJws("cyberun-lease+jws", otherKey, lease)],
  ["signed by another key under the pinned name", (message, lease) => signJws("cyberun-lease+jws", { ...otherKey, kid: kidOf(message) }, lease)],
  ["made from the vendor's license alone", (_message, lease) => lease.license],
  ["cut short", (message) => message.slice(0, -2)],
  ["without a signature", (message) => message.replace(/\.[^.]*$/, ".")],
  ["with a line end after it", (message) => `${message}\n`],
  ["empty", () => ""],
];

function kidOf(message: string): string {
  const header: { kid: string } = JSON.parse(Buffer.from(message.split(".")[0] ?? "", "base64url").toString());
  return header.kid;
}

for (const [name, forge] of forgeries) {
  test(`a lease ${name} is refused for its signature`, async () => {
    await using site = leaseSite();
    const server = site.server();
    let last: Lease | undefined;
    server.lease = (honest) => (last = honest);
    server.signed = (message) => (last === undefined ? "" : forge(message, last));
    const holder = await site.role("api", [server]);
    expect(holder.status().addresses[0]?.outcome).toBe("signature");
    expect(stateOf(holder)).toBe("missing");
  });
}

test("a false server with its own key is not even given a proof", async () => {
  await using site = leaseSite();
  const real = site.server();
  const impostor = site.server("impostor");
  const holder = await site.role("api", [impostor]);
  expect(impostor.paths).toEqual(["/v1/challenges"]);
  expect(holder.status().addresses[0]?.outcome).toBe("not_pinned");
  expect(stateOf(holder)).toBe("missing");
  expect(real.paths).toEqual([]);
});

test("a false server that names the pinned key in its challenge is stopped by the signature", async () => {
  await using site = leaseSite();
  const real = site.server();
  const impostor = site.server("impostor");
  impostor.answer = async (path, request) => (path === "/v1/challenges" ? await withInstanceKey(real, request) : undefined);
  impostor.lease = (honest) => ({ ...honest, license: real.license });
  const holder = await site.role("api", [impostor]);
  expect(stateOf(holder)).toBe("missing");
  expect(impostor.leases).toEqual([]);
});

/** A challenge of `real`, handed on. */
async function withInstanceKey(real: LicenseServerDouble, request: Request): Promise<Response> {
  return await fetch(`${real.address}/v1/challenges`, { method: "POST", body: await request.text() });
}

test("somebody in between who hands messages on unchanged can do nothing but deliver them", async () => {
  await using site = leaseSite();
  const real = site.server();
  const between = site.server("between");
  const kept: string[] = [];
  between.answer = async (path, request) => {
    if (path === "/v1/changes") return undefined;
    const answer = await fetch(`${real.address}${path}`, { method: request.method, body: await request.text() });
    const text = await answer.text();
    if (path === "/v1/leases") kept.push(text);
    return new Response(path === "/v1/leases" ? (kept[0] ?? text) : text, answer);
  };
  const holder = await site.role("api", [between]);
  expect(stateOf(holder)).toBe("ok");
  const before = holder.entitlements();
  real.state = "revoked";
  await holder.refresh();
  expect(holder.status().addresses[0]?.outcome).toBe("client_nonce");
  expect(holder.entitlements()).toEqual(before);
});

test("a feature is on and a quota counts only as far as the vendor signed it", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.license = site.vendor.sign({
    features: { team: { webhooks: false, mcp: true, retained: true } },
    quotas: { global: { max_users: 10, max_teams: -1, max_agents: 5, max_concurrent_tasks: -1, zero: 0 } },
  });
  server.lease = (honest) => ({
    ...honest,
    features: { ...honest.features, team: { webhooks: true, mcp: false, retained: true, invented: true } },
    quotas: { ...honest.quotas, global: { max_users: -1, max_teams: 7, max_agents: 6, max_concurrent_tasks: -1, zero: -1, invented: 9 } },
  });
  const { features, quotas } = (await site.role("api", [server])).entitlements();
  expect(features.team).toEqual({ retained: true });
  expect(quotas.global).toEqual({ max_users: 10, max_teams: 7, max_agents: 5, max_concurrent_tasks: -1, zero: 0 });
});

test("a signed refusal grants nothing, whatever it lists", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.lease = (honest) => ({ ...honest, state: "expired" });
  const holder = await site.role("api", [server]);
  expectNothing(holder, "expired");
});

const html = { "content-type": "text/html" };
const bodyOf = (bytes: number) => `{"lease":"${"A".repeat(bytes)}"}`;

/** Answers that carry no signature of a pinned key, and how each is recorded. */
const unsigned: readonly (readonly [string, AddressResult["outcome"], (elsewhere: string) => Response])[] = [
  ["an error page", "refused", () => new Response("<html>", { status: 502, headers: html })],
  ["a page with status 200", "malformed", () => new Response("<html>sign in</html>", { headers: html })],
  ["an error in our own form", "refused", () => Response.json({ error_code: "revoked", error_message: "The license was revoked." }, { status: 503 })],
  ["JSON of another kind", "malformed", () => Response.json({ state: "ok" })],
  ["JSON with a repeated member", "malformed", () => new Response('{"lease":"a","lease":"b"}')],
  ["an empty body", "malformed", () => new Response("")],
  ["no content", "refused", () => new Response(null, { status: 204 })],
  ["a redirect to a good server", "refused", (elsewhere) => Response.redirect(elsewhere, 307)],
  ["a body that is too large", "too_large", () => new Response(bodyOf(ANSWER_BYTES_MAX))],
  ["an endless body", "too_large", () => new Response(endless())],
  ["a state in plain JSON", "malformed", () => Response.json({ lease: { state: "revoked" } })],
];

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(65)) });
}

for (const path of ["/v1/challenges", "/v1/leases"]) {
  for (const [name, outcome, response] of unsigned) {
    test(`${name} at ${path} counts as no answer`, async () => {
      await using site = leaseSite();
      const server = site.server();
      const good = site.server("first");
      const holder = await site.role("api", [server]);
      const before = holder.entitlements();
      server.answer = (asked) => (asked === path ? response(`${good.address}${path}`) : undefined);
      await holder.refresh();
      expect(holder.status().addresses[0]?.outcome).toBe(outcome);
      expect(holder.entitlements()).toEqual(before);
      expect(good.paths).toEqual([]);
    });
  }
}

const stalls: readonly (readonly [string, () => Response | Promise<Response>])[] = [
  ["never answers", () => new Promise(() => {})],
  ["begins an answer and falls silent", () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("{")) }))],
];

for (const [name, stall] of stalls) {
  test(`a server that ${name} is given up after five seconds`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", [server]);
    const before = server.paths.length;
    server.answer = () => stall();
    const refreshed = holder.refresh();
    await eventually(() => server.paths.length > before);
    site.services.clock.advance(4_999);
    expect(holder.status().addresses[0]?.outcome).toBe("granted");
    site.services.clock.advance(1);
    await refreshed;
    expect(holder.status().addresses[0]?.outcome).toBe("timed_out");
    expect(stateOf(holder)).toBe("ok");
  });
}

test("what a false server says is made harmless before it is shown", async () => {
  await using site = leaseSite();
  const server = site.server();
  const error_message = `\u001b[2Jred\nalert ${"x".repeat(10_000)}`;
  server.answer = () => Response.json({ error_code: "not_enrolled", error_message }, { status: 403 });
  const { reason = "" } = (await site.role("api", [server])).entitlements();
  expect(reason).toStartWith("The License Server refused:  [2Jred alert xxx");
  expect(reason).toMatch(/^[\x20-\x7e]{1,400}$/);
});

const DRILL_MS = 60_000;

test(
  "of 10,000 altered, replayed, reordered, delayed and misdirected leases none is obeyed",
  () => {
    const { obeyed, honestAccepted, tried } = drill(10_000);
    expect(obeyed).toEqual([]);
    expect(honestAccepted).toBe(Object.keys(tried).length);
  },
  DRILL_MS,
);
