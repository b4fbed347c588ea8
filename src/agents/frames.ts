/**
 * The frames of the agent protocol, version 1: JSON texts on one WebSocket that the agent dials.
 *
 *     agent                                    gateway
 *     hello {holds, resume}              →
 *                                        ←     welcome {session_id, keep, stop, resumed}
 *                                        ←     offer {task_id, attempt, …}
 *     accept | decline                   →
 *     progress, log {offset}, result     →
 *                                        ←     logged {offset}, taken, stop
 *     ping                               ⇄     ping, each answered by pong
 *
 * Everything but `hello`, `welcome`, `ping` and `pong` carries `seq` and `ack` (`wire.ts`). Every word about an attempt names
 * it, and is the same when it is said twice.
 *
 * Rule: forms only. What is sent when, and what it means, is the gateway's and the agent's. `docs/agent-protocol.md`
 * publishes these schemas.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";

export const PROTOCOL = 1;
/** Characters of one log frame; a longer piece is sent in several. */
export const LOG_CHARACTERS_MAX = 16_384;
/** Attempts that one agent holds at most. */
export const HOLDS_MAX = 256;

const closed = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Id = Type.String({ pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" });
const Name = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$" });
const Line = Type.String({ maxLength: 255 });
const Label = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$" });
const attempt = { task_id: Id, attempt: Type.Integer({ minimum: 1, maximum: 2 ** 31 }) };
const numbered = { seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), ack: Count };

/** As documented: only `idle` and `busy` take tasks. */
export const agentStatuses = ["idle", "busy", "syncing", "tunnel", "unhealthy"] as const;
export type AgentStatus = (typeof agentStatuses)[number];

const Gpu = Type.Object({ device_name: Line, device_type: Line, vram_total: Count, vram_free: Count }, closed);
const Stats = Type.Object(
  { comfyui_version: Type.Optional(Line), pytorch_version: Type.Optional(Line), os_type: Type.Optional(Line), gpu_devices: Type.Optional(Type.Array(Gpu, { maxItems: 64 })) },
  closed,
);

const Hold = Type.Object({ ...attempt, log_offset: Count }, closed);

export const HelloSchema = Type.Object(
  {
    type: Type.Literal("hello"),
    protocol: Type.Integer({ minimum: 1, maximum: 1_000 }),
    /** As people call it; unique in the team while it is connected. */
    agent_id: Name,
    agent_version: Line,
    labels: Type.Array(Label, { maxItems: 64, uniqueItems: true }),
    /** Tasks that it runs at the same time. */
    capacity: Type.Integer({ minimum: 1, maximum: HOLDS_MAX }),
    tool: Type.Optional(Line),
    tool_version: Type.Optional(Line),
    platform_arch: Type.Optional(Line),
    gpu_type: Type.Optional(Type.Union([Type.Null(), Line])),
    /** Ports of its own host that it lets tunnels in to. */
    tunnel_ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { maxItems: 64, uniqueItems: true })),
    /** What it lends itself to: to run containers, or to call addresses outside. */
    services: Type.Optional(Type.Array(Type.Union([Type.Literal("deployed"), Type.Literal("external")]), { maxItems: 2, uniqueItems: true })),
    /** The session to go on with, and the last sequence that was received of it. */
    resume: Type.Optional(Type.Object({ session_id: Id, ack: Count }, closed)),
    /** The session that it had, when it cannot go on with it: it was started again. It takes that one's place at once. */
    replaces: Type.Optional(Id),
    /** The attempts that it still runs, or has a result of. */
    holds: Type.Array(Hold, { maxItems: HOLDS_MAX }),
  },
  closed,
);
export type Hello = Static<typeof HelloSchema>;

/** `ack` as in numbered frames, so that a side which has nothing to say acknowledges too. */
const Ping = Type.Object({ type: Type.Literal("ping"), sequence: Count, ack: Type.Optional(Count) }, closed);
const Pong = Type.Object({ type: Type.Literal("pong"), sequence: Count }, closed);

