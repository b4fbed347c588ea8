import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { signJws } from "../../../src/crypto/jws.ts";
import { operator } from "../../../src/gate/caller.ts";
import { LICENSE_TYP } from "../../../src/license/document.ts";
import { type Revocation, REVOCATION_TYP } from "../../../src/license/revocation.ts";
import { installLicense, readLicenseStatus, reloadLicense, testLicense } from "../../../src/license/server/operations.ts";
import { type LicenseOverrides, revocationPayload, testVendor } from "../../support/license.ts";
import { TestSite } from "../../support/license-server.ts";

const vendor = testVendor();
const DAY = 86_400;
/** The test clock starts at 2026-01-01T00:00:00Z. */
const NOW = Date.UTC(2026, 0, 1) / 1_000;

/** The license in force has sequence 5. */
const signed = (overrides: LicenseOverrides = {}) => vendor.sign({ sequence: 5, issued_at: NOW - 9 * DAY, not_before: NOW - 9 * DAY, expires_at: NOW + 365 * DAY, ...overrides });
const revoked = (overrides: Partial<Revocation> = {}) => vendor.revoke({ sequence: 6, issued_at: NOW - DAY, ...overrides });
/** A renewal as the desk makes it: the next sequence, issued after the revocation. */
const renewed = (overrides: LicenseOverrides = {}) => signed({ sequence: 6, license_id: "renewed", issued_at: NOW - 60, ...overrides });
const status = (site: TestSite) => readLicenseStatus(site.server.gate, operator, { server: site.server });
const install = (site: TestSite, text: string) => installLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });
const reload = (site: TestSite) => reloadLicense(site.server.gate, operator, { server: site.server });
const tryOut = (site: TestSite, text: string) => testLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });
const startRevoked = async () => {
  const site = await TestSite.start({ license: signed() });
  await install(site, revoked());
  return site;
};

describe("a revocation in the license's place", () => {
  test("acts within two seconds, says who, when and why, and is audited", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile(revoked());
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({
      state: "revoked",
      since: expect.any(Number),
      reason: "The vendor revoked the license test-license at 2025-12-31T00:00:00.000Z: The contract has ended.",
      hint: expect.stringContaining("Ask the vendor"),
      license: { license_id: "test-license", sequence: 5 },
      problem: null,
    });
    const [last] = (await site.audited("license.reload")).slice(-1);
    expect(last).toMatchObject({ outcome: "done", actor: "system", details: { deployment_id: "test-deployment", sequence: 6, revocation_id: "test-revocation", revoked: "The contract has ended." } });
  });

  test("is told to clients at once, as a signed refusal with the vendor's own word in it", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    expect((await client.lease()).state).toBe("ok");
    const stream = site.server.changes.open(client.key.kid, "ok").getReader();
    await stream.read();
    site.writeFile(revoked());
    await site.pass(1_000);
    expect(Buffer.from((await stream.read()).value ?? []).toString()).toContain('"state":"revoked"');
    const lease = await client.lease();
    expect(lease).toMatchObject({ state: "revoked", revocation: revoked(), license: signed(), features: { global: {}, account: {}, team: {} }, quotas: { global: {}, account: {}, team: {} } });
    expect(lease.expires_at - lease.issued_at).toBe(60);
    expect(lease.reason).toContain("The contract has ended.");
    await stream.cancel();
  });

  test("that lies there is looked at a thousand times and audited once", async () => {
    await using site = await TestSite.start({ license: signed() });
    site.writeFile(revoked());
    await site.pass(500_000);
    expect(await status(site)).toMatchObject({ state: "revoked", problem: null });
    expect(await site.audited("license.reload")).toHaveLength(2);
  });

  test("that was there before the start ends the license that the store remembers", async () => {
    await using site = await TestSite.start({ license: signed() });
    await site.restart({ between: () => site.writeFile(revoked()) });
    expect(await status(site)).toMatchObject({ state: "revoked", license: { sequence: 5 } });
  });

  test("that is still being written changes nothing until it is whole", async () => {
    await using site = await TestSite.start({ license: signed() });
    const text = revoked();
    for (let part = 1; part < 20; part += 1) {
      site.writeFile(text.slice(0, Math.floor((text.length * part) / 20)));
      await site.pass(500);
      expect(await status(site)).toMatchObject({ state: "ok", problem: null });
    }
    site.writeFile(text);
    await site.pass(500);
    expect(site.state).toBe("revoked");
  });
});

