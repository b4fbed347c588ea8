/**
 * The tools of the MCP server: one for each thing that an `sk-` key does through the runtime API.
 *
 * Rule: a tool is an operation with words for a model. What it takes is described here, what it gives is the operation's documented
 * answer, and who may use it decides the operation. The order of the table is the order in which clients see them.
 */
import { type Static, type TSchema, Type } from "typebox";
import { listRuntimeServices, readServiceBySlug } from "../../containers/calls.ts";
import { assert, Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { OperationName } from "../../gate/operations.ts";
import { presignDownload, presignUpload } from "../../files/files.ts";
import { type Shape, shapeOf } from "../../shape.ts";
import { listRuntimeAgents } from "../../tasks/agent-list.ts";
import type { Bell } from "../../tasks/bell.ts";
import { cancelTask } from "../../tasks/cancellation.ts";
import { readTaskEvents } from "../../tasks/events.ts";
import { runWorkflow, runWorkflowBySlug } from "../../tasks/submission.ts";
import { listTasks, readTask, readTaskResult } from "../../tasks/tasks.ts";
import { listRuntimeWorkflows, readRuntimeWorkflow, readWorkflowBySlug } from "../../workflows/workflows.ts";
import { findAnswer } from "./answers.ts";
import { invokeAsDocument, type ServiceRelay } from "./containers.ts";
import type { TaskStreams } from "./task-events.ts";

/** With what a tool works. */
export interface ToolSite {
  readonly gate: Gate;
  readonly streams: TaskStreams;
  readonly bell: Bell;
  readonly relay: ServiceRelay;
}

/** One call. */
export interface ToolCall {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** Tells how far it is, 0 to 1; where the client did not ask for it nothing happens. */
  progress(progress: number, message: string): Promise<void>;
}

export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whose scope a key needs to see it. */
  readonly operation: OperationName;
  readonly isReadOnly: boolean;
  readonly isDestructive?: boolean;
  readonly input: TSchema;
  readonly output: TSchema;
  /** Runs it with arguments that fit. Throws Fault `invalid_request` for others. */
  run(site: ToolSite, call: ToolCall, given: unknown): Promise<object>;
}

/** The one tool that takes as long as a task. */
export const WAIT_TOOL = "wait_for_task";
const WAIT_SECONDS = 60;
const WAIT_SECONDS_MAX = 300;

const closed = { additionalProperties: false };
const paging = { current_page: Type.Optional(Type.Integer({ minimum: 1, description: "Page, from 1." })), per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: "Entries of a page, 20 without it." })) };
const Run = { parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: "Values by the keys that the workflow declares." })), idempotency_key: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "Calls with the same key run it once within 24 hours." })) };
const TaskId = Type.String({ description: "Id of a task, as run_workflow gives it." });

/** A tool before its answer is looked up: it is that of `answers`, where it is not that of its operation. */
interface Described<Schema extends TSchema> extends Omit<McpTool, "input" | "output" | "run"> {
  readonly answers?: OperationName;
  readonly input: Schema;
  act(site: ToolSite, call: ToolCall, input: Static<Schema>): Promise<object>;
}

function requireInput<Input>(shape: Shape<Input>, given: unknown): Input {
  if (shape.Check(given)) return given;
  const [first] = shape.Errors(given);
  throw new Fault("invalid_request", `The arguments do not fit at ${first?.instancePath || "/"}: ${first?.message ?? "they have another form"}.`, { hint: "tools/list shows what the tool takes." });
}

function tool<Schema extends TSchema>({ input, act, answers, ...words }: Described<Schema>): McpTool {
  const shape = shapeOf(input);
  const output = findAnswer(answers ?? words.operation)?.schema;
  assert(output !== undefined, "a tool's operation has an answer");
  return { ...words, input, output, run: async (site, call, given) => await act(site, call, requireInput(shape, given)) };
}

/** The caller, for whom a repeat with the same key is the same run. */
function once(caller: Caller, key: string | undefined): Caller {
  return key === undefined ? caller : { ...caller, attempt: { key, isReplay: false } };
}

