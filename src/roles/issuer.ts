/**
 * The OIDC issuer: discovery and the public keys that verify every token of this deployment.
 *
 * Rule: translates, decides nothing. Discovery names only what is served, so that no client is led to a closed door.
 */
import type { Gate } from "../gate/operation.ts";
import { door } from "../http/door.ts";
import type { App } from "../http/listener.ts";
import { JWKS_CACHE_SECONDS, listPublicKeys } from "../oidc/signing-keys.ts";

const JWKS_PATH = "/.well-known/jwks.json";

/** Other origins may read public documents (OpenID Connect Discovery 1.0 section 4). */
const publicDocument = {
  "cache-control": `public, max-age=${JWKS_CACHE_SECONDS}`,
  "access-control-allow-origin": "*",
} as const;

function discovery(issuer: string) {
  return {
    issuer,
    jwks_uri: `${issuer}${JWKS_PATH}`,
    subject_types_supported: ["public"],
    response_types_supported: [],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

/** Adds the issuer's doors to `app`. */
export function addIssuerDoors(app: App, gate: Gate): void {
  app.get("/.well-known/openid-configuration", ({ set }) => {
    Object.assign(set.headers, publicDocument);
    return discovery(gate.settings.issuerUrl);
  });
  app.get(
    JWKS_PATH,
    async ({ set, caller }) => {
      const keys = await listPublicKeys(gate, caller, undefined);
      Object.assign(set.headers, publicDocument);
      return keys;
    },
    door("signing_key.list_public"),
  );
}
