import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { thumbprint } from "../../../src/crypto/jws.ts";
import { Fault } from "../../../src/fault.ts";
import { enrolmentMac } from "../../../src/license/enrolment-mac.ts";
import type { Entitlements } from "../../../src/license/entitlements.ts";
import { formatJoinToken } from "../../../src/license/join-token.ts";
import { eventually } from "../../support/eventually.ts";
import { ENROL_SECRET, leaseSite, type LeaseSite, stateOf } from "../../support/lease-site.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";

const SECOND = 1_000;
const TOKEN_SECRET = new Uint8Array(32).fill(3);

const cut = (site: LeaseSite) => site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
const tokenOf = (server: LicenseServerDouble) => formatJoinToken({ id: "abcd1234", secret: TOKEN_SECRET, instance: server.key.kid });

function macOf(server: LicenseServerDouble, secret: Uint8Array): string {
  const [proof] = server.proofs;
  if (proof === undefined) throw new Error("no proof was made");
  return enrolmentMac(secret, { clientKey: proof.client_key, role: proof.role, clientNonce: proof.client_nonce, serverNonce: proof.server_nonce });
}

test("a role of the License Server's own data directory enrols itself by the directory's secret", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  expect(stateOf(holder)).toBe("ok");
  expect(server.proofs[0]).toMatchObject({ purpose: "lease", role: "api", audience: server.key.kid, version: "0.0.0-test" });
  expect(server.proofs[0]?.enrolment).toEqual({ kind: "local", mac: macOf(server, ENROL_SECRET) });
});

test("a role on another host enrols by a join token, and needs it no more after its first lease", async () => {
  await using site = leaseSite();
  const server = site.server();
  const directory = site.otherDirectory();
  expect(stateOf(await site.role("api", [server], { directory }))).toBe("missing");
  expect(server.proofs).toEqual([]);
  const holder = await site.role("api", [server], { directory, joinToken: tokenOf(server) });
  expect(stateOf(holder)).toBe("ok");
  expect(server.proofs[0]?.enrolment).toEqual({ kind: "token", id: "abcd1234", mac: macOf(server, TOKEN_SECRET) });
  await holder.stop();
  const later = await site.role("api", [server], { directory });
  expect(stateOf(later)).toBe("ok");
  expect(server.proofs).toHaveLength(2);
  expect(server.proofs[1]?.enrolment).toBeUndefined();
});

test("the secret of a join token is in no file and no log", async () => {
  await using site = leaseSite();
  const server = site.server();
  const directory = site.otherDirectory();
  await (await site.role("api", [server], { directory, joinToken: tokenOf(server) })).stop();
  const secret = Buffer.from(TOKEN_SECRET).toString("base64url");
  expect(readFileSync(directory.leaseState("api"), "utf8")).not.toContain(secret);
  expect(JSON.stringify(site.log)).not.toContain(secret);
});

const wrongTokens = ["join-", "abcd1234", "join-abcd1234_short.thumb", "join-abcd123_x.y,"];

for (const joinToken of wrongTokens) {
  test(`the join token ${joinToken} stops the start with a sentence that does not repeat it`, async () => {
    await using site = leaseSite();
    const refused = await site.role("api", [], { joinToken }).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(Fault);
    expect(refused).toMatchObject({ code: "invalid_request", message: "The join token is not one that a License Server made." });
  });
}

test("a damaged client key stops the start and is not replaced", async () => {
  await using site = leaseSite();
  await (await site.role("api", [])).stop();
  writeFileSync(site.directory.clientKey("api"), "damaged");
  const refused = await site.role("api", []).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "unavailable", message: expect.stringContaining("is damaged") });
  expect(readFileSync(site.directory.clientKey("api"), "utf8")).toBe("damaged");
});

test("a License Server that is made anew in the same directory is obeyed at the next attempt", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  const anew = site.server("anew");
  const address = server.address;
  server.answer = async (path, request) => (path === "/v1/changes" ? undefined : await fetch(`${anew.address}${path}`, { method: "POST", body: await request.text() }));
  await holder.refresh();
  expect(holder.status().addresses).toMatchObject([{ address, outcome: "not_pinned" }]);
  site.house(anew);
  await holder.refresh();
  expect(holder.status().addresses).toMatchObject([{ address, outcome: "granted" }]);
});

test("a role tells the License Server the highest marks it has seen", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.epoch = 4;
  server.license = site.vendor.sign({ sequence: 7 });
  const holder = await site.role("api", [server]);
  const time = site.services.clock.now() / SECOND;
  expect(server.proofs[0]?.seen).toEqual({ epoch: 0, counter: 0, deployment_id: null, sequence: 0, time });
  site.services.clock.stepWall(60 * SECOND);
  await holder.refresh();
  expect(server.proofs[1]?.seen).toEqual({ epoch: 4, counter: 1, deployment_id: "test-deployment", sequence: 7, time: time + 60 });
});

