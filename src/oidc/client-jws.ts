/**
 * JWTs that clients sign: assertions and proofs of possession.
 *
 * Rule: says what stands in one and whether a key signed it. The header has `alg`, `typ`, `kid` and `jwk` and nothing else, so no
 * message brings an address of a key, a certificate or a critical extension along (RFC 8725 sections 3.1 and 3.10). Which
 * key counts is the caller's to say; the key decides which algorithms may be (CVE-2026-11800).
 */
import { constants, verify } from "node:crypto";
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { decodeBase64url } from "../crypto/base64url.ts";
import { type Json, parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { type ClientAlgorithm, type ClientJwk, fitsAlgorithm, publicKeyOfClient } from "./clients/client-keys.ts";

export const CLIENT_JWS_CHARACTERS_MAX = 8_192;
const PARTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

const Text = Type.String({ minLength: 1, maxLength: 256 });
const Algorithm = Type.Union([Type.Literal("ES256"), Type.Literal("EdDSA"), Type.Literal("Ed25519"), Type.Literal("PS256"), Type.Literal("RS256")]);
const HeaderSchema = Type.Object(
  { alg: Algorithm, typ: Type.Optional(Text), kid: Type.Optional(Text), jwk: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
);
type ClientJwsHeader = Static<typeof HeaderSchema>;
const headerShape = shapeOf(HeaderSchema);

export interface ClientJws {
  readonly header: ClientJwsHeader;
  /** Not yet to be believed. */
  readonly claims: Json;
  /** Whether this key made the signature, with an algorithm that is the key's own. */
  isSignedBy(jwk: ClientJwk): boolean;
}

function findJson(encoded: string): Json | undefined {
  const bytes = decodeBase64url(encoded);
  if (bytes === undefined) return undefined;
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}

interface Verifier {
  readonly hash: "sha256" | null;
  readonly options: { readonly dsaEncoding?: "ieee-p1363"; readonly padding?: number; readonly saltLength?: number };
  /** Undefined where the key's size says it. */
  readonly signatureBytes: number | undefined;
}

/** How the runtime is told of each algorithm (RFC 7518 section 3, RFC 8037 section 3.1). */
const verifiers: Readonly<Record<ClientAlgorithm, Verifier>> = {
  ES256: { hash: "sha256", options: { dsaEncoding: "ieee-p1363" }, signatureBytes: 64 },
  EdDSA: { hash: null, options: {}, signatureBytes: 64 },
  Ed25519: { hash: null, options: {}, signatureBytes: 64 },
  PS256: { hash: "sha256", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signatureBytes: undefined },
  RS256: { hash: "sha256", options: { padding: constants.RSA_PKCS1_PADDING }, signatureBytes: undefined },
};

/** What stands in `text`, or undefined when it is not a compact JWS of an allowed form. */
export function findClientJws(text: string): ClientJws | undefined {
  if (text.length > CLIENT_JWS_CHARACTERS_MAX) return undefined;
  const [, encodedHeader = "", encodedClaims = "", encodedSignature = ""] = PARTS.exec(text) ?? [];
  const header = encodedHeader === "" ? undefined : findJson(encodedHeader);
  if (!headerShape.Check(header)) return undefined;
  const claims = findJson(encodedClaims);
  const signature = decodeBase64url(encodedSignature);
  if (claims === undefined || signature === undefined) return undefined;
  const { hash, options, signatureBytes } = verifiers[header.alg];
  return {
    header,
    claims,
    isSignedBy(jwk) {
      if (!fitsAlgorithm(jwk, header.alg)) return false;
      if (signatureBytes !== undefined && signature.length !== signatureBytes) return false;
      return verify(hash, Buffer.from(`${encodedHeader}.${encodedClaims}`), { key: publicKeyOfClient(jwk), ...options }, signature);
    },
  };
}