describe("a revocation that is handed in", () => {
  test("acts at once, and leaves the license where it lies", async () => {
    await using site = await TestSite.start({ license: signed() });
    expect(await install(site, `${revoked()}\n`)).toMatchObject({ state: "revoked", license: { license_id: "test-license" }, problem: null });
    expect(site.readFile()).toBe(signed());
    expect((await site.audited("license.install")).at(-1)).toMatchObject({ outcome: "done", details: { sequence: 6 } });
  });

  test("again, or read again, changes nothing and is no mistake", async () => {
    await using site = await startRevoked();
    const before = await status(site);
    for (const again of [install(site, revoked()), reload(site)]) expect(await again).toEqual(before);
    expect(site.readFile()).toBe(signed());
    site.writeFile(revoked());
    expect(await reload(site)).toEqual(before);
    expect(await site.audited("license.install")).toHaveLength(1);
  });

  test("holds whatever the clock says: a clock set back does not keep a license alive", async () => {
    for (const issued_at of [0, NOW - 300 * DAY, NOW + 300 * DAY]) {
      await using site = await TestSite.start({ license: signed() });
      expect(await install(site, revoked({ issued_at }))).toMatchObject({ state: "revoked" });
    }
  });

  test("during a clock anomaly is remembered, and shows when the clock is right again", async () => {
    await using site = await TestSite.start({ license: signed() });
    await site.pass(1_000);
    await site.step(-2 * DAY * 1_000);
    expect(site.state).toBe("clock_anomaly");
    expect(await install(site, revoked())).toMatchObject({ state: "clock_anomaly" });
    await site.step(2 * DAY * 1_000);
    expect(site.state).toBe("revoked");
  });

  test("later than the one known, with another reason, takes its place", async () => {
    await using site = await startRevoked();
    expect(await install(site, revoked({ revocation_id: "second", issued_at: NOW, reason: "Fraud." }))).toMatchObject({ state: "revoked", reason: expect.stringContaining("Fraud.") });
    expect(await install(site, revoked({ sequence: 9, reason: "For good." }))).toMatchObject({ state: "revoked", reason: expect.stringContaining("For good.") });
  });

  test("for a deployment that was here before shuts that deployment's license, not the one in force", async () => {
    await using site = await TestSite.start({ license: signed() });
    const other = signed({ deployment_id: "other", sequence: 1 });
    await install(site, other);
    expect(await install(site, revoked())).toMatchObject({ state: "ok", license: { deployment_id: "other" } });
    await expect(install(site, signed())).rejects.toMatchObject({ code: "invalid_license", details: { refusal: "revoked" } });
    expect(await status(site)).toMatchObject({ state: "ok", license: { deployment_id: "other" } });
  });
});

const altered = (text: string, at: number) => `${text.slice(0, at)}${text.at(at) === "A" ? "B" : "A"}${text.slice(at + 1)}`;
const payload = revocationPayload({ sequence: 6, issued_at: NOW - DAY });