async function submitted(site: ToolSite, submit: () => Promise<{ readonly task_id: string }>): Promise<object> {
  const task = await submit();
  site.bell.ring();
  return task;
}

/** Waits until the task is over, or the time is; then says how it is. */
async function waited({ gate, streams }: ToolSite, { caller, signal, progress }: ToolCall, { task_id, timeout_seconds = WAIT_SECONDS }: { readonly task_id: string; readonly timeout_seconds?: number }): Promise<object> {
  let isLate = false;
  let wake = () => {};
  const cancel = gate.services.clock.after(timeout_seconds * 1_000, () => {
    isLate = true;
    wake();
  });
  const stop = () => wake();
  signal.addEventListener("abort", stop);
  const unwatch = streams.watch.watch(task_id, 0, stop);
  try {
    for (let after = 0; !isLate && !signal.aborted; ) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const { events, isOver } = await readTaskEvents(gate, caller, { task_id, after });
      for (const { kind, content } of events) if (kind === "progress") await tellProgress(progress, content);
      after = events.at(-1)?.sequence ?? after;
      if (isOver) break;
      if (events.length === 0) await woken;
    }
  } finally {
    cancel();
    unwatch();
    signal.removeEventListener("abort", stop);
  }
  return await readTask(gate, caller, { task_id });
}

async function tellProgress(progress: ToolCall["progress"], content: string): Promise<void> {
  const told: { readonly progress?: number; readonly message?: string; readonly current_node?: string } = JSON.parse(content);
  if (told.progress !== undefined) await progress(told.progress, told.message ?? told.current_node ?? "running");
}

const reading = { isReadOnly: true } as const;

