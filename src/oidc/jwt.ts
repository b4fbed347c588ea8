/**
 * Signed JWTs (RFC 7519) of the issuer, whatever they are for: access, ID and logout tokens.
 *
 * Rule: the algorithm comes from the key, never from the token (RFC 8725 section 3.1), and `typ` keeps a token made for
 * one purpose from passing for another (section 3.11). A header has `alg`, `typ` and `kid` and nothing else, so no
 * token brings a key or an address of one along. What claims say is for the caller to judge.
 */
import { type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { decodeBase64url, encodeBase64url } from "../crypto/base64url.ts";
import { type Json, parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { assert } from "../fault.ts";
import type { SigningAlgorithm } from "./jwk.ts";
import type { Keyring, TokenSigningKey } from "./keyring.ts";

/** Every `typ` of ours. The set is closed, so that no two purposes share one by a slip of spelling. */
export type TokenTyp = "at+jwt" | "JWT" | "logout+jwt";

export const TOKEN_CHARACTERS_MAX = 4_096;
const KID = /^[A-Za-z0-9_-]{43}$/;

interface Algorithm {
  readonly hash: "sha256" | null;
  readonly signatureBytes: number;
}

const algorithms: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  ES256: { hash: "sha256", signatureBytes: 64 },
  EdDSA: { hash: null, signatureBytes: 64 },
  RS256: { hash: "sha256", signatureBytes: 256 },
};

const signAside = promisify(sign);

const Text = Type.String({ minLength: 1, maxLength: 64 });
const headerShape = shapeOf(Type.Object({ alg: Text, typ: Text, kid: Text }, { additionalProperties: false }));

/** JWS wants the two integers of ECDSA side by side, not the DER that is the default (RFC 7518 section 3.4). */
function inJwsForm<Key extends KeyObject>(key: Key) {
  return { key, dsaEncoding: "ieee-p1363" } as const;
}

/**
 * The compact JWT. Claims with `exp` and `iat` may not outlive the key's `tokenSeconds`: the key is published only for
 * so long after it stops signing. A thread of the runtime signs, since RSA takes a good part of a millisecond, for which
 * nobody else would be served.
 */
export async function signJwt({ kid, alg, privateKey, tokenSeconds }: TokenSigningKey, typ: TokenTyp, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const { exp, iat } = claims;
  if (typeof exp === "number" && typeof iat === "number") assert(exp - iat <= tokenSeconds, "no token outlives the publication of its key");
  const input = `${encodeBase64url(JSON.stringify({ alg, typ, kid }))}.${encodeBase64url(JSON.stringify(claims))}`;
  const signature = await signAside(algorithms[alg].hash, Buffer.from(input), inJwsForm(privateKey));
  return `${input}.${signature.toString("base64url")}`;
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

/** Whether `token` has the look of a JWT, so that a door can tell it from a key. */
export function isTokenForm(token: string): boolean {
  return token.length <= TOKEN_CHARACTERS_MAX && /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token);
}

/** What a token says of who made it, before anything is verified: good for choosing the keys and for nothing else. */
export function findClaimedIssuer(token: string): string | undefined {
  if (!isTokenForm(token)) return undefined;
  const claims = findJson(token.split(".")[1] ?? "");
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) return undefined;
  const iss = new Map<string, unknown>(Object.entries(claims)).get("iss");
  return typeof iss === "string" ? iss : undefined;
}

/** The claims, when a published key of ours signed them under this `typ`; nothing is said yet about time, issuer or audience. */
export async function verifyJwt(keyring: Pick<Keyring, "findVerifyKey">, typ: TokenTyp, token: string): Promise<Json | undefined> {
  const [encodedHeader, encodedClaims, encodedSignature] = token.split(".");
  if (!isTokenForm(token) || encodedHeader === undefined || encodedClaims === undefined || encodedSignature === undefined) return undefined;
  const header = findJson(encodedHeader);
  if (!headerShape.Check(header) || header.typ !== typ || !KID.test(header.kid)) return undefined;
  const key = await keyring.findVerifyKey(header.kid);
  if (key === undefined || header.alg !== key.alg) return undefined;
  const { hash, signatureBytes } = algorithms[key.alg];
  const signature = decodeBase64url(encodedSignature);
  if (signature?.length !== signatureBytes) return undefined;
  const isSigned = verify(hash, Buffer.from(`${encodedHeader}.${encodedClaims}`), inJwsForm(key.publicKey), signature);
  return isSigned ? findJson(encodedClaims) : undefined;
}