const refused: readonly (readonly [string, string, string])[] = [
  ["altered in its payload", altered(revoked(), 300), "bad_signature"],
  ["altered in its signature", altered(revoked(), revoked().length - 20), "bad_signature"],
  ["cut short", revoked().slice(0, -30), "malformed"],
  ["with a line end too many", `${revoked()}\n\n`, "malformed"],
  ["far too large", `${revoked()}${"A".repeat(5_000)}`, "too_large"],
  ["signed by another vendor", testVendor("another vendor").revoke({ sequence: 6 }), "unknown_key"],
  ["signed by the trial key", signJws(REVOCATION_TYP, vendor.keys.trial, payload), "wrong_purpose"],
  ["called a license", signJws(LICENSE_TYP, vendor.keys.license, payload), "bad_format"],
  ["called a lease", signJws("cyberun-lease+jws", vendor.keys.license, payload), "wrong_type"],
  ["made of a license's content", signJws(REVOCATION_TYP, vendor.keys.license, vendor.payload({ sequence: 6 })), "bad_format"],
  ["of another format", revoked({ format: 2 }), "unknown_format"],
  ["without a reason", revoked({ reason: "" }), "bad_format"],
  ["with an escape sequence in its reason", revoked({ reason: "\u001b[2J" }), "bad_format"],
  ["with a member too many", signJws(REVOCATION_TYP, vendor.keys.license, { ...payload, critical: [] }), "bad_format"],
  ["with its date in milliseconds", revoked({ issued_at: NOW * 1_000 }), "bad_format"],
  ["for another deployment", revoked({ deployment_id: "another" }), "other_deployment"],
  ["of a lower sequence", revoked({ sequence: 4 }), "sequence_too_low"],
  ["of the license's own sequence, issued before it", revoked({ sequence: 5, issued_at: NOW - 10 * DAY }), "sequence_too_low"],
];

describe("what changes nothing, and is named", () => {
  for (const [what, text, refusal] of refused) {
    test(`a revocation ${what}`, async () => {
      await using site = await TestSite.start({ license: signed() });
      const before = await status(site);
      await expect(install(site, text)).rejects.toMatchObject({ code: "invalid_license", details: { refusal } });
      expect(await status(site)).toEqual(before);
      site.writeFile(text);
      await site.pass(2_000);
      const after = await status(site);
      expect(after).toMatchObject({ state: "ok", license: before.license, problem: { refusal, message: expect.stringMatching(/^[A-Z].{15,}\.$/) } });
      expect((await site.client().lease()).state).toBe("ok");
      await site.restart();
      expect(await status(site)).toMatchObject({ state: "ok", license: before.license });
      site.writeFile(renewed());
      await site.pass(1_000);
      expect(await status(site)).toMatchObject({ state: "ok", license: { license_id: "renewed" } });
    });
  }

  test("any of them, where the license is revoked already: it stays revoked, for the same reason", async () => {
    await using site = await startRevoked();
    const before = await status(site);
    for (const [, text, refusal] of refused) await expect(install(site, text)).rejects.toMatchObject({ details: { refusal } });
    expect(await status(site)).toEqual(before);
  });

  test("a revocation where no license was ever in force", async () => {
    await using site = await TestSite.start();
    await expect(install(site, revoked())).rejects.toMatchObject({ details: { refusal: "other_deployment" } });
    site.writeFile(revoked());
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({ state: "invalid", license: null, problem: { refusal: "other_deployment" } });
    site.writeFile(signed());
    await site.pass(1_000);
    expect(site.state).toBe("ok");
  });

  test("a revocation that a renewal has answered, brought back", async () => {
    await using site = await startRevoked();
    await install(site, renewed());
    for (const text of [revoked(), revoked({ sequence: 6, issued_at: NOW - 61, reason: "Again." })]) {
      await expect(install(site, text)).rejects.toMatchObject({ details: { refusal: "sequence_too_low" } });
    }
    site.writeFile(revoked());
    await site.pass(2_000);
    await site.restart();
    expect(await status(site)).toMatchObject({ state: "ok", license: { license_id: "renewed" }, problem: { refusal: "sequence_too_low" } });
  });

  test("an earlier revocation, after a later one", async () => {
    await using site = await TestSite.start({ license: signed() });
    await install(site, revoked({ sequence: 8 }));
    await expect(install(site, revoked())).rejects.toMatchObject({ details: { refusal: "sequence_too_low" } });
    expect((await status(site)).state).toBe("revoked");
  });
});

