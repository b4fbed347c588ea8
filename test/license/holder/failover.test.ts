import { expect, test } from "bun:test";
import { formatJoinToken } from "../../../src/license/join-token.ts";
import type { LeaseHolder } from "../../../src/license/holder/lease-holder.ts";
import { eventually } from "../../support/eventually.ts";
import { type LeaseSite, leaseSite, stateOf } from "../../support/lease-site.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";

const SECOND = 1_000;

/** A token by which a role trusts `server` and enrols with it. */
function tokenOf(server: LicenseServerDouble): string {
  return formatJoinToken({ id: "abcd1234", secret: new Uint8Array(32).fill(3), instance: server.key.kid });
}

/** A preferred server in the role's own data directory and a second one on another host, both trusted. */
async function pair(site: LeaseSite) {
  const first = site.server("first");
  const second = site.server("second");
  const holder = await site.role("api", [first, second], { joinToken: tokenOf(second) });
  return { first, second, holder };
}

const outcomes = (holder: LeaseHolder) => holder.status().addresses.map(({ outcome }) => outcome);

test("the first address that answers is obeyed and the others are not asked", async () => {
  await using site = leaseSite();
  const { first, second, holder } = await pair(site);
  expect(holder.status().server).toBe(first.address);
  expect(outcomes(holder)).toEqual(["granted", "untried"]);
  expect(second.paths).toEqual([]);
});

const failures: readonly (readonly [string, (first: LicenseServerDouble) => unknown])[] = [
  ["is gone", (first) => first.stop()],
  ["answers with an error", (first) => (first.answer = () => new Response("", { status: 500 }))],
  ["answers nonsense", (first) => (first.answer = () => new Response("{}"))],
  ["fails only when asked for the lease", (first) => (first.answer = (path) => (path === "/v1/leases" ? new Response("", { status: 500 }) : undefined))],
  ["lies", (first) => (first.lease = (honest) => ({ ...honest, role: "issuer" }))],
];

for (const [name, fail] of failures) {
  test(`when the preferred server ${name}, the next one is asked in the same round`, async () => {
    await using site = leaseSite();
    const { first, second, holder } = await pair(site);
    await fail(first);
    await holder.refresh();
    expect(holder.status().server).toBe(second.address);
    expect(outcomes(holder)[1]).toBe("granted");
    expect(stateOf(holder)).toBe("ok");
  });
}

test("a preferred server that is not trusted is passed over", async () => {
  await using site = leaseSite();
  const home = site.server("first");
  const stranger = site.server("stranger");
  const holder = await site.role("api", [stranger, home]);
  expect(outcomes(holder)).toEqual(["not_pinned", "granted"]);
  expect(stateOf(holder)).toBe("ok");
});

test("what a preferred server refuses under its signature is not asked of the next one", async () => {
  await using site = leaseSite();
  const { first, second, holder } = await pair(site);
  first.state = "revoked";
  await holder.refresh();
  expect(stateOf(holder)).toBe("revoked");
  expect(second.paths).toEqual([]);
});

test("the preferred server is found again at the next refresh, at most 60 s later, however long the lease", async () => {
  await using site = leaseSite();
  const { first, second, holder } = await pair(site);
  for (const server of [first, second]) server.license = site.vendor.sign({ lease_seconds: 86_400 });
  first.answer = () => new Response("", { status: 503 });
  await holder.refresh();
  expect(holder.status().server).toBe(second.address);
  first.answer = () => undefined;
  site.services.clock.advance(60 * SECOND);
  await eventually(() => holder.status().server === first.address);
  expect(stateOf(holder)).toBe("ok");
});

test("a server that is killed is left for the next one within two seconds, though the lease has minutes left", async () => {
  await using site = leaseSite();
  const { first, second, holder } = await pair(site);
  await site.listen(holder, first);
  site.services.clock.advance(10 * SECOND);
  const startMs = site.services.clock.now();
  await first.stop();
  await site.hear(holder);
  expect(site.services.clock.now() - startMs).toBeLessThan(2 * SECOND);
  await eventually(() => holder.status().server === second.address);
  expect(stateOf(holder)).toBe("ok");
});

test("rounds without an answer follow each other ever more slowly, from one second up to thirty, never in step", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.answer = (path) => (path === "/v1/changes" ? new Response("", { status: 404 }) : undefined);
  const holder = await site.role("api", [server]);
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
  await holder.refresh();
  const waits: number[] = [];
  for (let round = 0; round < 12; round++) {
    await eventually(() => holder.status().nextRefreshAtMs !== undefined);
    const waitMs = (holder.status().nextRefreshAtMs ?? 0) - site.services.clock.now();
    waits.push(waitMs);
    site.services.clock.advance(Math.ceil(waitMs));
  }
  for (const [round, waitMs] of waits.entries()) {
    const longest = Math.min(2 ** round, 30) * SECOND;
    expect(waitMs).toBeWithin(longest / 2, longest + 1);
  }
  expect(new Set(waits).size).toBe(waits.length);
});

test("while operations are refused, rounds follow within four seconds", async () => {
  await using site = leaseSite();
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
  const holder = await site.role("api", [site.server()]);
  for (let round = 0; round < 10; round++) await holder.refresh();
  expect((holder.status().nextRefreshAtMs ?? 0) - site.services.clock.now()).toBeWithin(2 * SECOND, 4 * SECOND + 1);
});

test("no address at all is said, and core operations go on", async () => {
  await using site = leaseSite();
  const holder = await site.role("api", []);
  expect(holder.entitlements()).toMatchObject({ state: "missing", reason: "No License Server address is configured." });
});
