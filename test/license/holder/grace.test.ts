import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { type LicenseState, without } from "../../../src/license/entitlements.ts";
import { drill } from "../../drill/grace.ts";
import { eventually } from "../../support/eventually.ts";
import { type LeaseSite, leaseSite, stateOf } from "../../support/lease-site.ts";
import type { LicenseOverrides } from "../../support/license.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const TOLERANCE = 90_000;

/** From now on no request leaves the host. */
function cut(site: LeaseSite): void {
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
}

/** A role with a lease that was issued at this very second, and a network that is cut right after. */
async function stranded(site: LeaseSite, license: LicenseOverrides = {}) {
  const server = site.server();
  server.license = site.vendor.sign(license);
  const holder = await site.role("api", [server]);
  expect(stateOf(holder)).toBe("ok");
  cut(site);
  return { server, holder };
}

const again = (site: LeaseSite, server: LicenseServerDouble) => site.role("api", [server]);

test("a running role serves at 23:59:59 after the last lease's issue and refuses at 24:00:00", async () => {
  await using site = leaseSite();
  const { holder } = await stranded(site);
  const seen: string[] = [];
  for (const ms of [299_999, 1, DAY - 300_000 - SECOND, SECOND - 1, 1, SECOND]) {
    site.services.clock.stepWall(ms);
    seen.push(stateOf(holder));
  }
  expect(seen).toEqual(["ok", "unreachable", "unreachable", "unreachable", "grace_over", "grace_over"]);
});

/** Each way to be restarted: what is done with the old process before the clock goes on. */
const restarts: readonly (readonly [string, number, (site: LeaseSite, stop: () => Promise<void>) => Promise<void>])[] = [
  ["one restart", 1, (_site, stop) => stop()],
  ["50 restarts", 50, (_site, stop) => stop()],
  ["50 kills", 50, async (site) => site.kill()],
];

for (const [name, count, end] of restarts) {
  test(`${name} within the grace do not move its end`, async () => {
    await using site = leaseSite();
    const { server, holder: first } = await stranded(site);
    const stepMs = Math.floor((DAY - SECOND) / count);
    let holder = first;
    for (let run = 0; run < count; run++) {
      await end(site, () => holder.stop());
      site.services.clock.advance(stepMs);
      holder = await again(site, server);
      expect(stateOf(holder)).toBe("unreachable");
    }
    site.services.clock.stepWall(DAY - SECOND - stepMs * count);
    expect(stateOf(holder)).toBe("unreachable");
    await end(site, () => holder.stop());
    site.services.clock.advance(SECOND);
    holder = await again(site, server);
    expect(stateOf(holder)).toBe("grace_over");
    expect(holder.entitlements().since).toBe(Math.floor(site.services.clock.now() / SECOND));
  });
}

test("the end of the grace is told at its very second, and so is the end of the lease", async () => {
  await using site = leaseSite();
  const { holder } = await stranded(site, { lease_seconds: 10, grace_seconds: 60 });
  const startMs = site.services.clock.now();
  const told: (readonly [string, number])[] = [];
  holder.onChange(({ state }) => told.push([state, site.services.clock.now() - startMs]));
  site.services.clock.advance(2 * 60 * SECOND);
  expect(told).toEqual([
    ["unreachable", 10 * SECOND],
    ["grace_over", 60 * SECOND],
  ]);
});

test("without grace in the license, operations are refused when the lease is over", async () => {
  await using site = leaseSite();
  const { holder } = await stranded(site, { lease_seconds: 10, grace_seconds: 0 });
  site.services.clock.stepWall(10 * SECOND - 1);
  expect(stateOf(holder)).toBe("ok");
  site.services.clock.stepWall(1);
  expect(stateOf(holder)).toBe("grace_over");
});

test("the grace does not outlive the license", async () => {
  await using site = leaseSite();
  const expires_at = site.services.clock.now() / SECOND + 3_600;
  const { holder } = await stranded(site, { expires_at });
  expect(holder.entitlements().graceEndsAt).toBe(expires_at);
  site.services.clock.stepWall(HOUR - 1);
  expect(stateOf(holder)).toBe("unreachable");
  site.services.clock.stepWall(1);
  expect(stateOf(holder)).toBe("expired");
  expect(holder.entitlements().since).toBe(expires_at);
});

