import { expect, test } from "bun:test";
import { calculateJwkThumbprint, importJWK } from "jose";
import { createPrivateJwk, isSigningAlgorithm, parsePrivateJwk, parsePublicJwk, privateKeyOf, publicJwkOf, publicKeyOf, type SigningAlgorithm, thumbprintOf } from "../../src/oidc/jwk.ts";
import { realServices } from "../../src/services.ts";
import { testServices } from "../support/services.ts";

const { random } = realServices();

test.each<[SigningAlgorithm, string, readonly string[]]>([
  ["ES256", "ec", ["kty", "crv", "x", "y", "kid", "alg", "use"]],
  ["EdDSA", "ed25519", ["kty", "crv", "x", "kid", "alg", "use"]],
  ["RS256", "rsa", ["kty", "n", "e", "kid", "alg", "use"]],
])("a new key of %s is one that jose reads, with jose's thumbprint as its name, and nothing private is published", async (alg, type, members) => {
  const privateJwk = await createPrivateJwk(random, alg);
  const publicJwk = publicJwkOf(privateJwk);
  expect(Object.keys(publicJwk)).toEqual([...members]);
  expect(publicJwk.alg).toBe(alg);
  expect(publicJwk.kid).toBe(await calculateJwkThumbprint(privateJwk));
  expect(await importJWK({ ...publicJwk })).toBeDefined();
  expect(parsePublicJwk(JSON.stringify(publicJwk))).toEqual(publicJwk);
  expect(parsePrivateJwk(JSON.stringify(privateJwk))).toEqual(privateJwk);
  expect<unknown[]>([privateKeyOf(privateJwk).asymmetricKeyType, publicKeyOf(publicJwk).asymmetricKeyType]).toEqual([type, type]);
  expect(publicJwkOf(await createPrivateJwk(random, alg)).kid).not.toBe(publicJwk.kid);
});

test("an RSA key has 2048 bits", async () => {
  const { asymmetricKeyDetails } = publicKeyOf(publicJwkOf(await createPrivateJwk(random, "RS256")));
  expect(asymmetricKeyDetails).toMatchObject({ modulusLength: 2_048, publicExponent: 65_537n });
});

test("the same randomness gives the same key, and coordinates keep their leading zeros", async () => {
  const seeded = testServices({ seed: "keys" }).random;
  for (let drawn = 0; drawn < 300; drawn += 1) {
    const jwk = await createPrivateJwk(seeded, drawn % 2 === 0 ? "ES256" : "EdDSA");
    expect("x" in jwk ? jwk.x.length : 0).toBe(43);
    expect(jwk.d).toHaveLength(43);
  }
  for (const alg of ["ES256", "EdDSA"] as const) {
    expect(await createPrivateJwk(testServices({ seed: "a" }).random, alg)).toEqual(await createPrivateJwk(testServices({ seed: "a" }).random, alg));
  }
});

test("the example of RFC 8037 appendix A: the seed gives the point, the point the thumbprint", async () => {
  const seed = Buffer.from("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "base64url");
  const jwk = publicJwkOf(await createPrivateJwk({ ...random, bytes: () => new Uint8Array(seed) }, "EdDSA"));
  expect(jwk).toMatchObject({ x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" });
});

test("a scalar the curve does not have is drawn again, and a source without any is a bug", async () => {
  const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(order), new Uint8Array(32).fill(1)];
  const jwk = await createPrivateJwk({ ...random, bytes: () => draws.shift() ?? new Uint8Array(32) }, "ES256");
  expect(jwk.d).toBe(Buffer.alloc(32, 1).toString("base64url"));
  expect(createPrivateJwk({ ...random, bytes: () => new Uint8Array(32) }, "ES256")).rejects.toThrow("no scalar of P-256");
});

test("the thumbprint is over the required members in order (RFC 7638 section 3.2)", async () => {
  const jwk = { kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" } as const;
  expect(thumbprintOf(jwk)).toBe(await calculateJwkThumbprint(jwk));
});

test("only the three names are algorithms", () => {
  expect(["ES256", "EdDSA", "RS256", "none", "HS256", "ES384", "Ed25519", "es256", "", "PS256"].filter(isSigningAlgorithm)).toEqual(["ES256", "EdDSA", "RS256"]);
});

const ec = publicJwkOf(await createPrivateJwk(random, "ES256"));
const okp = publicJwkOf(await createPrivateJwk(random, "EdDSA"));
const rsa = publicJwkOf(await createPrivateJwk(random, "RS256"));

test.each([
  ["not JSON", "{"],
  ["another curve", JSON.stringify({ ...ec, crv: "P-384" })],
  ["a private member among public ones", JSON.stringify({ ...ec, d: "A".repeat(43) })],
  ["a private member among public ones of Ed25519", JSON.stringify({ ...okp, d: "A".repeat(43) })],
  ["a private member among public ones of RSA", JSON.stringify({ ...rsa, p: "A".repeat(171) })],
  ["another algorithm than the key's kind has", JSON.stringify({ ...ec, alg: "RS256" })],
  ["an algorithm with a shared secret", JSON.stringify({ ...rsa, alg: "HS256" })],
  ["a small modulus", JSON.stringify({ ...rsa, n: "A".repeat(171) })],
  ["a small exponent", JSON.stringify({ ...rsa, e: "Aw" })],
  ["a shared secret", JSON.stringify({ kty: "oct", k: "A".repeat(43) })],
  ["no coordinates", JSON.stringify({ kty: "EC", crv: "P-256" })],
])("a damaged row does not pass as a key: %s", (_what, json) => {
  expect(() => parsePublicJwk(json)).toThrow();
  expect(() => parsePrivateJwk(json)).toThrow();
});
