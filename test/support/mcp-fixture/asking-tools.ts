/** Tools of the conformance suite that answer with what they need first, and are called again with it (SEP-2322, revision 2026-07-28). */
import { acceptedContent, CLIENT_CAPABILITIES_META_KEY, createRequestStateCodec, type InputRequests, inputRequired, type ServerContext } from "@modelcontextprotocol/server";
import { says, text } from "./content.ts";
import type { FixtureTool } from "./tools.ts";

/** Seals what goes through the client's hands and comes back. */
export const stateCodec = createRequestStateCodec<Readonly<Record<string, unknown>>>({ key: crypto.getRandomValues(new Uint8Array(32)) });

export const ask = (message: string, name: string) => inputRequired.elicit({ message, requestedSchema: { type: "object", properties: { [name]: { type: "string" } }, required: [name] } });
const askModel = (words: string) => inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: words } }], maxTokens: 100 });
const answers = ({ mcpReq }: ServerContext) => mcpReq.inputResponses;
/** What the user has put into the form that was asked for by `key`. */
export const filled = (context: ServerContext, key: string): Readonly<Record<string, unknown>> | undefined => acceptedContent(answers(context), key);

async function multiRound(context: ServerContext) {
  const state = context.mcpReq.requestState<Readonly<Record<string, unknown>>>();
  const name = filled(context, "step1")?.["name"];
  if (state?.["round"] === 2) return says(text(`${String(state["name"])} likes ${String(filled(context, "step2")?.["color"])}.`));
  if (state?.["round"] === 1) return inputRequired({ inputRequests: { step2: ask("What is your favourite colour?", "color") }, requestState: await stateCodec.mint({ round: 2, name }) });
  return inputRequired({ inputRequests: { step1: ask("What is your name?", "name") }, requestState: await stateCodec.mint({ round: 1 }) });
}

async function confirmed(context: ServerContext) {
  if (filled(context, "confirm") !== undefined && context.mcpReq.requestState() !== undefined) return says(text("state-ok: the state came back whole."));
  return inputRequired({ inputRequests: { confirm: inputRequired.elicit({ message: "Do you confirm it?", requestedSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] } }) }, requestState: await stateCodec.mint({ at: "confirm" }) });
}

/** Asks for what the client says it can give, and for nothing else. */
function withinCapabilities(context: ServerContext) {
  if (answers(context) !== undefined) return says(text("All that was asked for was given."));
  const told: unknown = Object.entries(context.mcpReq.envelope ?? {}).find(([name]) => name === CLIENT_CAPABILITIES_META_KEY)?.[1];
  const able = new Set(typeof told === "object" && told !== null ? Object.keys(told) : []);
  const inputRequests: InputRequests = {
    ...(!able.has("elicitation") ? {} : { user_name: ask("What is your name?", "name") }),
    ...(!able.has("sampling") ? {} : { greeting: askModel("Greet.") }),
    ...(!able.has("roots") ? {} : { client_roots: inputRequired.listRoots() }),
  };
  return Object.keys(inputRequests).length === 0 ? says(text("The client can be asked for nothing.")) : inputRequired({ inputRequests });
}

async function everything(context: ServerContext) {
  const given = answers(context);
  if (filled(context, "user_name") !== undefined && given?.["greeting"] !== undefined && given["client_roots"] !== undefined) return says(text("All three were given."));
  return inputRequired({ inputRequests: { user_name: ask("What is your name?", "name"), greeting: askModel("Greet."), client_roots: inputRequired.listRoots() }, requestState: await stateCodec.mint({ at: "everything" }) });
}

/** Done once the client has answered by `key`. */
const needing = (key: string, request: InputRequests[string]): FixtureTool["run"] => (context) => {
  const given = answers(context)?.[key];
  return given === undefined ? inputRequired({ inputRequests: { [key]: request } }) : says(text(`It was given: ${JSON.stringify(given)}`));
};

export const askingTools: Readonly<Record<string, FixtureTool>> = {
  test_missing_capability: { description: "Needs the client's model", run: needing("llm_answer", askModel("Say pong.")) },
  test_input_required_result_elicitation: {
    description: "Needs the user's name",
    run(context) {
      const name = filled(context, "user_name")?.["name"];
      return typeof name === "string" ? says(text(`Hello, ${name}!`)) : inputRequired({ inputRequests: { user_name: ask("What is your name?", "name") } });
    },
  },
  test_input_required_result_sampling: { description: "Needs the client's model", run: needing("capital_question", askModel("What is the capital of France?")) },
  test_input_required_result_list_roots: { description: "Needs the client's roots", run: needing("client_roots", inputRequired.listRoots()) },
  test_input_required_result_request_state: { description: "Needs its state back", run: confirmed },
  test_input_required_result_tampered_state: { description: "Needs its state back, unchanged", run: confirmed },
  test_input_required_result_multiple_inputs: { description: "Needs three things at once", run: everything },
  test_input_required_result_multi_round: { description: "Needs one thing after the other", run: multiRound },
  test_input_required_result_capabilities: { description: "Needs what there is", run: withinCapabilities },
};