test("the grace does not outlive a trial's days", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.license = site.vendor.sign({ template: "trial", activation: { days: 1 } });
  const activated_at = site.services.clock.now() / SECOND - 82_800;
  server.lease = (honest) => ({ ...honest, activated_at });
  const holder = await site.role("api", [server]);
  cut(site);
  site.services.clock.stepWall(HOUR - 1);
  expect(stateOf(holder)).toBe("unreachable");
  site.services.clock.stepWall(1);
  expect(stateOf(holder)).toBe("expired");
});

test("a trial that its server begins anew ends when it first would have", async () => {
  await using site = leaseSite();
  const server = site.server();
  server.license = site.vendor.sign({ template: "trial", activation: { days: 2 } });
  const holder = await site.role("api", [server]);
  const firstEnd = holder.entitlements().license?.expiresAt;
  site.services.clock.stepWall(DAY);
  await holder.refresh();
  expect(holder.entitlements().license?.expiresAt).toBe(firstEnd ?? 0);
});

test("a clock set forward and back again ends in clock_anomaly and not in more grace", async () => {
  await using site = leaseSite();
  const { holder } = await stranded(site);
  site.services.clock.stepWall(23 * HOUR);
  expect(stateOf(holder)).toBe("unreachable");
  site.services.clock.stepWall(-23 * HOUR);
  expect(stateOf(holder)).toBe("clock_anomaly");
  site.services.clock.stepWall(23 * HOUR);
  expect(stateOf(holder)).toBe("unreachable");
  site.services.clock.stepWall(HOUR);
  expect(stateOf(holder)).toBe("grace_over");
});

const steps: readonly (readonly [number, LicenseState])[] = [
  [-TOLERANCE, "unreachable"],
  [-TOLERANCE - SECOND, "clock_anomaly"],
  [-120 * SECOND, "clock_anomaly"],
  [-HOUR, "clock_anomaly"],
  [-30 * DAY, "clock_anomaly"],
  [-730 * DAY, "clock_anomaly"],
];

for (const [stepMs, expected] of steps) {
  test(`a clock set back by ${-stepMs / SECOND} s within the grace means ${expected}, live and after a restart`, async () => {
    await using site = leaseSite();
    const { server, holder } = await stranded(site);
    site.services.clock.stepWall(HOUR);
    expect(stateOf(holder)).toBe("unreachable");
    site.services.clock.stepWall(stepMs);
    expect(stateOf(holder)).toBe(expected);
    await holder.stop();
    expect(stateOf(await again(site, server))).toBe(expected);
  });
}

test("a clock set back while the role is down is found at its start, and forgiven when time has caught up", async () => {
  await using site = leaseSite();
  const { server, holder } = await stranded(site);
  await holder.stop();
  site.services.clock.stepWall(-HOUR);
  const later = await again(site, server);
  expect(stateOf(later)).toBe("clock_anomaly");
  site.services.clock.stepWall(HOUR - 1);
  expect(stateOf(later)).toBe("clock_anomaly");
  site.services.clock.stepWall(1 + 600 * SECOND);
  expect(stateOf(later)).toBe("unreachable");
});

test("a clock set back a little at each of 50 kills buys no time", async () => {
  await using site = leaseSite();
  const { server, holder: first } = await stranded(site, { lease_seconds: 5 });
  site.services.clock.advance(5 * SECOND);
  let holder = first;
  let servedMs = 0;
  for (let run = 0; run < 50; run++) {
    site.services.clock.advance(10 * SECOND);
    if (stateOf(holder) === "unreachable") servedMs += 10 * SECOND;
    site.kill();
    site.services.clock.stepWall(-10 * SECOND);
    holder = await again(site, server);
  }
  expect(stateOf(holder)).toBe("clock_anomaly");
  expect(servedMs).toBeLessThanOrEqual(TOLERANCE + 20 * SECOND);
});

