/** `/agents/{agent_id}/tunnel`: ways through the gateway to a port of a connected agent. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import type { Bell } from "../../tasks/bell.ts";
import { closeTunnels, openTunnel, readTunnels } from "../../tunnels/tunnels.ts";

const AgentPath = t.Object({ agent_id: t.String({ maxLength: 100 }) });
const OpenBody = t.Object({
  target_port: t.Optional(t.Number({ minimum: 1, maximum: 65_535 })),
  tunnel_protocol: t.Optional(t.Union([t.Literal("http"), t.Literal("tcp")])),
  expires_in: t.Optional(t.Number()),
});

export function addTunnelApiDoors(app: App, gate: Gate, bell: Bell): void {
  app.post(
    "/api/v1/agents/:agent_id/tunnel",
    async ({ caller, params, body, set }) => {
      const opened = await openTunnel(gate, caller, { ...params, ...body });
      bell.ring();
      set.status = 201;
      return opened;
    },
    { ...door("tunnel.open"), params: AgentPath, body: OpenBody },
  );
  app.get("/api/v1/agents/:agent_id/tunnel", async ({ caller, params }) => await readTunnels(gate, caller, params), { ...door("tunnel.read", "none"), params: AgentPath });
  app.delete(
    "/api/v1/agents/:agent_id/tunnel",
    async ({ caller, params, query, set }) => {
      await closeTunnels(gate, caller, { ...params, ...query });
      bell.ring();
      set.status = 204;
    },
    { ...door("tunnel.close", "none"), params: AgentPath, query: t.Object({ session_id: t.Optional(t.String({ maxLength: 100 })) }) },
  );
}
