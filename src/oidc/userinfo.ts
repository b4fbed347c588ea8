/**
 * Userinfo (OpenID Connect Core 1.0 section 5.3): what a client may know about the person its token is for, as things
 * stand now.
 *
 *     token in the header or the form, never in the address → proof, where it is bound → it still stands → scope → claims
 */
import type { Caller } from "../gate/caller.ts";
import { procedure } from "../gate/operation.ts";
import { type BackChannelRequest, readForm } from "./back-channel.ts";
import { claimNames, readClaims } from "./claims.ts";
import { findActiveClient, requireClientLicensed } from "./clients/client.ts";
import { takeProof } from "./dpop.ts";
import { endpointUrl } from "./endpoints.ts";
import { audiencesOf, findGrantTokenClaims, type GrantTokenClaims } from "./grant-tokens.ts";
import { findLiveGrant } from "./live-grants.ts";
import { OAuthError } from "./oauth-error.ts";
import { scopesOf } from "./scope.ts";
import type { IssuerSite } from "./token-endpoint.ts";
import { isTokenLive } from "./token-validity.ts";

const HEADER = /^(bearer|dpop) +([!-~]+) *$/i;

interface Shown {
  readonly token: string;
  readonly scheme: "bearer" | "dpop";
}

function invalidToken(): OAuthError {
  return new OAuthError("invalid_token", "The access token is not good here: unknown, over, revoked, or for something else.", { hint: "Get a new one." });
}

function shownInHeader(authorization: string): Shown {
  const [, scheme = "", token] = HEADER.exec(authorization) ?? [];
  if (token === undefined) throw new OAuthError("invalid_request", "The Authorization header is neither Bearer nor DPoP with a token.");
  return { token, scheme: scheme.toLowerCase() === "dpop" ? "dpop" : "bearer" };
}

/** RFC 6750 sections 2.1 and 2.2; never in the address (RFC 9700 section 4.3.2), and only in one place. */
function requireShown(request: BackChannelRequest): Shown {
  const isForm = request.method === "POST" && request.body !== "";
  if (request.search.length > 1) throw new OAuthError("invalid_request", "The request has parameters in its address, where logs and proxies keep them.");
  const inForm = isForm ? readForm(request).values.get("access_token") : undefined;
  if (request.authorization === undefined && inForm === undefined) {
    throw new OAuthError("invalid_token", "There is no access token.", { headers: { "www-authenticate": 'Bearer realm="cyberun"' } });
  }
  if (request.authorization === undefined) return { token: inForm ?? "", scheme: "bearer" };
  if (inForm !== undefined) throw new OAuthError("invalid_request", "The access token is shown in two places.");
  return shownInHeader(request.authorization);
}

/** RFC 9449 section 7.1: a bound token comes with a proof by its key, and a bearer is nobody to it. */
async function requireBinding({ gate }: IssuerSite, caller: Caller, { request, shown, claims }: { readonly request: BackChannelRequest; readonly shown: Shown; readonly claims: GrantTokenClaims }): Promise<void> {
  const jkt = claims.cnf?.jkt;
  if (jkt === undefined && shown.scheme === "bearer") return;
  if (jkt === undefined || shown.scheme === "bearer" || request.dpop === undefined) throw invalidToken();
  const url = endpointUrl(gate.settings.issuerUrl, "userinfo");
  const proof = await takeProof(gate, caller, { header: request.dpop, method: request.method, url, accessToken: shown.token, needsNonce: false });
  if (proof.jkt !== jkt) throw invalidToken();
}

const readUserinfo = procedure("userinfo.read", async (act, claims: GrantTokenClaims): Promise<Readonly<Record<string, unknown>>> => {
  const now = act.services.clock.now();
  return await act.read(async (reader) => {
    const client = await findActiveClient(reader, claims.client_id);
    const grant = claims.grant_id === undefined ? undefined : await findLiveGrant(reader, claims.grant_id, now);
    if (client === undefined || grant?.userId === undefined || !(await isTokenLive(reader, claims, now))) throw invalidToken();
    requireClientLicensed(act.entitlements, client);
    if (!scopesOf(claims.scope).includes("openid")) throw new OAuthError("insufficient_scope", "The access token does not have the scope openid.");
    const told = await readClaims(reader, grant.userId, claimNames({ scope: claims.scope, claims: grant.claims }, "userinfo"));
    return { ...told, sub: claims.sub };
  });
});

/** Answers a request to the userinfo endpoint. Throws OAuthError, or a Fault that stands for one. */
export async function answerUserinfo(site: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<Readonly<Record<string, unknown>>> {
  const { gate, keyring } = site;
  const shown = requireShown(request);
  const claims = await findGrantTokenClaims(gate, keyring, shown.token);
  if (claims === undefined || !audiencesOf(claims).includes(gate.settings.issuerUrl)) throw invalidToken();
  await requireBinding(site, caller, { request, shown, claims });
  return await readUserinfo(gate, caller, claims);
}
