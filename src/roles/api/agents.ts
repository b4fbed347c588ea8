/** `/agents` and `/r/agents`: who of the team is connected to a gateway now. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { listAgents, listRuntimeAgents } from "../../tasks/agent-list.ts";
import { pageQuery } from "./page-query.ts";

export function addAgentDoors(app: App, gate: Gate): void {
  app.get("/api/v1/agents", async ({ caller, query }) => await listAgents(gate, caller, query), { ...door("agent.list", "none"), query: t.Object(pageQuery) });
  app.get("/api/v1/r/agents", async ({ caller, query }) => await listRuntimeAgents(gate, caller, query), { ...door("agent.list_runtime", "none"), query: t.Object(pageQuery) });
}
