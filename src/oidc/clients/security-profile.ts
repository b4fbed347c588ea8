/**
 * Security profiles: what a client binds itself to beyond the defaults, as one word.
 *
 *     fapi2   FAPI 2.0 Security Profile: pushed requests, PKCE, private_key_jwt made for the issuer alone, tokens bound to
 *             a key (DPoP), refresh tokens that are not rotated, https only, no RS256
 *
 * Rule: pure. A profile fills in what the client left out and refuses what contradicts it, so that a client of a profile
 * cannot come to be without one of its parts.
 */
import type { ClientMetadata } from "./client.ts";
import type { ClientAlgorithm } from "./client-keys.ts";

export const securityProfiles = ["fapi2"] as const;
export type SecurityProfile = (typeof securityProfiles)[number];

type Chosen = Pick<
  ClientMetadata,
  "token_endpoint_auth_method" | "require_pkce" | "rotate_refresh_tokens" | "require_pushed_authorization_requests" | "dpop_bound_access_tokens"
>;

const plain: Chosen = {
  token_endpoint_auth_method: "client_secret_basic",
  require_pkce: true,
  rotate_refresh_tokens: true,
  require_pushed_authorization_requests: false,
  dpop_bound_access_tokens: false,
};

/** Bound to the client's key, a refresh token that stays the same cannot be used by whoever stole it, and one that is lost on its way locks nobody out. */
const fapi2: Chosen = {
  token_endpoint_auth_method: "private_key_jwt",
  require_pkce: true,
  rotate_refresh_tokens: false,
  require_pushed_authorization_requests: true,
  dpop_bound_access_tokens: true,
};

/** What holds where the client says nothing. */
export function profileDefaults(profile: SecurityProfile | undefined): Chosen {
  return profile === undefined ? plain : fapi2;
}

/** The first member that contradicts the client's profile. */
export function findProfileBreach(metadata: ClientMetadata): { readonly member: keyof ClientMetadata; readonly problem: string } | undefined {
  if (metadata.security_profile === undefined) return undefined;
  for (const member of ["token_endpoint_auth_method", "require_pkce", "rotate_refresh_tokens", "require_pushed_authorization_requests", "dpop_bound_access_tokens"] as const) {
    if (metadata[member] !== fapi2[member]) return { member, problem: `has to be ${fapi2[member]} for security_profile fapi2` };
  }
  if (metadata.id_token_signed_response_alg === "RS256") return { member: "id_token_signed_response_alg", problem: "cannot be RS256 for security_profile fapi2" };
  const isSecure = metadata.redirect_uris.every((uri) => uri.startsWith("https://"));
  return isSecure ? undefined : { member: "redirect_uris", problem: "can only be https for security_profile fapi2" };
}

/** Whether a client of the profile may sign with the algorithm (FAPI 2.0 Security Profile section 5.4). */
export function isProfileAlgorithm(profile: SecurityProfile | undefined, algorithm: ClientAlgorithm): boolean {
  return profile === undefined || algorithm !== "RS256";
}
