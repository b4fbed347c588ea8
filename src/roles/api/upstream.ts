/** Sign-in through other people's providers: the providers for administrators, the own identities, the documented exchange. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { exchangeUpstreamCode } from "../../identity/upstream/admission.ts";
import { listIdentities, removeIdentity } from "../../identity/upstream/identities.ts";
import { createProvider, deleteProvider, listProviders, readStoredProvider, updateProvider } from "../../identity/upstream/provider-operations.ts";
import type { Keyring } from "../../oidc/keyring.ts";
import { tokensOf } from "./sessions.ts";

const all = "/api/v1/oidc/providers";
const one = `${all}/:id`;
const params = t.Object({ id: t.String({ maxLength: 64 }) });
/** Members of a provider beside these are the operation's to judge. */
const open = { additionalProperties: true };
const Secret = t.Optional(t.String({ maxLength: 1_000 }));

function addProviderDoors(app: App, gate: Gate): void {
  app.get(all, async ({ caller }) => await listProviders(gate, caller, undefined), door("upstream_provider.list"));
  app.post(
    all,
    async ({ caller, body: { id, client_secret, ...members }, set }) => {
      const made = await createProvider(gate, caller, { id, client_secret, members });
      set.status = 201;
      return made;
    },
    { ...door("upstream_provider.create"), body: t.Object({ id: t.String(), client_secret: Secret }, open) },
  );
  app.get(one, async ({ caller, params: { id } }) => await readStoredProvider(gate, caller, { id }), { ...door("upstream_provider.read"), params });
  app.patch(
    one,
    async ({ caller, params: { id }, body: { client_secret, is_disabled, ...members } }) => await updateProvider(gate, caller, { id, client_secret, is_disabled, members }),
    { ...door("upstream_provider.update"), params, body: t.Object({ client_secret: Secret, is_disabled: t.Optional(t.Boolean()) }, open) },
  );
  app.delete(
    one,
    async ({ caller, params: { id }, set }) => {
      await deleteProvider(gate, caller, { id });
      set.status = 204;
    },
    { ...door("upstream_provider.delete", "none"), params },
  );
}

function addIdentityDoors(app: App, gate: Gate): void {
  app.get("/api/v1/users/me/identities", async ({ caller }) => await listIdentities(gate, caller, undefined), door("upstream_identity.list"));
  app.delete(
    "/api/v1/users/me/identities/:id",
    async ({ caller, params: { id }, set }) => {
      await removeIdentity(gate, caller, { id });
      set.status = 204;
    },
    { ...door("upstream_identity.remove", "none"), params },
  );
}

export function addUpstreamDoors(app: App, gate: Gate, keyring: Keyring): void {
  addProviderDoors(app, gate);
  addIdentityDoors(app, gate);
  app.post(
    "/api/v1/auth/oauth/exchange-code",
    async ({ caller, body }) => await tokensOf(gate, keyring, await exchangeUpstreamCode(gate, caller, { ...body, kind: "token" })),
    { ...door("upstream_sign_in.exchange"), body: t.Object({ code: t.String({ maxLength: 4_096 }), code_verifier: t.Optional(t.String({ maxLength: 128 })) }) },
  );
}
