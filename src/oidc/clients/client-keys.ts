/**
 * The public keys that a client registers (RFC 7517) and signs its assertions with.
 *
 * Rule: what is stored is what was understood: a key is taken apart, checked as a key, and put together again from its
 * public members. A private member is refused with a sentence, because whoever sends one has to make a new pair.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { JwsError, publicKeyFromX } from "../../crypto/jws.ts";
import { assert } from "../../fault.ts";

/** What clients may sign with. Nothing symmetric, and never `none` (RFC 8725 section 3.1). `Ed25519` is the newer name of `EdDSA` (RFC 9864). */
export const clientAlgorithms = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"] as const;
export type ClientAlgorithm = (typeof clientAlgorithms)[number];

const KEYS_MAX = 10;
/** In a set that a client publishes, whatever they are for. */
const PUBLISHED_KEYS_MAX = 100;
/** A larger modulus costs more time to verify than an honest client needs. */
const MODULUS_BITS = { min: 2_048, max: 4_096 } as const;

const closed = { additionalProperties: false };
const Coordinate = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Kid = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }));
const EcJwk = Type.Object({ kty: Type.Literal("EC"), crv: Type.Literal("P-256"), x: Coordinate, y: Coordinate, kid: Kid, alg: Type.Optional(Type.Literal("ES256")) }, closed);
const EdJwk = Type.Object(
  { kty: Type.Literal("OKP"), crv: Type.Literal("Ed25519"), x: Coordinate, kid: Kid, alg: Type.Optional(Type.Union([Type.Literal("EdDSA"), Type.Literal("Ed25519")])) },
  closed,
);
const Big = Type.String({ pattern: "^[A-Za-z0-9_-]+$", maxLength: 800 });
const RsaJwk = Type.Object(
  { kty: Type.Literal("RSA"), n: Big, e: Type.Literal("AQAB"), kid: Kid, alg: Type.Optional(Type.Union([Type.Literal("RS256"), Type.Literal("PS256")])) },
  closed,
);
const ClientJwkSchema = Type.Union([EcJwk, EdJwk, RsaJwk]);
export type ClientJwk = Static<typeof ClientJwkSchema>;
const JwksSchema = Type.Object({ keys: Type.Array(ClientJwkSchema, { minItems: 1, maxItems: KEYS_MAX }) }, closed);
export type ClientJwks = Static<typeof JwksSchema>;

const jwkShape = shapeOf(ClientJwkSchema);
const jwksShape = shapeOf(JwksSchema);

const publicMembers: readonly string[] = ["kty", "crv", "x", "y", "n", "e", "kid", "alg"];
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1. */
const privateMembers: readonly string[] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** A good key, or what is wrong with it: completes "It …". */
export type ReadKey = { readonly jwk: ClientJwk } | { readonly problem: string };

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}

/** The key itself. Throws for a point that is not on its curve and the like. */
export function publicKeyOfClient(jwk: ClientJwk): KeyObject {
  if (jwk.kty === "OKP") return publicKeyFromX(jwk.x);
  return createPublicKey({ key: { ...jwk }, format: "jwk" });
}

function problemOfKey(jwk: ClientJwk): string | undefined {
  let key: KeyObject;
  try {
    key = publicKeyOfClient(jwk);
  } catch (error) {
    return error instanceof JwsError ? error.message : "is not a key: its numbers do not fit each other";
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || (bits >= MODULUS_BITS.min && bits <= MODULUS_BITS.max)) return undefined;
  return `is an RSA key of ${bits} bits; it has to have ${MODULUS_BITS.min} to ${MODULUS_BITS.max}`;
}

/** Reads one public JWK that came from outside. Members beyond those we use are dropped. */
export function readPublicJwk(value: unknown): ReadKey {
  const members = membersOf(value);
  const secret = privateMembers.find((name) => members.has(name));
  if (secret !== undefined) return { problem: `has the private member ${secret}; make a new key pair and send its public half only` };
  const use = members.get("use");
  if (use !== undefined && use !== "sig") return { problem: "is not for signatures (use is not sig)" };
  const jwk = Object.fromEntries([...members].filter(([name]) => publicMembers.includes(name)));
  if (!jwkShape.Check(jwk)) return { problem: "is not an EC P-256, Ed25519 or RSA public key for ES256, EdDSA, PS256 or RS256" };
  const problem = problemOfKey(jwk);
  return problem === undefined ? { jwk } : { problem };
}

/** Reads a JWK Set that came from outside, or says what is wrong with it: completes "The member jwks …". */
export function readClientJwks(value: unknown): { readonly jwks: ClientJwks } | { readonly problem: string } {
  const keys = membersOf(value).get("keys");
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > KEYS_MAX) return { problem: `is an object with 1 to ${KEYS_MAX} keys` };
  const read = keys.map((key: unknown) => readPublicJwk(key));
  const jwks: ClientJwk[] = [];
  for (const [index, each] of read.entries()) {
    if ("problem" in each) return { problem: `has a bad key at index ${index}: it ${each.problem}` };
    jwks.push(each.jwk);
  }
  const kids = jwks.flatMap(({ kid }) => kid ?? []);
  if (new Set(kids).size !== kids.length) return { problem: "has two keys with one kid" };
  return { jwks: { keys: jwks } };
}

/**
 * What of a published JWK Set can be used here, for sets that are not for us alone: keys for other purposes and of other
 * kinds are passed over. Undefined when nothing is left, or it is no set.
 */
export function findUsableJwks(value: unknown): ClientJwks | undefined {
  const keys = membersOf(value).get("keys");
  if (!Array.isArray(keys) || keys.length > PUBLISHED_KEYS_MAX) return undefined;
  const usable = keys.flatMap((key: unknown) => {
    const read = readPublicJwk(key);
    return "jwk" in read ? [read.jwk] : [];
  });
  return usable.length === 0 ? undefined : { keys: usable.slice(0, KEYS_MAX) };
}

/** Reads back what we wrote. */
export function parseClientJwks(json: string): ClientJwks {
  const jwks: unknown = JSON.parse(json);
  assert(jwksShape.Check(jwks), "a stored JWK Set of a client is one of ours");
  return jwks;
}

/** Whether the key may make signatures of `algorithm`: the key decides, not the message. */
export function fitsAlgorithm({ kty, alg }: ClientJwk, algorithm: ClientAlgorithm): boolean {
  const family = { EC: ["ES256"], OKP: ["EdDSA", "Ed25519"], RSA: ["PS256", "RS256"] }[kty];
  if (!family.includes(algorithm)) return false;
  return alg === undefined || kty === "OKP" || alg === algorithm;
}
