/** Tunnels over real sockets: from a client through the gateway and a real agent to a service on the agent's host, and back. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect as connectTo, createServer } from "node:net";
import { openPortForward } from "../../src/cli/port-forward.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { listAgents } from "../../src/tasks/agent-list.ts";
import { readTask } from "../../src/tasks/tasks.ts";
import { openTunnel, readTunnels } from "../../src/tunnels/tunnels.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { script, startAgent } from "../support/command-agent.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type LocalService, localService } from "../support/local-service.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { refusalOf } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

const MEGABYTES = 8;
const big = new Uint8Array(MEGABYTES * 1_048_576).map((_, at) => (at * 31 + (at >> 8)) & 0xff);
const shaOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let site: TestRoles;
let folder: Folder;
let service: LocalService;
let agent: ReturnType<typeof startAgent>;
/** Of the service that the test asks to. */
let release = () => {};

beforeEach(async () => {
  site = await startRoles();
  folder = temporaryFolder();
  const held = new Promise<void>((resolve) => (release = resolve));
  service = localService({
    "/big": () => new Response(big),
    "/sha": async (request) => Response.json({ sha: shaOf(await request.bytes()) }),
    "/headers": () =>
      new Response("ok", {
        headers: [
          ["set-cookie", "a=1; Path=/; Domain=example.com; HttpOnly"],
          ["set-cookie", "cyberun=stolen; Path=/"],
          ["content-security-policy", "default-src 'self'"],
          ["keep-alive", "timeout=5"],
        ],
      }),
    "/away": () => new Response(null, { status: 302, headers: { location: "/there?x=1" } }),
    "/slow": () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("first "));
            await held;
            controller.enqueue(new TextEncoder().encode("last"));
            controller.close();
          },
        }),
      ),
    "/broken": () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("half"));
            setTimeout(() => controller.error(new Error("broken")), 20);
          },
        }),
      ),
  });
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  agent = startAgent({ services: site.gate.services, folder: folder.path, url: () => site.urls.gateway, rawKey, commands: { now: script("echo done") }, tunnelPorts: [service.port] });
  await eventually(async () => (await agents()).length === 1, "the agent connects");
});
afterEach(async () => {
  release();
  agent.agent.abandon();
  await site.close();
  service[Symbol.dispose]();
  folder[Symbol.dispose]();
});

const agents = async () => (await listAgents(site.gate, site.people.owner, {})).agent_list;
const open = async (changes: { readonly target_port?: number; readonly tunnel_protocol?: "http" | "tcp"; readonly expires_in?: number } = {}) =>
  await openTunnel(site.gate, site.people.owner, { agent_id: "node-1", target_port: service.port, ...changes });
const status = async () => await readTunnels(site.gate, site.people.owner, { agent_id: "node-1" });

/** Lets the gateway look around until it holds. */
const until = async (isTrue: () => boolean | Promise<boolean>) => await asTimePasses(site, 1_000, isTrue);

interface Client {
  readonly socket: WebSocket;
  readonly got: (string | Uint8Array)[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

async function connect(url: string, protocols: readonly string[] = []): Promise<Client> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), [...protocols]);
  socket.binaryType = "arraybuffer";
  const got: (string | Uint8Array)[] = [];
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.onmessage = ({ data }) => void got.push(typeof data === "string" ? data : new Uint8Array(data));
  socket.onopen = () => opened.resolve();
  socket.onclose = ({ code, reason }) => {
    opened.reject(new Error(`closed ${code} ${reason}`));
    closed.resolve({ code, reason });
  };
  await opened.promise;
  return { socket, got, closed: closed.promise };
}

