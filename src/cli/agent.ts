/** `cyberun agent run`, `diag` and `drain`: the reference agent of this host. */
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import type { Static } from "typebox";
import { Agent } from "../agent/agent.ts";
import { Journal, startOf } from "../agent/journal.ts";
import { type AgentSettings, readAgentSettings } from "../agent/settings.ts";
import { createDial, createDialChannel } from "../agent/socket.ts";
import { createTransfers } from "../agent/transfers.ts";
import { keyFamilyOf } from "../crypto/tokens.ts";
import { findFile, readSecretLine, writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { createLog } from "../log.ts";
import type { Secret } from "../secret.ts";
import { shapeOf } from "../shape.ts";
import { version } from "../version.ts";
import { AgentStatus } from "./agent-status.ts";
import { stayAlive } from "./alive.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_OK, EXIT_TRANSIENT } from "./exit-codes.ts";
import { firstSignal } from "./signals.ts";

function settingsOf({ operands }: Context): AgentSettings {
  return readAgentSettings(resolve(operands[0] ?? ""));
}

function keyOf({ config }: Context, { keyFile }: AgentSettings): Secret {
  const key = config.agent.key ?? (keyFile === undefined ? undefined : readSecretLine(keyFile));
  if (key === undefined) throw new Fault("invalid_request", "The agent has no key.", { hint: "Name a file with it as key_file, or set CYBERUN_AGENT_KEY." });
  if (keyFamilyOf(key.reveal()) !== "ak") throw new Fault("invalid_request", "The agent's key is no ak- key.", { hint: "Make one with cyberun keys create --kind agent." });
  return key;
}

/** Runs the agent until it was drained, or a signal comes. */
export async function agentRun(context: Context): Promise<undefined> {
  const { services, terminal, config } = context;
  const settings = settingsOf(context);
  const key = keyOf(context, settings);
  const log = createLog(services.clock, config.logLevel, terminal.err);
  const signal = firstSignal(services.clock);
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  log.write("info", "agent.starting", { version, agent_id: settings.agentId, gateway_url: settings.gatewayUrl, commands: [...settings.commands.keys()] });
  const destination = { gatewayUrl: () => settings.gatewayUrl, key, caFile: settings.caFile };
  const agent = new Agent({ services, log, settings, dial: createDial(destination), dialChannel: createDialChannel(destination), transfers: createTransfers(destination, services), variable: (name) => config.agent.variable(name) });
  void signal.then(() => agent.stop());
  // While no gateway answers nothing is open but a timer.
  using _alive = stayAlive();
  await agent.whenLeft;
  rmSync(new Journal(settings.dataDir).drainPath, { force: true });
  log.write("info", "agent.left");
  return undefined;
}

type Status = Readonly<Static<typeof AgentStatus>>;
const statusShape = shapeOf(AgentStatus);

function linesOf({ agent_id, gateway_url, state, last_close, is_draining, attempts, at }: Status, isAlive: boolean): readonly string[] {
  return [
    `Agent     ${agent_id}`,
    `Gateway   ${gateway_url}`,
    `State     ${isAlive ? state : "not running"}${is_draining ? ", draining" : ""}`,
    ...(last_close === undefined || state === "attached" ? [] : [`Last cut  ${last_close}`]),
    `As of     ${at}`,
    ...attempts.map((each) => `  ${each.task_id} attempt ${each.attempt}: ${each.is_over ? "its result waits to be taken" : "runs"}, ${each.log_bytes} bytes of log`),
  ];
}

/** How the agent stands, from what it writes down every few seconds. */
export async function agentDiag(context: Context): Promise<Result> {
  const { dataDir } = settingsOf(context);
  const status = findJson(findFile(new Journal(dataDir).statusPath)?.toString("utf8") ?? "");
  if (!statusShape.Check(status)) throw new Fault("unavailable", "No agent has run with this file here.", { hint: "Start it with cyberun agent run." });
  const isAlive = startOf(status.pid) !== undefined;
  return { data: { ...status, is_alive: isAlive }, text: linesOf(status, isAlive).join("\n"), exit: isAlive && status.state === "attached" ? EXIT_OK : EXIT_TRANSIENT };
}

/** Asks the agent to leave; it looks every second. */
export async function agentDrain(context: Context): Promise<Result> {
  const { dataDir, agentId } = settingsOf(context);
  writeFileDurably(new Journal(dataDir).drainPath, "");
  return { data: { agent_id: agentId, is_draining: true }, text: `The agent ${agentId} takes nothing new and leaves when it has nothing left. A service manager that restarts it has to be told too.` };
}
