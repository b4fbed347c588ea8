/**
 * The OIDC issuer: discovery and the public keys that verify every token of this deployment.
 *
 * Rule: translates, decides nothing. Discovery names only what is served, so that no client is led to a closed door.
 */
import passkeyScript from "../dashboard/passkey-form.js" with { type: "text" };
import styleSheet from "../dashboard/style.css" with { type: "text" };
import { door } from "../http/door.ts";
import type { App } from "../http/listener.ts";
import { discoveryOf, JWKS_PATH } from "../oidc/discovery.ts";
import { JWKS_CACHE_SECONDS, listPublicKeys } from "../oidc/signing-keys.ts";
import { grants, type IssuerSite } from "../oidc/token-endpoint.ts";
import { addAccountDoors } from "./issuer/account.ts";
import { addFactorDoors } from "./issuer/account-factors.ts";
import { addAuthorizationDoors } from "./issuer/authorize.ts";
import { addDeviceDoors } from "./issuer/device.ts";
import { addIntrospectionDoor } from "./issuer/introspection.ts";
import { addLogoutDoors } from "./issuer/logout.ts";
import { PASSKEY_SCRIPT } from "./issuer/pages/passkey-form.ts";
import { addPushedAuthorizationDoor } from "./issuer/pushed-authorization.ts";
import { addRegistrationDoors } from "./issuer/registration.ts";
import { addRevocationDoor } from "./issuer/revocation.ts";
import { addSelfServiceDoors } from "./issuer/self-service.ts";
import { addTokenDoor } from "./issuer/token.ts";
import { addUpstreamDoors } from "./issuer/upstream.ts";
import { addUserinfoDoors } from "./issuer/userinfo.ts";

/** Other origins may read public documents (OpenID Connect Discovery 1.0 section 4). */
const publicDocument = {
  "cache-control": `public, max-age=${JWKS_CACHE_SECONDS}`,
  "access-control-allow-origin": "*",
} as const;

/** Adds the issuer's doors to `app`. */
export function addIssuerDoors(app: App, site: IssuerSite): void {
  const { gate } = site;
  app.get("/.well-known/openid-configuration", ({ set }) => {
    Object.assign(set.headers, publicDocument);
    return discoveryOf(gate.settings.issuerUrl, { grants });
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
  app.get(PASSKEY_SCRIPT, () => new Response(passkeyScript, { headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "max-age=3600" } }));
  app.get("/style.css", () => new Response(styleSheet, { headers: { "content-type": "text/css; charset=utf-8", "cache-control": "max-age=3600" } }));
  addAuthorizationDoors(app, site);
  addAccountDoors(app, gate);
  addFactorDoors(app, gate);
  addSelfServiceDoors(app, gate);
  addUpstreamDoors(app, gate);
  addPushedAuthorizationDoor(app, site);
  addUserinfoDoors(app, site);
  addLogoutDoors(app, site);
  addDeviceDoors(app, site);
  addTokenDoor(app, site);
  addIntrospectionDoor(app, site);
  addRevocationDoor(app, site);
  addRegistrationDoors(app, site);
}
