/** The lease holder against the real License Server: what the two make of each other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { dataDirectory } from "../../../src/data-directory.ts";
import { createJoinToken, revokeLeaseClient } from "../../../src/license/server/enrolment.ts";
import { eventually } from "../../support/eventually.ts";
import { stateOf } from "../../support/lease-site.ts";
import { testVendor } from "../../support/license.ts";
import { RealLeaseSite } from "../../support/real-lease-site.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const vendor = testVendor();
const operator = { kind: "operator" } as const;

/** A data directory of another host. */
function elsewhere() {
  const root = mkdtempSync(join(tmpdir(), "cyberun-elsewhere-"));
  return { directory: dataDirectory(root), [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

test("three roles enrol themselves and are granted exactly what the vendor signed", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  const { features, quotas } = vendor.payload();
  for (const role of ["api", "gateway", "issuer"] as const) {
    const granted = (await real.role(role)).entitlements();
    expect(granted).toMatchObject({ state: "ok", quotas, license: { licenseId: "test-license", sequence: 1 } });
    for (const namespace of ["global", "account", "team"] as const) {
      expect(Object.keys(granted.features[namespace])).toEqual(Object.keys(features[namespace]).filter((key) => features[namespace][key] === true));
    }
  }
});

test("without a license a role starts and says why operations are refused", async () => {
  await using real = await RealLeaseSite.start();
  const holder = await real.role("api");
  expect(holder.entitlements()).toMatchObject({ state: "missing", reason: "There is no license file yet." });
});

test("a role on another host enrols by a join token once, whoever else has the token", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  using first = elsewhere();
  using second = elsewhere();
  const { token } = await createJoinToken(real.site.server.gate, operator, { server: real.site.server });
  expect(stateOf(await real.role("api", { directory: first.directory }))).toBe("missing");
  const holder = await real.role("api", { directory: first.directory, joinToken: token });
  expect(stateOf(holder)).toBe("ok");
  await holder.stop();
  expect(stateOf(await real.role("api", { directory: first.directory, joinToken: token }))).toBe("ok");
  expect(stateOf(await real.role("api", { directory: first.directory }))).toBe("ok");
  const late = await real.role("api", { directory: second.directory, joinToken: token });
  expect(late.entitlements()).toMatchObject({ state: "missing", reason: "The License Server refused: This client is not enrolled with the License Server." });
});

test("a replaced license file acts in every role within five seconds", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  const holders = [await real.role("api"), await real.role("gateway"), await real.role("issuer")];
  await eventually(() => holders.every((holder) => holder.status().isListening));
  const startMs = real.site.services.clock.now();
  real.site.writeFile(vendor.sign({ sequence: 2, features: { team: { webhooks: false } } }));
  await real.site.pass(SECOND);
  for (const holder of holders) {
    await real.follow(holder, () => holder.entitlements().license?.sequence === 2);
    expect(holder.entitlements().features.team["webhooks"]).toBeUndefined();
  }
  expect(real.site.services.clock.now() - startMs).toBeLessThanOrEqual(5 * SECOND);
});

test("an installed license is obeyed when install returns; a bad one changes nothing and its reason comes back", async () => {
  await using real = await RealLeaseSite.start();
  const holder = await real.role("api");
  await holder.install(Buffer.from(`${vendor.sign({ sequence: 5 })}\n`));
  expect(holder.entitlements()).toMatchObject({ state: "ok", license: { sequence: 5 } });
  const before = holder.entitlements();
  const error = await holder.install(Buffer.from(vendor.sign({ sequence: 4 }))).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "invalid_license", details: { refusal: "sequence_too_low" } });
  expect(holder.entitlements()).toEqual(before);
  real.site.writeFile(vendor.sign({ sequence: 6 }));
  await holder.reload();
  expect(holder.entitlements().license?.sequence).toBe(6);
});

