/** `/users/me/…`: what a person does with their own ways in. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { changePassword } from "../../identity/password-change.ts";
import {
  confirmSecondFactor,
  enrolSecondFactor,
  readSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
  resetSecondFactor,
} from "../../identity/second-factors.ts";

const ProvenCode = t.Object({ current_password: t.String(), code: t.String({ maxLength: 128 }) });

function addSecondFactorDoors(app: App, gate: Gate): void {
  const path = "/api/v1/users/me/second-factor";
  app.get(path, async ({ caller }) => await readSecondFactor(gate, caller, undefined), door("second_factor.read"));
  app.post(path, async ({ caller, body }) => await enrolSecondFactor(gate, caller, body), {
    ...door("second_factor.enrol"),
    body: t.Object({ current_password: t.String() }),
  });
  app.post(`${path}/confirm`, async ({ caller, body }) => await confirmSecondFactor(gate, caller, body), {
    ...door("second_factor.confirm"),
    body: t.Object({ code: t.String({ maxLength: 128 }) }),
  });
  app.post(`${path}/recovery-codes`, async ({ caller, body }) => await renewRecoveryCodes(gate, caller, body), { ...door("second_factor.renew_codes"), body: ProvenCode });
  app.post(
    `${path}/remove`,
    async ({ caller, body, set }) => {
      await removeSecondFactor(gate, caller, body);
      set.status = 204;
    },
    { ...door("second_factor.remove"), body: ProvenCode },
  );
  app.delete(
    "/api/v1/users/:user_id/second-factor",
    async ({ caller, params, set }) => {
      await resetSecondFactor(gate, caller, params);
      set.status = 204;
    },
    { ...door("second_factor.reset", "none"), params: t.Object({ user_id: t.String() }) },
  );
}

export function addPeopleDoors(app: App, gate: Gate): void {
  addSecondFactorDoors(app, gate);
  app.put(
    "/api/v1/users/me/password",
    async ({ caller, body }) => {
      await changePassword(gate, caller, body);
      return { is_success: true };
    },
    { ...door("user.change_password"), body: t.Object({ current_password: t.String(), new_password: t.String() }) },
  );
}
