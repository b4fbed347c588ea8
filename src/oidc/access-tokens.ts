/**
 * Access tokens: JWTs after RFC 9068.
 *
 * Rule: a token only says which session speaks; whether that session may still speak is read from the store for each
 * request. `typ` keeps other JWTs of ours from passing as access tokens (RFC 9068 section 4).
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import type { UserCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { findUserByGrantSession, findUserBySession, type RequestFacts } from "../identity/authentication.ts";
import type { Reader } from "../store/store.ts";
import { findActiveClient } from "./clients/client.ts";
import { audiencesOf } from "./grant-tokens.ts";
import { findLiveGrant } from "./live-grants.ts";
import { signJwt, verifyJwt } from "./jwt.ts";
import type { Keyring } from "./keyring.ts";
import { FIRST_PARTY_SCOPE, scopesOf } from "./scope.ts";
import { isTokenLive, type LiveClaims } from "./token-validity.ts";

const TYP = "at+jwt";
/** The platform's own pages and programs, as a client. */
const FIRST_PARTY_CLIENT = "cyberun";

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
/** What RFC 9068 section 2.2 requires, and what a token hangs on: a session, or a grant. Other claims may come. */
const ClaimsSchema = Type.Object({
  iss: Text,
  sub: Text,
  aud: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 5 })]),
  exp: Seconds,
  iat: Seconds,
  jti: Text,
  client_id: Text,
  sid: Type.Optional(Text),
  grant_id: Type.Optional(Text),
  scope: Text,
  cnf: Type.Optional(Type.Unknown()),
});
export type AccessTokenClaims = Static<typeof ClaimsSchema>;

const claimsShape = shapeOf(ClaimsSchema);

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
  return await signJwt(await keyring.getSigningKey(), TYP, claims);
}

/** The claims of a good access token of this deployment for its API, or undefined. Whether what it hangs on lives is not asked. */
export async function findAccessTokenClaims({ services, settings }: Gate, keyring: Keyring, token: string): Promise<AccessTokenClaims | undefined> {
  const claims = await verifyJwt(keyring, TYP, token);
  if (!claimsShape.Check(claims)) return undefined;
  const now = services.clock.now() / 1_000;
  if (claims.iss !== settings.issuerUrl || !audiencesOf(claims).includes(settings.publicUrl)) return undefined;
  // A token that we make for a session names it, and one audience; the others hang on a grant.
  if (claims.grant_id === undefined && (claims.sid === undefined || typeof claims.aud !== "string")) return undefined;
  // A client of others may hold a token for this audience, but never one for all that the person can do.
  if (!scopesOf(claims.scope).includes(FIRST_PARTY_SCOPE)) return undefined;
  // A bearer is nobody to a token that is bound to a key (RFC 9449 section 7.1).
  if (claims.cnf !== undefined) return undefined;
  return now < claims.exp && claims.iat <= now + settings.clockSkewSeconds ? claims : undefined;
}

export interface PresentedToken extends RequestFacts {
  readonly token: string;
}

/**
 * The session behind a token that a client of the platform's own got by a grant, while both stand. Offline access and devices
 * have none: whoever acts as a person here does so within a sign-in, and ends with it.
 */
async function findGrantSession(reader: Reader, claims: LiveClaims & { readonly grant_id: string }, now: number) {
  if (!(await isTokenLive(reader, claims, now))) return undefined;
  const client = await findActiveClient(reader, claims.client_id);
  const grant = client?.is_first_party === true ? await findLiveGrant(reader, claims.grant_id, now) : undefined;
  return grant?.userId === undefined || grant.sessionId === undefined ? undefined : { userId: grant.userId, sessionId: grant.sessionId };
}

/** The person whose access token this is, or undefined when the token or what it hangs on is good for nothing. */
export async function findUserByAccessToken(gate: Gate, keyring: Keyring, presented: PresentedToken): Promise<UserCaller | undefined> {
  const { token, teamId, address } = presented;
  const claims = await findAccessTokenClaims(gate, keyring, token);
  if (claims === undefined) return undefined;
  const { sid, grant_id, sub } = claims;
  if (grant_id !== undefined) {
    const session = await gate.store.read((reader) => findGrantSession(reader, { ...claims, grant_id }, gate.services.clock.now()));
    return session === undefined ? undefined : await findUserByGrantSession(gate, session, { teamId, address });
  }
  return sid === undefined ? undefined : await findUserBySession(gate, { sessionId: sid, userId: sub }, { teamId, address });
}
