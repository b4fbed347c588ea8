import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { developmentFiles } from "../../build/dev-license.ts";
import { signingKeyFromSeed, thumbprint } from "../../src/crypto/jws.ts";
import { Fault } from "../../src/fault.ts";
import { readLicense } from "../../src/license/document.ts";
import { bundledLicense, trustedKeys } from "../../src/license/trust.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { testVendor } from "../support/license.ts";

const { embedded } = testVendor();
const [first = { kid: "", x: "" }] = embedded.keys;
const weak = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString("base64url");

describe("the folder of embedded keys", () => {
  const folder = join(import.meta.dirname, "../../embedded-keys");

  test("holds no private key, in no form", () => {
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), "utf8");
      expect(text).not.toMatch(/PRIVATE|BEGIN|"d"\s*:|"seed"/i);
      expect(name).toMatch(/^(license-keys\.json|release-roots\.json|[a-z0-9-]+\.lic)$/);
    }
  });

  test("holds a development license that its own keys vouch for", () => {
    const license = readLicense(Buffer.from(bundledLicense), trustedKeys);
    expect(license).toMatchObject({ template: "trial", deployment_id: "dev", binding: { kind: "any" }, activation: { days: 30 } });
    expect(license.expires_at - license.not_before).toBeGreaterThan(9 * 365 * 86_400);
  });

  test("trusts its keys for trials only", () => {
    expect(trustedKeys.map(({ purpose }) => purpose)).toEqual(["trial"]);
  });

  test("cannot be added to while the program runs", () => {
    expect(Object.isFrozen(trustedKeys)).toBe(true);
  });

  test("is made anew with a key whose private half appears in neither file", () => {
    const seed = Buffer.from("a seed of thirty-two bytes, yes.");
    const { keys, license } = developmentFiles(signingKeyFromSeed(seed), 1_767_300_000);
    const read = readLicense(Buffer.from(license), readTrustedKeys(JSON.parse(keys)));
    expect(new Date(read.not_before * 1000).toISOString()).toBe("2026-01-01T00:00:00.000Z");
    for (const form of ["base64", "base64url", "hex"] as const) expect(keys + license).not.toContain(seed.toString(form));
  });
});

test("good keys are read with their purposes", () => {
  expect(readTrustedKeys(embedded).map(({ kid, purpose }) => ({ kid, purpose }))).toEqual(
    embedded.keys.map(({ kid, purpose }) => ({ kid, purpose })),
  );
});

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ["no object", null, /keys are refused/],
  ["a list", [], /keys are refused/],
  ["no list of keys", {}, /keys/],
  ["an empty list", { keys: [] }, /keys are refused/],
  ["a private member", { keys: [{ ...first, d: first.x }] }, /private half/],
  ["a private member in the second key", { keys: [first, { ...embedded.keys[1], d: "" }] }, /private half/],
  ["an unknown purpose", { keys: [{ ...first, purpose: "root" }] }, /purpose/],
  ["no purpose", { keys: [{ ...first, purpose: undefined }] }, /purpose/],
  ["an unknown member", { keys: [{ ...first, x5c: [] }] }, /keys are refused/],
  ["an unknown member beside the keys", { ...embedded, version: 1 }, /keys are refused/],
  ["a key for encryption", { keys: [{ ...first, use: "enc" }] }, /use/],
  ["a key of another type", { keys: [{ ...first, kty: "EC" }] }, /kty/],
  ["a key on another curve", { keys: [{ ...first, crv: "X25519" }] }, /crv/],
  ["a secret key", { keys: [{ kty: "oct", k: "AAAA" }] }, /keys are refused/],
  ["a kid that is not the thumbprint", { keys: [{ ...first, kid: "main" }] }, /thumbprint/],
  ["the kid of another key", { keys: [{ ...first, kid: embedded.keys[1]?.kid }] }, /thumbprint/],
  ["a key twice", { keys: [first, first] }, /twice/],
  ["a short key", { keys: [{ ...first, x: "AAAA", kid: thumbprint("AAAA") }] }, /32 bytes/],
  ["a weak key, for which anybody can sign", { keys: [{ ...first, x: weak, kid: thumbprint(weak) }] }, /weak/],
  ["65 keys", { keys: Array.from({ length: 65 }, () => first) }, /keys are refused/],
];

test.each(refused)("trusted keys with %s stop the start", (_, json, reason) => {
  expect(() => readTrustedKeys(json)).toThrow(reason);
  expect(() => readTrustedKeys(json)).toThrow(Fault);
});
