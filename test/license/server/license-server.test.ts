import { describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { installLicense, readLicenseStatus, reloadLicense, testLicense } from "../../../src/license/server/operations.ts";
import { MARK_MS } from "../../../src/license/server/license-server.ts";
import { type LicenseOverrides, testVendor } from "../../support/license.ts";
import { TestSite } from "../../support/license-server.ts";

const vendor = testVendor();
const DAY = 86_400;
/** The test clock starts at 2026-01-01T00:00:00Z. */
const NOW = Date.UTC(2026, 0, 1) / 1_000;

const signed = (overrides: LicenseOverrides = {}) => vendor.sign({ issued_at: NOW - DAY, not_before: NOW - DAY, expires_at: NOW + 365 * DAY, ...overrides });
const status = (site: TestSite) => readLicenseStatus(site.server.gate, operator, { server: site.server });
const install = (site: TestSite, text: string) => installLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });
const reload = (site: TestSite) => reloadLicense(site.server.gate, operator, { server: site.server });
const tryOut = (site: TestSite, text: string) => testLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });

/** Signed by the vendor's key and then altered by one character of the signature. */
const forged = (overrides: LicenseOverrides = {}) => {
  const text = signed(overrides);
  return `${text.slice(0, -10)}${text.at(-10) === "A" ? "B" : "A"}${text.slice(-9)}`;
};

describe("without a license", () => {
  test("the state is missing, and says what helps", async () => {
    await using site = await TestSite.start();
    expect(await status(site)).toMatchObject({ state: "missing", license: null, problem: null, hint: expect.stringContaining("cyberun license install") });
  });

  test("a file that appears acts within two seconds", async () => {
    await using site = await TestSite.start();
    site.writeFile(signed());
    await site.pass(2_000);
    expect(site.state).toBe("ok");
  });

  test("a bad file makes it invalid, and the reason is told", async () => {
    await using site = await TestSite.start();
    site.writeFile(forged());
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({ state: "invalid", problem: { refusal: "bad_signature" } });
  });

  test("any signed file is taken, even one that opens nothing, so that the state tells why", async () => {
    for (const [overrides, state] of [
      [{ expires_at: NOW - 1 }, "expired"],
      [{ not_before: NOW + DAY }, "not_yet_valid"],
      [{ binding: { kind: "cluster", ids: ["east"] } }, "not_bound"],
      [{ issued_at: NOW + DAY }, "clock_anomaly"],
    ] satisfies readonly (readonly [LicenseOverrides, string])[]) {
      await using site = await TestSite.start({ license: signed(overrides) });
      expect(site.state).toBe(state);
    }
  });
});

