/** Signatures of passkeys, against the runtime's own keys and against the reader of the library that ours stands in for. */
import { describe, expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { unwrapEC2Signature } from "../../build/ecdsa-signature.ts";

const curves = [
  ["prime256v1", 1, 32],
  ["secp384r1", 2, 48],
  ["secp521r1", 3, 66],
] as const;
const SIGNATURES = 300;

type Reader = (signature: Uint8Array, curve: number) => Uint8Array;

/** The library's, which it does not export. */
async function readerOfLibrary(): Promise<Reader> {
  await import("reflect-metadata");
  const entry = createRequire(import.meta.url).resolve("@simplewebauthn/server/helpers");
  const { unwrapEC2Signature: read } = await import(join(dirname(entry).replace(/(esm|script).*$/, "esm"), "helpers", "iso", "isoCrypto", "unwrapEC2Signature.js"));
  return read;
}

/** What a reader makes of it; `refused` for all that it throws. */
function outcome(read: Reader, signature: Uint8Array, curve: number): string {
  try {
    return Buffer.from(read(signature, curve)).toString("hex");
  } catch {
    return "refused";
  }
}

describe.each(curves)("on %s", (namedCurve, curve, bytes) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve, publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "pkcs8", format: "pem" } });
  const signatures = Array.from({ length: SIGNATURES }, (_each, at) => ({ data: Buffer.from(`message ${at}`), der: sign("sha256", Buffer.from(`message ${at}`), createPrivateKey(privateKey)) }));

  test("what is made of a good signature verifies, is as long as the curve, and is what the library makes of it", async () => {
    const read = await readerOfLibrary();
    for (const { data, der } of signatures) {
      const pair = unwrapEC2Signature(der, curve);
      expect(pair.length).toBe(2 * bytes);
      expect(verify("sha256", data, { key: createPublicKey(publicKey), dsaEncoding: "ieee-p1363" }, pair)).toBe(true);
      expect(outcome(read, der, curve)).toBe(Buffer.from(pair).toString("hex"));
    }
  });

  test("no damaged one is taken that the library refuses, and none is read as another pair", async () => {
    const read = await readerOfLibrary();
    const [{ der } = { der: Buffer.alloc(0) }] = signatures;
    for (let at = 0; at < der.length; at += 1) {
      for (const bit of [1, 0x80]) {
        const damaged = Uint8Array.from(der);
        damaged[at] = (damaged[at] ?? 0) ^ bit;
        const ours = outcome(unwrapEC2Signature, damaged, curve);
        if (ours !== "refused") expect([at, bit, outcome(read, damaged, curve)]).toEqual([at, bit, ours]);
      }
      expect(outcome(unwrapEC2Signature, der.subarray(0, at), curve)).toBe("refused");
    }
    expect(outcome(unwrapEC2Signature, Buffer.concat([der, Buffer.of(0)]), curve)).toBe("refused");
  });
});

test.each([
  ["a number that is negative", "3006020180020101"],
  ["an idle zero in front", "300702020001020101"],
  ["an empty number", "30050200020101"],
  ["a length written too long", "308106020101020101"],
  ["a length without an end", "3080020101020101"],
  ["a third number", "3009020101020101020101"],
  ["no sequence", "3106020101020101"],
  ["a number longer than the curve", `3026022101${"00".repeat(32)}020101`],
  ["nothing", ""],
])("refused: %s", (_name, hex) => {
  expect(outcome(unwrapEC2Signature, Buffer.from(hex, "hex"), 1)).toBe("refused");
});

test("refused: a curve that has no such signatures", () => {
  for (const curve of [0, 4, 6, 8]) expect(outcome(unwrapEC2Signature, Buffer.from("3006020101020101", "hex"), curve)).toBe("refused");
});
