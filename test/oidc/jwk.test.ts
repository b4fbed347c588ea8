import { expect, test } from "bun:test";
import { calculateJwkThumbprint, importJWK } from "jose";
import { createPrivateJwk, parsePrivateJwk, parsePublicJwk, privateKeyOf, publicJwkOf, publicKeyOf, thumbprintOf } from "../../src/oidc/jwk.ts";
import { realServices } from "../../src/services.ts";
import { testServices } from "../support/services.ts";

test("a new key is one that jose reads, with jose's thumbprint as its name", async () => {
  const privateJwk = createPrivateJwk(realServices().random);
  const publicJwk = publicJwkOf(privateJwk);
  expect(Object.keys(publicJwk)).toEqual(["kty", "crv", "x", "y", "kid", "alg", "use"]);
  expect(publicJwk.kid).toBe(await calculateJwkThumbprint(privateJwk));
  expect(await importJWK({ ...publicJwk })).toBeDefined();
  expect(publicKeyOf(publicJwk).equals(publicKeyOf(publicJwkOf(createPrivateJwk(realServices().random))))).toBe(false);
  expect(privateKeyOf(privateJwk).asymmetricKeyType).toBe("ec");
});

test("the same randomness gives the same key, and coordinates keep their leading zeros", () => {
  const { random } = testServices({ seed: "keys" });
  for (let drawn = 0; drawn < 300; drawn += 1) {
    const { x, y, d } = createPrivateJwk(random);
    expect([x.length, y.length, d.length]).toEqual([43, 43, 43]);
  }
  expect(createPrivateJwk(testServices({ seed: "a" }).random)).toEqual(createPrivateJwk(testServices({ seed: "a" }).random));
});

test("a scalar the curve does not have is drawn again, and a source without any is a bug", () => {
  const { random } = realServices();
  const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(order), new Uint8Array(32).fill(1)];
  const jwk = createPrivateJwk({ ...random, bytes: () => draws.shift() ?? new Uint8Array(32) });
  expect(jwk.d).toBe(Buffer.alloc(32, 1).toString("base64url"));
  expect(() => createPrivateJwk({ ...random, bytes: () => new Uint8Array(32) })).toThrow("no scalar of P-256");
});

test("the thumbprint is over the required members in order (RFC 7638 section 3.2)", async () => {
  const jwk = { kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" } as const;
  expect(thumbprintOf(jwk)).toBe(await calculateJwkThumbprint(jwk));
});

test.each([
  ["not JSON", "{"],
  ["another curve", JSON.stringify({ ...publicJwkOf(createPrivateJwk(realServices().random)), crv: "P-384" })],
  ["a private member among public ones", JSON.stringify({ ...publicJwkOf(createPrivateJwk(realServices().random)), d: "A".repeat(43) })],
  ["no coordinates", JSON.stringify({ kty: "EC", crv: "P-256" })],
])("a damaged row does not pass as a key: %s", (_what, json) => {
  expect(() => parsePublicJwk(json)).toThrow();
  expect(() => parsePrivateJwk(json)).toThrow();
});
