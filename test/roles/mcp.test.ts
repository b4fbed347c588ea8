/** The MCP endpoint over real sockets: both eras, every tool, and every refusal. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { revokeCredential } from "../../src/credentials/credentials.ts";
import { mcpTools } from "../../src/roles/api/mcp-tools.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { eventually } from "../support/eventually.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";
import { attemptOf, connectAgent } from "../support/socket-agent.ts";

const MODERN = "2026-07-28";
const HANDSHAKE = "2025-11-25";
const PATH = "/api/v1/mcp";

type Body = Readonly<Record<string, unknown>>;

let site: TestRoles;
let key: Shown;
beforeEach(async () => {
  site = await startRoles();
  key = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work", parameters: [{ key: "text", type: "string" }] });
});
afterEach(() => site.close());

async function post(message: object, headers: Shown = {}, as: Shown = key): Promise<Response> {
  return await fetch(`${site.urls.api}${PATH}`, { method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...as, ...headers }, body: JSON.stringify(message) });
}

/** The messages of an answer, whichever form it has. */
async function messages(response: Response): Promise<readonly Body[]> {
  const text = await response.text();
  if (!(response.headers.get("content-type") ?? "").includes("event-stream")) return [JSON.parse(text)];
  return text.split("\n").flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []));
}

const member = (value: unknown, name: string): unknown => (typeof value === "object" && value !== null ? Object.entries(value).find(([each]) => each === name)?.[1] : undefined);

interface Client {
  ask(method: string, params?: object): Promise<{ readonly result: unknown; readonly all: readonly Body[] }>;
}

async function asked(response: Response) {
  const all = await messages(response);
  return { all, result: all.find((each) => "result" in each)?.["result"] };
}

/** A client of the current revision: each request says who it is. */
function modern(as: Shown = key): Client {
  const envelope = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} };
  return {
    async ask(method, params = {}) {
      const name = member(params, "name");
      const { _meta = {}, ...rest }: { readonly _meta?: object } = params;
      const headers = { "mcp-protocol-version": MODERN, "mcp-method": method, ...(typeof name === "string" ? { "mcp-name": name } : {}) };
      return await asked(await post({ jsonrpc: "2.0", id: 1, method, params: { ...rest, _meta: { ...envelope, ..._meta } } }, headers, as));
    },
  };
}

/** A client that shakes hands. */
async function handshaken(as: Shown = key): Promise<Client & { readonly sessionId: string }> {
  const first = await post({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: { name: "test", version: "1" } } }, {}, as);
  const sessionId = first.headers.get("mcp-session-id") ?? "";
  expect(member((await asked(first)).result, "protocolVersion")).toBe(HANDSHAKE);
  const headers = { "mcp-session-id": sessionId, "mcp-protocol-version": HANDSHAKE };
  await (await post({ jsonrpc: "2.0", method: "notifications/initialized" }, headers, as)).text();
  return { sessionId, ask: async (method, params = {}) => await asked(await post({ jsonrpc: "2.0", id: 1, method, params }, headers, as)) };
}

const eras: readonly (readonly [string, (as?: Shown) => Promise<Client>])[] = [
  ["each request by itself", async (as) => modern(as)],
  ["a handshake and a session", handshaken],
];

const callTool = async (client: Client, name: string, given: object = {}) => (await client.ask("tools/call", { name, arguments: given })).result;
const toolNames = async (client: Client) => {
  const tools = member((await client.ask("tools/list")).result, "tools");
  return Array.isArray(tools) ? tools.map((each) => String(member(each, "name"))) : [];
};