describe("what does not bring a revoked license back", () => {
  const expectRevoked = async (site: TestSite) => {
    expect(await status(site)).toMatchObject({ state: "revoked", reason: expect.stringContaining("The contract has ended.") });
    expect(await site.client().lease()).toMatchObject({ state: "revoked", revocation: revoked() });
  };

  test("a restart, a kill, and a removed file", async () => {
    await using site = await startRevoked();
    const { since } = await status(site);
    await site.restart();
    await expectRevoked(site);
    await site.restart({ kill: true });
    site.removeFile();
    await site.pass(2_000);
    await expectRevoked(site);
    expect((await status(site)).problem).toMatchObject({ refusal: "file_missing", message: "There is no license file; the revocation holds without it." });
    await site.restart();
    await expectRevoked(site);
    expect((await status(site)).since).toBe(since);
  });

  test("a lost store: the second copy remembers", async () => {
    await using site = await startRevoked();
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(await status(site)).toMatchObject({ state: "revoked", problem: { refusal: "revoked" }, license: null });
    expect((await site.client().lease()).state).toBe("revoked");
    // And it is back in the store, for the day on which the second copy is lost.
    await site.restart({ between: () => rmSync(site.directory.licenseMarks) });
    expect(site.state).toBe("revoked");
  });

  test("a lost second copy: the store remembers, and writes it anew", async () => {
    await using site = await startRevoked();
    await site.restart({ between: () => rmSync(site.directory.licenseMarks) });
    await expectRevoked(site);
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("revoked");
  });

  test("a store restored from before", async () => {
    await using site = await TestSite.start({ license: signed() });
    await site.client().lease();
    const restore = await site.snapshot();
    await install(site, revoked());
    await site.restart({ between: () => restore({ marks: false }) });
    await expectRevoked(site);
  });

  test("all state lost, while a client is alive that was told: the license is called older than what was seen", async () => {
    await using site = await startRevoked();
    const client = site.client();
    const told = await client.lease();
    expect(told.state).toBe("revoked");
    // What an honest holder makes of the vendor's word (`holder/memory.ts`).
    client.seen = { ...client.seen, deployment_id: "test-deployment", sequence: 6 };
    await site.restart({ kill: true, between: () => site.wipe({ marks: true }) });
    expect(site.state).toBe("ok");
    expect((await client.lease()).state).toBe("rollback_suspected");
    expect(site.state).toBe("rollback_suspected");
    expect(await install(site, revoked())).toMatchObject({ state: "revoked" });
  });

  const brought: readonly (readonly [string, string, string])[] = [
    ["the license itself", signed(), "revoked"],
    ["an older license of the deployment", signed({ sequence: 4, license_id: "older" }), "revoked"],
    ["a re-issue of the same sequence, issued later", signed({ license_id: "twin", issued_at: NOW - 10 }), "revoked"],
    ["a renewal that was issued before the revocation, and lay in a drawer", renewed({ issued_at: NOW - 2 * DAY }), "revoked"],
    ["a renewal of the very second of the revocation", renewed({ issued_at: NOW - DAY }), "revoked"],
    ["a forged renewal", altered(renewed(), 400), "bad_signature"],
    ["a renewal by another vendor", testVendor("another vendor").sign({ sequence: 9 }), "unknown_key"],
  ];
  for (const [what, text, refusal] of brought) {
    test(what, async () => {
      await using site = await startRevoked();
      await expect(install(site, text)).rejects.toMatchObject({ code: "invalid_license", details: { refusal } });
      site.writeFile(text);
      await site.pass(2_000);
      await expectRevoked(site);
      await site.restart({ between: () => site.wipe({ marks: false }) });
      expect(site.state).toBe(refusal === "revoked" ? "revoked" : "invalid");
      expect((await site.client().lease()).features).toEqual({ global: {}, account: {}, team: {} });
    });
  }

  test("the license itself, in its place again after the store was lost", async () => {
    await using site = await startRevoked();
    await site.restart({ between: () => site.wipe({ marks: false }) });
    await expect(install(site, signed())).rejects.toMatchObject({ details: { refusal: "revoked" } });
    expect(site.state).toBe("revoked");
  });

  test("a row of the store that somebody changed: what does not verify is no revocation, and the sequence mark still shuts", async () => {
    await using site = await startRevoked();
    await site.restart({
      between: async () => {
            rmSync(site.directory.licenseMarks);
        await site.store.write(async (writer) => void (await writer.update(writer.tables.licenseRevocations).set({ revocation: altered(revoked(), 300) })));
      },
    });
    expect(site.state).toBe("rollback_suspected");
  });
});

