/** A revocation at the clients: obeyed at once, remembered for good, and believed only from the vendor. */
import { describe, expect, test } from "bun:test";
import { signJws } from "../../../src/crypto/jws.ts";
import { Fault } from "../../../src/fault.ts";
import { operator } from "../../../src/gate/caller.ts";
import { type Entitlements, requireLicensed } from "../../../src/license/entitlements.ts";
import { REVOCATION_TYP } from "../../../src/license/revocation.ts";
import { installLicense } from "../../../src/license/server/operations.ts";
import { leaseSite, stateOf } from "../../support/lease-site.ts";
import { revocationPayload, testVendor } from "../../support/license.ts";
import type { LicenseServerDouble } from "../../support/license-server-double.ts";
import { RealLeaseSite } from "../../support/real-lease-site.ts";

const vendor = testVendor();
const nothing = { global: {}, account: {}, team: {} };
const license = vendor.sign();
const revocation = vendor.revoke();
const drawer = vendor.sign({ sequence: 2, license_id: "drawer" });
const renewal = vendor.sign({ sequence: 2, license_id: "renewed", issued_at: revocationPayload().issued_at + 1 });

/** The refusal of a gated operation. */
function refusalOf(holder: { entitlements(): Entitlements }): Fault | undefined {
  try {
    requireLicensed(holder.entitlements(), undefined);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** The double says what a real License Server says of a revoked license, with `text` as the vendor's word. */
function says(server: LicenseServerDouble, text: string | undefined): void {
  server.state = "revoked";
  server.lease = (honest) => ({ ...honest, ...(text === undefined ? {} : { revocation: text }) });
}

function saysOpen(server: LicenseServerDouble, text: string): void {
  server.state = "ok";
  server.license = text;
  server.lease = (honest) => honest;
}

describe("at the real License Server", () => {
  const install = (site: RealLeaseSite, text: string) => installLicense(site.site.server.gate, operator, { server: site.site.server, file: Buffer.from(text) });

  test("every role is shut at once, told why and who mends it, and opened by the renewal", async () => {
    await using site = await RealLeaseSite.start({ license });
    const holders = [await site.role("api"), await site.role("gateway"), await site.role("issuer")];
    expect(holders.map(stateOf)).toEqual(["ok", "ok", "ok"]);
    const [api] = holders;
    if (api === undefined) throw new Error("no role");
    await api.install(Buffer.from(revocation));
    for (const holder of holders) await site.follow(holder, () => stateOf(holder) === "revoked");
    for (const holder of holders) {
      const { features, quotas, graceEndsAt, license: facts } = holder.entitlements();
      expect({ features, quotas, graceEndsAt }).toEqual({ features: nothing, quotas: nothing, graceEndsAt: undefined });
      expect(facts).toMatchObject({ licenseId: "test-license" });
      expect(refusalOf(holder)).toMatchObject({
        code: "revoked",
        message: expect.stringContaining("The contract has ended."),
        hint: expect.stringContaining("vendor"),
        details: { state: "revoked", since: expect.stringMatching(/^\d{4}-/), mended_by: "vendor" },
      });
    }
    await install(site, renewal);
    for (const holder of holders) await site.follow(holder, () => stateOf(holder) === "ok");
    expect(refusalOf(api)).toBeUndefined();
  });

  test("the longest reason there is reaches a role whole enough to be obeyed", async () => {
    for (const idLength of [127, 128]) {
      const license_id = "i".repeat(idLength);
      await using site = await RealLeaseSite.start({ license: vendor.sign({ license_id }) });
      const holder = await site.role("api");
      await install(site, vendor.revoke({ license_id, reason: "😀".repeat(200) }));
      await holder.refresh();
      expect([stateOf(holder), holder.status().addresses[0]?.outcome]).toEqual(["revoked", "denied"]);
      expect(holder.entitlements().reason).toStartWith(`The vendor revoked the license ${license_id}`);
    }
  });

  test("a role that was told outlives the loss of everything the License Server knew", async () => {
    await using site = await RealLeaseSite.start({ license });
    const holder = await site.role("api");
    await install(site, revocation);
    await site.follow(holder, () => stateOf(holder) === "revoked");
    await site.restart(() => site.site.wipe({ marks: true }));
    expect(site.site.state).toBe("ok");
    await holder.refresh();
    expect([stateOf(holder), site.site.state]).toEqual(["rollback_suspected", "rollback_suspected"]);
    await install(site, renewal);
    await holder.refresh();
    expect([stateOf(holder), site.site.state]).toEqual(["ok", "ok"]);
  });
});

describe("a role that was told", () => {
  test("stays shut without the License Server, over its own restart, and without any grace", async () => {
    await using site = leaseSite();
    const server = site.server();
    server.license = license;
    const holder = await site.role("api", [server]);
    says(server, revocation);
    await holder.refresh();
    expect(stateOf(holder)).toBe("revoked");
    await holder.stop();
    await server.stop();
    const again = await site.role("api", [server]);
    expect(stateOf(again)).toBe("revoked");
    expect(again.entitlements()).toMatchObject({ features: nothing, quotas: nothing });
  });

  const older: readonly (readonly [string, string])[] = [
    ["the revoked license", license],
    ["a renewal that was issued before the revocation, and lay in a drawer", drawer],
    ["a re-issue of its sequence", vendor.sign({ license_id: "twin", issued_at: 1_999_000_000, expires_at: 2_000_000_000 })],
  ];
  for (const [what, text] of older) {
    test(`takes ${what} from no server again`, async () => {
      await using site = leaseSite();
      const server = site.server();
      server.license = license;
      const holder = await site.role("api", [server]);
      says(server, revocation);
      await holder.refresh();
      saysOpen(server, text);
      await holder.refresh();
      expect([stateOf(holder), holder.status().addresses[0]?.outcome]).toEqual(["revoked", "sequence"]);
      // A server that starts anew and forgets everything gets no further.
      server.epoch += 1;
      await holder.refresh();
      expect(stateOf(holder)).toBe("revoked");
      expect(refusalOf(holder)?.code).toBe("revoked");
      expect(server.proofs.at(-1)?.seen).toMatchObject({ deployment_id: "test-deployment", sequence: 2 });
    });
  }

  test("takes the renewal", async () => {
    await using site = leaseSite();
    const server = site.server();
    server.license = license;
    const holder = await site.role("api", [server]);
    says(server, revocation);
    await holder.refresh();
    saysOpen(server, renewal);
    await holder.refresh();
    expect([stateOf(holder), holder.entitlements().license?.licenseId]).toEqual(["ok", "renewed"]);
  });
});

describe("a License Server that lies about it", () => {
  const words: readonly (readonly [string, string | undefined])[] = [
    ["nothing at all", undefined],
    ["an empty text", ""],
    ["a license", license.slice(0, 4_000)],
    ["a revocation of another vendor", testVendor("another vendor").revoke({ sequence: 9 })],
    ["a revocation that the trial key signed", signJws(REVOCATION_TYP, vendor.keys.trial, revocationPayload({ sequence: 9 }))],
    ["an altered revocation", revocation.replace(/.$/, (last) => (last === "A" ? "Q" : "A"))],
    ["a genuine revocation of another deployment", vendor.revoke({ deployment_id: "another", sequence: 9 })],
    ["a genuine revocation that the license stands after", vendor.revoke({ issued_at: 5, sequence: 2, deployment_id: "another" })],
  ];
  for (const [what, text] of words) {
    test(`can shut with ${what}, as it always can, but not for longer than it says so`, async () => {
      await using site = leaseSite();
      const server = site.server();
      server.license = license;
      const holder = await site.role("api", [server]);
      says(server, text);
      await holder.refresh();
      expect(stateOf(holder)).toBe("revoked");
      saysOpen(server, license);
      await holder.refresh();
      expect([stateOf(holder), server.proofs.at(-1)?.seen.sequence]).toEqual(["ok", 1]);
    });
  }

  test("by a word too long for any revocation is not obeyed at all", async () => {
    await using site = leaseSite();
    const server = site.server();
    const holder = await site.role("api", [server]);
    const before = stateOf(holder);
    says(server, "A".repeat(4_097));
    await holder.refresh();
    expect([stateOf(holder), holder.status().addresses[0]?.outcome]).toEqual([before, "signature"]);
  });

});
