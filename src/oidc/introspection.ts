/**
 * Introspection (RFC 7662): what a token is good for right now, told to the client that got it and to the resource server that it
 * is for.
 *
 *     form → client authentication, by a secret or key → license → token → who asks may know → it still stands
 *
 * Rule: whatever is not good is `{"active": false}` and nothing more: a stranger's token, a revoked one and noise look alike
 * (section 2.2).
 */
import type { Caller } from "../gate/caller.ts";
import { procedure, type ProcedureAct } from "../gate/operation.ts";
import { type BackChannelRequest, readForm } from "./back-channel.ts";
import { authenticateClient } from "./client-authentication/authenticate-client.ts";
import { type Client, requireClientLicensed } from "./clients/client.ts";
import { audiencesOf, findGrantTokenClaims, type GrantTokenClaims } from "./grant-tokens.ts";
import type { Keyring } from "./keyring.ts";
import { findLiveGrant } from "./live-grants.ts";
import { OAuthError } from "./oauth-error.ts";
import { findRefreshToken } from "./refresh-token-lookup.ts";
import type { IssuerSite } from "./token-endpoint.ts";
import { isTokenLive } from "./token-validity.ts";

export type Introspection = { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, unknown>>);

const inactive: Introspection = { active: false };

/** The client it was made for, or a resource server that it is for. */
function mayKnow({ client_id, served_resources }: Client, claims: GrantTokenClaims): boolean {
  return claims.client_id === client_id || audiencesOf(claims).some((audience) => served_resources.includes(audience));
}

async function ofAccessToken(act: ProcedureAct, { client, token, keyring }: Asked): Promise<Introspection> {
  const claims = await findGrantTokenClaims(act, keyring, token);
  if (claims === undefined || !mayKnow(client, claims)) return inactive;
  if (!(await act.read((reader) => isTokenLive(reader, claims, act.services.clock.now())))) return inactive;
  // What is for our own checks alone is nobody's business.
  const { sid: _session, grant_id: _grant, ...told } = claims;
  return { active: true, ...told, token_type: claims.cnf === undefined ? "Bearer" : "DPoP" };
}

async function ofRefreshToken(act: ProcedureAct, { client, token }: Asked): Promise<Introspection> {
  const now = act.services.clock.now();
  return await act.read(async (reader) => {
    const found = await findRefreshToken(reader, act.sealer, token);
    if (found === undefined || found.client_id !== client.client_id || found.used_at !== null || found.expires_at <= now) return inactive;
    if ((await findLiveGrant(reader, found.grant_id, now)) === undefined) return inactive;
    const cnf = found.dpop_jkt === null ? {} : { cnf: { jkt: found.dpop_jkt } };
    return { active: true, client_id: found.client_id, scope: found.scope, iat: Math.floor(found.created_at / 1_000), exp: Math.floor(found.expires_at / 1_000), ...cnf };
  });
}

interface Asked {
  readonly client: Client;
  readonly token: string;
  readonly keyring: Keyring;
}

const introspectToken = procedure("token.introspect", async (act, asked: Asked): Promise<Introspection> => {
  const found = await ofAccessToken(act, asked);
  return found.active ? found : await ofRefreshToken(act, asked);
});

/** Answers a request to the introspection endpoint. Throws OAuthError, or a Fault that stands for one. */
export async function answerIntrospection({ gate, keyring, clientKeys }: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<Introspection> {
  const form = readForm(request);
  const client = await authenticateClient(gate, caller, { request, form, clientKeys });
  requireClientLicensed(gate.entitled.entitlements(), client);
  if (client.token_endpoint_auth_method === "none") {
    throw new OAuthError("access_denied", "A client without a secret or key may not introspect.", { hint: "Register a client that authenticates itself (RFC 7662 section 2.1)." });
  }
  const token = form.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "The parameter token is missing.");
  return await introspectToken(gate, caller, { client, token, keyring });
}
