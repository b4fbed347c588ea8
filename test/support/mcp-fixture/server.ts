/**
 * A server with one of everything that MCP knows, for the conformance suite. It is served by the product's own endpoint, so what is
 * measured is the endpoint; the product's tools need no more than a part of the protocol.
 */
import { type GetPromptResult, InMemoryServerEventBus, type InputRequiredResult, inputRequired, ProtocolError, ProtocolErrorCode, type ReadResourceResult, ResourceNotFoundError, Server, type ServerContext } from "@modelcontextprotocol/server";
import type { McpServers } from "../../../src/roles/api/mcp.ts";
import { ask, filled, stateCodec } from "./asking-tools.ts";
import { embedded, picture, PIXEL, text } from "./content.ts";
import { fixtureTools } from "./tools.ts";

type Contents = ReadResourceResult["contents"][number];

const resources: Readonly<Record<string, Contents>> = {
  "test://static-text": { uri: "test://static-text", mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { uri: "test://static-binary", mimeType: "image/png", blob: PIXEL },
  "test://watched-resource": { uri: "test://watched-resource", mimeType: "text/plain", text: "Watched." },
};

function read(uri: string): ReadResourceResult {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  const found = id === undefined ? resources[uri] : { uri, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) };
  if (found === undefined) throw new ResourceNotFoundError(uri);
  return { contents: [found] };
}

const user = (...content: readonly GetPromptResult["messages"][number]["content"][]): GetPromptResult => ({ messages: content.map((each) => ({ role: "user", content: each })) });

type Words = Readonly<Record<string, string>>;

const prompts: Readonly<Record<string, { readonly takes?: readonly string[]; get(given: Words, context: ServerContext): GetPromptResult | InputRequiredResult }>> = {
  test_simple_prompt: { get: () => user(text("This is a simple prompt for testing.")) },
  test_prompt_with_arguments: { takes: ["arg1", "arg2"], get: ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)) },
  test_prompt_with_embedded_resource: { takes: ["resourceUri"], get: ({ resourceUri = "" }) => user(embedded(resourceUri, "Embedded resource content for testing."), text("Please process the embedded resource above.")) },
  test_prompt_with_image: { get: () => user(picture, text("Please analyze the image above.")) },
  test_input_required_result_prompt: {
    get(_given, context) {
      const words = filled(context, "user_context")?.["context"];
      return typeof words === "string" ? user(text(`Use the following context: ${words}`)) : inputRequired({ inputRequests: { user_context: ask("What context shall it use?", "context") } });
    },
  },
};

const bus = new InMemoryServerEventBus();
const tools = fixtureTools(bus);

function create(): Server {
  const server = new Server(
    { name: "conformance", version: "1" },
    { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, logging: {}, completions: {} }, requestState: { verify: stateCodec.verify } },
  );
  server.setRequestHandler("tools/list", () => ({ tools: tools.list() }));
  server.setRequestHandler("tools/call", async ({ params }, context) => await tools.call(params.name, context, params.arguments ?? {}));
  server.setRequestHandler("resources/list", () => ({ resources: Object.values(resources).map(({ uri, mimeType }) => ({ uri, name: uri, ...(mimeType === undefined ? {} : { mimeType }) })) }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [{ name: "template", uriTemplate: "test://template/{id}/data" }] }));
  server.setRequestHandler("resources/read", ({ params }) => read(params.uri));
  server.setRequestHandler("resources/subscribe", () => ({}));
  server.setRequestHandler("resources/unsubscribe", () => ({}));
  server.setRequestHandler("prompts/list", () => ({ prompts: Object.entries(prompts).map(([name, { takes = [] }]) => ({ name, description: `Gives what ${name} says`, arguments: takes.map((each) => ({ name: each, required: true })) })) }));
  server.setRequestHandler("prompts/get", ({ params }, context) => {
    const prompt = prompts[params.name];
    if (prompt === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no prompt ${params.name}.`);
    return prompt.get(params.arguments ?? {}, context);
  });
  server.setRequestHandler("logging/setLevel", () => ({}));
  server.setRequestHandler("completion/complete", () => ({ completion: { values: [], total: 0, hasMore: false } }));
  return server;
}

export const fixtureServers: McpServers = { create, bus };