test("a lease is refreshed at half of its life, give or take a tenth, without being asked for", async () => {
  await using site = leaseSite();
  const server = site.server();
  const delays = new Set<number>();
  for (const role of ["api", "gateway", "issuer"] as const) {
    const holder = await site.role(role, [server]);
    const delayMs = (holder.status().nextRefreshAtMs ?? 0) - site.services.clock.now();
    expect(delayMs).toBeWithin(135 * SECOND, 165 * SECOND + 1);
    delays.add(delayMs);
    await holder.stop();
  }
  expect(delays.size).toBe(3);
});

test("a role that hears no push refreshes by itself", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.answer = (path) => (path === "/v1/changes" ? new Response("", { status: 404 }) : undefined);
  const holder = await site.role("api", [server]);
  const waitMs = (holder.status().nextRefreshAtMs ?? 0) - site.services.clock.now();
  site.services.clock.advance(Math.floor(waitMs) - 1);
  expect(holder.status().leaseAgeSeconds).toBeGreaterThan(130);
  site.services.clock.advance(2);
  await eventually(() => holder.status().leaseAgeSeconds === 0);
  expect(server.leases).toHaveLength(2);
});

test("a changed license acts within 250 ms of the push", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  await site.listen(holder, server);
  server.license = site.vendor.sign({ sequence: 2, features: { team: { webhooks: false } } });
  site.services.clock.advance(SECOND);
  expect(holder.entitlements().license?.sequence).toBe(1);
  const startMs = site.services.clock.now();
  server.push();
  await site.hear(holder);
  expect(site.services.clock.now() - startMs).toBeLessThanOrEqual(250);
  await eventually(() => holder.entitlements().license?.sequence === 2);
  expect(holder.entitlements().features.team["webhooks"]).toBeUndefined();
});

test("a flood of pushes is at most one refresh a second", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  await site.listen(holder, server);
  const before = server.leases.length;
  for (let step = 0; step < 30; step++) {
    for (let push = 0; push < 20; push++) server.push();
    site.services.clock.advance(100);
    await holder.whenSettled();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await site.hear(holder);
  await eventually(() => server.leases.length > before);
  await holder.refresh();
  expect(server.leases.length - before - 1).toBeWithin(1, 6);
});

test("garbage in the stream changes nothing, and a line without end closes it", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  await site.listen(holder, server);
  const before = server.leases.length;
  server.send("\u0000\u00ff<html>\n\n{}\n\ndat");
  server.send("x".repeat(10_000));
  await eventually(() => !holder.status().isListening);
  expect(stateOf(holder)).toBe("ok");
  expect((holder.status().nextRefreshAtMs ?? 0) - site.services.clock.now()).toBeGreaterThan(100 * SECOND);
  site.services.clock.advance(2 * SECOND);
  await eventually(() => holder.status().isListening);
  expect(server.leases).toHaveLength(before);
});

test("a stream that is refused or cut at once does not make a role ask in circles", async () => {
  for (const status of [200, 401]) {
    await using site = leaseSite();
    const server = site.server();
    const changes = () => server.paths.filter((path) => path === "/v1/changes").length;
    server.answer = (path) => (path === "/v1/changes" ? new Response("", { status, headers: { "content-type": "text/event-stream" } }) : undefined);
    const holder = await site.role("api", [server]);
    await eventually(() => changes() === 1);
    for (let round = 0; round < 20; round++) await holder.refresh();
    expect(changes()).toBe(1);
  }
});

test("onChange tells of changes and not of plain refreshes, until it is taken off", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  const told: Entitlements["state"][] = [];
  const off = holder.onChange(({ state }) => told.push(state));
  await holder.refresh();
  server.state = "expiring";
  await holder.refresh();
  server.license = site.vendor.sign({ sequence: 2, quotas: { global: { max_users: 1 } } });
  await holder.refresh();
  server.state = "expired";
  await holder.refresh();
  off();
  server.state = "ok";
  await holder.refresh();
  expect(told).toEqual(["expiring", "expiring", "expired"]);
});

test("a refresh asked for during another is a round of its own", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  const first = holder.refresh();
  server.state = "expired";
  await Promise.all([first, holder.refresh(), holder.refresh()]);
  expect(stateOf(holder)).toBe("expired");
  expect(server.leases).toHaveLength(3);
});

test("a short lease is not stale at once when the License Server's clock is a minute behind", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.clockOffSeconds = -60;
  server.license = site.vendor.sign({ lease_seconds: 30 });
  const holder = await site.role("api", [server]);
  expect(stateOf(holder)).toBe("ok");
  expect(holder.entitlements().graceEndsAt).toBe(site.services.clock.now() / SECOND - 60 + 86_400);
});

test("a clock that once stood far ahead is forgiven when the vendor re-issues the license, and not before", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  site.services.clock.stepWall(90 * 86_400 * SECOND);
  expect(stateOf(holder)).toBe("grace_over");
  site.services.clock.stepWall(-90 * 86_400 * SECOND);
  await holder.refresh();
  expect(stateOf(holder)).toBe("clock_anomaly");
  expect(holder.status().addresses[0]?.outcome).toBe("clocks");
  server.license = site.vendor.sign({ sequence: 2 });
  await holder.refresh();
  expect(stateOf(holder)).toBe("ok");
  await holder.stop();
  cut(site);
  expect(stateOf(await site.role("api", [server]))).toBe("ok");
});