const report = {
  sync_phase: Type.Optional(Type.Union([Type.Null(), Line])),
  sync_detail: Type.Optional(Type.Union([Type.Null(), Line])),
  sync_percent: Type.Optional(Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 100 })])),
  system_stats: Type.Optional(Stats),
};
const ReportSchema = Type.Object(report, closed);
export type AgentReport = Static<typeof ReportSchema>;
const statusWord = Type.Union([Type.Literal("idle"), Type.Literal("busy"), Type.Literal("syncing"), Type.Literal("tunnel"), Type.Literal("unhealthy")]);
const Status = Type.Object({ type: Type.Literal("status"), ...numbered, agent_status: statusWord, ...report }, closed);
const Accept = Type.Object({ type: Type.Literal("accept"), ...numbered, ...attempt }, closed);
const Decline = Type.Object({ type: Type.Literal("decline"), ...numbered, ...attempt, reason: Line }, closed);
const Progress = Type.Object(
  {
    type: Type.Literal("progress"),
    ...numbered,
    ...attempt,
    progress: Type.Number({ minimum: 0, maximum: 1 }),
    current_node: Type.Optional(Line),
    step_current: Type.Optional(Count),
    step_total: Type.Optional(Count),
    stage: Type.Optional(Line),
    message: Type.Optional(Line),
  },
  closed,
);
const Log = Type.Object(
  {
    type: Type.Literal("log"),
    ...numbered,
    ...attempt,
    /** UTF-8 bytes of the attempt's log before this piece. */
    offset: Count,
    stream: Type.Union([Type.Literal("stdout"), Type.Literal("stderr")]),
    text: Type.String({ minLength: 1, maxLength: LOG_CHARACTERS_MAX }),
  },
  closed,
);
const Result = Type.Object(
  {
    type: Type.Literal("result"),
    ...numbered,
    ...attempt,
    outcome: Type.Union([
      Type.Object({ kind: Type.Literal("completed"), output: Type.Unknown() }, closed),
      Type.Object({ kind: Type.Literal("failed"), error: Type.String({ maxLength: 4_000 }), is_retryable: Type.Boolean() }, closed),
    ]),
  },
  closed,
);
/** The agent takes no new tasks and leaves when it has none. */
const Drain = Type.Object({ type: Type.Literal("drain"), ...numbered }, closed);

