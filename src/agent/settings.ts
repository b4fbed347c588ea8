/**
 * The agent's own file: which gateway it dials, what it calls itself, and the commands that it may run. A server names a
 * command and never writes one; what is not in this file does not run here.
 *
 *     gateway_url = "https://gateway.example:9402"
 *     agent_id = "node-1"
 *     key_file = "agent.key"
 *     [commands.render]
 *     argv = ["/usr/local/bin/render", "--quiet"]
 */
import { dirname, isAbsolute, join } from "node:path";
import { type Static, Type } from "typebox";
import { findFile } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";

const closed = { additionalProperties: false };
const Variable = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,99}$" });

const CommandSchema = Type.Object(
  {
    /** The program, with an absolute path, and its fixed arguments. No shell looks at them. */
    argv: Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { minItems: 1, maxItems: 256 }),
    /** Ends the command even when the task allows more. */
    timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800 })),
    /** Variables of the agent that the command may see. */
    env: Type.Optional(Type.Array(Variable, { maxItems: 64 })),
    /** Where it runs; without it in a new directory for each attempt, which is removed after. */
    directory: Type.Optional(Type.String({ pattern: "^/" })),
  },
  closed,
);
export type CommandSettings = Readonly<Static<typeof CommandSchema>>;

const ServicesSchema = Type.Object(
  {
    /** The host's container command, with its whole path, and fixed arguments. Without it the agent runs no services. */
    container_command: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { minItems: 1, maxItems: 16 })),
    /** Images that it may run; one that ends in `*` allows all that begins so. */
    images: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: 100 })),
    /** Folders of this host that containers may be given, and what is in them. */
    volumes: Type.Optional(Type.Array(Type.String({ pattern: "^/" }), { maxItems: 100 })),
    gpus: Type.Optional(Type.Boolean()),
    /** Addresses that it calls for external services, and what is below them. */
    external: Type.Optional(Type.Array(Type.String({ pattern: "^https?://[^?#\\s]+$" }), { maxItems: 100 })),
    /** By a service's slug: the file with the Authorization header that is sent to it. */
    authorization: Type.Optional(Type.Record(Type.String(), Type.String({ minLength: 1 }))),
  },
  closed,
);

const AgentFileSchema = Type.Object(
  {
    gateway_url: Type.String({ pattern: "^https?://[^/?#\\s]+/?$" }),
    agent_id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$" }),
    agent_labels: Type.Optional(Type.Array(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$" }), { maxItems: 64, uniqueItems: true })),
    /** Tasks at the same time. */
    capacity: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    /** Ports of this host that tunnels may lead to. Without it none. */
    tunnel_ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { maxItems: 64, uniqueItems: true })),
    key_file: Type.Optional(Type.String({ minLength: 1 })),
    data_dir: Type.Optional(Type.String({ minLength: 1 })),
    /** Certificates that are trusted beside the system's. */
    ca_file: Type.Optional(Type.String({ minLength: 1 })),
    services: Type.Optional(ServicesSchema),
    /** The ComfyUI that workflows of the type comfyui run on. */
    comfyui: Type.Optional(Type.Object({ url: Type.String({ pattern: "^https?://[^/?#\\s]+/?$" }) }, closed)),
    commands: Type.Optional(Type.Record(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$" }), CommandSchema, closed)),
  },
  closed,
);
const agentFileShape = shapeOf(AgentFileSchema);

/** What the agent lends itself to. */
export interface ServiceSettings {
  readonly containerCommand: readonly string[] | undefined;
  readonly images: readonly string[];
  readonly volumes: readonly string[];
  readonly gpus: boolean;
  /** Without a slash at the end. */
  readonly external: readonly string[];
  /** Files by slug. */
  readonly authorization: ReadonlyMap<string, string>;
}

export interface AgentSettings {
  readonly gatewayUrl: string;
  readonly agentId: string;
  readonly labels: readonly string[];
  readonly capacity: number;
  readonly tunnelPorts: readonly number[];
  readonly services: ServiceSettings;
  /** Without a slash at the end; undefined where there is none. */
  readonly comfyUiUrl: string | undefined;
  readonly keyFile: string | undefined;
  readonly dataDir: string;
  readonly caFile: string | undefined;
  readonly commands: ReadonlyMap<string, CommandSettings>;
}

function parsed(path: string, text: string): unknown {
  if (path.endsWith(".json")) return findJson(text);
  try {
    return Bun.TOML.parse(text);
  } catch {
    return undefined;
  }
}

function servicesOf(given: Static<typeof ServicesSchema> = {}, inFolder: (name: string) => string): ServiceSettings {
  const { container_command, images = [], volumes = [], gpus = false, external = [], authorization = {} } = given;
  if (container_command !== undefined && !isAbsolute(container_command[0] ?? "")) {
    throw new Fault("invalid_request", "The member services.container_command names its program without its whole path.", { hint: "Begin it with a path such as /usr/bin/docker." });
  }
  const files = Object.entries(authorization).map(([slug, file]) => [slug, inFolder(file)] as const);
  return { containerCommand: container_command, images, volumes, gpus, external: external.map((each) => each.replace(/\/$/, "")), authorization: new Map(files) };
}

/** Reads the agent's file, TOML or JSON by its name. Paths in it begin at its folder. Throws Fault `invalid_request` that names what is wrong. */
export function readAgentSettings(path: string): AgentSettings {
  const file = findFile(path);
  if (file === undefined) throw new Fault("invalid_request", `There is no file ${path}.`, { hint: "Write the agent's file; docs/agents.md shows one." });
  const value = parsed(path, file.toString("utf8"));
  if (!agentFileShape.Check(value)) {
    const [first] = agentFileShape.Errors(value);
    throw new Fault("invalid_request", `The agent's file ${path} is not as it has to be at ${first?.instancePath || "its top"}: ${first?.message ?? "it cannot be read"}.`, { hint: "docs/agents.md lists what stands in it." });
  }
  const inFolder = (name: string) => (isAbsolute(name) ? name : join(dirname(path), name));
  const relative = Object.entries(value.commands ?? {}).find(([, { argv }]) => !isAbsolute(argv[0] ?? ""));
  if (relative !== undefined) throw new Fault("invalid_request", `The command ${relative[0]} names its program without its whole path.`, { hint: "Begin argv with a path such as /usr/local/bin/render." });
  return {
    gatewayUrl: value.gateway_url.replace(/\/$/, ""),
    agentId: value.agent_id,
    labels: value.agent_labels ?? [],
    capacity: value.capacity ?? 1,
    tunnelPorts: value.tunnel_ports ?? [],
    services: servicesOf(value.services, inFolder),
    comfyUiUrl: value.comfyui?.url.replace(/\/$/, ""),
    keyFile: value.key_file === undefined ? undefined : inFolder(value.key_file),
    dataDir: inFolder(value.data_dir ?? "agent-data"),
    caFile: value.ca_file === undefined ? undefined : inFolder(value.ca_file),
    commands: new Map(Object.entries(value.commands ?? {})),
  };
}
