/** Keys of clients, and what they sign with them: assertions and proofs, good ones and any that a test wants. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export type KeyKind = "ES256" | "EdDSA" | "RS256" | "PS256";

export interface ClientKey {
  readonly kind: KeyKind;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, string>>;
}

function pairOf(kind: KeyKind) {
  if (kind === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (kind === "EdDSA") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("rsa", { modulusLength: 2_048 });
}

export function createClientKey(kind: KeyKind = "ES256", members: Readonly<Record<string, string>> = {}): ClientKey {
  const { privateKey, publicKey } = pairOf(kind);
  const exported = Object.entries(publicKey.export({ format: "jwk" })).map(([name, value]) => [name, String(value)] as const);
  return { kind, privateKey, publicJwk: { ...Object.fromEntries(exported), ...members } };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The signature that `key` makes over `input`. */
export function signatureOf({ kind, privateKey }: ClientKey, input: string): string {
  const data = Buffer.from(input);
  if (kind === "ES256") return sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
  if (kind === "EdDSA") return sign(null, data, privateKey).toString("base64url");
  if (kind === "RS256") return sign("sha256", data, privateKey).toString("base64url");
  return sign("sha256", data, { key: privateKey, padding: 6, saltLength: 32 }).toString("base64url");
}

export function signCompact(key: ClientKey, header: object, claims: object): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signatureOf(key, input)}`;
}

let made = 0;
/** A `jti` that no other has. */
export function freshJti(): string {
  made += 1;
  return `jti-${made}`;
}

export interface AssertionWish {
  readonly clientId: string;
  readonly audience: unknown;
  /** Epoch seconds. */
  readonly now: number;
  /** Members that shall be otherwise; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A client assertion (RFC 7523). */
export function signAssertion(key: ClientKey, { clientId, audience, now, claims, header }: AssertionWish): string {
  return signCompact(key, { alg: key.kind, ...header }, { iss: clientId, sub: clientId, aud: audience, exp: now + 60, iat: now, jti: freshJti(), ...claims });
}

export interface ProofWish {
  readonly url: string;
  readonly method?: string;
  /** Epoch seconds. */
  readonly now: number;
  readonly accessToken?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A DPoP proof (RFC 9449). */
export function signProof(key: ClientKey, { url, method = "POST", now, accessToken, claims, header }: ProofWish): string {
  const ath = accessToken === undefined ? {} : { ath: createHash("sha256").update(accessToken).digest("base64url") };
  return signCompact(key, { typ: "dpop+jwt", alg: key.kind, jwk: key.publicJwk, ...header }, { jti: freshJti(), htm: method, htu: url, iat: now, ...ath, ...claims });
}
