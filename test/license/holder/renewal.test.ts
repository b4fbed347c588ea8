/** A renewal: one request that answers the challenge which came with the lease before, and what happens where that serves no more. */
import { expect, test } from "bun:test";
import { formatJoinToken } from "../../../src/license/join-token.ts";
import { type LeaseSite, leaseSite, stateOf } from "../../support/lease-site.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";
import { testVendor } from "../../support/license.ts";
import { RealLeaseSite } from "../../support/real-lease-site.ts";

const SECOND = 1_000;
const exchange = ["/v1/challenges", "/v1/leases"];

/** A server that hands challenges out with its leases, and a role that has one of it. */
async function renewable(site: LeaseSite) {
  const server = site.server();
  server.nextSeconds = 300;
  const holder = await site.role("api", [server]);
  await site.listen(holder, server);
  return { server, holder };
}

/** What was asked for while `deed` was done, the stream of changes aside. */
async function asked(server: LicenseServerDouble, deed: () => Promise<void>): Promise<readonly string[]> {
  const before = server.paths.length;
  await deed();
  return server.paths.slice(before).filter((path) => path !== "/v1/changes");
}

test("is one request, with a nonce of its own each time", async () => {
  await using site = leaseSite();
  const { server, holder } = await renewable(site);
  for (let round = 0; round < 3; round++) expect(await asked(server, () => holder.refresh())).toEqual(["/v1/leases"]);
  expect(stateOf(holder)).toBe("ok");
  const used = server.proofs.flatMap(({ client_nonce, server_nonce }) => [client_nonce, server_nonce]);
  expect(new Set(used).size).toBe(used.length);
});

test("begins anew, in the same attempt, at a server that has forgotten what it handed out", async () => {
  await using site = leaseSite();
  const { server, holder } = await renewable(site);
  server.forget();
  expect(await asked(server, () => holder.refresh())).toEqual(["/v1/leases", ...exchange]);
  expect(holder.status().addresses[0]?.outcome).toBe("granted");
});

test("begins anew after an attempt that failed: a nonce is shown to one request only", async () => {
  await using site = leaseSite();
  const { server, holder } = await renewable(site);
  server.answer = (path) => (path === "/v1/leases" ? new Response("", { status: 500 }) : undefined);
  expect(await asked(server, () => holder.refresh())).toEqual(["/v1/leases"]);
  expect(holder.status().addresses[0]?.outcome).toBe("refused");
  server.answer = () => undefined;
  expect(await asked(server, () => holder.refresh())).toEqual(exchange);
});

test("begins anew once the challenge is over", async () => {
  await using site = leaseSite();
  const { server, holder } = await renewable(site);
  server.nextSeconds = 2;
  await holder.refresh();
  site.services.clock.advance(2 * SECOND - 1);
  expect(await asked(server, () => holder.refresh())).toEqual(["/v1/leases"]);
  site.services.clock.advance(2 * SECOND);
  expect(await asked(server, () => holder.refresh())).toEqual(exchange);
});

test("goes on from what its own address gave, and at another one begins anew", async () => {
  await using site = leaseSite();
  const { server: first, holder: alone } = await renewable(site);
  await alone.stop();
  const second = site.server("second");
  second.nextSeconds = 300;
  const joinToken = formatJoinToken({ id: "abcd1234", secret: new Uint8Array(32).fill(3), instance: second.key.kid });
  const holder = await site.role("gateway", [first, second], { joinToken });
  first.answer = () => new Response("", { status: 503 });
  expect(await asked(second, () => holder.refresh())).toEqual(exchange);
  expect(holder.status().server).toBe(second.address);
  first.answer = () => undefined;
  expect(await asked(first, () => holder.refresh())).toEqual(exchange);
});

test("with a lease that is not for this renewal changes nothing", async () => {
  await using site = leaseSite();
  const { server, holder } = await renewable(site);
  const [old = ""] = server.leases;
  server.signed = () => old;
  const before = holder.entitlements();
  await holder.refresh();
  expect(holder.status().addresses[0]?.outcome).not.toBe("granted");
  expect(holder.entitlements()).toEqual(before);
});

test("goes on at the real License Server through its restarts", async () => {
  await using real = await RealLeaseSite.start({ license: testVendor().sign() });
  const holder = await real.role("api");
  const { challenges } = real.site.server;
  expect([challenges.count, challenges.nextCount]).toEqual([0, 1]);
  await holder.refresh();
  expect([challenges.count, challenges.nextCount]).toEqual([0, 1]);
  await real.restart();
  await holder.refresh();
  expect(holder.status().addresses[0]?.outcome).toBe("granted");
  expect(real.site.server.challenges.nextCount).toBe(1);
});