describe("a replaced file", () => {
  test("acts within two seconds, without a restart, and is audited", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile(signed({ sequence: 2, license_id: "renewed" }));
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({ state: "ok", license: { sequence: 2, license_id: "renewed" }, problem: null });
    const [last] = (await site.audited("license.reload")).slice(-1);
    expect(last).toMatchObject({ outcome: "done", actor: "system", details: { sequence: 2 } });
  });

  const bad: readonly (readonly [string, string, string])[] = [
    ["with an altered signature", forged({ sequence: 2 }), "bad_signature"],
    ["signed by another vendor", testVendor("another vendor").sign({ sequence: 2 }), "unknown_key"],
    ["that is half a license", signed({ sequence: 2 }).slice(0, 700), "malformed"],
    ["that is empty", "", "malformed"],
    ["that is no license at all", "hello\n", "malformed"],
    ["that is far too large", "x".repeat(1_000_000), "too_large"],
    ["with a line end too many", `${signed({ sequence: 2 })}\n\n`, "malformed"],
    ["of an unknown format", signed({ sequence: 2, format: 2 }), "unknown_format"],
    ["that demands an unknown rule", signed({ sequence: 2, critical: ["new_rule"] }), "unknown_critical"],
    ["that ends before it begins", signed({ sequence: 2, not_before: NOW + 9 * DAY, expires_at: NOW + DAY }), "bad_dates"],
    ["with a lower sequence", signed({ sequence: 4 }), "sequence_too_low"],
    ["with the same sequence, not issued later", signed({ sequence: 5, license_id: "twin" }), "sequence_too_low"],
    ["that has ended already", signed({ sequence: 6, expires_at: NOW - 1 }), "expired"],
    ["that begins next month", signed({ sequence: 6, not_before: NOW + 30 * DAY }), "not_yet_valid"],
    ["for another cluster", signed({ sequence: 6, binding: { kind: "cluster", ids: ["east"] } }), "not_bound"],
    ["for another host", signed({ sequence: 6, binding: { kind: "host", fingerprints: [`mac:${"A".repeat(43)}`], required: 1 } }), "not_bound"],
    ["issued in the future of this clock", signed({ sequence: 6, issued_at: NOW + DAY }), "clock_anomaly"],
  ];
  for (const [what, text, refusal] of bad) {
    test(`${what} changes nothing: the old one stays and the reason is told`, async () => {
      await using site = await TestSite.start({ license: signed({ sequence: 5 }) });
      const before = await status(site);
      site.writeFile(text);
      await site.pass(2_000);
      const after = await status(site);
      expect(after).toMatchObject({ state: "ok", license: before.license, problem: { refusal } });
      expect(after.problem?.message).toMatch(/^[A-Z].{15,}\.$/);
      expect((await site.audited("license.reload")).at(-1)).toMatchObject({ outcome: "refused" });
      await site.restart();
      expect(await status(site)).toMatchObject({ state: "ok", license: before.license, problem: { refusal } });
    });
  }

  test("that is still being written is not called bad, and acts when it is whole", async () => {
    await using site = await TestSite.start({ license: signed() });
    const text = signed({ sequence: 2 });
    for (let part = 1; part < 20; part += 1) {
      site.writeFile(text.slice(0, Math.floor((text.length * part) / 20)));
      await site.pass(500);
      expect((await status(site)).problem).toBeNull();
    }
    site.writeFile(text);
    await site.pass(500);
    expect(await status(site)).toMatchObject({ license: { sequence: 2 }, problem: null });
  });

  test("that was bad and lay there for a day acts as soon as it is mended", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile("half");
    await site.sleep(DAY * 1_000);
    await site.pass(1_000);
    expect((await status(site)).problem?.refusal).toBe("malformed");
    site.writeFile(`${signed({ sequence: 2 })}\r\n`);
    await site.pass(1_000);
    expect(await status(site)).toMatchObject({ license: { sequence: 2 }, problem: null });
  });

  test("of the same bytes, and one refusal looked at a thousand times, are audited once", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile("bad");
    await site.pass(500_000);
    expect((await site.audited("license.reload")).filter(({ outcome }) => outcome === "refused")).toHaveLength(1);
  });

  test("that takes over next month does so in the very second, by itself", async () => {
    const ends = NOW + 10 * DAY;
    await using site = await TestSite.start({ license: signed({ expires_at: ends }) });
    site.writeFile(signed({ sequence: 2, not_before: ends }));
    await site.pass(1_000);
    await site.sleep(10 * DAY * 1_000 - 2_000);
    expect(await status(site)).toMatchObject({ state: "expiring", license: { sequence: 1 }, problem: { refusal: "not_yet_valid" } });
    await site.pass(1_500);
    expect(await status(site)).toMatchObject({ state: "ok", license: { sequence: 2 }, problem: null });
  });

  test("with a license for another deployment is taken: its sequences are counted apart", async () => {
    await using site = await TestSite.start({ license: signed({ sequence: 9 }) });
    site.writeFile(signed({ deployment_id: "other", sequence: 1 }));
    await site.pass(1_000);
    expect((await status(site)).license).toMatchObject({ deployment_id: "other", sequence: 1 });
    site.writeFile(signed({ sequence: 8 }));
    await site.pass(1_500);
    expect(await status(site)).toMatchObject({ license: { deployment_id: "other" }, problem: { refusal: "sequence_too_low" } });
  });

  test("with the same sequence that was issued later is taken, and the earlier one then is not", async () => {
    const first = signed();
    await using site = await TestSite.start({ license: first });
    site.writeFile(signed({ issued_at: NOW - 10, license_id: "corrected" }));
    await site.pass(1_000);
    expect((await status(site)).license?.license_id).toBe("corrected");
    site.writeFile(first);
    await site.pass(1_500);
    expect(await status(site)).toMatchObject({ license: { license_id: "corrected" }, problem: { refusal: "sequence_too_low" } });
  });
});