test("what a file would do is told before it is installed, also of one that would be refused, and nothing changes", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign({ sequence: 3 }) });
  const holder = await real.role("api");
  const before = holder.entitlements();
  expect(await holder.test(Buffer.from(vendor.sign({ sequence: 4, features: { team: { webhooks: false } } })))).toMatchObject({
    outcome: "accepted",
    license: { sequence: 4 },
    differences: expect.arrayContaining([{ key: "sequence", from: 3, to: 4 }]),
  });
  expect(await holder.test(Buffer.from(vendor.sign({ sequence: 2 })))).toMatchObject({ outcome: "refused", refusal: "sequence_too_low" });
  expect(await holder.test(Buffer.from("no license"))).toMatchObject({ outcome: "refused" });
  await holder.refresh();
  expect(holder.entitlements()).toEqual(before);
});

test("at the second of its end a license shuts every role, with and without its server", async () => {
  const expires_at = Date.UTC(2026, 0, 1) / SECOND + 100;
  await using real = await RealLeaseSite.start({ license: vendor.sign({ expires_at }) });
  const holder = await real.role("api");
  real.site.services.clock.stepWall(100 * SECOND - 1);
  await holder.refresh();
  expect(stateOf(holder)).toBe("expiring");
  real.site.services.clock.stepWall(1);
  expect(stateOf(holder)).toBe("expired");
  await holder.refresh();
  expect(holder.entitlements()).toMatchObject({ state: "expired", since: expires_at });
});

test("a revoked client gets no more leases and ends with its grace", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  const holder = await real.role("api");
  const { server } = real.site;
  await revokeLeaseClient(server.gate, operator, { server, clientId: holder.status().client });
  await holder.refresh();
  expect(holder.status().addresses[0]?.outcome).toBe("refused");
  real.site.services.clock.stepWall(DAY - SECOND);
  expect(stateOf(holder)).toBe("unreachable");
  real.site.services.clock.stepWall(SECOND);
  expect(stateOf(holder)).toBe("grace_over");
});

test("a server whose store was lost learns the marks from its roles and goes on", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign({ sequence: 3 }) });
  const holder = await real.role("api");
  for (let lease = 0; lease < 5; lease++) await holder.refresh();
  await real.restart(() => real.site.wipe({ marks: true }));
  await holder.refresh();
  expect(holder.status().addresses[0]).toMatchObject({ outcome: "granted" });
  expect(stateOf(holder)).toBe("ok");
});

test("an older license in a server that lost its memory is not obeyed", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign({ sequence: 3 }) });
  const holder = await real.role("api");
  await real.restart(async () => {
    await real.site.wipe({ marks: true });
    real.site.writeFile(vendor.sign({ sequence: 2, expires_at: 2_100_000_000 }));
  });
  await holder.refresh();
  expect(stateOf(holder)).toBe("rollback_suspected");
});

test("a license that ended is not revived by a clock set back and a server made to forget, while one role remembers", async () => {
  const expires_at = Date.UTC(2026, 0, 1) / SECOND + 7_200;
  await using real = await RealLeaseSite.start({ license: vendor.sign({ expires_at }) });
  const holder = await real.role("api");
  real.site.services.clock.stepWall(3 * HOUR);
  await holder.refresh();
  expect(stateOf(holder)).toBe("expired");
  await holder.stop();
  real.site.services.clock.stepWall(-3 * HOUR);
  await real.restart(() => real.site.wipe({ marks: true }));
  const later = await real.role("api");
  expect(stateOf(later)).toBe("clock_anomaly");
  await later.refresh();
  expect(stateOf(later)).toBe("clock_anomaly");
});

test("after a clock that stood far ahead, the vendor's re-issue opens server and roles again", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  const holder = await real.role("api");
  real.site.services.clock.stepWall(90 * DAY);
  await holder.refresh();
  expect(stateOf(holder)).toBe("ok");
  await real.site.step(-90 * DAY);
  await holder.refresh();
  expect(stateOf(holder)).toBe("clock_anomaly");
  real.site.services.clock.stepWall(HOUR);
  await holder.install(Buffer.from(vendor.sign({ sequence: 2, issued_at: Math.floor(real.site.services.clock.now() / SECOND) })));
  expect(stateOf(holder)).toBe("ok");
});

test("a role that is killed in the middle of everything takes up where it was", async () => {
  await using real = await RealLeaseSite.start({ license: vendor.sign() });
  for (let run = 0; run < 10; run++) {
    const holder = await real.role("api");
    expect(stateOf(holder)).toBe("ok");
    void holder.refresh();
    await holder.stop();
  }
});
