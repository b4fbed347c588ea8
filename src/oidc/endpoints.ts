/**
 * Where the issuer's endpoints are: one table for routes, discovery, audiences of assertions and `htu` of proofs.
 *
 * Rule: paths only. An address is always the configured issuer URL and a path, never what a request claims to be at.
 */

/** Everything under it is for programs: refused in OAuth's shape, whatever refused it. */
export const oauthPrefix = "/oauth/";

export const endpoints = {
  authorization: "/oauth/authorize",
  pushed_authorization_request: "/oauth/par",
  token: "/oauth/token",
  userinfo: "/oauth/userinfo",
  introspection: "/oauth/introspect",
  revocation: "/oauth/revoke",
  registration: "/oauth/register",
  device_authorization: "/oauth/device_authorization",
  end_session: "/oauth/logout",
} as const;

export type Endpoint = keyof typeof endpoints;

/** The address of the endpoint, without a query. */
export function endpointUrl(issuerUrl: string, endpoint: Endpoint): string {
  return `${issuerUrl}${endpoints[endpoint]}`;
}