describe("a file that is gone", () => {
  test("leaves the accepted copy in force, over a restart too, and status says so", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.removeFile();
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({ state: "ok", problem: { refusal: "file_missing" } });
    await site.restart();
    expect(await status(site)).toMatchObject({ state: "ok", problem: { refusal: "file_missing" } });
    site.writeFile(signed());
    await site.pass(1_000);
    expect((await status(site)).problem).toBeNull();
  });
});

describe("the copy in the store", () => {
  const alter = (site: TestSite, license: string) =>
    site.store.write(async (writer) => {
      await writer.update(writer.tables.licenseServer).set({ license });
    });

  test("counts for no more than a file: an altered one is not believed", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.removeFile();
    await site.restart({ between: () => alter(site, forged({ sequence: 7 })) });
    expect(await status(site)).toMatchObject({ state: "invalid", problem: { refusal: "bad_signature" } });
  });

  test("that is older than the marks is a rollback", async () => {
    await using site = await TestSite.start({ license: signed({ sequence: 3 }) });
    site.removeFile();
    await site.restart({ between: () => alter(site, signed({ sequence: 2 })) });
    expect(await status(site)).toMatchObject({ state: "rollback_suspected", problem: { refusal: "sequence_too_low" } });
  });
});

describe("install", () => {
  test("writes the file and takes it into force at once", async () => {
    await using site = await TestSite.start();
    const text = signed({ sequence: 3 });
    expect(await install(site, text)).toMatchObject({ state: "ok", license: { sequence: 3 } });
    expect(site.readFile()).toBe(text);
    expect((await site.audited("license.install")).at(-1)).toMatchObject({ outcome: "done", actor: "operator" });
    await site.restart();
    expect(site.state).toBe("ok");
  });

  test("of a bad file touches neither file nor license, and is audited as refused", async () => {
    const good = signed({ sequence: 5 });
    await using site = await TestSite.start({ license: good });
    for (const text of [forged({ sequence: 6 }), signed({ sequence: 4 }), "", signed({ sequence: 6, expires_at: NOW - 5 })]) {
      await expect(install(site, text)).rejects.toMatchObject({ code: "invalid_license" });
    }
    expect(site.readFile()).toBe(good);
    expect(site.state).toBe("ok");
    expect((await site.audited("license.install")).map(({ outcome }) => outcome)).toEqual(["refused", "refused", "refused", "refused"]);
  });

  test("of the license in force restores a file that was removed or spoiled", async () => {
    const good = signed();
    await using site = await TestSite.start({ license: good });
    site.writeFile("spoiled");
    await site.pass(1_500);
    expect(await install(site, good)).toMatchObject({ state: "ok", problem: null });
    expect(site.readFile()).toBe(good);
  });

  test("of two files at the same time keeps the newer, whichever comes first", async () => {
    for (const order of [[2, 3], [3, 2]]) {
      await using site = await TestSite.start({ license: signed() });
      await Promise.allSettled(order.map((sequence) => install(site, signed({ sequence }))));
      expect((await status(site)).license?.sequence).toBe(3);
    }
  });
});

describe("reload", () => {
  test("reads the file now, and refuses a bad one with its reason", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile(signed({ sequence: 2 }));
    expect(await reload(site)).toMatchObject({ license: { sequence: 2 } });
    site.writeFile("bad");
    await expect(reload(site)).rejects.toMatchObject({ code: "invalid_license", details: { refusal: "malformed" } });
    site.removeFile();
    await expect(reload(site)).rejects.toMatchObject({ code: "invalid_license", details: { refusal: "file_missing" } });
    expect((await status(site)).license?.sequence).toBe(2);
  });
});

