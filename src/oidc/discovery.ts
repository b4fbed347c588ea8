/**
 * The discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).
 *
 * Rule: pure, and names only what is served, so that no client is led to a closed door. Whoever adds an endpoint, a grant or a
 * method adds it here in the same change.
 */
import { acrValues } from "./authorization/grant.ts";
import { prompts, responseModes } from "./authorization/request.ts";
import { claimsOfScope } from "./claims.ts";
import { authenticationMethods, idTokenAlgorithms, responseTypes, subjectTypes } from "./clients/client.ts";
import { clientAlgorithms } from "./clients/client-keys.ts";
import { endpointUrl } from "./endpoints.ts";
import type { Grant } from "./grants/grant.ts";

export const JWKS_PATH = "/.well-known/jwks.json";
export const DISCOVERY_PATH = "/.well-known/openid-configuration";
/** RFC 8414 section 3. */
export const AUTHORIZATION_SERVER_PATH = "/.well-known/oauth-authorization-server";

/** How clients of endpoints for programs show who they are, as discovery tells it of each such endpoint. */
function authenticationAt(endpoint: string) {
  return {
    [`${endpoint}_endpoint_auth_methods_supported`]: authenticationMethods,
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: clientAlgorithms,
  };
}

export interface Served {
  readonly grants: readonly Pick<Grant, "type">[];
}

/** What a browser is sent to, and what it may say there. */
function atTheBrowser(issuer: string) {
  return {
    authorization_endpoint: endpointUrl(issuer, "authorization"),
    pushed_authorization_request_endpoint: endpointUrl(issuer, "pushed_authorization_request"),
    end_session_endpoint: endpointUrl(issuer, "end_session"),
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    response_types_supported: responseTypes,
    response_modes_supported: responseModes,
    code_challenge_methods_supported: ["S256"],
    prompt_values_supported: prompts,
    acr_values_supported: acrValues,
    ui_locales_supported: ["en", "de"],
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}

/** What is told about people. */
function aboutPeople(issuer: string) {
  return {
    userinfo_endpoint: endpointUrl(issuer, "userinfo"),
    scopes_supported: ["openid", ...Object.keys(claimsOfScope), "offline_access"],
    claims_supported: ["sub", "iss", "auth_time", "acr", "amr", "sid", ...Object.values(claimsOfScope).flat()],
    subject_types_supported: subjectTypes,
    id_token_signing_alg_values_supported: idTokenAlgorithms,
  };
}

export function discoveryOf(issuer: string, { grants }: Served) {
  return {
    issuer,
    jwks_uri: `${issuer}${JWKS_PATH}`,
    token_endpoint: endpointUrl(issuer, "token"),
    ...authenticationAt("token"),
    device_authorization_endpoint: endpointUrl(issuer, "device_authorization"),
    introspection_endpoint: endpointUrl(issuer, "introspection"),
    ...authenticationAt("introspection"),
    registration_endpoint: endpointUrl(issuer, "registration"),
    revocation_endpoint: endpointUrl(issuer, "revocation"),
    ...authenticationAt("revocation"),
    grant_types_supported: grants.map(({ type }) => type),
    ...atTheBrowser(issuer),
    ...aboutPeople(issuer),
    dpop_signing_alg_values_supported: clientAlgorithms,
  };
}
