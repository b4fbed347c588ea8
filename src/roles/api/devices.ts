/** `/desktop/pair`, `/auth/device` and `/users/me/devices`: how devices get their keys, and how people and devices end them. */
import { t } from "elysia";
import { listDevices, revokeDevice, revokeOwnDevice } from "../../credentials/device-keys.ts";
import { confirmPairing, pollPairing, startPairing } from "../../credentials/pairing.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { pageQuery } from "./page-query.ts";

function addPairingDoors(app: App, gate: Gate): void {
  app.post("/api/v1/desktop/pair/start", async ({ caller }) => await startPairing(gate, caller, undefined), door("pairing.start", "none"));
  app.post("/api/v1/desktop/pair/poll", async ({ caller, body }) => await pollPairing(gate, caller, body), {
    ...door("pairing.poll"),
    body: t.Object({ device_code: t.String({ maxLength: 256 }) }),
  });
  app.post(
    "/api/v1/desktop/pair/confirm",
    async ({ caller, body, set }) => {
      await confirmPairing(gate, caller, body);
      set.status = 204;
    },
    { ...door("pairing.confirm"), body: t.Object({ user_code: t.String({ maxLength: 64 }), device_name: t.Optional(t.String()) }) },
  );
}

export function addDeviceDoors(app: App, gate: Gate): void {
  addPairingDoors(app, gate);
  app.post(
    "/api/v1/auth/device/revoke",
    async ({ caller, set }) => {
      await revokeOwnDevice(gate, caller, undefined);
      set.status = 204;
    },
    door("device.revoke_self", "none"),
  );
  app.get("/api/v1/users/me/devices", async ({ caller, query }) => await listDevices(gate, caller, query), { ...door("device.list", "none"), query: t.Object(pageQuery) });
  app.delete(
    "/api/v1/users/me/devices/:device_id",
    async ({ caller, params, set }) => {
      await revokeDevice(gate, caller, params);
      set.status = 204;
    },
    { ...door("device.revoke", "none"), params: t.Object({ device_id: t.String() }) },
  );
}