describe("test", () => {
  test("says what a file would do, what it takes away, and changes nothing", async () => {
    await using site = await TestSite.start({ license: signed({ quotas: { team: { max_agents: 50 } } }) });
    const told = await tryOut(site, signed({ sequence: 2, expires_at: NOW + 40 * DAY, quotas: { team: { max_agents: 5 } } }));
    expect(told).toMatchObject({ outcome: "accepted", state: "ok", license: { sequence: 2 } });
    expect(told.differences).toContainEqual({ key: "quotas.team.max_agents", from: 50, to: 5 });
    expect(told.warnings).toEqual(["quotas.team.max_agents goes from 50 to 5.", "It ends earlier than the license in force."]);
    expect((await status(site)).license?.sequence).toBe(1);
    expect(await site.audited("license.install")).toEqual([]);
  });

  test("names the refusal of a file that would be refused, and knows the license in force", async () => {
    const good = signed({ sequence: 5 });
    await using site = await TestSite.start({ license: good });
    expect(await tryOut(site, signed({ sequence: 4 }))).toMatchObject({ outcome: "refused", refusal: "sequence_too_low", license: { sequence: 4 } });
    expect(await tryOut(site, "nonsense")).toMatchObject({ outcome: "refused", refusal: "malformed", license: null });
    expect(await tryOut(site, good)).toMatchObject({ outcome: "unchanged", differences: [] });
  });

  test("warns of a license that would open nothing where none is in force", async () => {
    await using site = await TestSite.start();
    const told = await tryOut(site, signed({ not_before: NOW + DAY }));
    expect(told).toMatchObject({ outcome: "accepted", state: "not_yet_valid" });
    expect(told.warnings[0]).toContain("would not open anything");
  });
});

describe("the very second", () => {
  test("of the end shuts, between two looks at the file and without a request", async () => {
    await using site = await TestSite.start({ license: signed({ not_before: NOW, expires_at: NOW + 3_600 }) });
    const reader = site.server.changes.open("client", "ok").getReader();
    await reader.read();
    site.services.clock.advance(3_239_999);
    expect(site.state).toBe("ok");
    site.services.clock.advance(1);
    expect(site.state).toBe("expiring");
    site.services.clock.advance(359_999);
    expect(site.state).toBe("expiring");
    site.services.clock.advance(1);
    expect(await status(site)).toMatchObject({ state: "expired", since: NOW + 3_600 });
    await site.server.settle();
    expect((await site.audited("license.change_state")).map(({ details }) => details)).toMatchObject([
      { from: "ok", to: "expiring" },
      { from: "expiring", to: "expired" },
    ]);
  });

  test("of the beginning opens", async () => {
    await using site = await TestSite.start({ license: signed({ not_before: NOW + 60 }) });
    site.services.clock.advance(59_999);
    expect(site.state).toBe("not_yet_valid");
    site.services.clock.advance(1);
    expect(site.state).toBe("ok");
  });
});

describe("a trial", () => {
  const trial = (overrides: LicenseOverrides = {}) => signed({ template: "trial", expires_at: NOW + 1_000 * DAY, activation: { days: 30 }, ...overrides });

  test("ends thirty days after its first use, over restarts and a file that comes back", async () => {
    await using site = await TestSite.start({ license: trial() });
    expect((await status(site)).license?.expires_at).toBe(NOW + 30 * DAY);
    await site.sleep(20 * DAY * 1_000);
    site.removeFile();
    await site.restart();
    site.writeFile(trial());
    await site.sleep(10 * DAY * 1_000 - 1_000);
    expect(site.state).toBe("expiring");
    await site.pass(1_000);
    expect(site.state).toBe("expired");
  });

  test("does not begin anew when the store is lost and the second copy of the marks is there", async () => {
    await using site = await TestSite.start({ license: trial() });
    await site.sleep(25 * DAY * 1_000);
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect((await status(site)).license?.expires_at).toBe(NOW + 30 * DAY);
  });

  test("gives way to a license, and does not come back fresh after it", async () => {
    await using site = await TestSite.start({ license: trial() });
    await site.sleep(10 * DAY * 1_000);
    await install(site, signed({ deployment_id: "bought" }));
    expect((await status(site)).license).toMatchObject({ template: "enterprise", deployment_id: "bought" });
    await install(site, trial());
    expect((await status(site)).license?.expires_at).toBe(NOW + 30 * DAY);
  });
});

