/** `/oidc`: OIDC clients for administrators. Members are those of RFC 7591; the rules are `oidc/clients`'s. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { createClient, deleteClient, listClients, readClient, rotateClientSecret, updateClient } from "../../oidc/clients/client-operations.ts";
import { createInitialAccessToken } from "../../oidc/clients/initial-access-tokens.ts";

const all = "/api/v1/oidc/clients";
const one = `${all}/:client_id`;
const params = t.Object({ client_id: t.String() });
/** What stands in it is the operation's to judge. */
const metadata = t.Object({}, { additionalProperties: true });

function addClientDoors(app: App, gate: Gate): void {
  app.get(all, async ({ caller, query }) => await listClients(gate, caller, query), { ...door("oidc_client.list"), query: t.Object({ after: t.Optional(t.String()) }) });
  app.post(
    all,
    async ({ caller, body, set }) => {
      const made = await createClient(gate, caller, { metadata: body });
      set.status = 201;
      return made;
    },
    { ...door("oidc_client.create"), body: metadata },
  );
  app.get(one, async ({ caller, params: { client_id } }) => await readClient(gate, caller, { client_id }), { ...door("oidc_client.read"), params });
  app.patch(
    one,
    async ({ caller, params: { client_id }, body: { is_disabled, ...rest } }) => await updateClient(gate, caller, { client_id, is_disabled, metadata: rest }),
    { ...door("oidc_client.update"), params, body: t.Object({ is_disabled: t.Optional(t.Boolean()) }, { additionalProperties: true }) },
  );
  app.delete(
    one,
    async ({ caller, params: { client_id }, set }) => {
      await deleteClient(gate, caller, { client_id });
      set.status = 204;
    },
    { ...door("oidc_client.delete", "none"), params },
  );
}

export function addOidcClientDoors(app: App, gate: Gate): void {
  addClientDoors(app, gate);
  app.post(
    `${one}/secret`,
    async ({ caller, params: { client_id }, body }) => await rotateClientSecret(gate, caller, { client_id, ...body }),
    { ...door("oidc_client.rotate_secret"), params, body: t.Object({ overlap_seconds: t.Optional(t.Number()) }) },
  );
  app.post(
    "/api/v1/oidc/initial-access-tokens",
    async ({ caller, body, set }) => {
      const made = await createInitialAccessToken(gate, caller, body);
      set.status = 201;
      return made;
    },
    { ...door("initial_access_token.create"), body: t.Object({ life_seconds: t.Optional(t.Number()) }) },
  );
}
