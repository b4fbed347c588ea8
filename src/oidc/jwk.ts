/**
 * The issuer's keys as JWKs (RFC 7517): ES256 and RS256 (RFC 7518 section 6), and EdDSA over Ed25519 (RFC 8037).
 *
 * Rule: the algorithm is a member of the key, and decides everything that is done with it. It must not know where keys
 * are kept nor when they sign.
 */
import { createECDH, createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert } from "../fault.ts";
import { encodeBase64url } from "../crypto/base64url.ts";
import type { Random } from "../services.ts";

/** What the issuer can sign with; the first is the default. */
export const signingAlgorithms = ["ES256", "EdDSA", "RS256"] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export function isSigningAlgorithm(text: string): text is SigningAlgorithm {
  return signingAlgorithms.some((alg) => alg === text);
}

const RSA_BITS = 2_048;
const RSA_EXPONENT = 65_537;

const closed = { additionalProperties: false };
/** 32 bytes: a coordinate, a scalar, a seed or a SHA-256 thumbprint. */
const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
/** A modulus of 2048 bits without leading zeros, and what is half as long. */
const Modulus = Type.String({ pattern: "^[A-Za-z0-9_-]{342}$" });
const Big = Type.String({ pattern: "^[A-Za-z0-9_-]{1,342}$" });

const EcMembers = { kty: Type.Literal("EC"), crv: Type.Literal("P-256"), x: Bytes32, y: Bytes32 };
const OkpMembers = { kty: Type.Literal("OKP"), crv: Type.Literal("Ed25519"), x: Bytes32 };
const RsaMembers = { kty: Type.Literal("RSA"), n: Modulus, e: Type.Literal("AQAB") };
const Names = { kid: Bytes32, use: Type.Literal("sig") };

const PublicJwkSchema = Type.Union([
  Type.Object({ ...EcMembers, ...Names, alg: Type.Literal("ES256") }, closed),
  Type.Object({ ...OkpMembers, ...Names, alg: Type.Literal("EdDSA") }, closed),
  Type.Object({ ...RsaMembers, ...Names, alg: Type.Literal("RS256") }, closed),
]);
const PrivateJwkSchema = Type.Union([
  Type.Object({ ...EcMembers, d: Bytes32 }, closed),
  Type.Object({ ...OkpMembers, d: Bytes32 }, closed),
  Type.Object({ ...RsaMembers, d: Big, p: Big, q: Big, dp: Big, dq: Big, qi: Big }, closed),
]);

/** As published: nothing private in it. */
export type PublicJwk = Static<typeof PublicJwkSchema>;
/** As sealed. */
export type PrivateJwk = Static<typeof PrivateJwkSchema>;

const publicShape = shapeOf(PublicJwkSchema);
const privateShape = shapeOf(PrivateJwkSchema);

/** The order of P-256's base point (FIPS 186-5, SP 800-186 section 3.2.1.3): a private scalar lies below it. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** One draw in four billion is not a scalar. */
const DRAWS_MAX = 8;
/** What stands before the seed in an Ed25519 private key in DER (RFC 8410 section 7). */
const ED25519_DER_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

function isScalar(bytes: Uint8Array): boolean {
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return value > 0n && value < ORDER;
}

function createEcJwk(random: Random): PrivateJwk {
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

function createOkpJwk(random: Random): PrivateJwk {
  const seed = random.bytes(32);
  const key = createPrivateKey({ key: Buffer.concat([ED25519_DER_HEAD, seed]), format: "der", type: "pkcs8" });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  assert(typeof x === "string", "an Ed25519 key has a point");
  return { kty: "OKP", crv: "Ed25519", x, d: encodeBase64url(seed) };
}

/** The primes come from the runtime's own random source: it takes no other. */
async function createRsaJwk(): Promise<PrivateJwk> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: RSA_BITS, publicExponent: RSA_EXPONENT });
  const jwk: unknown = privateKey.export({ format: "jwk" });
  assert(privateShape.Check(jwk), "the runtime exports an RSA key of the size that was asked for");
  return jwk;
}

/** A new key pair. An RSA pair takes about a fifth of a second, on a thread of the runtime. */
export async function createPrivateJwk(random: Random, alg: SigningAlgorithm): Promise<PrivateJwk> {
  if (alg === "RS256") return await createRsaJwk();
  return alg === "EdDSA" ? createOkpJwk(random) : createEcJwk(random);
}

type Thumbable<Jwk> = Jwk extends { kty: "EC" }
  ? Pick<Jwk, Extract<keyof Jwk, "kty" | "crv" | "x" | "y">>
  : Jwk extends { kty: "OKP" }
    ? Pick<Jwk, Extract<keyof Jwk, "kty" | "crv" | "x">>
    : Pick<Jwk, Extract<keyof Jwk, "kty" | "n" | "e">>;

/** The members that make the key, in the order of RFC 7638 section 3.2 (RFC 8037 section 2 for OKP). */
function requiredMembers(jwk: Thumbable<PublicJwk>): Thumbable<PublicJwk> {
  switch (jwk.kty) {
    case "EC":
      return { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
    case "OKP":
      return { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
    case "RSA":
      return { e: jwk.e, kty: jwk.kty, n: jwk.n };
  }
}

/** JWK thumbprint with SHA-256 (RFC 7638). */
export function thumbprintOf(jwk: Thumbable<PublicJwk>): string {
  return createHash("sha256").update(JSON.stringify(requiredMembers(jwk))).digest("base64url");
}

/** The public half with the members that verifiers look for. */
export function publicJwkOf(jwk: PrivateJwk): PublicJwk {
  const kid = thumbprintOf(jwk);
  switch (jwk.kty) {
    case "EC":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid, alg: "ES256", use: "sig" };
    case "OKP":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, kid, alg: "EdDSA", use: "sig" };
    case "RSA":
      return { kty: jwk.kty, n: jwk.n, e: jwk.e, kid, alg: "RS256", use: "sig" };
  }
}

/** A public key that somebody else published: of a kind that we verify with, without a private member, and under its own thumbprint; undefined for any other. */
export function findPublicJwk(value: unknown): PublicJwk | undefined {
  if (!publicShape.Check(value) || thumbprintOf(value) !== value.kid) return undefined;
  return value;
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
  return createPublicKey({ key: { ...requiredMembers(jwk) }, format: "jwk" });
}

export function privateKeyOf(jwk: PrivateJwk): KeyObject {
  return createPrivateKey({ key: { ...jwk }, format: "jwk" });
}