describe("HTTP", () => {
  test("goes to the service as it was sent, without what is the platform's own", async () => {
    const { tunnel_url } = await open();
    const response = await fetch(`${tunnel_url}api/queue?x=%2F&y`, {
      method: "PATCH",
      body: "hello",
      headers: { cookie: "cyberun=secret; own=1", authorization: "Basic abc", "x-mine": "yes", connection: "x-hop", "x-hop": "1", origin: new URL(tunnel_url).origin, referer: tunnel_url },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-service")).toBe("local");
    expect(response.headers.get("content-security-policy")).toBeNull();
    expect(await response.json()).toEqual({ path: "/api/queue?x=%2F&y" });
    const [asked] = service.requests;
    expect(asked).toMatchObject({ method: "PATCH", path: "/api/queue?x=%2F&y", body: "hello" });
    const shown = (name: string) => asked?.headers.get(name);
    expect([shown("cookie"), shown("authorization"), shown("x-mine"), shown("x-hop")]).toEqual(["own=1", "Basic abc", "yes", null]);
    expect([shown("host"), shown("origin"), shown("referer")]).toEqual([`127.0.0.1:${service.port}`, `http://127.0.0.1:${service.port}`, `http://127.0.0.1:${service.port}/`]);
    expect(shown("x-forwarded-prefix")).toBe(new URL(tunnel_url).pathname.slice(0, -1));
  });

  test("keys of the platform stay here", async () => {
    const { tunnel_url } = await open();
    const { rawKey } = await addKey(site.gate, site.people.owner, "integration");
    await fetch(tunnel_url, { headers: { authorization: `Bearer ${rawKey}` } });
    expect(service.requests.at(-1)?.headers.get("authorization")).toBeNull();
  });

  test("answers of the service keep to its own part of the address", async () => {
    const { tunnel_url } = await open();
    const prefix = new URL(tunnel_url).pathname.slice(0, -1);
    const answer = await fetch(`${tunnel_url}headers`);
    expect(answer.headers.getSetCookie()).toEqual([`a=1; Path=${prefix}/; HttpOnly`]);
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'self'");
    expect(answer.headers.get("keep-alive")).toBeNull();
    const moved = await fetch(`${tunnel_url}away`, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([302, `${prefix}/there?x=1`]);
  });

  test("large bodies go whole in both directions", async () => {
    const { tunnel_url } = await open();
    expect(shaOf(await (await fetch(`${tunnel_url}big`)).bytes())).toBe(shaOf(big));
    const sent = await fetch(`${tunnel_url}sha`, { method: "POST", body: big });
    expect(await sent.json()).toEqual({ sha: shaOf(big) });
    const inPieces = new ReadableStream({
      start(controller) {
        controller.enqueue(big.subarray(0, 1_000_000));
        controller.enqueue(big.subarray(1_000_000));
        controller.close();
      },
    });
    expect(await (await fetch(`${tunnel_url}sha`, { method: "POST", body: inPieces })).json()).toEqual({ sha: shaOf(big) });
  });

  test("an answer comes as it is made, and one that breaks is no whole one", async () => {
    const { tunnel_url } = await open();
    const slow = await fetch(`${tunnel_url}slow`);
    const reader = slow.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first ");
    release();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("last");
    const broken = await fetch(`${tunnel_url}broken`);
    expect(broken.status).toBe(200);
    expect(await broken.text().catch(() => "refused")).toBe("refused");
  });

  test("a service that does not answer is a 502, and the status says how much went through", async () => {
    const { tunnel_url } = await open();
    await (await fetch(`${tunnel_url}big`)).bytes();
    service[Symbol.dispose]();
    const answer = await site.call(new URL(tunnel_url).pathname, { role: "gateway" });
    expect([answer.status, answer.body["error_code"]]).toEqual([502, "bad_gateway"]);
    await until(async () => ((await status()).tunnel_list[0]?.bytes_out ?? 0) >= big.length);
  });

  test("where the dashboard has the same origin, the page gets one of its own", async () => {
    await using shared = await startRoles({ settings: { publicUrl: "https://one.example", gatewayUrl: "https://one.example" } });
    const { rawKey } = await addKey(shared.gate, shared.people.owner, "agent");
    const own = temporaryFolder();
    const other = startAgent({ services: shared.gate.services, folder: own.path, url: () => shared.urls.gateway, rawKey, commands: {}, tunnelPorts: [service.port] });
    await eventually(async () => (await listAgents(shared.gate, shared.people.owner, {})).agent_list.length === 1);
    const { tunnel_url } = await openTunnel(shared.gate, shared.people.owner, { agent_id: "node-1", target_port: service.port });
    const answer = await fetch(`${shared.urls.gateway}${new URL(tunnel_url).pathname}`);
    expect(answer.headers.get("content-security-policy")).toStartWith("sandbox ");
    other.agent.abandon();
    own[Symbol.dispose]();
  });
});

describe("WebSocket", () => {
  test("messages of every kind and size come back as they were, and the protocol is the service's choice", async () => {
    const { tunnel_url } = await open();
    const client = await connect(`${tunnel_url}ws?clientId=1`, ["one", "two"]);
    expect(client.socket.protocol).toBe("two");
    const long = "ü".repeat(30_000);
    for (const message of ['{"a": 1}', "12", "", long]) client.socket.send(message);
    client.socket.send(big.subarray(0, 60_000));
    await eventually(() => client.got.length === 5, "all come back");
    expect(client.got).toEqual(['{"a": 1}', "12", "", long, big.subarray(0, 60_000)]);
    expect(service.requests.at(-1)?.path).toBe("/ws?clientId=1");
    client.socket.close(1000);
    await eventually(() => service.ended.length === 1, "the service hears that the client went");
  });

  test("one that the service does not have is refused before it is open", async () => {
    const { tunnel_url } = await open();
    service[Symbol.dispose]();
    expect(await connect(`${tunnel_url}ws`).catch(() => "refused")).toBe("refused");
  });
});

describe("TCP", () => {
  test("bytes go both ways, and the end of one side is the end of the other", async () => {
    const ended = Promise.withResolvers<void>();
    const echo = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket, bytes) => void socket.write(bytes), end: () => ended.resolve() },
    });
    const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
    const own = temporaryFolder();
    const other = startAgent({ services: site.gate.services, folder: own.path, url: () => site.urls.gateway, rawKey, commands: {}, agentId: "node-2", tunnelPorts: [echo.port] });
    await eventually(async () => (await agents()).length === 2);
    const { tunnel_url } = await openTunnel(site.gate, site.people.owner, { agent_id: "node-2", target_port: echo.port, tunnel_protocol: "tcp" });
    expect(tunnel_url).toStartWith("ws://");
    const client = await connect(tunnel_url, ["cyberun.tcp.v1"]);
    const sent = big.subarray(0, 40_000);
    client.socket.send(sent);
    const bytes = () => Buffer.concat(client.got.filter((each) => typeof each !== "string"));
    await eventually(() => bytes().length === sent.length, "all bytes come back");
    expect(bytes().equals(sent)).toBe(true);
    const credit = client.got.filter((each) => typeof each === "string").reduce((sum, each) => sum + Number(JSON.parse(each).credit), 0);
    expect(credit).toBe(sent.length);
    const plain = await site.call(new URL(tunnel_url).pathname, { role: "gateway" });
    expect(plain.status).toBe(426);
    client.socket.close(1000);
    await ended.promise;
    other.agent.abandon();
    own[Symbol.dispose]();
    echo.stop(true);
  });
});