describe.each(eras)("%s", (_era, open) => {
  test("lists every tool, in the same order, with what it takes and gives", async () => {
    const client = await open();
    const listed = (await client.ask("tools/list")).result;
    const tools = member(listed, "tools");
    expect(await toolNames(client)).toEqual(mcpTools.map(({ name }) => name));
    for (const each of Array.isArray(tools) ? tools : []) {
      expect([member(each, "name"), member(member(each, "inputSchema"), "type"), member(member(each, "outputSchema"), "type")]).toEqual([member(each, "name"), "object", "object"]);
    }
  });

  test("runs a workflow, waits for it with progress, and fetches what came of it", async () => {
    const client = await open();
    const agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey);
    const run = await callTool(client, "run_workflow_by_slug", { workflow_slug: "work", parameters: { text: "hi" }, idempotency_key: "once" });
    const task_id = member(member(run, "structuredContent"), "task_id");
    const again = await callTool(client, "run_workflow_by_slug", { workflow_slug: "work", parameters: { text: "hi" }, idempotency_key: "once" });
    expect(member(member(again, "structuredContent"), "task_id")).toBe(task_id);
    const offer = await agent.take("offer");
    agent.say({ type: "accept", ...attemptOf(offer) });
    const waiting = client.ask("tools/call", { name: "wait_for_task", arguments: { task_id, timeout_seconds: 300 }, _meta: { progressToken: "p" } });
    agent.say({ type: "progress", ...attemptOf(offer), progress: 0.5, message: "half" });
    agent.say({ type: "result", ...attemptOf(offer), outcome: { kind: "completed", output: { answer: 42 } } });
    let isOver = false;
    void waiting.finally(() => (isOver = true));
    await asTimePasses(site, 100, () => {
      agent.send({ type: "ping", sequence: 1 });
      return isOver;
    });
    const { result, all } = await waiting;
    expect(member(member(result, "structuredContent"), "task_status")).toBe("completed");
    expect(all.filter(({ method }) => method === "notifications/progress").map(({ params }) => member(params, "progress"))).toEqual([0.5]);
    const fetched = await callTool(client, "get_task_result", { task_id });
    expect(member(member(fetched, "structuredContent"), "task_output")).toEqual({ answer: 42 });
    expect(JSON.stringify(member(fetched, "content"))).toContain("42");
    agent.close();
  });

  test("every tool answers, with its documented form or a refusal that says what would help", async () => {
    const client = await open();
    const nothing = "00000000-0000-7000-8000-00000000000f";
    const given: Readonly<Record<string, object>> = {
      get_workflow: { workflow_id: nothing },
      get_workflow_by_slug: { workflow_slug: "work" },
      run_workflow: { workflow_id: nothing },
      run_workflow_by_slug: { workflow_slug: "none" },
      get_task: { task_id: nothing },
      wait_for_task: { task_id: nothing },
      get_task_result: { task_id: nothing },
      cancel_task: { task_id: nothing },
      presign_upload: { file_name: "a.png", file_size: 1, content_type: "image/png" },
      presign_download: { file_key: "inputs/x" },
      get_container_service: { service_slug: "none" },
      call_container_service: { service_slug: "none", method: "GET", path: "/" },
    };
    const refused = ["get_workflow", "run_workflow", "run_workflow_by_slug", "get_task", "wait_for_task", "get_task_result", "cancel_task", "presign_download", "get_container_service", "call_container_service"];
    for (const { name } of mcpTools) {
      const result = await callTool(client, name, given[name]);
      expect([name, member(result, "isError") ?? false]).toEqual([name, refused.includes(name)]);
      if (refused.includes(name)) expect([name, JSON.stringify(member(result, "content"))]).toEqual([name, expect.stringContaining("(not_found)")]);
    }
    const wrong = await callTool(client, "get_task", { task: 1 });
    expect([member(wrong, "isError"), JSON.stringify(wrong)]).toEqual([true, expect.stringContaining("(invalid_request)")]);
    expect(JSON.stringify(await callTool(client, "drop_tables"))).toContain("There is no tool drop_tables");
  });

  test("a key sees the tools of its scopes, and calls no other", async () => {
    const created = await site.call("/api/v1/credentials", { as: (await site.credentials()).user, json: { kind: "integration", display_name: "narrow", scopes: ["tasks:read"] } });
    const client = await open(bearer(String(created.body["raw_key"])));
    expect(await toolNames(client)).toEqual(["list_tasks", "get_task", "wait_for_task", "get_task_result"]);
    expect(member(await callTool(client, "run_workflow_by_slug", { workflow_slug: "work" }), "isError")).toBe(true);
  });

  test("a team sees its own alone", async () => {
    const stranger = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
    const client = await open(bearer((await addKey(site.gate, stranger, "integration")).rawKey));
    expect(member(member(await callTool(client, "list_workflows"), "structuredContent"), "workflow_list")).toEqual([]);
  });
});

