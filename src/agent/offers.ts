/**
 * What an offer asks for, and whether this agent runs it.
 *
 * Rule: pure. A server names a command, or gives a graph for the ComfyUI that the agent's own file names; nothing else is run.
 */
import type { NumberedGatewayFrame } from "../agents/frames.ts";
import type { Parameters } from "./attempt-files.ts";
import type { AgentSettings } from "./settings.ts";

export type Offer = Extract<NumberedGatewayFrame, { readonly type: "offer" }>;

export function commandNameOf({ workflow_json }: Offer): string {
  if (typeof workflow_json !== "object" || workflow_json === null || !("command" in workflow_json)) return "";
  return typeof workflow_json.command === "string" ? workflow_json.command : "";
}

export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** Why this agent does not run it; undefined when it does. */
export function refusalOf(offer: Offer, { commands, comfyUiUrl }: AgentSettings): string | undefined {
  const { tool_type } = offer;
  if (tool_type === "command") return commands.has(commandNameOf(offer)) ? undefined : `The command ${commandNameOf(offer)} is not in this agent's own file.`;
  if (tool_type === "comfyui" && comfyUiUrl !== undefined) return undefined;
  return `This agent runs no workflows of the type ${tool_type}: its own file says what it runs.`;
}

/** The files of a run by the keys that stand for them. */
export function filesOf(offer: Offer, parameters: Parameters): ReadonlyMap<string, string> {
  const keys = membersOf(offer.parameters);
  return new Map(Object.entries(parameters).flatMap(([name, path]) => (path === keys[name] ? [] : [[String(keys[name]), String(path)] as const])));
}
