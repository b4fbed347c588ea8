/**
 * The agent gateway: the door agents dial.
 *
 *     GET /v1/connect, Authorization: Bearer ak-…, Upgrade: websocket
 *
 * Rule: translates frames, decides nothing; admission is the operation `agent.connect`.
 * A connection lives only while its license does: when the state shuts, every socket is closed with the reason.
 */
import { t } from "elysia";
import { connectAgent } from "../agents/connections.ts";
import type { Gate } from "../gate/operation.ts";
import { door } from "../http/door.ts";
import type { App } from "../http/listener.ts";
import type { Metric } from "../http/metrics.ts";
import { licenseStates } from "../license/entitlements.ts";
import { version } from "../version.ts";

/** Close codes of ours, in the private range of RFC 6455 section 7.4.2. */
export const closeCodes = { license: 4503, protocol: 4400, stopping: 4001 } as const;

const FRAME_BYTES_MAX = 65_536;
/** An agent pings at least so often; one that is silent for three intervals is cut. */
export const PING_SECONDS = 10;
const SILENCE_SECONDS_MAX = 3 * PING_SECONDS;
const QUEUE_BYTES_MAX = 1_048_576;

interface Socket {
  readonly id: string;
  close(code: number, reason: string): void;
}

export interface GatewayDoors {
  /** Closes every socket if the license state no longer admits agents. Call it when the state changes. */
  reviewLicense(): void;
  closeAll(): void;
  metrics(): readonly Metric[];
}

const Ping = t.Object({ type: t.Literal("ping"), sequence: t.Integer({ minimum: 0 }) }, { additionalProperties: false });

/** Adds the gateway's doors to `app`. */
export function addGatewayDoors(app: App, gate: Gate): GatewayDoors {
  const sockets = new Map<string, Socket>();
  const { parse: _noBody, ...hooks } = door("agent.connect");
  app.ws("/v1/connect", {
    ...hooks,
    body: Ping,
    maxPayloadLength: FRAME_BYTES_MAX,
    backpressureLimit: QUEUE_BYTES_MAX,
    closeOnBackpressureLimit: true,
    idleTimeout: SILENCE_SECONDS_MAX,
    beforeHandle: async ({ caller }) => void (await connectAgent(gate, caller, undefined)),
    open(socket) {
      sockets.set(socket.id, socket);
      socket.send({ type: "welcome", session_id: gate.services.random.uuid(), ping_seconds: PING_SECONDS, server_version: version });
    },
    message: (socket, frame) => void socket.send({ type: "pong", sequence: frame.sequence }),
    error: ({ error }) => ({ type: "error", error_code: "invalid_request", error_message: error instanceof Error ? "The frame is not one of the protocol." : "refused" }),
    close: (socket) => void sockets.delete(socket.id),
  });
  const closeEach = (code: number, reason: string) => {
    for (const socket of sockets.values()) socket.close(code, reason);
  };
  return {
    reviewLicense() {
      const { state } = gate.entitled.entitlements();
      if (!licenseStates[state].open) closeEach(closeCodes.license, state);
    },
    closeAll: () => closeEach(closeCodes.stopping, "the gateway stops"),
    metrics: () => [
      { name: "cyberun_gateway_connections", help: "Agents connected now.", type: "gauge", samples: [{ value: sockets.size }] },
    ],
  };
}
