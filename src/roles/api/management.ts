/** Management doors: quotas, credentials. */
import { t } from "elysia";
import { createCredential, listCredentials, revokeCredential } from "../../credentials/credentials.ts";
import { rotateCredential } from "../../credentials/rotation.ts";
import { readQuotas } from "../../across/quotas.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { pageQuery } from "./page-query.ts";

function addCredentialDoors(app: App, gate: Gate): void {
  app.get("/api/v1/credentials", async ({ caller, query }) => await listCredentials(gate, caller, query), {
    ...door("credential.list"),
    query: t.Object({ ...pageQuery, kind: t.Optional(t.String()) }),
  });
  app.post(
    "/api/v1/credentials",
    async ({ caller, body, set }) => {
      const created = await createCredential(gate, caller, body);
      set.status = 201;
      return created;
    },
    {
      ...door("credential.create"),
      body: t.Object({
        kind: t.String(),
        display_name: t.String(),
        expires_in_days: t.Optional(t.Number()),
        scopes: t.Optional(t.Array(t.String())),
        allowed_cidrs: t.Optional(t.Array(t.String())),
      }),
    },
  );
  app.post("/api/v1/credentials/:credential_id/rotate", async ({ caller, params, body }) => await rotateCredential(gate, caller, { ...params, ...body }), {
    ...door("credential.rotate"),
    params: t.Object({ credential_id: t.String() }),
    body: t.Optional(t.Object({ overlap_seconds: t.Optional(t.Number()) })),
  });
  app.delete(
    "/api/v1/credentials/:credential_id",
    async ({ caller, params, set }) => {
      await revokeCredential(gate, caller, params);
      set.status = 204;
    },
    { ...door("credential.revoke", "none"), params: t.Object({ credential_id: t.String() }) },
  );
}

export function addManagementDoors(app: App, gate: Gate): void {
  app.get("/api/v1/quotas", async ({ caller }) => await readQuotas(gate, caller, undefined), door("quota.read", "none"));
  addCredentialDoors(app, gate);
}
