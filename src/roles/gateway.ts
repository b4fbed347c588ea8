/**
 * The agent gateway: the door agents dial.
 *
 *     GET /v1/connect, Authorization: Bearer ak-…, Upgrade: websocket
 *
 * Rule: translates frames, decides nothing; admission is the operation `agent.connect`.
 * A connection lives only while its license and its key do: when either ends, its socket is closed with the reason.
 */
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { connectAgent } from "../agents/connections.ts";
import { type EndReason, OpenConnections } from "../credentials/open-connections.ts";
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { door } from "../http/door.ts";
import { SOCKET_SILENCE_SECONDS_MAX } from "../http/limits.ts";
import type { App } from "../http/listener.ts";
import type { Metric } from "../http/metrics.ts";
import { licenseStates } from "../license/entitlements.ts";
import type { Log } from "../log.ts";
import { version } from "../version.ts";

/** Close codes of ours, in the private range of RFC 6455 section 7.4.2. */
export const closeCodes = { license: 4503, protocol: 4400, credential: 4401, unheard: 4504, stopping: 4001 } as const;

const ends = {
  ended: { code: closeCodes.credential, reason: "the key is no longer good" },
  unheard: { code: closeCodes.unheard, reason: "whether the key is good cannot be found out" },
} as const satisfies Record<EndReason, { readonly code: number; readonly reason: string }>;

/** An agent pings at least so often; one that is silent for three intervals is cut. */
export const PING_SECONDS = SOCKET_SILENCE_SECONDS_MAX / 3;
/** Frames that one agent may send within a second. A well-behaved one sends a handful. */
export const FRAMES_PER_SECOND_MAX = 100;
const SECOND_MS = 1_000;
const CONNECT_PATH = "/v1/connect";

interface Socket {
  readonly id: string;
  close(code: number, reason: string): void;
}

/** One agent's socket, with the frames of the second that runs. */
interface Connection {
  readonly socket: Socket;
  /** Its key is not watched any more. */
  readonly forget: () => void;
  secondSinceMs: number;
  frames: number;
}

export interface GatewayDoors {
  /** Closes every socket if the license state no longer admits agents. Call it when the state changes. */
  reviewLicense(): void;
  closeAll(): void;
  /** Closes every socket, and watches no key any more. */
  stop(): Promise<void>;
  metrics(): readonly Metric[];
}

const pingShape = shapeOf(
  Type.Object({ type: Type.Literal("ping"), sequence: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) }, { additionalProperties: false }),
);

const notOfProtocol = { type: "error", error_code: "invalid_request", error_message: "The frame is not one of the protocol." } as const;

/** Counts one more frame; false when it is one too many. */
function mayReceive(connection: Connection, nowMs: number): boolean {
  if (nowMs - connection.secondSinceMs >= SECOND_MS) {
    connection.secondSinceMs = nowMs;
    connection.frames = 0;
  }
  connection.frames += 1;
  return connection.frames <= FRAMES_PER_SECOND_MAX;
}

/** The connections that are open, and their ends. */
class Connections {
  readonly #open = new Map<string, Connection>();
  readonly #gate: Gate;
  readonly #keys: OpenConnections;

  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#keys = new OpenConnections(gate, log);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Takes the socket in; false when the license was shut while it was on its way. */
  add(socket: Socket, caller: Caller): boolean {
    const forget = this.#keys.add(caller, (reason) => this.#endFor(socket.id, ends[reason]));
    this.#open.set(socket.id, { socket, forget, secondSinceMs: this.#gate.services.clock.monotonic(), frames: 0 });
    this.reviewLicense();
    return this.#open.has(socket.id);
  }

  remove(id: string): void {
    this.#open.get(id)?.forget();
    this.#open.delete(id);
  }

  /** The frame that answers `frame`; undefined when there is nobody to answer any more. */
  answer(id: string, frame: unknown): object | undefined {
    const connection = this.#open.get(id);
    if (connection === undefined) return undefined;
    if (!mayReceive(connection, this.#gate.services.clock.monotonic())) {
      this.#end(connection, closeCodes.protocol, `more than ${FRAMES_PER_SECOND_MAX} frames in a second`);
      return undefined;
    }
    return pingShape.Check(frame) ? { type: "pong", sequence: frame.sequence } : notOfProtocol;
  }

  reviewLicense(): void {
    const { state } = this.#gate.entitled.entitlements();
    if (!licenseStates[state].open) this.endAll(closeCodes.license, state);
  }

  endAll(code: number, reason: string): void {
    for (const connection of this.#open.values()) this.#end(connection, code, reason);
  }

  closeAll(): void {
    this.endAll(closeCodes.stopping, "the gateway stops");
  }

  async stop(): Promise<void> {
    this.closeAll();
    await this.#keys.stop();
  }

  #endFor(id: string, { code, reason }: (typeof ends)[EndReason]): void {
    const connection = this.#open.get(id);
    if (connection !== undefined) this.#end(connection, code, reason);
  }

  #end({ socket }: Connection, code: number, reason: string): void {
    // First, so that frames which are on their way already are not answered.
    this.remove(socket.id);
    socket.close(code, reason);
  }
}

/** Says to a plain request what this address is for (RFC 9110 section 15.5.22). */
function addPlainDoor(app: App): void {
  app.get(
    CONNECT_PATH,
    () => {
      throw new Fault("upgrade_required", "Agents connect here by WebSocket.", { hint: "Send Connection: Upgrade and Upgrade: websocket, or run cyberun agent." });
    },
    door("agent.connect", "none"),
  );
}

/** Adds the gateway's doors to `app`. */
export function addGatewayDoors(app: App, gate: Gate, log: Log): GatewayDoors {
  const connections = new Connections(gate, log);
  const { parse: _noBody, ...hooks } = door("agent.connect");
  app.ws(CONNECT_PATH, {
    ...hooks,
    beforeHandle: async ({ caller }) => void (await connectAgent(gate, caller, undefined)),
    open(socket) {
      if (!connections.add(socket, socket.data.caller)) return;
      socket.send({ type: "welcome", session_id: gate.services.random.uuid(), ping_seconds: PING_SECONDS, server_version: version });
    },
    message(socket, frame) {
      const answer = connections.answer(socket.id, frame);
      if (answer !== undefined) socket.send(answer);
    },
    close: (socket) => connections.remove(socket.id),
  });
  addPlainDoor(app);
  return {
    reviewLicense: () => connections.reviewLicense(),
    closeAll: () => connections.closeAll(),
    stop: () => connections.stop(),
    metrics: () => [{ name: "cyberun_gateway_connections", help: "Agents connected now.", type: "gauge", samples: [{ value: connections.count }] }],
  };
}
