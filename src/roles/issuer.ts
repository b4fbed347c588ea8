/**
 * The OIDC issuer: discovery and the public keys that verify every token of this deployment.
 *
 * Rule: translates, decides nothing. Discovery names only what is served, so that no client is led to a closed door.
 */
import { ICON_PATH, iconResponse, LOGO_PATH, logoResponse } from "../dashboard/logo.ts";
import { PASSKEY_SCRIPT, passkeyScript } from "../dashboard/passkey-question.ts";
import styleSheet from "../dashboard/style.css" with { type: "text" };
import type { App } from "../http/listener.ts";
import type { IssuerSite } from "../oidc/token-endpoint.ts";
import { addAccountDoors } from "./issuer/account.ts";
import { addFactorDoors } from "./issuer/account-factors.ts";
import { addAuthorizationDoors } from "./issuer/authorize.ts";
import { addCrossOrigin } from "./issuer/cross-origin.ts";
import { addDeviceDoors } from "./issuer/device.ts";
import { addFederationDocuments } from "./issuer/federation.ts";
import { addIntrospectionDoor } from "./issuer/introspection.ts";
import { addLogoutDoors } from "./issuer/logout.ts";
import { addPublicDocuments } from "./issuer/public-documents.ts";
import { addPushedAuthorizationDoor } from "./issuer/pushed-authorization.ts";
import { addRegistrationDoors } from "./issuer/registration.ts";
import { addRevocationDoor } from "./issuer/revocation.ts";
import { addSelfServiceDoors } from "./issuer/self-service.ts";
import { addTokenDoor } from "./issuer/token.ts";
import { addUpstreamDoors } from "./issuer/upstream.ts";
import { addUserinfoDoors } from "./issuer/userinfo.ts";

/** Adds the issuer's doors to `app`. */
export function addIssuerDoors(app: App, site: IssuerSite): void {
  const { gate } = site;
  addCrossOrigin(app, gate);
  addPublicDocuments(app, site);
  addFederationDocuments(app, gate);
  app.get(PASSKEY_SCRIPT, passkeyScript);
  app.get(LOGO_PATH, () => logoResponse(gate.settings.logo));
  app.get(ICON_PATH, () => iconResponse(gate.settings.logo));
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
