/**
 * Access tokens: JWTs after RFC 9068.
 *
 * Rule: a token only says which session speaks; whether that session may still speak is read from the store for each
 * request. `typ` keeps other JWTs of ours from passing as access tokens (RFC 9068 section 4).
 */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { UserCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { findUserBySession, type RequestFacts } from "../identity/authentication.ts";
import { signJwt, verifyJwt } from "./jwt.ts";
import type { Keyring } from "./keyring.ts";
import { FIRST_PARTY_SCOPE, scopesOf } from "./scope.ts";

const TYP = "at+jwt";
/** The platform's own pages and programs, as a client. */
const FIRST_PARTY_CLIENT = "cyberun";

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
/** What RFC 9068 section 2.2 requires, and `sid` (OpenID Connect Front-Channel Logout 1.0 section 3). Other claims may come. */
const ClaimsSchema = Type.Object({ iss: Text, sub: Text, aud: Text, exp: Seconds, iat: Seconds, jti: Text, client_id: Text, sid: Text, scope: Text, cnf: Type.Optional(Type.Unknown()) });
export type AccessTokenClaims = Static<typeof ClaimsSchema>;

const claimsShape = Compile(ClaimsSchema);

/** The session a token is issued for. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
}

/** Signs an access token for the session. Throws Fault `unavailable` while there is no key. */
export async function issueAccessToken({ services, settings }: Gate, keyring: Keyring, { userId, sessionId }: TokenSubject): Promise<string> {
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
  return signJwt(await keyring.getSigningKey(), TYP, claims);
}

/** The claims of a good access token of this deployment for its API, or undefined. Whether its session lives is not asked. */
export async function findAccessTokenClaims({ services, settings }: Gate, keyring: Keyring, token: string): Promise<AccessTokenClaims | undefined> {
  const claims = await verifyJwt(keyring, TYP, token);
  if (!claimsShape.Check(claims)) return undefined;
  const now = services.clock.now() / 1_000;
  if (claims.iss !== settings.issuerUrl || claims.aud !== settings.publicUrl) return undefined;
  // A client of others may hold a token for this audience, but never one for all that the person can do.
  if (!scopesOf(claims.scope).includes(FIRST_PARTY_SCOPE)) return undefined;
  // A bearer is nobody to a token that is bound to a key (RFC 9449 section 7.1).
  if (claims.cnf !== undefined) return undefined;
  return now < claims.exp && claims.iat <= now + settings.clockSkewSeconds ? claims : undefined;
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
