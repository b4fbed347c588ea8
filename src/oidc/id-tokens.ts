/**
 * ID tokens (OpenID Connect Core 1.0 section 2): who signed in, when, how, and for which client.
 *
 * Rule: claims about the person come first and those of the protocol after, so that none of the former can stand in for
 * one of the latter. Algorithm per client; the key decides it.
 */
import { createHash } from "node:crypto";
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import type { IdTokenAlgorithm } from "./clients/client.ts";
import { signJwt, verifyJwt } from "./jwt.ts";
import type { Keyring, TokenSigningKey } from "./keyring.ts";

/** What an ID token says. */
export interface IdTokenFacts {
  readonly issuer: string;
  readonly clientId: string;
  readonly subject: string;
  /** Epoch seconds. */
  readonly issuedAt: number;
  readonly lifeSeconds: number;
  /** Epoch milliseconds. */
  readonly authTimeMs: number | undefined;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly nonce: string | undefined;
  /** The sign-in, as the client knows it. */
  readonly sid: string | undefined;
  /** About the person (`claims.ts`). */
  readonly personClaims: Readonly<Record<string, unknown>>;
  readonly accessToken: string;
}

/** Left half of the hash that goes with the algorithm (OpenID Connect Core 1.0 section 3.1.3.6; SHA-512 for Ed25519). */
function halfHash(algorithm: IdTokenAlgorithm, text: string): string {
  const hash = createHash(algorithm === "EdDSA" ? "sha512" : "sha256").update(text).digest();
  return hash.subarray(0, hash.length / 2).toString("base64url");
}

export async function signIdToken(key: TokenSigningKey, facts: IdTokenFacts): Promise<string> {
  const { issuer, clientId, subject, issuedAt, lifeSeconds, authTimeMs, acr, amr, nonce, sid, personClaims, accessToken } = facts;
  return await signJwt(key, "JWT", {
    ...personClaims,
    iss: issuer,
    sub: subject,
    aud: clientId,
    iat: issuedAt,
    exp: issuedAt + lifeSeconds,
    at_hash: halfHash(key.alg, accessToken),
    ...(authTimeMs === undefined ? {} : { auth_time: Math.floor(authTimeMs / 1_000) }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(sid === undefined ? {} : { sid }),
  });
}

const hintShape = shapeOf(Type.Object({ iss: Type.String(), aud: Type.String(), sub: Type.String(), sid: Type.Optional(Type.String()) }));

/** Whom an ID token of ours was about. */
export interface IdTokenHint {
  readonly clientId: string;
  readonly subject: string;
  readonly sid: string | undefined;
}

/**
 * Reads an `id_token_hint`, or gives undefined for what this issuer did not sign as an ID token. One that has run out is
 * as good as any: it says whom the client means, and opens nothing.
 */
export async function findHint(keyring: Pick<Keyring, "findVerifyKey">, issuer: string, token: string): Promise<IdTokenHint | undefined> {
  const claims = await verifyJwt(keyring, "JWT", token);
  if (!hintShape.Check(claims) || claims.iss !== issuer) return undefined;
  return { clientId: claims.aud, subject: claims.sub, sid: claims.sid };
}
