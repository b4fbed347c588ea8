/**
 * The agent gateway: the door agents dial.
 *
 *     GET  /v1/connect, Authorization: Bearer ak-…, Upgrade: websocket
 *     POST /v1/tasks/{task_id}/attempts/{attempt}/inputs, …/outputs
 *     GET  /v1/channel, and /tunnel/{session_id}/{token}/… for whoever has the address
 *
 * Rule: translates frames, decides nothing; admission is the operation `agent.admit`, and `agent.connect` after the hello.
 * A connection lives only while its license and its key do: when either ends, its socket is closed with the reason.
 * What is said over it is the sessions' (`gateway/sessions.ts`).
 */
import { t } from "elysia";
import { admitAgent } from "../agents/connections.ts";
import { Fault } from "../fault.ts";
import type { Gate } from "../gate/operation.ts";
import { door } from "../http/door.ts";
import type { App } from "../http/listener.ts";
import type { Metric } from "../http/metrics.ts";
import type { Log } from "../log.ts";
import { announceOutput, openInput } from "../tasks/attempt-files.ts";
import type { Bell } from "../tasks/bell.ts";
import { Dispatcher } from "../tasks/dispatch.ts";
import { Channels } from "./gateway/channels.ts";
import { Connections } from "./gateway/connections.ts";
import { Sessions } from "./gateway/sessions.ts";
import { addServiceDoors, Services } from "./gateway/services.ts";
import { addTunnelDoors } from "./gateway/tunnel-doors.ts";
import { Tunnels } from "./gateway/tunnels.ts";

const CONNECT_PATH = "/v1/connect";
const AttemptPath = t.Object({ task_id: t.String(), attempt: t.Integer({ minimum: 1 }) });
/** Agents that are told of a stop come back after so long, spread over as long again. */
const ADVICE_MS = 1_000;

export interface GatewayDoors {
  /** Closes every socket if the license state no longer admits agents. Call it when the state changes. */
  reviewLicense(): void;
  /** Ends dispatching, tells the agents to come back, takes what they have said, and closes every socket. */
  stop(): Promise<void>;
  metrics(): readonly Metric[];
}

export interface GatewayParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly bell: Bell;
  /** Rung when a tunnel was opened or closed, or what shall run of a service has changed. */
  readonly accessBell: Bell;
}

/** Says to a plain request what this address is for (RFC 9110 section 15.5.22). */
function addPlainDoor(app: App): void {
  app.get(
    CONNECT_PATH,
    () => {
      throw new Fault("upgrade_required", "Agents connect here by WebSocket.", { hint: "Send Connection: Upgrade and Upgrade: websocket, or run cyberun agent." });
    },
    door("agent.admit", "none"),
  );
}

function addSocketDoor(app: App, gate: Gate, connections: Connections): void {
  const { parse: _noBody, ...hooks } = door("agent.admit");
  app.ws(CONNECT_PATH, {
    ...hooks,
    beforeHandle: async ({ caller }) => void (await admitAgent(gate, caller, undefined)),
    open: (socket) => connections.add(socket, socket.data.caller),
    message: (socket, frame) => connections.receive(socket.id, frame),
    close: (socket) => connections.remove(socket.id),
  });
}

/** How the files of attempts go in and out: links by which their bytes come from the API and go there. */
function addAttemptDoors(app: App, gate: Gate): void {
  app.post("/v1/tasks/:task_id/attempts/:attempt/inputs", async ({ caller, params, body }) => await openInput(gate, caller, { ...params, ...body }), {
    ...door("task.open_input"),
    params: AttemptPath,
    body: t.Object({ session_id: t.String(), file_key: t.String({ maxLength: 600 }) }),
  });
  app.post("/v1/tasks/:task_id/attempts/:attempt/outputs", async ({ caller, params, body }) => await announceOutput(gate, caller, { ...params, ...body }), {
    ...door("task.announce_output"),
    params: AttemptPath,
    body: t.Object({ session_id: t.String(), output_id: t.String(), file_name: t.String(), file_size: t.Number(), content_type: t.String() }),
  });
}

/** Adds the gateway's doors to `app`, and begins to dispatch. */
export function addGatewayDoors(app: App, { gate, log, bell, accessBell }: GatewayParts): GatewayDoors {
  const gatewayId = `gw-${Buffer.from(gate.services.random.bytes(4)).toString("hex")}`;
  const channels = new Channels(gate, log);
  const sessions = new Sessions({ gate, log, bell, gatewayId, onOver: (session) => channels.forget(session) });
  const connections = new Connections({ gate, log, sessions });
  addSocketDoor(app, gate, connections);
  addPlainDoor(app);
  addAttemptDoors(app, gate);
  const tunnels = new Tunnels({ gate, log, sessions, channels });
  addTunnelDoors(app, { gate, tunnels, channels, sessions });
  const services = new Services({ gate, log, sessions, tunnels });
  addServiceDoors(app, gate, services);
  const unhook = accessBell.onRing(() => {
    void tunnels.review();
    void services.review();
  });
  const dispatcher = new Dispatcher(gate, { log, bell, agents: sessions });
  return {
    reviewLicense() {
      connections.reviewLicense();
      tunnels.reviewLicense();
    },
    async stop() {
      await dispatcher.stop();
      unhook();
      await services.stop();
      await tunnels.stop();
      await channels.stop();
      await sessions.stop(ADVICE_MS);
      await connections.stop();
    },
    metrics: () => [
      { name: "cyberun_gateway_connections", help: "Sockets of agents that are open now.", type: "gauge", samples: [{ value: connections.count }] },
      { name: "cyberun_gateway_agents", help: "Agents connected now.", type: "gauge", samples: [{ value: sessions.count }] },
      { name: "cyberun_gateway_tunnel_streams", help: "Requests and connections that go through tunnels now.", type: "gauge", samples: [{ value: tunnels.count }] },
      { name: "cyberun_gateway_dispatched_total", help: "Attempts that were offered to agents.", type: "counter", samples: [{ value: dispatcher.claims }] },
    ],
  };
}
