/**
 * The public list: every path that answers a stranger without an operation, with the reason.
 *
 * A listener refuses to start with a route that is neither here nor bound to an operation.
 */
export const publicPaths: Readonly<Record<string, string>> = {
  "/healthz": "tells that the process is alive, nothing more",
  "/readyz": "tells whether the role can serve, for balancers",
  "/metrics": "counters and gauges without names of people or teams",
  "/v1/challenges": "first step of the lease handshake; grants nothing",
  "/v1/leases": "second step: the proof inside is the credential",
  "/v1/changes": "push stream: the ticket of a granted lease is the credential",
  "/v1/reload": "the proof inside is the credential",
  "/v1/license": "the proof inside is the credential",
  "/.well-known/openid-configuration": "discovery (OpenID Connect Discovery 1.0 section 4)",
  "/.well-known/oauth-authorization-server": "the same document for OAuth clients (RFC 8414 section 3)",
  "/.well-known/oauth-protected-resource/api/v1/mcp": "says how the MCP endpoint is called (RFC 9728 section 3)",
  "/": "the page that says what to do next",
  "/api/v1/openapi.json": "the description of the API, the same for everybody",
  "/docs/api": "the same for people",
  "/sign-in": "the form; what it posts is an operation",
  "/style.css": "the pages' one style sheet",
  "/logo": "the operator's picture, which sign-in pages show to everybody",
  "/favicon.ico": "the picture of a browser's tab",
  "/passkeys.js": "the one script, for forms that a passkey answers",
};