/** How a replica does; said when that changes, and of each that is wanted anew. */
const ServiceState = Type.Object(
  {
    type: Type.Literal("service"),
    ...numbered,
    service_id: Id,
    replica_index: Type.Integer({ minimum: 0, maximum: 99 }),
    generation: Count,
    state: Type.Union([Type.Literal("starting"), Type.Literal("running"), Type.Literal("failed"), Type.Literal("stopped")]),
    detail: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  closed,
);

/** What an agent says. */
export const AgentFrameSchema = Type.Union([HelloSchema, Ping, Pong, Status, Accept, Decline, Progress, Log, Result, ServiceState, Drain]);
export type AgentFrame = Static<typeof AgentFrameSchema>;

const Welcome = Type.Object(
  {
    type: Type.Literal("welcome"),
    protocol: Type.Literal(PROTOCOL),
    session_id: Id,
    server_version: Line,
    ping_seconds: Type.Integer({ minimum: 1 }),
    lease_seconds: Type.Integer({ minimum: 1 }),
    /** Whether the session goes on; otherwise both sides begin to count at 1. */
    resumed: Type.Boolean(),
    /** The last sequence that the gateway received of the session. */
    ack: Count,
    /** What the agent goes on with, and from which byte of its log. */
    keep: Type.Array(Hold, { maxItems: HOLDS_MAX }),
    /** What it stops and forgets. */
    stop: Type.Array(Type.Object(attempt, closed), { maxItems: HOLDS_MAX }),
  },
  closed,
);
const Offer = Type.Object(
  {
    type: Type.Literal("offer"),
    ...numbered,
    ...attempt,
    workflow_slug: Line,
    workflow_version: Count,
    tool_type: Line,
    workflow_json: Type.Unknown(),
    /** By name: texts, numbers and booleans. */
    parameters: Type.Unknown(),
    required_models: Type.Array(Type.Unknown()),
    /** From acceptance; 0 for none. */
    timeout_seconds: Count,
    /** The offer goes elsewhere when it is not answered in so many milliseconds. */
    answer_within_ms: Count,
  },
  closed,
);
/** The log is on disk up to `offset`; the agent goes on from there, wherever it was. */
const Logged = Type.Object({ type: Type.Literal("logged"), ...numbered, ...attempt, offset: Count }, closed);
/** The result is on disk: the agent may forget the attempt. */
const Taken = Type.Object({ type: Type.Literal("taken"), ...numbered, ...attempt }, closed);
const Stop = Type.Object(
  { type: Type.Literal("stop"), ...numbered, ...attempt, reason: Type.Union([Type.Literal("cancelled"), Type.Literal("stale"), Type.Literal("timeout")]) },
  closed,
);
/** Opens the data channel: dial again, at `/v1/channel` with the session's id. Said again when it is still missing. */
const OpenChannel = Type.Object({ type: Type.Literal("open_channel"), ...numbered }, closed);
/** The tunnels to the agent that are open, all of them. While there is one, its status is `tunnel`. */
const Tunnels = Type.Object(
  {
    type: Type.Literal("tunnels"),
    ...numbered,
    open: Type.Array(Type.Object({ tunnel_id: Id, target_port: Type.Integer({ minimum: 1, maximum: 65_535 }), tunnel_protocol: Line }, closed), { maxItems: 64 }),
  },
  closed,
);
const serviceNames = { service_id: Id, service_slug: Line, generation: Count, replica_index: Type.Integer({ minimum: 0, maximum: 99 }) };
const DeployedService = Type.Object(
  {
    kind: Type.Literal("deployed"),
    ...serviceNames,
    docker_image: Type.String({ maxLength: 500 }),
    exposed_port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    health_path: Type.String({ pattern: "^/", maxLength: 500 }),
    env_config: Type.Array(Type.Object({ env_name: Line, env_value: Type.String({ maxLength: 8_192 }) }, closed), { maxItems: 100 }),
    volume_config: Type.Array(Type.Object({ host_path: Type.String({ maxLength: 1_000 }), container_path: Type.String({ maxLength: 1_000 }) }, closed), { maxItems: 32 }),
    gpu_count: Type.Integer({ minimum: -1, maximum: 64 }),
  },
  closed,
);
const ExternalService = Type.Object({ kind: Type.Literal("external"), ...serviceNames, external_url: Type.String({ maxLength: 2_048 }) }, closed);
/** All services that the agent shall run, or may be asked to call. What it runs beside them it stops. */
const ServiceList = Type.Object({ type: Type.Literal("services"), ...numbered, services: Type.Array(Type.Union([DeployedService, ExternalService]), { maxItems: 2_000 }) }, closed);
/** The gateway goes down soon: come back after so long, spread over as long again. */
const Advice = Type.Object({ type: Type.Literal("reconnect"), ...numbered, after_ms: Count }, closed);
const Refusal = Type.Object({ type: Type.Literal("error"), error_code: Line, error_message: Type.String({ maxLength: 500 }) }, closed);

/** What the gateway says. */
export const GatewayFrameSchema = Type.Union([Welcome, Ping, Pong, Offer, Logged, Taken, Stop, OpenChannel, Tunnels, ServiceList, Advice, Refusal]);
export type GatewayFrame = Static<typeof GatewayFrameSchema>;

/** Of a union, what carries a number; without the number, as it is handed to be sent. */
type Numbered<Frame> = Frame extends { readonly seq: number } ? Frame : never;
type Unnumbered<Frame> = Frame extends { readonly seq: number } ? Omit<Frame, "seq" | "ack"> : never;
export type NumberedAgentFrame = Numbered<AgentFrame>;
export type NumberedGatewayFrame = Numbered<GatewayFrame>;
export type AgentWord = Unnumbered<AgentFrame>;
export type GatewayWord = Unnumbered<GatewayFrame>;

export const agentFrameShape = shapeOf(AgentFrameSchema);
export const gatewayFrameShape = shapeOf(GatewayFrameSchema);