export const mcpTools: readonly McpTool[] = [
  tool({ name: "list_workflows", title: "List workflows", description: "The team's workflows that can be run, with the parameters they take.", operation: "workflow.list_runtime", ...reading, input: Type.Object(paging, closed), act: ({ gate }, { caller }, input) => listRuntimeWorkflows(gate, caller, input) }),
  tool({ name: "get_workflow", title: "Read a workflow", description: "One workflow by its id.", operation: "workflow.read_runtime", ...reading, input: Type.Object({ workflow_id: Type.String() }, closed), act: ({ gate }, { caller }, input) => readRuntimeWorkflow(gate, caller, input) }),
  tool({ name: "get_workflow_by_slug", title: "Read a workflow by its slug", description: "One workflow by its slug.", operation: "workflow.read_by_slug", ...reading, input: Type.Object({ workflow_slug: Type.String() }, closed), act: ({ gate }, { caller }, input) => readWorkflowBySlug(gate, caller, input) }),
  tool({
    name: "run_workflow",
    title: "Run a workflow",
    description: "Runs a workflow by its id and gives the task's id at once. Follow it with wait_for_task.",
    operation: "task.run",
    isReadOnly: false,
    input: Type.Object({ workflow_id: Type.String(), ...Run }, closed),
    act: (site, { caller }, { idempotency_key, ...input }) => submitted(site, () => runWorkflow(site.gate, once(caller, idempotency_key), input)),
  }),
  tool({
    name: "run_workflow_by_slug",
    title: "Run a workflow by its slug",
    description: "Runs a workflow by its slug, or an earlier version of it by slug@version, and gives the task's id at once. Follow it with wait_for_task.",
    operation: "task.run_by_slug",
    isReadOnly: false,
    input: Type.Object({ workflow_slug: Type.String(), ...Run }, closed),
    act: (site, { caller }, { idempotency_key, ...input }) => submitted(site, () => runWorkflowBySlug(site.gate, once(caller, idempotency_key), input)),
  }),
  tool({ name: "list_tasks", title: "List tasks", description: "The team's tasks, the newest first.", operation: "task.list", ...reading, input: Type.Object({ ...paging, status: Type.Optional(Type.String({ description: "pending, waiting, queued, running, completed, failed or cancelled." })), workflow_id: Type.Optional(Type.String()) }, closed), act: ({ gate }, { caller }, input) => listTasks(gate, caller, input) }),
  tool({ name: "get_task", title: "Read a task", description: "How a task is, and why it waits if it does.", operation: "task.read", ...reading, input: Type.Object({ task_id: TaskId }, closed), act: ({ gate }, { caller }, input) => readTask(gate, caller, input) }),
  tool({
    name: WAIT_TOOL,
    title: "Wait for a task",
    description: `Waits until a task is over, with progress on the way, and says how it is. When the time is over first, the task goes on: call it again.`,
    operation: "task.follow",
    answers: "task.read",
    ...reading,
    input: Type.Object({ task_id: TaskId, timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: WAIT_SECONDS_MAX, description: `${WAIT_SECONDS} without it.` })) }, closed),
    act: waited,
  }),
  tool({ name: "get_task_result", title: "Fetch a result", description: "What came of a task, with links to its files.", operation: "task.read_result", ...reading, input: Type.Object({ task_id: TaskId }, closed), act: ({ gate }, { caller }, input) => readTaskResult(gate, caller, input) }),
  tool({
    name: "cancel_task",
    title: "Cancel a task",
    description: "Cancels a task; one that is over stays as it is.",
    operation: "task.cancel",
    isReadOnly: false,
    isDestructive: true,
    input: Type.Object({ task_id: TaskId }, closed),
    async act({ gate, bell }, { caller }, input) {
      await cancelTask(gate, caller, input);
      bell.ring();
      return { is_success: true };
    },
  }),
  tool({ name: "list_agents", title: "List agents", description: "The team's agents that are connected, and what they do.", operation: "agent.list_runtime", ...reading, input: Type.Object(paging, closed), act: ({ gate }, { caller }, input) => listRuntimeAgents(gate, caller, input) }),
  tool({
    name: "presign_upload",
    title: "Upload a file",
    description: "Gives a link to PUT a file by, with all upload_headers; its file_key is then the value of a parameter of the type file.",
    operation: "file.presign",
    isReadOnly: false,
    input: Type.Object({ file_name: Type.String(), file_size: Type.Integer({ minimum: 0, description: "Bytes, exactly." }), content_type: Type.String() }, closed),
    act: ({ gate }, { caller }, input) => presignUpload(gate, caller, input),
  }),
  tool({ name: "presign_download", title: "Download a file", description: "Gives a link to GET a file of the team by.", operation: "file.presign_download", ...reading, input: Type.Object({ file_key: Type.String() }, closed), act: ({ gate }, { caller }, input) => presignDownload(gate, caller, input) }),
  tool({ name: "list_container_services", title: "List container services", description: "Services that run on the team's agents. Pick one whose service_status is running, and read its usage_prompt before you call it.", operation: "container.list_runtime", ...reading, input: Type.Object(paging, closed), act: ({ gate }, { caller }, input) => listRuntimeServices(gate, caller, input) }),
  tool({ name: "get_container_service", title: "Read a container service", description: "One service: its address, status, usage_prompt, and openapi_url where it has one.", operation: "container.read_by_slug", ...reading, input: Type.Object({ service_slug: Type.String() }, closed), act: ({ gate }, { caller }, input) => readServiceBySlug(gate, caller, input) }),
  tool({
    name: "call_container_service",
    title: "Call a container service",
    description: "Sends one HTTP request to a running service, and gives its answer.",
    operation: "container.invoke",
    isReadOnly: false,
    isDestructive: true,
    input: Type.Object(
      {
        service_slug: Type.String(),
        method: Type.Union(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map((method) => Type.Literal(method))),
        path: Type.String({ description: "Begins with a slash; a query is allowed." }),
        body_base64: Type.Optional(Type.String()),
        headers: Type.Optional(Type.Record(Type.String(), Type.String())),
      },
      closed,
    ),
    act: ({ gate, relay }, { caller, signal }, { service_slug, ...input }) => invokeAsDocument(gate, relay, { caller, service_slug, input, signal }),
  }),
];