test("a forwarded port carries megabytes both ways, and a half-closed side still hears the rest", async () => {
  // Answers with all it got, once the other side has said its last.
  const echo = createServer({ allowHalfOpen: true }, async (socket) => {
    const parts: Uint8Array[] = [];
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) parts.push(chunk);
    socket.end(Buffer.concat(parts));
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  using own = temporaryFolder();
  const other = startAgent({ services: site.gate.services, folder: own.path, url: () => site.urls.gateway, rawKey, commands: {}, agentId: "node-2", tunnelPorts: [port] });
  await eventually(async () => (await agents()).length === 2);
  const { tunnel_url } = await openTunnel(site.gate, site.people.owner, { agent_id: "node-2", target_port: port, tunnel_protocol: "tcp" });
  const problems: string[] = [];
  const forward = await openPortForward({ host: "127.0.0.1", port: 0, tunnelUrl: tunnel_url, caFile: undefined, onProblem: (problem) => problems.push(problem) });
  const client = connectTo({ host: "127.0.0.1", port: forward.port, allowHalfOpen: true });
  client.end(big);
  const got: Uint8Array[] = [];
  for await (const chunk of client) got.push(chunk);
  expect(shaOf(Buffer.concat(got))).toBe(shaOf(big));
  expect(problems).toEqual([]);
  forward.stop();
  other.agent.abandon();
  echo.close();
});

describe("what a tunnel lets in", () => {
  test("is a port that the agent's own file names, of an agent that is connected", async () => {
    expect(await refusalOf(open({ target_port: 22 }))).toMatchObject({ code: "conflict", details: { target_port: 22, tunnel_ports: [service.port] } });
    expect(await refusalOf(openTunnel(site.gate, site.people.owner, { agent_id: "node-9" }))).toMatchObject({ code: "not_found" });
    // A row that somebody wrote past the check does not open the port either: the agent refuses by itself.
    const { tunnel_url, session_id } = await open();
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.tunnels).set({ target_port: 22 })));
    const answer = await site.call(new URL(tunnel_url).pathname, { role: "gateway" });
    expect([answer.status, answer.body["error_message"]]).toEqual([403, "This agent does not let tunnels in to its port 22."]);
    expect(session_id).toBe((await status()).session_id);
  });

  test("ends with its closing, for requests and for what is open", async () => {
    const { tunnel_url, session_id } = await open();
    const client = await connect(`${tunnel_url}ws`);
    const slow = await fetch(`${tunnel_url}slow`);
    const closing = await site.call(`/api/v1/agents/node-1/tunnel?session_id=${session_id}`, { as: (await site.credentials()).user, method: "DELETE" });
    expect(closing.status).toBe(204);
    expect((await client.closed).code).toBe(1001);
    expect(await slow.text().catch(() => "cut")).toBe("cut");
    expect((await fetch(tunnel_url)).status).toBe(404);
    expect(await status()).toEqual({ is_active: false, session_id: "", tunnel_url: "", tunnel_list: [] });
  });

  test("ends with its time", async () => {
    const { tunnel_url } = await open({ expires_in: 60 });
    const client = await connect(`${tunnel_url}ws`);
    await until(async () => (await status()).is_active === false);
    await until(() => client.socket.readyState === WebSocket.CLOSED);
    expect((await fetch(tunnel_url)).status).toBe(404);
  });

  test("ends with the license, and without the feature nothing is opened", async () => {
    const { tunnel_url } = await open();
    const client = await connect(`${tunnel_url}ws`);
    site.license({ state: "expired" });
    site.gateway.reviewLicense();
    expect((await client.closed).code).toBe(1001);
    expect((await fetch(tunnel_url)).status).toBe(503);
    site.license({ features: { team: { tunnels: false } } });
    expect((await fetch(tunnel_url)).status).toBe(403);
    expect(await refusalOf(open())).toMatchObject({ code: "feature_disabled" });
  });

  test("ends with the membership of who opened it", async () => {
    const member = await addPerson(site.gate, { teamId: site.people.teamId, role: "member" });
    const { tunnel_url } = await openTunnel(site.gate, member, { agent_id: "node-1", target_port: service.port });
    expect((await fetch(tunnel_url)).status).toBe(200);
    await site.call(`/api/v1/members/${member.userId}`, { as: (await site.credentials()).user, method: "DELETE" });
    expect((await fetch(tunnel_url)).status).toBe(404);
  });

  test("is closed by whoever has its admin token, and by no other token", async () => {
    const { tunnel_url, session_id, admin_token } = await open();
    const access = new URL(tunnel_url).pathname.split("/")[3] ?? "";
    const close = async (token: string) => (await site.call(`/tunnel/${session_id}/admin`, { role: "gateway", method: "DELETE", headers: { authorization: `Bearer ${token}` } })).status;
    expect([await close(access), await close("x")]).toEqual([404, 404]);
    expect((await fetch(tunnel_url)).status).toBe(200);
    expect((await fetch(tunnel_url.replace(access, admin_token))).status).toBe(404);
    expect(await close(admin_token)).toBe(204);
    expect((await fetch(tunnel_url)).status).toBe(404);
  });

  test("is of one team: nobody of another sees, opens or closes it", async () => {
    const stranger = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
    const { session_id } = await open();
    expect(await refusalOf(openTunnel(site.gate, stranger, { agent_id: "node-1", target_port: service.port }))).toMatchObject({ code: "not_found" });
    expect((await readTunnels(site.gate, stranger, { agent_id: "node-1" })).is_active).toBe(false);
    const theirs = await addKey(site.gate, stranger, "agent");
    // An agent of another team that knows the session's id does not get the channel either.
    const [row] = await site.gate.store.read(async (reader) => await reader.select({ id: reader.tables.agents.session_id }).from(reader.tables.agents));
    const dialled = await site.call("/v1/channel", { role: "gateway", as: { authorization: `Bearer ${theirs.rawKey}` }, headers: { "cyberun-session": row?.id ?? "" } });
    expect([dialled.status, dialled.body["error_code"]]).toEqual([409, "conflict"]);
    expect((await status()).session_id).toBe(session_id);
  });
});