describe("a session", () => {
  test("is its key's alone, and ends when it is deleted", async () => {
    const client = await handshaken();
    const headers = { "mcp-session-id": client.sessionId, "mcp-protocol-version": HANDSHAKE };
    const other = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    expect((await post(list, headers, other)).status).toBe(404);
    const ended = await fetch(`${site.urls.api}${PATH}`, { method: "DELETE", headers: { ...key, ...headers } });
    expect(ended.status).toBe(200);
    expect((await post(list, headers)).status).toBe(404);
  });

  test("ends with its key, and so does its stream", async () => {
    const made = await addKey(site.gate, site.people.owner, "integration");
    const client = await handshaken(bearer(made.rawKey));
    const stream = await fetch(`${site.urls.api}${PATH}`, { headers: { ...bearer(made.rawKey), accept: "text/event-stream", "mcp-session-id": client.sessionId, "mcp-protocol-version": HANDSHAKE } });
    expect(stream.status).toBe(200);
    let isOver = false;
    void stream.text().catch(() => "").then(() => (isOver = true));
    await revokeCredential(site.gate, site.people.owner, { credential_id: made.id });
    await asTimePasses(site, 500, () => isOver);
    expect((await post({ jsonrpc: "2.0", id: 1, method: "tools/list" }, { "mcp-session-id": client.sessionId }, bearer(made.rawKey))).status).toBe(401);
  });

  test("of a client that opens too many is refused", async () => {
    const first = { jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: { name: "test", version: "1" } } };
    const statuses: number[] = [];
    for (let session = 0; session < 33; session += 1) {
      const response = await post(first);
      statuses.push(response.status);
      await response.text();
    }
    expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).toEqual([32, 429]);
  });
});

describe("the tasks extension", () => {
  const TASKS = "io.modelcontextprotocol/tasks";
  const able = { "io.modelcontextprotocol/clientCapabilities": { extensions: { [TASKS]: {} } } };

  /** A request of a client that speaks the extension, its answer whole. */
  async function ask(method: string, params: Readonly<Record<string, unknown>>, meta: object = able): Promise<Body> {
    const name = params["name"] ?? params["taskId"];
    const envelope = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {}, ...meta };
    const headers = { "mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": String(name) };
    return (await messages(await post({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: envelope } }, headers)))[0] ?? {};
  }
  const run = async () => member(member(await callTool(modern(), "run_workflow_by_slug", { workflow_slug: "work" }), "structuredContent"), "task_id");

  test("is told of, and gives the task in place of a call that waits", async () => {
    const discovered = await ask("server/discover", {});
    expect(member(member(member(discovered["result"], "capabilities"), "extensions"), TASKS)).toEqual({});
    const task_id = await run();
    const started = await ask("tools/call", { name: "wait_for_task", arguments: { task_id } });
    expect(started["result"]).toMatchObject({ resultType: "task", taskId: task_id, status: "working", ttlMs: null, pollIntervalMs: 1_000 });
    expect(member(started["result"], "structuredContent")).toBeUndefined();
    expect(member((await ask("tasks/get", { taskId: task_id }))["result"], "status")).toBe("working");
    expect((await ask("tasks/update", { taskId: task_id, inputResponses: {} }))["error"]).toBeUndefined();

    const agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey);
    const offer = await agent.take("offer");
    agent.say({ type: "accept", ...attemptOf(offer) });
    agent.say({ type: "result", ...attemptOf(offer), outcome: { kind: "failed", error: "out of paint", is_retryable: false } });
    await agent.take("taken");
    const done = (await ask("tasks/get", { taskId: task_id }))["result"];
    expect(member(done, "status")).toBe("completed");
    expect(member(member(member(done, "result"), "structuredContent"), "task_error")).toBe("out of paint");
    const over = await ask("tools/call", { name: "wait_for_task", arguments: { task_id } });
    expect(member(member(over["result"], "structuredContent"), "task_status")).toBe("failed");
    agent.close();
  });

  test("cancels the task", async () => {
    const taskId = await run();
    expect((await ask("tasks/cancel", { taskId }))["error"]).toBeUndefined();
    expect(member((await ask("tasks/get", { taskId }))["result"], "status")).toBe("cancelled");
  });

  test("is for those who speak it, and for the team's own tasks", async () => {
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      expect([method, member((await ask(method, { taskId: await run() }, {}))["error"], "code")]).toEqual([method, -32_021]);
      expect([method, member((await ask(method, { taskId: "00000000-0000-7000-8000-00000000000f" }))["error"], "code")]).toEqual([method, -32_602]);
      expect([method, member((await ask(method, {}))["error"], "code")]).toEqual([method, -32_602]);
    }
  });
});