describe("binding", () => {
  const firstUse = (overrides: LicenseOverrides = {}) => signed({ binding: { kind: "first_use" }, ...overrides });

  test("at first use is remembered over a restart, a renewal and a lost store, and refuses another host", async () => {
    await using site = await TestSite.start({ license: firstUse() });
    expect(site.state).toBe("ok");
    await site.restart();
    await install(site, firstUse({ sequence: 2 }));
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("ok");
    site.host.write("etc/machine-id", "ee".repeat(16));
    site.host.write("sys/class/dmi/id/product_uuid", "1");
    site.host.write("sys/class/dmi/id/board_serial", "2");
    for (const card of ["eth0", "eth1"]) site.host.write(`sys/class/net/${card}/address`, `00:11:22:33:44:5${card.at(-1)}`);
    await site.restart();
    expect(site.state).toBe("not_bound");
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("not_bound");
  });

  test("warns of a part that changed, and heals by reload when the host is itself again", async () => {
    await using site = await TestSite.start({ license: firstUse() });
    site.host.write("etc/machine-id", "ee".repeat(16));
    await reload(site);
    expect(await status(site)).toMatchObject({ state: "ok", license: { changed_parts: ["machine-id"] } });
  });

  test("to a cluster follows the configured id", async () => {
    const license = signed({ binding: { kind: "cluster", ids: ["east"] } });
    await using inside = await TestSite.start({ license, clusterId: "east" });
    await using outside = await TestSite.start({ license, clusterId: "west" });
    expect([inside.state, outside.state]).toEqual(["ok", "not_bound"]);
  });
});

describe("marks", () => {
  test("a lower sequence is refused live, after a restart, after the store is lost, and after both are restored from the second copy", async () => {
    await using site = await TestSite.start({ license: signed({ sequence: 3 }) });
    const refused = async () => {
      site.writeFile(signed({ sequence: 2 }));
      await site.pass(1_500);
      expect((await status(site)).problem?.refusal).toBe("sequence_too_low");
    };
    await refused();
    await site.restart();
    await refused();
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("rollback_suspected");
    await refused();
    await install(site, signed({ sequence: 3 }));
    expect(site.state).toBe("ok");
  });

  test("a new epoch begins with each start, also after a kill and after the store is lost", async () => {
    await using site = await TestSite.start({ license: signed() });
    const epochs = [(await status(site)).server.epoch];
    for (const how of [{}, { kill: true }, { between: () => site.wipe({ marks: false }) }, { kill: true }]) {
      await site.restart(how);
      epochs.push((await status(site)).server.epoch);
    }
    expect(epochs).toEqual([1, 2, 3, 4, 5]);
  });

  test("time is written down at least every minute, so a kill loses no more", async () => {
    await using site = await TestSite.start({ license: signed() });
    await site.pass(3 * 60_000, 5_000);
    await site.restart({ kill: true, between: () => site.services.clock.stepWall(-(MARK_MS + 61_000 + 300_000)) });
    expect(site.state).toBe("clock_anomaly");
  });
});

test("status says nothing of the customer, the host or the path", async () => {
  await using site = await TestSite.start({ license: signed({ binding: { kind: "first_use" } }) });
  site.writeFile("bad");
  await site.pass(1_500);
  const text = JSON.stringify(await status(site));
  expect(text).not.toContain("Customer");
  expect(text).not.toContain("test-customer");
  expect(text).not.toContain(site.directory.root);
  expect(text).not.toMatch(/mac:|machine-id:/);
});

test("a person must be an administrator, a client enrolled", async () => {
  await using site = await TestSite.start({ license: signed() });
  const { gate } = site.server;
  const input = { server: site.server, file: Buffer.from(signed({ sequence: 2 })) };
  await expect(installLicense(gate, { kind: "lease_client", clientId: "x".repeat(43) }, input)).rejects.toMatchObject({ code: "not_enrolled" });
  await expect(installLicense(gate, { kind: "anonymous" }, input)).rejects.toMatchObject({ code: "unauthenticated" });
  await expect(reloadLicense(gate, { kind: "agent", credentialId: "c", teamId: "t" }, { server: site.server })).rejects.toMatchObject({ code: "forbidden" });
  expect((await status(site)).license?.sequence).toBe(1);
});
