/** `/api/v1/users/me/consents`: what one has allowed OIDC clients, listed and taken back. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { listConsents, revokeConsent } from "../../oidc/consents.ts";

export function addConsentDoors(app: App, gate: Gate): void {
  app.get("/api/v1/users/me/consents", async ({ caller }) => await listConsents(gate, caller, undefined), door("consent.list", "none"));
  app.delete(
    "/api/v1/users/me/consents/:client_id",
    async ({ caller, params, set }) => {
      await revokeConsent(gate, caller, params);
      set.status = 204;
    },
    { ...door("consent.revoke", "none"), params: t.Object({ client_id: t.String({ maxLength: 100 }) }) },
  );
}