test("a role that is killed every 50 s, with its clock set back to the lease's issue, does not serve on one lease for ever", async () => {
  await using site = leaseSite();
  const { server, holder: first } = await stranded(site);
  const issueMs = site.services.clock.now();
  let holder = first;
  let servedMs = 0;
  for (let run = 0; run < 20; run++) {
    site.services.clock.advance(50 * SECOND);
    if (stateOf(holder) === "ok" || stateOf(holder) === "unreachable") servedMs += 50 * SECOND;
    site.kill();
    site.services.clock.stepWall(issueMs - site.services.clock.now());
    holder = await again(site, server);
  }
  expect(stateOf(holder)).toBe("clock_anomaly");
  expect(servedMs).toBeLessThanOrEqual(TOLERANCE + 100 * SECOND);
});

const DRILL_MS = 60_000;

test(
  "whatever is done to roles, files and clocks, no role serves longer than the grace",
  async () => expect((await drill(4)).violations).toEqual([]),
  DRILL_MS,
);

test("an older copy of the own lease file ends when its own lease says, not later", async () => {
  await using site = leaseSite();
  const server = site.server();
  const path = site.directory.leaseState("api");
  const holder = await site.role("api", [server]);
  const firstIssueMs = site.services.clock.now();
  copyFileSync(path, `${path}.copy`);
  site.services.clock.stepWall(10 * HOUR);
  await holder.refresh();
  expect(holder.entitlements().graceEndsAt).toBe((firstIssueMs + 10 * HOUR + DAY) / SECOND);
  await holder.stop();
  cut(site);
  copyFileSync(`${path}.copy`, path);
  const later = await again(site, server);
  expect(stateOf(later)).toBe("unreachable");
  expect(later.entitlements().graceEndsAt).toBe((firstIssueMs + DAY) / SECOND);
});

test("a lease file from another host or another role is set aside", async () => {
  await using site = leaseSite();
  const server = site.server();
  const elsewhere = site.otherDirectory();
  site.house(server, elsewhere);
  const other = await site.role("api", [server], { directory: elsewhere });
  const gateway = await site.role("gateway", [server]);
  const own = await site.role("api", [server]);
  for (const holder of [other, gateway, own]) await holder.stop();
  cut(site);
  for (const path of [elsewhere.leaseState("api"), site.directory.leaseState("gateway")]) {
    copyFileSync(path, site.directory.leaseState("api"));
    expect(stateOf(await again(site, server))).toBe("missing");
    expect(readFileSync(`${site.directory.leaseState("api")}.damaged`)).toEqual(readFileSync(path));
  }
});

test("a lease file without its client key is worth nothing", async () => {
  await using site = leaseSite();
  const { server, holder } = await stranded(site);
  await holder.stop();
  writeFileSync(site.directory.clientKey("api"), `${Buffer.alloc(32, 1).toString("base64url")}\n`);
  expect(stateOf(await again(site, server))).toBe("missing");
});

test("a role that has never had a lease is not given a grace", async () => {
  await using site = leaseSite();
  const server = site.server();
  cut(site);
  const holder = await again(site, server);
  expect(holder.entitlements()).toEqual(without("missing", "The License Server cannot be reached."));
});

test("a signed refusal acts at once, is not softened by the grace and survives a restart", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  server.state = "revoked";
  await holder.refresh();
  expect(holder.entitlements()).toMatchObject({ state: "revoked", reason: "the double says revoked", graceEndsAt: undefined });
  expect(holder.entitlements().features).toEqual({ global: {}, account: {}, team: {} });
  cut(site);
  site.services.clock.stepWall(HOUR);
  await holder.refresh();
  expect(stateOf(holder)).toBe("revoked");
  await holder.stop();
  expect(stateOf(await again(site, server))).toBe("revoked");
});

test("a License Server that returns after the grace is found within five seconds", async () => {
  await using site = leaseSite();
  const { holder } = await stranded(site);
  site.services.clock.stepWall(DAY);
  for (let failure = 0; failure < 8; failure++) await holder.refresh();
  expect(stateOf(holder)).toBe("grace_over");
  site.services.replaceFetch();
  site.services.clock.advance(4_900);
  await eventually(() => stateOf(holder) === "ok");
});