test("an agent with a tunnel takes no tasks until it is closed", async () => {
  const { session_id } = await open();
  await until(async () => (await agents())[0]?.agent_status === "tunnel");
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work", tool_type: "command", workflow_json: { command: "now" } });
  const { task_id } = await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: "work", parameters: {} });
  await until(async () => (await readTask(site.gate, site.people.owner, { task_id })).waiting_reason?.code === "agents_unavailable");
  await site.call(`/api/v1/agents/node-1/tunnel?session_id=${session_id}`, { as: (await site.credentials()).user, method: "DELETE" });
  await until(async () => (await readTask(site.gate, site.people.owner, { task_id })).task_status === "completed");
});

test("a tunnel outlives a cut of the agent's connection", async () => {
  const { tunnel_url } = await open();
  expect((await fetch(tunnel_url)).status).toBe(200);
  for (const app of [site.apps.gateway]) expect(app.server?.pendingWebSockets).toBeGreaterThan(1);
  agent.agent.abandon();
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  await until(async () => (await agents()).length === 0 || (await fetch(tunnel_url)).status === 503);
  agent = startAgent({ services: site.gate.services, folder: folder.path, url: () => site.urls.gateway, rawKey, commands: {}, tunnelPorts: [service.port] });
  await until(async () => (await fetch(tunnel_url)).status === 200);
});
