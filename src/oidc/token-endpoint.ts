/**
 * The token endpoint (RFC 6749 section 3.2): what holds for every grant, in this order.
 *
 *     one strict form in the body, nothing in the address
 *     → client authentication, by the client's own method
 *     → license, for clients of others
 *     → grant type: known, and registered by this client
 *     → parameters that the grant does not define are dropped
 *     → proof of possession, where there is one or has to be one
 *     → the grant
 *
 * Rule: each step may refuse, and none comes before one above it; a stranger learns nothing but that it is one.
 */
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { type Gate, procedure } from "../gate/operation.ts";
import { type BackChannelRequest, type Form, readForm } from "./back-channel.ts";
import { authenticateClient } from "./client-authentication/authenticate-client.ts";
import type { ClientKeySets } from "./clients/client-key-sets.ts";
import { type Client, requireClientLicensed } from "./clients/client.ts";
import { takeProof } from "./dpop.ts";
import { endpointUrl } from "./endpoints.ts";
import { authorizationCode } from "./grants/authorization-code.ts";
import { clientCredentials } from "./grants/client-credentials.ts";
import { deviceCode } from "./grants/device-code.ts";
import type { Grant, GrantRequest, TokenAnswer } from "./grants/grant.ts";
import { refreshToken } from "./grants/refresh-token.ts";
import type { Keyring } from "./keyring.ts";
import { OAuthError, oauthErrorOf } from "./oauth-error.ts";
import type { TokenTally } from "./token-tally.ts";

/** Every grant that is served; discovery names them. */
export const grants: readonly Grant[] = [authorizationCode, refreshToken, clientCredentials, deviceCode];

/** What an endpoint of the issuer works with. */
export interface IssuerSite {
  readonly gate: Gate;
  readonly keyring: Keyring;
  readonly clientKeys: ClientKeySets;
  /** Is told what the token endpoint gave and refused. */
  readonly tally?: TokenTally;
}

function requireGrant({ values }: Form, client: Client): Grant {
  const type = values.get("grant_type");
  if (type === undefined) throw new OAuthError("invalid_request", "The parameter grant_type is missing.");
  const grant = grants.find((each) => each.type === type);
  if (grant === undefined) throw new OAuthError("unsupported_grant_type", "This grant_type is not served here.", { hint: `These are: ${grants.map((each) => each.type).join(", ")}.` });
  if (client.grant_types.includes(grant.type)) return grant;
  throw new OAuthError("unauthorized_client", "The client is not registered for this grant_type.", { hint: "Register it with this grant type first." });
}

function definedParameters({ values }: Form, { parameters }: Grant): ReadonlyMap<string, string> {
  return new Map([...values].filter(([name]) => parameters.includes(name)));
}

interface Shown {
  readonly client: Client;
  readonly request: BackChannelRequest;
  readonly caller: Caller;
}

/** Thumbprint of the key that tokens shall be bound to. Throws OAuthError `invalid_dpop_proof`, also for want of a proof that has to be there. */
async function findBinding(gate: Gate, { client, request, caller }: Shown): Promise<string | undefined> {
  const { dpop: header, method } = request;
  if (header !== undefined) {
    const url = endpointUrl(gate.settings.issuerUrl, "token");
    return (await takeProof(gate, caller, { header, method, url, accessToken: undefined, needsNonce: client.require_dpop_nonce })).jkt;
  }
  if (!client.dpop_bound_access_tokens) return undefined;
  throw new OAuthError("invalid_dpop_proof", "This client's tokens are bound to its key, and the request has no DPoP proof.", { hint: "Send one in the DPoP header (RFC 9449 section 5)." });
}

const issueToken = procedure("token.issue", async (act, { grant, request }: { readonly grant: Grant; readonly request: GrantRequest }): Promise<TokenAnswer> => {
  return await grant.issue(act, request);
});

/** Answers a request to the token endpoint. Throws OAuthError, or a Fault that stands for one. */
export async function answerTokenRequest(site: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<TokenAnswer> {
  try {
    return await answered(site, caller, request);
  } catch (error) {
    site.tally?.noteRefused(error instanceof Fault ? oauthErrorOf(error).oauthCode : "server_error");
    throw error;
  }
}

async function answered({ gate, keyring, clientKeys, tally }: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<TokenAnswer> {
  const form = readForm(request);
  const client = await authenticateClient(gate, caller, { request, form, clientKeys });
  requireClientLicensed(gate.entitled.entitlements(), client);
  const grant = requireGrant(form, client);
  const parameters = definedParameters(form, grant);
  const jkt = await findBinding(gate, { client, request, caller });
  const answer = await issueToken(gate, caller, { grant, request: { client, parameters, resources: form.resources, jkt, keyring } });
  tally?.noteIssued(grant.type);
  return answer;
}
