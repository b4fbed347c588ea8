/**
 * Where the values of a run go in what its tool runs: a ComfyUI graph by node and field, a Nerfstudio spec by path. The agent gets it
 * filled, so that each agent need not know how.
 *
 * Rule: pure. A value whose place is not there is refused before there is a task.
 */
import { Fault } from "../fault.ts";
import type { Definition } from "./definition.ts";
import type { Parameter, ParameterValue, ParameterValues } from "./parameters.ts";

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noPlace(key: string, where: string): Fault {
  return new Fault("conflict", `The workflow puts the parameter ${key} at ${where}, which it does not have.`, { hint: "Have an admin of the team mend the workflow: its parameters and its workflow_json do not fit each other." });
}

function fillNode(graph: Json, { key, node_id = "", field = "" }: Parameter, value: ParameterValue): void {
  const node = Object.hasOwn(graph, node_id) ? graph[node_id] : undefined;
  if (!isObject(node) || !isObject(node["inputs"])) throw noPlace(key, `node ${node_id}`);
  node["inputs"][field] = value;
}

const unsafe = new Set(["__proto__", "constructor", "prototype"]);

function fillPath(spec: Json, { key, target_path = "" }: Parameter, value: ParameterValue): void {
  const parts = target_path.split(".");
  const last = parts.pop() ?? "";
  let at = spec;
  for (const part of parts) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined;
    if (!isObject(next)) throw noPlace(key, target_path);
    at = next;
  }
  if (unsafe.has(last)) throw noPlace(key, target_path);
  at[last] = value;
}

/** The workflow's JSON with the values of a run in their places. Throws Fault `conflict` for a place that is not there. */
export function filledWorkflow({ tool_type, workflow_json, parameters }: Pick<Definition, "tool_type" | "workflow_json" | "parameters">, values: ParameterValues): Json {
  if (tool_type === "command") return workflow_json;
  const filled = structuredClone(workflow_json);
  for (const parameter of parameters) {
    const value = values[parameter.key];
    if (value === undefined) continue;
    if (tool_type === "comfyui" && parameter.node_id !== undefined && parameter.field !== undefined) fillNode(filled, parameter, value);
    if (tool_type === "nerfstudio" && parameter.target_path !== undefined) fillPath(filled, parameter, value);
  }
  return filled;
}
