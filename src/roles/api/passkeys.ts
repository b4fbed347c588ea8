/** `/api/v1/users/me/passkeys`: the own passkeys, for programs that hand on what a page of the issuer's origin has made. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { beginPasskeyProof } from "../../identity/passkeys/ownership.ts";
import { addPasskey, enrolPasskey, listPasskeys, removePasskey } from "../../identity/passkeys/passkeys.ts";

/** What a browser makes of an authenticator's answer. It may have members that are younger than this door, so the domain reads it. */
export const AnyAnswer = t.Object({}, { additionalProperties: true });

const Proof = t.Object({ current_password: t.Optional(t.String()), passkey: t.Optional(AnyAnswer) });

export function addPasskeyDoors(app: App, gate: Gate): void {
  const path = "/api/v1/users/me/passkeys";
  app.get(path, async ({ caller }) => await listPasskeys(gate, caller, undefined), door("passkey.list", "none"));
  app.post(`${path}/proof-options`, async ({ caller }) => await beginPasskeyProof(gate, caller, undefined), door("passkey.begin_proof", "none"));
  app.post(`${path}/options`, async ({ caller, body }) => await enrolPasskey(gate, caller, body), { ...door("passkey.enrol"), body: Proof });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const added = await addPasskey(gate, caller, body);
      set.status = 201;
      return added;
    },
    { ...door("passkey.add"), body: t.Object({ display_name: t.String(), credential: AnyAnswer }) },
  );
  app.post(
    `${path}/:passkey_id/remove`,
    async ({ caller, params, body, set }) => {
      await removePasskey(gate, caller, { ...params, ...body });
      set.status = 204;
    },
    { ...door("passkey.remove"), params: t.Object({ passkey_id: t.String({ maxLength: 64 }) }), body: Proof },
  );
}
