/** `/users/me/…`: what a person does with their own ways in. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { changePassword } from "../../identity/password-change.ts";

export function addPeopleDoors(app: App, gate: Gate): void {
  app.put(
    "/api/v1/users/me/password",
    async ({ caller, body }) => {
      await changePassword(gate, caller, body);
      return { is_success: true };
    },
    { ...door("user.change_password"), body: t.Object({ current_password: t.String(), new_password: t.String() }) },
  );
}
