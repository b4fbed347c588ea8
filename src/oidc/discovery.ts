/**
 * The discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).
 *
 * Rule: pure, and names only what is served, so that no client is led to a closed door. Whoever adds an endpoint, a grant or a
 * method adds it here in the same change.
 */
import { authenticationMethods } from "./clients/client.ts";
import { clientAlgorithms } from "./clients/client-keys.ts";
import { endpointUrl } from "./endpoints.ts";
import type { Grant } from "./grants/grant.ts";

export const JWKS_PATH = "/.well-known/jwks.json";

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

export function discoveryOf(issuer: string, { grants }: Served) {
  return {
    issuer,
    jwks_uri: `${issuer}${JWKS_PATH}`,
    token_endpoint: endpointUrl(issuer, "token"),
    ...authenticationAt("token"),
    introspection_endpoint: endpointUrl(issuer, "introspection"),
    ...authenticationAt("introspection"),
    revocation_endpoint: endpointUrl(issuer, "revocation"),
    ...authenticationAt("revocation"),
    grant_types_supported: grants.map(({ type }) => type),
    response_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    dpop_signing_alg_values_supported: clientAlgorithms,
  };
}
