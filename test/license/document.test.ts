import { expect, test } from "bun:test";
import { LICENSE_BYTES_MAX, LicenseError, type LicenseRefusal, openLicense, readLicense, refuseLowerSequence } from "../../src/license/document.ts";
import { signingKeyFromSeed, signJws } from "../../src/crypto/jws.ts";
import { LEASE_TYP, signLease, verifyLease } from "../../src/license/lease.ts";
import { testVendor } from "../support/license.ts";

const vendor = testVendor();

function refusalOf(file: Uint8Array | string, keys = vendor.trusted): LicenseRefusal | "ok" {
  try {
    readLicense(Buffer.from(file), keys);
    return "ok";
  } catch (error) {
    if (error instanceof LicenseError) return error.refusal;
    throw error;
  }
}

test("a license reads as what was signed, and names the key that vouches for it", () => {
  const payload = vendor.payload({ sequence: 3 });
  const { license, key } = openLicense(Buffer.from(vendor.sign({ sequence: 3 })), vendor.trusted);
  expect(license).toEqual(payload);
  expect({ kid: key.kid, purpose: key.purpose }).toEqual({ kid: vendor.keys.license.kid, purpose: "license" });
});

test("every single-bit flip of a license file is refused", () => {
  const files = [`${vendor.sign()}\n`, vendor.sign({ template: "trial" })];
  let accepted = 0;
  for (const file of files) {
    const bytes = Buffer.from(file);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      if (refusalOf(bytes) === "ok") accepted++;
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    }
    expect(refusalOf(bytes)).toBe("ok");
  }
  expect(accepted).toBe(0);
});

test("every file that was cut short is refused", () => {
  const file = vendor.sign();
  for (let length = 0; length < file.length; length++) expect(refusalOf(file.slice(0, length))).not.toBe("ok");
});

test("two vendors do not trust each other", () => {
  expect(refusalOf(testVendor("somebody else").sign())).toBe("unknown_key");
});

test("a signed document of another kind is no license, though the key is trusted", () => {
  expect(refusalOf(signJws(LEASE_TYP, vendor.keys.license, vendor.payload()))).toBe("wrong_type");
});

test("a file larger than the limit is refused before it is looked at", () => {
  expect(refusalOf(Buffer.alloc(LICENSE_BYTES_MAX + 1, "a"))).toBe("too_large");
  expect(refusalOf(Buffer.alloc(50_000_000))).toBe("too_large");
});

test("the largest license fits into a lease", () => {
  // The most that the features can take of it: the lease says them once more.
  const names = Object.fromEntries(Array.from({ length: 249 }, (_, at) => [`f${String(at).padStart(3, "0")}${"x".repeat(56)}`, false]));
  const file = vendor.sign({ features: { team: names }, customer: { id: "c", name: "n".repeat(140) } });
  expect(file.length).toBeGreaterThan(LICENSE_BYTES_MAX - 100);
  const { license } = openLicense(Buffer.from(file), vendor.trusted);
  const instance = signingKeyFromSeed(new Uint8Array(32).fill(5));
  const lease = {
    format: 1 as const,
    lease_id: "l".repeat(64),
    role: "gateway" as const,
    client: instance.kid,
    client_nonce: instance.kid,
    server_nonce: instance.kid,
    epoch: Number.MAX_SAFE_INTEGER,
    counter: Number.MAX_SAFE_INTEGER,
    issued_at: license.issued_at,
    expires_at: license.expires_at,
    state: "rollback_suspected" as const,
    since: license.expires_at,
    reason: "r".repeat(500),
    license: file,
    activated_at: license.issued_at,
    features: license.features,
    quotas: license.quotas,
  };
  expect(verifyLease(signLease(instance, lease), [instance])).toEqual(lease);
});

test("a refusal says in a sentence what is wrong, and keeps the cause", () => {
  const wrong = vendor.sign({ lease_seconds: 1 });
  expect(() => readLicense(Buffer.from(wrong), vendor.trusted)).toThrow(/lease_seconds/);
  const altered = `${vendor.sign().slice(0, -10)}AAAAAAAAAA`;
  expect(() => readLicense(Buffer.from(altered), vendor.trusted)).toThrow(/^the file is not a valid license: /);
});

test("features a license names like methods of every object are its own", () => {
  const license = readLicense(Buffer.from(vendor.sign({ features: { team: { constructor: true, valueof: false } } })), vendor.trusted);
  expect(Object.hasOwn(license.features.team, "constructor")).toBe(true);
  expect(Object.hasOwn(license.features.account, "constructor")).toBe(false);
});

test("a lower sequence than was seen is refused, the same and a higher one pass", () => {
  const license = { deployment_id: "plant", sequence: 7 };
  for (const highest of [0, 6, 7]) expect(() => refuseLowerSequence(license, highest)).not.toThrow();
  expect(() => refuseLowerSequence(license, 8)).toThrow(/sequence 7, but sequence 8/);
});
