/** ES256 keys as JWKs (RFC 7517, RFC 7518 section 6.2), for the issuer. */
import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { assert } from "../fault.ts";
import { encodeBase64url } from "../crypto/base64url.ts";
import type { Random } from "../services.ts";

const closed = { additionalProperties: false };
const Coordinate = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });

const PublicMembers = { kty: Type.Literal("EC"), crv: Type.Literal("P-256"), x: Coordinate, y: Coordinate };
const PublicJwkSchema = Type.Object({ ...PublicMembers, kid: Coordinate, alg: Type.Literal("ES256"), use: Type.Literal("sig") }, closed);
const PrivateJwkSchema = Type.Object({ ...PublicMembers, d: Coordinate }, closed);

/** As published: nothing private in it. */
export type PublicJwk = Static<typeof PublicJwkSchema>;
/** As sealed. */
export type PrivateJwk = Static<typeof PrivateJwkSchema>;

const publicShape = Compile(PublicJwkSchema);
const privateShape = Compile(PrivateJwkSchema);

/** The order of P-256's base point (FIPS 186-5, SP 800-186 section 3.2.1.3): a private scalar lies below it. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** One draw in four billion is not a scalar. */
const DRAWS_MAX = 8;

function isScalar(bytes: Uint8Array): boolean {
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return value > 0n && value < ORDER;
}

/** A new P-256 key pair out of the given randomness. */
export function createPrivateJwk(random: Random): PrivateJwk {
  for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
    const scalar = random.bytes(32);
    if (!isScalar(scalar)) continue;
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(scalar);
    const point = curve.getPublicKey();
    return { kty: "EC", crv: "P-256", x: encodeBase64url(point.subarray(1, 33)), y: encodeBase64url(point.subarray(33)), d: encodeBase64url(scalar) };
  }
  throw new Error("the random source gives no scalar of P-256");
}

/** JWK thumbprint of an EC key (RFC 7638 section 3.2). */
export function thumbprintOf({ crv, kty, x, y }: Pick<PublicJwk, "crv" | "kty" | "x" | "y">): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

/** The public half with the members that verifiers look for. */
export function publicJwkOf(privateJwk: PrivateJwk): PublicJwk {
  const { kty, crv, x, y } = privateJwk;
  return { kty, crv, x, y, kid: thumbprintOf(privateJwk), alg: "ES256", use: "sig" };
}

/** Reads back what we wrote; anything else is a damaged store. */
export function parsePublicJwk(json: string): PublicJwk {
  const jwk: unknown = JSON.parse(json);
  assert(publicShape.Check(jwk), "a stored public key is a JWK of ours");
  return jwk;
}

/** Reads back what we sealed. */
export function parsePrivateJwk(json: string): PrivateJwk {
  const jwk: unknown = JSON.parse(json);
  assert(privateShape.Check(jwk), "a sealed private key is a JWK of ours");
  return jwk;
}

export function publicKeyOf(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }, format: "jwk" });
}

export function privateKeyOf(jwk: PrivateJwk): KeyObject {
  return createPrivateKey({ key: { ...jwk }, format: "jwk" });
}
