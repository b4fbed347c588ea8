/** `/oidc/signing-keys`: the keys that sign the deployment's tokens, for administrators. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { revokeSigningKey, rotateSigningKeys } from "../../oidc/key-rotation.ts";
import { listSigningKeys } from "../../oidc/signing-keys.ts";
import { isoTime } from "../../page.ts";

const all = "/api/v1/oidc/signing-keys";

function isoOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : isoTime(epochMs);
}

export function addSigningKeyDoors(app: App, gate: Gate): void {
  app.get(
    all,
    async ({ caller }) => {
      const keys = await listSigningKeys(gate, caller, undefined);
      const signing_keys = keys.map(({ kid, alg, state, created_at, active_from, retired_at, published_until, revoked_at }) => ({
        kid,
        alg,
        key_status: state,
        created_at: isoTime(created_at),
        active_from: isoTime(active_from),
        retired_at: isoOrNull(retired_at),
        published_until: isoOrNull(published_until),
        revoked_at: isoOrNull(revoked_at),
      }));
      return { signing_keys };
    },
    door("signing_key.list"),
  );
  app.post(
    `${all}/rotate`,
    async ({ caller, body: { is_now = false } }) => {
      const changes = await rotateSigningKeys(gate, caller, { alg: undefined, time: is_now ? "now" : "soon" });
      return { changes: changes.map(({ active_from, ...rest }) => ({ ...rest, active_from: isoTime(active_from) })) };
    },
    { ...door("signing_key.rotate"), body: t.Object({ is_now: t.Optional(t.Boolean()) }) },
  );
  app.post(
    `${all}/:kid/revoke`,
    async ({ caller, params: { kid } }) => {
      const { revoked_at, successor } = await revokeSigningKey(gate, caller, { kid });
      return { kid, revoked_at: isoTime(revoked_at), successor };
    },
    { ...door("signing_key.revoke", "none"), params: t.Object({ kid: t.String({ maxLength: 128 }) }) },
  );
}