const details = { refusal: "sequence_too_low" };
const doors = { reload: "/v1/reload", install: "/v1/license", test: "/v1/license/test" } as const;
test("a refusal by a server whose clock is years ahead does not put this host's clock in the wrong", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  server.clockOffSeconds = 20 * 365 * 86_400;
  server.state = "expired";
  await holder.refresh();
  expect(stateOf(holder)).toBe("expired");
  await holder.stop();
  server.clockOffSeconds = 0;
  server.state = "ok";
  expect(stateOf(await site.role("api", [server]))).toBe("ok");
});

test("a listener that fails keeps nobody else from hearing and no lease from coming", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  const told: string[] = [];
  holder.onChange(() => {
    throw new Error("a bug of the listener");
  });
  holder.onChange(({ state }) => told.push(state));
  server.state = "expiring";
  await holder.refresh();
  expect(told).toEqual(["expiring"]);
  expect(site.log.map(({ event }) => event)).toContain("lease.listener_failed");
  expect(holder.status().nextRefreshAtMs).toBeDefined();
});

const commands = [
  ["reload", (holder: { reload(): Promise<void> }) => holder.reload()],
  ["install", (holder: { install(file: Uint8Array): Promise<void> }) => holder.install(Buffer.from("a file"))],
] as const;

for (const [purpose, run] of commands) {
  test(`${purpose} goes to the License Server with a proof of that purpose, and what came of it is obeyed at once`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", [server]);
    server.state = "expired";
    await run(holder);
    const file_sha256 = createHash("sha256").update("a file").digest("base64url");
    expect(server.proofs[1]).toMatchObject({ purpose, ...(purpose === "install" ? { file_sha256 } : {}) });
    expect(server.installed).toEqual(purpose === "install" ? ["a file"] : []);
    expect(stateOf(holder)).toBe("expired");
  });

  test(`what the License Server says against ${purpose} reaches the caller`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", [server]);
    server.answer = (path) =>
      path === doors[purpose] ? Response.json({ error_code: "invalid_license", error_message: "It is older.", hint: "Take the newest.", details }, { status: 400 }) : undefined;
    const error = await run(holder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_license", message: "It is older.", hint: "Take the newest.", details });
  });

  test(`${purpose} goes to the next address when the first gives no answer, and says so when none does`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", ["http://127.0.0.1:1", server]);
    await run(holder);
    expect(server.proofs.map((proof) => proof.purpose)).toEqual(["lease", purpose, "lease"]);
    cut(site);
    const error = await run(holder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", message: "The License Server cannot be reached." });
  });
}

for (const file of [Buffer.from(""), Buffer.from([0xc3, 0xa9]), Buffer.from("é")]) {
  test(`a file of ${file.length} bytes that no license has is not even sent`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", [server]);
    const error = await holder.install(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_license" });
    expect(server.proofs).toHaveLength(1);
  });
}

test("stop leaves no timer, no stream and no request, even in the middle of one", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  await eventually(() => holder.status().isListening);
  server.answer = (path) => (path === "/v1/leases" ? new Promise(() => {}) : undefined);
  const before = server.paths.length;
  const refreshed = holder.refresh();
  await eventually(() => server.paths.length === before + 2);
  const queued = holder.refresh();
  await holder.stop();
  await Promise.all([refreshed, queued]);
  expect(site.services.clock.timers()).toBe(0);
  await eventually(() => server.streams() === 0);
  await holder.refresh();
  expect(server.paths).toHaveLength(before + 2);
});

test("stop writes the highest time seen", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  site.services.clock.stepWall(30 * SECOND);
  await holder.stop();
  expect(readFileSync(site.directory.leaseState("api"), "utf8")).toContain(`"high_water_ms":${site.services.clock.now()}`);
});

test("status says for each address what came of it, and when comes what", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", ["http://127.0.0.1:1", server]);
  site.services.clock.stepWall(10 * SECOND);
  const status = holder.status();
  expect(status).toMatchObject({
    role: "api",
    server: server.address,
    leaseAgeSeconds: 10,
    graceEndsAt: site.services.clock.now() / SECOND - 10 + 86_400,
    addresses: [
      { address: "http://127.0.0.1:1", outcome: "unreachable", reason: "The License Server cannot be reached." },
      { address: server.address, outcome: "granted" },
    ],
  });
  expect(status.client).toBe(thumbprint(server.proofs[0]?.client_key ?? ""));
});

test("the same failure again is logged once", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  cut(site);
  for (let round = 0; round < 5; round++) await holder.refresh();
  expect(site.log.filter(({ event }) => event === "lease.attempt_failed")).toHaveLength(1);
});

test("a role whose data directory is gone at the next attempt does not fall over", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  rmSync(site.directory.root, { recursive: true });
  await holder.refresh();
  expect(stateOf(holder)).toBe("ok");
});
