/**
 * What a client gets for a grant of a person: access token, ID token, refresh token.
 *
 * Rule: what is said about the person is read in the transaction that redeems, so that a role which was lost is gone from
 * the next token. Signing comes after the commit: an answer that leaves is durable.
 */
import { assert } from "../fault.ts";
import type { CommandAct, ProcedureAct } from "../gate/operation.ts";
import { claimNames, readClaims } from "./claims.ts";
import type { Client } from "./clients/client.ts";
import { narrowResources } from "./clients/resources.ts";
import { signGrantToken } from "./grant-tokens.ts";
import type { GrantRequest, TokenAnswer } from "./grants/grant.ts";
import { signIdToken } from "./id-tokens.ts";
import type { LiveGrant } from "./live-grants.ts";
import { createRefreshToken } from "./refresh-tokens.ts";
import { narrowScope, scopesOf } from "./scope.ts";
import { sidFor, subjectFor } from "./subjects.ts";

/** What was redeemed, ready to be signed. */
export interface Redeemed {
  readonly grant: LiveGrant;
  readonly userId: string;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly personClaims: Readonly<Record<string, unknown>>;
  readonly refreshToken: string | undefined;
  /** Told with the first ID token only (OpenID Connect Core 1.0 section 12.2). */
  readonly nonce: string | undefined;
}

export interface Redemption {
  readonly grant: LiveGrant;
  /** All that the token at hand stands for; what is asked for may only be less. */
  readonly scope: string;
  readonly refreshToken: string | undefined;
  readonly isFirst: boolean;
}

/** What was granted and is still registered: a client that lost a scope loses it with its next tokens. */
function stillRegistered(granted: readonly string[], registered: readonly string[]): readonly string[] {
  return granted.filter((each) => registered.includes(each));
}

/** Reads what the tokens will say. Throws OAuthError when the request asks for more than was granted. */
export async function redeem(act: CommandAct, { client, parameters, resources }: GrantRequest, { grant, scope: all, refreshToken, isFirst }: Redemption): Promise<Redeemed> {
  const { writer, settings } = act;
  assert(grant.userId !== undefined, "a grant of a person has one");
  const scope = narrowScope(parameters.get("scope"), stillRegistered(scopesOf(all), scopesOf(client.scope)).join(" "));
  // Without a wish the token is good for all that was granted, and for the issuer itself: userinfo.
  const audiences = [...stillRegistered(grant.resource, client.resources), settings.issuerUrl];
  const audience = narrowResources(resources, audiences, audiences);
  const personClaims = scopesOf(scope).includes("openid") ? await readClaims(writer, grant.userId, claimNames({ scope, claims: grant.claims }, "id_token")) : {};
  return { grant, userId: grant.userId, scope, audience, personClaims, refreshToken, nonce: isFirst ? grant.nonce : undefined };
}

/** The first refresh token of the grant, for a client that is registered to use one. */
export async function firstRefreshToken(act: CommandAct, { client, jkt }: GrantRequest, grant: LiveGrant): Promise<string | undefined> {
  if (!client.grant_types.includes("refresh_token")) return undefined;
  return await createRefreshToken(act, { grant_id: grant.id, client_id: client.client_id, scope: grant.scope, dpop_jkt: boundKey(client, jkt) }, grant.createdAtMs);
}

/** A client that authenticates is bound by that; a public one by its key, if it has shown one (RFC 9449 section 5). */
function boundKey(client: Client, jkt: string | undefined): string | null {
  return client.token_endpoint_auth_method === "none" ? (jkt ?? null) : null;
}

/** Signs what was redeemed. Throws Fault `unavailable` while there is no key. */
export async function signPersonTokens(act: ProcedureAct, { client, jkt, keyring }: GrantRequest, redeemed: Redeemed): Promise<TokenAnswer> {
  const { grant, userId, scope, audience, personClaims, refreshToken, nonce } = redeemed;
  const { authTimeMs, acr, amr, loginSessionId } = grant;
  const sub = subjectFor(act.sealer, client, userId);
  const sid = loginSessionId === undefined ? undefined : sidFor(act.sealer, client, loginSessionId);
  const auth_time = authTimeMs === undefined ? undefined : Math.floor(authTimeMs / 1_000);
  const answer = await signGrantToken(act, keyring, { client_id: client.client_id, sub, scope, audience, sid, grant_id: grant.id, auth_time, acr, amr, jkt });
  const refresh = refreshToken === undefined ? {} : { refresh_token: refreshToken };
  if (!scopesOf(scope).includes("openid")) return { ...answer, ...refresh };
  const id_token = await signIdToken(await keyring.getSigningKey(client.id_token_signed_response_alg), {
    issuer: act.settings.issuerUrl,
    clientId: client.client_id,
    subject: sub,
    issuedAt: Math.floor(act.services.clock.now() / 1_000),
    lifeSeconds: act.settings.idTokenSeconds,
    authTimeMs,
    acr,
    amr,
    nonce,
    sid,
    personClaims,
    accessToken: answer.access_token,
  });
  return { ...answer, ...refresh, id_token };
}

/** Makes sure that there are keys before anything is used up. Throws Fault `unavailable`. */
export async function requireKeys({ client, keyring }: GrantRequest): Promise<void> {
  await keyring.getSigningKey();
  await keyring.getSigningKey(client.id_token_signed_response_alg);
}
