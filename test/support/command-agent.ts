/** The reference agent in a test: with a folder and commands of its own, and a link that can be cut at each frame. */
import { join } from "node:path";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentSettings, CommandSettings } from "../../src/agent/settings.ts";
import { createDial, createDialChannel, type Dial } from "../../src/agent/socket.ts";
import { createTransfers, type Transfers } from "../../src/agent/transfers.ts";
import { createLog } from "../../src/log.ts";
import { Secret } from "../../src/secret.ts";
import type { Services } from "../../src/services.ts";

/** A script of this test as an allowed command. */
export function script(text: string, changes: Partial<CommandSettings> = {}): CommandSettings {
  return { argv: ["/bin/sh", "-c", text], ...changes };
}

export interface CommandAgentOptions {
  readonly services: Services;
  readonly folder: string;
  readonly url: () => string;
  readonly rawKey: string;
  readonly commands: Readonly<Record<string, CommandSettings>>;
  readonly agentId?: string;
  readonly capacity?: number;
  readonly labels?: readonly string[];
  readonly tunnelPorts?: readonly number[];
  readonly comfyUiUrl?: string;
  readonly lends?: Partial<AgentSettings["services"]>;
  /** Puts itself between agent and socket. */
  readonly between?: (dial: Dial) => Dial;
  readonly variables?: Readonly<Record<string, string>>;
  /** Puts itself between agent and files. */
  readonly moving?: (transfers: Transfers) => Transfers;
}

export function startAgent({ services, folder, url, rawKey, commands, between = (dial) => dial, variables = {}, moving = (transfers) => transfers, ...given }: CommandAgentOptions) {
  const logged: string[] = [];
  const settings: AgentSettings = {
    gatewayUrl: url(),
    agentId: given.agentId ?? "node-1",
    labels: given.labels ?? [],
    capacity: given.capacity ?? 1,
    tunnelPorts: given.tunnelPorts ?? [],
    services: { containerCommand: undefined, images: [], volumes: [], gpus: false, external: [], authorization: new Map(), ...given.lends },
    comfyUiUrl: given.comfyUiUrl,
    keyFile: undefined,
    dataDir: join(folder, "agent"),
    caFile: undefined,
    commands: new Map(Object.entries(commands)),
  };
  const destination = { gatewayUrl: url, key: new Secret(rawKey), caFile: undefined };
  const dial = between(createDial(destination));
  const log = createLog(services.clock, "debug", (line) => logged.push(line));
  return { agent: new Agent({ services, log, settings, dial, dialChannel: createDialChannel(destination), transfers: moving(createTransfers(destination, services)), variable: (name) => variables[name] }), logged, settings };
}

export type Direction = "say" | "hear";
/** What becomes of the link at a frame: cut before it passes, after it has, or nothing. */
export type Verdict = "before" | "after" | undefined;

/** Asks for each frame what shall become of the link. */
export function cutting(decide: (direction: Direction, type: string) => Verdict): (dial: Dial) => Dial {
  return (dial) => (events) => {
    let isCut = false;
    const cut = () => {
      if (isCut) return;
      isCut = true;
      socket.terminate();
      events.onClose(1006, "cut by the test");
    };
    const passed = (direction: Direction, text: string, pass: () => void) => {
      if (isCut) return;
      const { type } = JSON.parse(text);
      const verdict = decide(direction, String(type));
      if (verdict === "before") return cut();
      pass();
      if (verdict === "after") cut();
    };
    const socket = dial({
      onOpen: () => (isCut ? undefined : events.onOpen()),
      onText: (text) => passed("hear", text, () => events.onText(text)),
      onClose: (code, reason) => {
        if (!isCut) events.onClose(code, reason);
        isCut = true;
      },
    });
    return { ...socket, send: (text) => passed("say", text, () => socket.send(text)) };
  };
}