describe("what opens again", () => {
  test("a renewal of the next sequence that was issued later, by file, within two seconds", async () => {
    await using site = await startRevoked();
    site.writeFile(renewed());
    await site.pass(2_000);
    expect(await status(site)).toMatchObject({ state: "ok", license: { license_id: "renewed", sequence: 6 }, problem: null });
    expect(await site.client().lease()).toMatchObject({ state: "ok", license: renewed() });
    expect(await site.client().lease()).not.toHaveProperty("revocation");
    await site.restart();
    expect(site.state).toBe("ok");
    await site.restart({ between: () => site.wipe({ marks: false }) });
    expect(site.state).toBe("ok");
  });

  test("one of any higher sequence, whenever it was issued", async () => {
    await using site = await startRevoked();
    expect(await install(site, renewed({ sequence: 7, issued_at: NOW - 5 * DAY }))).toMatchObject({ state: "ok", license: { sequence: 7 } });
  });

  test("and a later revocation shuts that one too", async () => {
    await using site = await startRevoked();
    await install(site, renewed());
    expect(await install(site, revoked({ sequence: 7, issued_at: NOW, license_id: "renewed", reason: "Again." }))).toMatchObject({ state: "revoked", reason: expect.stringContaining("Again.") });
    expect(await install(site, renewed({ sequence: 8, license_id: "third" }))).toMatchObject({ state: "ok" });
  });

  test("a license and its revocation come to the same in every order", async () => {
    const files = [signed(), revoked(), renewed({ license_id: "drawer", issued_at: NOW - 2 * DAY })] as const;
    for (const order of [[0, 1, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0]] as const) {
      await using site = await TestSite.start();
      for (const at of order) await install(site, files[at]).catch(() => undefined);
      expect([order, site.state]).toEqual([order, "revoked"]);
    }
  });
});

describe("tried out before it is installed", () => {
  test("a revocation says what it would shut, and changes nothing", async () => {
    await using site = await TestSite.start({ license: signed() });
    expect(await tryOut(site, revoked())).toMatchObject({
      outcome: "accepted",
      refusal: null,
      message: expect.stringContaining("The contract has ended."),
      state: "revoked",
      license: { license_id: "test-license" },
      differences: [{ key: "state", from: "ok", to: "revoked" }],
      warnings: [expect.stringContaining("without grace")],
    });
    expect(site.state).toBe("ok");
    await site.restart();
    expect(site.state).toBe("ok");
  });

  test("every refusal is foretold", async () => {
    await using site = await TestSite.start({ license: signed() });
    for (const [, text, refusal] of refused) expect(await tryOut(site, text)).toMatchObject({ outcome: "refused", refusal, state: "ok" });
  });

  test("where it was taken before, it says so; the license it ended is refused, a renewal is accepted", async () => {
    await using site = await startRevoked();
    expect(await tryOut(site, revoked())).toMatchObject({ outcome: "unchanged", message: "This revocation was taken before.", state: "revoked" });
    for (const text of [signed(), signed({ license_id: "twin" })]) expect(await tryOut(site, text)).toMatchObject({ outcome: "refused", refusal: "revoked", state: "revoked" });
    expect(await tryOut(site, renewed())).toMatchObject({ outcome: "accepted", state: "ok" });
    expect(await tryOut(site, revoked({ sequence: 7 }))).toMatchObject({ outcome: "accepted", state: "revoked", differences: [], warnings: [] });
  });
});
