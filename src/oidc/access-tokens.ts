/**
 * Access tokens: JWTs after RFC 9068, signed with ES256 by the runtime's synchronous primitives.
 *
 * Rule: a token only says which session speaks; whether that session may still speak is read from the store for each
 * request. The algorithm comes from the key, never from the token (RFC 8725 section 3.1), and `typ` keeps other JWTs
 * of ours from passing as access tokens (RFC 9068 section 4).
 */
import { sign, verify } from "node:crypto";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { decodeBase64url, encodeBase64url } from "../crypto/base64url.ts";
import { type Json, parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import type { UserCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { findUserBySession, type RequestFacts } from "../identity/authentication.ts";
import type { Keyring } from "./keyring.ts";

const TYP = "at+jwt";
/** The platform's own pages and programs, as a client. */
const FIRST_PARTY_CLIENT = "cyberun";
const FIRST_PARTY_SCOPE = "api";
const TOKEN_CHARACTERS_MAX = 4_096;
const SIGNATURE_BYTES = 64;
/** How far the clock of the process that signed may be ahead of ours. */
const CLOCK_SKEW_SECONDS = 60;

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
/** What RFC 9068 section 2.2 requires, and `sid` (OpenID Connect Front-Channel Logout 1.0 section 3). Other claims may come. */
const ClaimsSchema = Type.Object({ iss: Text, sub: Text, aud: Text, exp: Seconds, iat: Seconds, jti: Text, client_id: Text, sid: Text, scope: Text });
export type AccessTokenClaims = Static<typeof ClaimsSchema>;
const HeaderSchema = Type.Object({ alg: Text, typ: Text, kid: Text }, { additionalProperties: false });

const claimsShape = Compile(ClaimsSchema);
const headerShape = Compile(HeaderSchema);

/** The session a token is issued for. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
}

/** Signs an access token for the session. Throws Fault `unavailable` while there is no key. */
export async function issueAccessToken({ services, settings }: Gate, keyring: Keyring, { userId, sessionId }: TokenSubject): Promise<string> {
  const { kid, alg, privateKey } = await keyring.getSigningKey();
  const issuedAt = Math.floor(services.clock.now() / 1_000);
  const claims: AccessTokenClaims = {
    iss: settings.issuerUrl,
    sub: userId,
    aud: settings.publicUrl,
    exp: issuedAt + settings.accessTokenSeconds,
    iat: issuedAt,
    jti: services.random.uuid(),
    client_id: FIRST_PARTY_CLIENT,
    sid: sessionId,
    scope: FIRST_PARTY_SCOPE,
  };
  const input = `${encodeBase64url(JSON.stringify({ alg, typ: TYP, kid }))}.${encodeBase64url(JSON.stringify(claims))}`;
  // JWS wants the two integers side by side, not the DER that is the default (RFC 7518 section 3.4).
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${encodeBase64url(signature)}`;
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

/** Whether `token` has the look of a JWT, so that the door can tell it from a key. */
export function isTokenForm(token: string): boolean {
  return token.length <= TOKEN_CHARACTERS_MAX && /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token);
}

/** The claims, when a key of ours signed them as an access token; nothing about time or audience yet. */
async function findSignedClaims(keyring: Keyring, token: string): Promise<AccessTokenClaims | undefined> {
  const [encodedHeader, encodedClaims, encodedSignature] = token.split(".");
  if (!isTokenForm(token) || encodedHeader === undefined || encodedClaims === undefined || encodedSignature === undefined) return undefined;
  const header = findJson(encodedHeader);
  if (!headerShape.Check(header) || header.typ !== TYP) return undefined;
  const key = await keyring.findVerifyKey(header.kid);
  if (key === undefined || header.alg !== key.alg) return undefined;
  const signature = decodeBase64url(encodedSignature);
  if (signature?.length !== SIGNATURE_BYTES) return undefined;
  const isSigned = verify("sha256", Buffer.from(`${encodedHeader}.${encodedClaims}`), { key: key.publicKey, dsaEncoding: "ieee-p1363" }, signature);
  const claims = isSigned ? findJson(encodedClaims) : undefined;
  return claimsShape.Check(claims) ? claims : undefined;
}

/** The claims of a good access token of this deployment for its API, or undefined. Whether its session lives is not asked. */
export async function findAccessTokenClaims({ services, settings }: Gate, keyring: Keyring, token: string): Promise<AccessTokenClaims | undefined> {
  const claims = await findSignedClaims(keyring, token);
  if (claims === undefined) return undefined;
  const now = services.clock.now() / 1_000;
  if (claims.iss !== settings.issuerUrl || claims.aud !== settings.publicUrl) return undefined;
  return now < claims.exp && claims.iat <= now + CLOCK_SKEW_SECONDS ? claims : undefined;
}

export interface PresentedToken extends RequestFacts {
  readonly token: string;
}

/** The person whose access token this is, or undefined when the token or its session is good for nothing. */
export async function findUserByAccessToken(gate: Gate, keyring: Keyring, presented: PresentedToken): Promise<UserCaller | undefined> {
  const { token, teamId, address } = presented;
  const claims = await findAccessTokenClaims(gate, keyring, token);
  if (claims === undefined) return undefined;
  return await findUserBySession(gate, { sessionId: claims.sid, userId: claims.sub }, { teamId, address });
}
