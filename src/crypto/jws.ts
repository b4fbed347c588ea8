/**
 * Compact JWS (RFC 7515 section 3.1) with Ed25519 (RFC 8037), for everything that licensing signs:
 * licenses, leases, proofs.
 *
 * Rule: the bytes are verified first and parsed after; the algorithm comes from the key that was chosen, never from
 * the message; `typ` separates the kinds, so that no signature made for one purpose can serve another.
 * The OIDC issuer does not use this file: it has several algorithms and uses jose.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "./base64url.ts";
import { parseStrictJson, StrictJsonError, type Json } from "./strict-json.ts";

/** No signed document of ours comes near it; a larger one is refused before it is decoded. */
export const JWS_BYTES_MAX = 65_536;
const HEADER_BYTES_MAX = 512;
const SIGNATURE_BYTES = 64;

/** Why a message is not accepted. Stable: vectors and other people's verifiers name these. */
export type JwsRefusal = "too_large" | "malformed" | "wrong_type" | "wrong_algorithm" | "unknown_key" | "bad_signature";

/** Thrown by everything in this file that refuses a message. */
export class JwsError extends Error {
  override readonly name = "JwsError";
  readonly refusal: JwsRefusal;

  constructor(refusal: JwsRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.refusal = refusal;
  }
}

/** An Ed25519 public key and the name under which messages refer to it. */
export interface VerifyKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
}

/** An Ed25519 private key with its public half. */
export interface SigningKey extends VerifyKey {
  readonly privateKey: KeyObject;
}

export interface Verified {
  readonly kid: string;
  readonly payload: Json;
}

/** The prime of the field (RFC 8032 section 5.1). */
const FIELD_PRIME = 2n ** 255n - 19n;
/** y of a point of order eight; the four such points have it or its negative. */
const ORDER_EIGHT_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
/** The y coordinates of the eight points of small order; two points that differ in the sign of x share one. */
const smallOrderY: ReadonlySet<bigint> = new Set([0n, 1n, FIELD_PRIME - 1n, ORDER_EIGHT_Y, FIELD_PRIME - ORDER_EIGHT_Y]);

/**
 * True for the encodings under which one signature fits many messages (small order), and for a second spelling of a
 * point. The runtime's own verify takes both: measured, one forged signature then passed for every message.
 */
function isWeakPoint(point: Uint8Array): boolean {
  const y = BigInt(`0x${Buffer.from(point).reverse().toString("hex")}`) & (2n ** 255n - 1n);
  return y >= FIELD_PRIME || smallOrderY.has(y);
}

/** The key whose JWK `x` member is given: 32 bytes in base64url (RFC 8037 section 2). Throws {@link JwsError}. */
export function publicKeyFromX(x: string): KeyObject {
  const point = decodeBase64url(x);
  if (point?.length !== 32) throw new JwsError("malformed", "an Ed25519 public key is 32 bytes in base64url");
  if (isWeakPoint(point)) throw new JwsError("malformed", "this Ed25519 public key is weak: anybody can sign for it");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** JWK thumbprint of an Ed25519 key given by its `x` member (RFC 7638, RFC 8037 appendix A.3). */
export function thumbprint(x: string): string {
  return createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
}

/** The `x` member of an Ed25519 key. */
export function publicX(key: KeyObject): string {
  const { x } = key.export({ format: "jwk" });
  if (typeof x !== "string") throw new JwsError("malformed", "the key is not an Ed25519 key");
  return x;
}

/** The key pair that a 32-byte seed stands for (RFC 8032 section 5.1.5); its kid is the thumbprint. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new JwsError("malformed", "an Ed25519 seed is 32 bytes");
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return { kid: thumbprint(publicX(publicKey)), privateKey, publicKey };
}

/** Signs `payload` as a compact JWS whose header is exactly `alg`, `kid`, `typ`. */
export function signJws(typ: string, key: SigningKey, payload: object): string {
  const header = encodeBase64url(JSON.stringify({ alg: "EdDSA", kid: key.kid, typ }));
  const input = `${header}.${encodeBase64url(JSON.stringify(payload))}`;
  return `${input}.${encodeBase64url(sign(null, Buffer.from(input), key.privateKey))}`;
}

interface Header {
  readonly kid: string;
}

function strictly(bytes: Uint8Array): Json {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new JwsError("malformed", `the JSON in it is refused: ${cause.message}`, { cause });
  }
}

function readHeader(encoded: string, typ: string): Header {
  const bytes = encoded.length <= HEADER_BYTES_MAX ? decodeBase64url(encoded) : undefined;
  if (bytes === undefined) throw new JwsError("malformed", "the protected header is not base64url of at most 512 characters");
  const header = strictly(bytes);
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new JwsError("malformed", "the protected header is not an object");
  }
  const members = new Map(Object.entries(header));
  // A closed header: `crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c` and every other door of RFC 7515 section 4.1 stay shut.
  const kid = members.get("kid");
  if (members.get("typ") !== typ) throw new JwsError("wrong_type", `the header's typ is not ${typ}`);
  if (members.get("alg") !== "EdDSA") throw new JwsError("wrong_algorithm", "the header's alg is not EdDSA");
  if (typeof kid !== "string") throw new JwsError("malformed", "the header has no kid");
  if (members.size !== 3) throw new JwsError("malformed", "the header has members other than alg, kid and typ");
  return { kid };
}

/**
 * Verifies `message` and only then parses its payload.
 * `findKey` chooses the key by kid; undefined refuses the message. Throws {@link JwsError}.
 */
export function verifyJws(typ: string, message: string, findKey: (kid: string) => VerifyKey | undefined): Verified {
  if (message.length > JWS_BYTES_MAX) throw new JwsError("too_large", `it is larger than ${JWS_BYTES_MAX} bytes`);
  const [encodedHeader, encodedPayload, encodedSignature, ...more] = message.split(".", 4);
  if (encodedHeader === undefined || encodedPayload === undefined || encodedSignature === undefined || more.length > 0) {
    throw new JwsError("malformed", "it is not three base64url parts joined by dots");
  }
  const { kid } = readHeader(encodedHeader, typ);
  const key = findKey(kid);
  if (key === undefined) throw new JwsError("unknown_key", "it is signed by a key that is not trusted here");
  const signature = decodeBase64url(encodedSignature);
  const payload = decodeBase64url(encodedPayload);
  if (signature?.length !== SIGNATURE_BYTES || payload === undefined) {
    throw new JwsError("malformed", "the payload or the signature is not canonical base64url");
  }
  if (!verify(null, Buffer.from(`${encodedHeader}.${encodedPayload}`), key.publicKey, signature)) {
    throw new JwsError("bad_signature", "the signature does not fit: the content was altered or signed by another key");
  }
  return { kid, payload: strictly(payload) };
}
