/**
 * The tools that the conformance suite calls by name: each answers with one kind of content, or speaks back to the client while it is
 * called. What they say is what the suite looks for.
 */
import { type CallToolResult, type InputRequiredResult, ProtocolError, ProtocolErrorCode, type ServerContext, type ServerEventBus, type Tool } from "@modelcontextprotocol/server";
import { embedded, picture, says, sound, text } from "./content.ts";
import { askingTools } from "./asking-tools.ts";

export type Given = Readonly<Record<string, unknown>>;

export interface FixtureTool {
  readonly description: string;
  readonly properties?: Readonly<Record<string, { readonly type: "string" }>>;
  run(context: ServerContext, given: Given): Promise<CallToolResult | InputRequiredResult> | CallToolResult | InputRequiredResult;
}

async function progress({ mcpReq }: ServerContext): Promise<CallToolResult> {
  const token = mcpReq._meta?.progressToken;
  if (token !== undefined) for (const done of [0, 50, 100]) await mcpReq.notify({ method: "notifications/progress", params: { progressToken: token, progress: done, total: 100, message: `${done} of 100` } });
  return says(text(String(token ?? "nobody asked for progress")));
}

async function logging({ mcpReq }: ServerContext): Promise<CallToolResult> {
  for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
  return says(text("Three lines were logged."));
}

async function sample({ mcpReq }: ServerContext, { prompt }: Given): Promise<CallToolResult> {
  const { content } = await mcpReq.requestSampling({ messages: [{ role: "user", content: { type: "text", text: String(prompt) } }], maxTokens: 100 });
  return says(text(`LLM response: ${JSON.stringify(content)}`));
}

const elicited = (requestedSchema: Elicited, message?: string) => async ({ mcpReq }: ServerContext, given: Given) => {
  const { action, content } = await mcpReq.elicitInput({ mode: "form", message: message ?? String(given["message"]), requestedSchema });
  return says(text(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`));
};

type Elicited = Extract<Parameters<ServerContext["mcpReq"]["elicitInput"]>[0], { readonly requestedSchema: object }>["requestedSchema"];

const account: Elicited = { type: "object", properties: { username: { type: "string" }, email: { type: "string" } }, required: ["username", "email"] };

/** A default of each primitive type (SEP-1034). */
const defaults: Elicited = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
  required: [],
};

const titled = (prefix: string, name: string) => ["First", "Second", "Third"].map((word, index) => ({ const: `${prefix}${index + 1}`, title: `${word} ${name}` }));

/** Each way to write a choice (SEP-1330). */
const choices: Elicited = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled("value", "Option") },
    legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
    untitledMulti: { type: "array", minItems: 1, maxItems: 3, items: { type: "string", enum: ["option1", "option2", "option3"] } },
    titledMulti: { type: "array", minItems: 1, maxItems: 3, items: { anyOf: titled("value", "Choice") } },
  },
  required: [],
};

const answering: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: { description: "Answers with text", run: () => says(text("This is a simple text response for testing.")) },
  test_image_content: { description: "Answers with a picture", run: () => says(picture) },
  test_audio_content: { description: "Answers with a sound", run: () => says(sound) },
  test_embedded_resource: { description: "Answers with a resource", run: () => says(embedded("test://embedded-resource", "This is an embedded resource content.")) },
  test_multiple_content_types: {
    description: "Answers with three kinds of content",
    run: () => says(text("Multiple content types test:"), picture, embedded("test://mixed-content-resource", JSON.stringify({ test: "data", value: 123 }), "application/json")),
  },
  test_error_handling: { description: "Fails", run: () => ({ isError: true, content: [text("This tool intentionally returns an error for testing")] }) },
  test_tool_with_progress: { description: "Tells how far it is", run: progress },
  test_tool_with_logging: { description: "Logs while it runs", run: logging },
  test_logging_tool: {
    description: "Logs to those who asked for a level",
    async run({ mcpReq }) {
      await mcpReq.log("info", "test_logging_tool ran");
      return says(text("Logged, for those who asked."));
    },
  },
  test_streaming_elicitation: { description: "Answers with nothing but a result", run: () => says(text("Nothing was asked.")) },
  test_sampling: { description: "Asks the client's model", properties: { prompt: { type: "string" } }, run: sample },
  test_elicitation: { description: "Asks the client's user", properties: { message: { type: "string" } }, run: elicited(account) },
  test_elicitation_sep1034_defaults: { description: "Asks with defaults", run: elicited(defaults, "Look at the defaults") },
  test_elicitation_sep1330_enums: { description: "Asks with choices", run: elicited(choices, "Choose") },
};

/** Say over the bus that a list has changed. */
function changing(bus: ServerEventBus): Readonly<Record<string, FixtureTool>> {
  const tell = (kind: "tools_list_changed" | "prompts_list_changed"): FixtureTool => ({
    description: "Says that a list has changed",
    run() {
      bus.publish({ kind });
      return says(text("It was said."));
    },
  });
  return { test_trigger_tool_change: tell("tools_list_changed"), test_trigger_prompt_change: tell("prompts_list_changed") };
}

export interface FixtureTools {
  list(): Tool[];
  call(name: string, context: ServerContext, given: Given): Promise<CallToolResult | InputRequiredResult>;
}

export function fixtureTools(bus: ServerEventBus): FixtureTools {
  const tools = new Map(Object.entries({ ...answering, ...askingTools, ...changing(bus) }));
  return {
    list: () => [...tools].map(([name, { description, properties = {} }]) => ({ name, description, inputSchema: { type: "object", properties: { ...properties } } })),
    async call(name, context, given) {
      const tool = tools.get(name);
      if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${name}.`);
      return await tool.run(context, given);
    },
  };
}