describe("what is refused", () => {
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };

  test("every credential but an sk- key, with the way to do it right", async () => {
    const { device, agent, user, broken, revoked } = await site.credentials();
    for (const [as, status] of [[{}, 401], [broken, 401], [revoked, 401], [device, 403], [agent, 403], [user, 403]] as const) {
      const response = await post(list, {}, as);
      expect([as, response.status]).toEqual([as, status]);
      if (status === 401) expect(response.headers.get("www-authenticate")).toBe(`Bearer realm="cyberun", resource_metadata="${site.urls.api}/.well-known/oauth-protected-resource${PATH}"`);
      expect(JSON.parse(await response.text())["error_message"]).toBeString();
    }
    const document = await site.call(`/.well-known/oauth-protected-resource${PATH}`);
    expect([document.status, document.body["resource"], document.body["bearer_methods_supported"]]).toEqual([200, `${site.urls.api}${PATH}`, ["header"]]);
  });

  test("a key in the address, another host, another site's page", async () => {
    const inAddress = await fetch(`${site.urls.api}${PATH}?access_token=sk-x`, { method: "POST", headers: { ...key, "content-type": "application/json" }, body: JSON.stringify(list) });
    expect(inAddress.status).toBe(401);
    expect((await post(list, { host: "evil.example" })).status).toBe(403);
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1.evil.example"]) expect([origin, (await post(list, { origin })).status]).toEqual([origin, 403]);
    expect((await post(list, { origin: new URL(site.urls.api).origin })).status).not.toBe(403);
  });

  test("everything without the feature, and without a license that is good", async () => {
    site.license({ features: { global: { mcp_server: false } } });
    const off = await post(list);
    expect([off.status, JSON.parse(await off.text())["error_code"]]).toEqual([403, "feature_disabled"]);
    site.license({ state: "expired" });
    const expired = await post(list);
    expect([expired.status, JSON.parse(await expired.text())["error_code"]]).toEqual([503, "expired"]);
  });

  test("what is no JSON, and what is no request", async () => {
    for (const body of ["{", "[]", "1", '{"jsonrpc":"2.0"}']) {
      const response = await fetch(`${site.urls.api}${PATH}`, { method: "POST", headers: { ...key, "content-type": "application/json", accept: "application/json, text/event-stream" }, body });
      expect([body, response.status]).toEqual([body, 400]);
    }
    await eventually(async () => (await site.call("/api/v1/r/workflows", { as: key })).status === 200);
  });
});
