/**
 * The tasks extension of MCP (`io.modelcontextprotocol/tasks`, SEP-2663): a client that speaks it is given the task in place of a call
 * that waits for it, asks for it when it likes, and may cancel it. To every other client the call waits.
 *
 *     wait_for_task → resultType "task" → tasks/get … → completed, with what the call would have answered
 *
 * Rule: the protocol's task is the deployment's own, by its id; nothing is kept here. One that was asked of another key of the team is
 * the same one.
 */
import { CLIENT_CAPABILITIES_META_KEY, MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode, type Server, type ServerContext, type StandardSchemaV1 } from "@modelcontextprotocol/server";
import { Type } from "typebox";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import { type Shape, shapeOf } from "../../shape.ts";
import { cancelTask } from "../../tasks/cancellation.ts";
import { isTerminal } from "../../tasks/states.ts";
import { readTask, type Task } from "../../tasks/tasks.ts";
import type { ToolSite } from "./mcp-tools.ts";

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";
const POLL_MS = 1_000;

const envelopeShape = shapeOf(Type.Object({ [CLIENT_CAPABILITIES_META_KEY]: Type.Object({ extensions: Type.Object({ [TASKS_EXTENSION]: Type.Unknown() }) }) }));
const named = shapeOf(Type.Object({ taskId: Type.String() }));

/** Whether the client says with this request that it speaks the extension. */
export function speaksTasks({ mcpReq }: ServerContext): boolean {
  return envelopeShape.Check(mcpReq.envelope);
}

/** A shape as the SDK takes it. */
function standard<Value>(shape: Shape<Value>): StandardSchemaV1<unknown, Value> {
  return { "~standard": { version: 1, vendor: "cyberun", validate: (value) => (shape.Check(value) ? { value } : { issues: [{ message: "It names no taskId." }] }) } };
}

const namedSchema = standard(named);

function statusOf({ task_status }: Task): "working" | "completed" | "cancelled" {
  if (task_status === "cancelled") return "cancelled";
  // A task that failed has its answer: what went wrong stands in it. To the protocol, failed is a call that could not be made.
  return isTerminal(task_status) ? "completed" : "working";
}

function described(task: Task) {
  const { id, created_at, started_at, completed_at, waiting_reason } = task;
  return {
    taskId: id,
    status: statusOf(task),
    ...(waiting_reason === null ? {} : { statusMessage: waiting_reason.message }),
    createdAt: created_at,
    lastUpdatedAt: completed_at ?? started_at ?? created_at,
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

/** What a call that would wait answers a client that speaks the extension; undefined when there is nothing to wait for. */
export async function startedTask({ gate }: ToolSite, caller: Caller, task_id: string) {
  const task = await readTask(gate, caller, { task_id });
  return statusOf(task) === "working" ? { resultType: "task", content: [], ...described(task) } : undefined;
}

/** A refusal as the protocol says it. */
async function protocolWords<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new ProtocolError(error.status < 500 ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError, error.hint === undefined ? error.message : `${error.message} ${error.hint}`, { code: error.code });
  }
}

export interface TaskHandlersParts {
  readonly site: ToolSite;
  readonly caller: Caller;
  /** What the call that waits answers once the task is over. */
  result(task: Task): object;
}

export function addTaskHandlers(server: Server, { site: { gate, bell }, caller, result }: TaskHandlersParts): void {
  const handle = (method: string, act: (task_id: string) => Promise<object>) =>
    server.setRequestHandler(method, { params: namedSchema }, async ({ taskId }, context) => {
      if (!speaksTasks(context)) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
      return { ...(await protocolWords(() => act(taskId))) };
    });
  handle("tasks/get", async (task_id) => {
    const task = await readTask(gate, caller, { task_id });
    const told = described(task);
    return told.status === "completed" ? { ...told, result: result(task) } : told;
  });
  // Nothing of ours asks for more while it runs, so there is nothing that an answer could belong to.
  handle("tasks/update", async (task_id) => {
    await readTask(gate, caller, { task_id });
    return {};
  });
  handle("tasks/cancel", async (task_id) => {
    await cancelTask(gate, caller, { task_id });
    bell.ring();
    return {};
  });
}
