/**
 * The MCP server that one key speaks to: its tools, by the official SDK.
 *
 * Rule: translates between the protocol and the tools. A key sees what its scopes let it do; a refusal is a result that says what would
 * make it work, because a model reads results and not status codes. What is a bug says nothing but an id.
 */
import { type CallToolResult, Server, type ServerContext, type Tool } from "@modelcontextprotocol/server";
import type { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import { findScope } from "../../gate/scopes.ts";
import { bugFault, faultOf } from "../../http/respond.ts";
import type { Log } from "../../log.ts";
import { version } from "../../version.ts";
import { addTaskHandlers, speaksTasks, startedTask, TASKS_EXTENSION } from "./mcp-tasks.ts";
import { type McpTool, mcpTools, type ToolSite, WAIT_TOOL } from "./mcp-tools.ts";

const instructions = "Runs the workflows of one team on its own agents. List workflows, run one, wait for its task, fetch the result. Files go in and out by links.";

function isVisible({ operation }: McpTool, scopes: readonly string[]): boolean {
  const scope = findScope(operation);
  return scope === undefined || scopes.includes(scope);
}

/** Most keys have no scopes: they see all that there is. */
function toolsFor(caller: Caller): readonly McpTool[] {
  const scopes = caller.kind === "integration" ? caller.scopes : undefined;
  return scopes === undefined ? mcpTools : mcpTools.filter((tool) => isVisible(tool, scopes));
}

/** A schema as plain JSON: of the builder's own members none is left. */
function plain(schema: object): Tool["inputSchema"] {
  return JSON.parse(JSON.stringify(schema));
}

function shown({ name, title, description, isReadOnly, isDestructive = false, input, output }: McpTool): Tool {
  return {
    name,
    title,
    description,
    inputSchema: plain(input),
    outputSchema: plain(output),
    annotations: { title, readOnlyHint: isReadOnly, destructiveHint: isDestructive, idempotentHint: isReadOnly, openWorldHint: false },
  };
}

function refusal({ code, message, hint }: Fault): CallToolResult {
  return { isError: true, content: [{ type: "text", text: `${message}${hint === undefined ? "" : ` ${hint}`} (${code})` }] };
}

function answered(value: object): CallToolResult {
  const text = JSON.stringify(value);
  return { content: [{ type: "text", text }], structuredContent: JSON.parse(text) };
}

export interface McpServerParts {
  readonly site: ToolSite;
  readonly log: Log;
  readonly caller: Caller;
}

interface Call {
  readonly given: unknown;
  readonly context: ServerContext;
}

/** The task in place of waiting for it, where the client can take it. */
async function startedInstead({ name }: McpTool, { site, caller }: McpServerParts, { given, context }: Call): Promise<CallToolResult | undefined> {
  const taskId = name === WAIT_TOOL && speaksTasks(context) && typeof given === "object" && given !== null && "task_id" in given ? given.task_id : undefined;
  return typeof taskId === "string" ? await startedTask(site, caller, taskId) : undefined;
}

async function call(tool: McpTool, parts: McpServerParts, { given, context }: Call): Promise<CallToolResult> {
  const { site, log, caller } = parts;
  const { signal, _meta, notify } = context.mcpReq;
  const token = _meta?.progressToken;
  const progress = async (done: number, message: string) => {
    if (token !== undefined) await notify({ method: "notifications/progress", params: { progressToken: token, progress: done, total: 1, message } });
  };
  try {
    return (await startedInstead(tool, parts, { given, context })) ?? answered(await tool.run(site, { caller, signal, progress }, given));
  } catch (error) {
    const fault = faultOf(error);
    if (fault !== undefined) return refusal(fault);
    const requestId = site.gate.services.random.uuid();
    log.write("error", "mcp.failed", { request_id: requestId, tool: tool.name, error });
    return refusal(bugFault(requestId));
  }
}

/** A server for one session or one request of the caller. */
export function createMcpServer(parts: McpServerParts): Server {
  const { caller } = parts;
  const tools = toolsFor(caller);
  const server = new Server({ name: "cyberun", title: "Cyberun", version }, { capabilities: { tools: {}, extensions: { [TASKS_EXTENSION]: {} } }, instructions });
  server.setRequestHandler("tools/list", () => ({ tools: tools.map(shown) }));
  server.setRequestHandler("tools/call", async ({ params }, context): Promise<CallToolResult> => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) return { isError: true, content: [{ type: "text", text: `There is no tool ${params.name.slice(0, 100)} for this key. tools/list shows those that there are. (not_found)` }] };
    return await call(tool, parts, { given: params.arguments ?? {}, context });
  });
  addTaskHandlers(server, { ...parts, result: answered });
  return server;
}
