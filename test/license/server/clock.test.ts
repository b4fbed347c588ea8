import { describe, expect, test } from "bun:test";
import { mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { operator } from "../../../src/gate/caller.ts";
import { installLicense, readLicenseStatus } from "../../../src/license/server/operations.ts";
import { isFlagged, situations, steps, tolerances } from "../../drill/clock.ts";
import { type LicenseOverrides, testVendor } from "../../support/license.ts";
import { TestSite } from "../../support/license-server.ts";

const vendor = testVendor();
const DAY = 86_400;
const YEAR_MS = 365 * DAY * 1_000;
/** The test clock starts at 2026-01-01T00:00:00Z. */
const NOW = Date.UTC(2026, 0, 1) / 1_000;
const signed = (overrides: LicenseOverrides = {}) =>
  vendor.sign({ issued_at: NOW - 30 * DAY, not_before: NOW - 30 * DAY, expires_at: NOW + 3_000 * DAY, clock_tolerance_seconds: 60, ...overrides });
const install = (site: TestSite, text: string) => installLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });

for (const [name, situation] of Object.entries(situations)) {
  describe(`a step back ${name}`, () => {
    for (const [step, backMs] of Object.entries(steps)) {
      for (const toleranceSeconds of tolerances) {
        const expected = backMs > toleranceSeconds * 1_000;
        // Each cell is a site of its own, and most of its time is spent on flushes of the disk.
        test.concurrent(`of ${step} at a tolerance of ${toleranceSeconds} s is ${expected ? "flagged" : "within it"}`, async () => {
          expect(await isFlagged({ situation, backMs, toleranceSeconds })).toBe(expected);
        });
      }
    }
  });
}

describe("a clock that was set back", () => {
  test("revives no expired license: not live, not by restart, not with the store lost", async () => {
    await using site = await TestSite.start({ license: signed({ expires_at: NOW + DAY }) });
    await site.sleep(2 * DAY * 1_000);
    expect(site.state).toBe("expired");
    site.services.clock.stepWall(-1.5 * DAY * 1_000);
    const opened = () => ["ok", "expiring"].includes(site.state);
    await site.pass(1_000);
    expect(opened()).toBe(false);
    await site.restart({ kill: true });
    expect(opened()).toBe(false);
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(opened()).toBe(false);
  });

  test("is noticed also where the second copy of the marks cannot be written, and that is written once it can be", async () => {
    const errors: string[] = [];
    await using site = await TestSite.start({ license: signed(), onError: (line) => errors.push(line) });
    const { licenseMarks } = site.directory;
    rmSync(licenseMarks);
    mkdirSync(licenseMarks);
    await site.step(-3_600_000);
    expect([site.state, errors.join("")]).toEqual(["clock_anomaly", expect.stringContaining("license.marks_not_written")]);
    rmdirSync(licenseMarks);
    await site.pass(60_000);
    expect(statSync(licenseMarks).isFile()).toBe(true);
  });

  test("is told in status and audit, and heals by itself when time has caught up", async () => {
    await using site = await TestSite.start({ license: signed() });
    await site.step(-3_600_000);
    expect(await readLicenseStatus(site.server.gate, operator, { server: site.server })).toMatchObject({
      state: "clock_anomaly",
      reason: expect.stringMatching(/3\d{3} seconds behind/),
      server: { clock: "anomaly" },
    });
    await site.sleep(3_600_000);
    expect(site.state).toBe("ok");
    expect((await site.audited("license.change_state")).map(({ details }) => details)).toMatchObject([
      { from: "ok", to: "clock_anomaly" },
      { from: "clock_anomaly", to: "ok" },
    ]);
  });

  test("by the build's own time is flagged without any state", async () => {
    await using site = await TestSite.start({ license: signed({ issued_at: 1 }), buildTime: NOW + 3_600 });
    expect(site.state).toBe("clock_anomaly");
  });
});

describe("the vendor's way out of a mark that stands in the future", () => {
  /** The clock stood a year ahead by mistake, and was then set right. */
  async function stuck(license = signed()): Promise<TestSite> {
    const site = await TestSite.start({ license });
    await site.client().lease();
    await site.step(YEAR_MS);
    await site.client().lease();
    await site.step(-YEAR_MS);
    expect(site.state).toBe("clock_anomaly");
    return site;
  }

  test("is a re-issued license: it opens at once, and stays open over restarts and a lost store", async () => {
    await using site = await stuck();
    await install(site, signed({ sequence: 2, issued_at: NOW - 60 }));
    expect(site.state).toBe("ok");
    expect((await site.audited("license.install")).at(-1)).toMatchObject({ details: { clock_reset: true } });
    await site.restart();
    expect(site.state).toBe("ok");
    await site.restart({ kill: true, between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("ok");
    await site.step(-120_000);
    expect(site.state).toBe("clock_anomaly");
  });

  test("serves once: the same file does not lift a second anomaly", async () => {
    await using site = await stuck();
    const reissue = signed({ sequence: 2, issued_at: NOW - 60 });
    await install(site, reissue);
    await site.step(YEAR_MS);
    await site.step(-YEAR_MS);
    await install(site, reissue);
    expect(site.state).toBe("clock_anomaly");
    await site.restart();
    expect(site.state).toBe("clock_anomaly");
  });

  const noWayOut: readonly (readonly [string, LicenseOverrides])[] = [
    ["a license of the same sequence, issued later", { issued_at: NOW - 60 }],
    ["a higher sequence that was not issued later", { sequence: 2, issued_at: NOW - 30 * DAY }],
    ["a license for another deployment", { sequence: 2, issued_at: NOW - 60, deployment_id: "another" }],
    ["a trial", { sequence: 2, issued_at: NOW - 60, template: "trial", activation: { days: 30 } }],
  ];
  for (const [what, overrides] of noWayOut) {
    test(`is not ${what}`, async () => {
      await using site = await stuck();
      await install(site, signed(overrides));
      expect(site.state).toBe("clock_anomaly");
    });
  }

  test("does not move a clock that is sound", async () => {
    await using site = await TestSite.start({ license: signed() });
    await install(site, signed({ sequence: 2, issued_at: NOW - 60 }));
    expect((await site.audited("license.install")).at(-1)).toMatchObject({ details: { clock_reset: false } });
  });
});
