/** Container services over real sockets: defined, run by a real agent with a stand-in for docker, called through API, gateway and agent. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createService, listServices, readService } from "../../src/containers/management.ts";
import { startAgent } from "../support/command-agent.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { localService } from "../support/local-service.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { refusalOf } from "../support/refusal.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

const docker = join(import.meta.dir, "../support/container-command.ts");
const base = { service_slug: "echo", display_name: "Echo", docker_image: "local/echo:1", required_labels: ["cpu"], env_config: [{ env_name: "TOKEN", env_value: "s3cret value" }] };

let site: TestRoles;
let folder: Folder;
let user: Shown;
let integration: Shown;
let agents: ReturnType<typeof startAgent>[];
/** Where the stand-in keeps its containers. */
const state = () => join(folder.path, "containers");

async function agent(name = "node-1", lends: Parameters<typeof startAgent>[0]["lends"] = {}) {
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  const own = startAgent({
    services: site.gate.services,
    folder: join(folder.path, name),
    url: () => site.urls.gateway,
    rawKey,
    commands: {},
    agentId: name,
    labels: ["cpu", name],
    lends: { containerCommand: [process.execPath, docker, state()], images: ["local/*"], volumes: ["/srv/models"], ...lends },
  });
  agents.push(own);
  return own;
}

beforeEach(async () => {
  site = await startRoles();
  folder = temporaryFolder();
  agents = [];
  ({ user, integration } = await site.credentials());
});
afterEach(async () => {
  for (const each of agents) each.agent.abandon();
  await site.close();
  for (const name of containers()) Bun.spawnSync([process.execPath, docker, state(), "rm", name]);
  folder[Symbol.dispose]();
});

function containers(): readonly string[] {
  try {
    return readdirSync(state()).map((each) => each.replace(/\.json$/, ""));
  } catch {
    return [];
  }
}

const api = async (path: string, options: Parameters<TestRoles["call"]>[1] = {}) => await site.call(`/api/v1${path}`, { as: user, ...options });
const create = async (changes: object = {}) => String((await api("/containers", { json: { ...base, ...changes } })).body["id"]);
const read = async (service_id: string) => await readService(site.gate, site.people.owner, { service_id });
const until = async (isTrue: () => boolean | Promise<boolean>) => await asTimePasses(site, 1_000, isTrue);
const becomes = async (id: string, status: string) => await until(async () => (await read(id)).service_status === status);

async function deployed(changes: object = {}): Promise<string> {
  const id = await create(changes);
  expect((await api(`/containers/${id}/deploy`, { method: "POST" })).body).toEqual({ service_status: "deploying" });
  await becomes(id, "running");
  return id;
}

async function answerOf(path: string, init: RequestInit = {}) {
  const response = await fetch(`${site.urls.api}/api/v1/r/containers/${path}`, { redirect: "manual", ...init, headers: { ...integration, ...init.headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : {} };
}

describe("a deployed service", () => {
  test("is run by an agent and called through API, gateway and agent", async () => {
    await agent();
    const id = await deployed({ volume_config: [{ host_path: "/srv/models/a", container_path: "/models" }] });
    expect((await read(id)).replicas).toEqual([{ replica_index: 0, agent_id: "node-1", replica_state: "running", detail: null }]);
    const { status, headers, body } = await answerOf("echo/v1/run?x=%2F", { method: "POST", body: "hello", headers: { "x-mine": "yes", cookie: "cyberun=secret", "x-team-id": "t" } });
    expect([status, headers.get("x-image"), body.method, body.path, body.body]).toEqual([200, "local/echo:1", "POST", "/v1/run?x=%2F", "hello"]);
    expect([body.headers["x-mine"], body.headers.authorization, body.headers.cookie, body.headers["x-team-id"], body.headers["cyberun-service-pass"]]).toEqual(["yes", undefined, undefined, undefined, undefined]);
    // Variables by file and never by argument; the rest as the definition says.
    expect(body.environment).toBe("TOKEN=s3cret value\n");
    expect(body.told.join(" ")).not.toContain("s3cret");
    expect(body.told.join(" ")).toContain("--volume /srv/models/a:/models");
    expect(readdirSync(join(folder.path, "node-1", "agent")).filter((each) => each.endsWith(".env"))).toEqual([]);
    // Somebody else's page on the API's origin.
    expect(headers.get("content-security-policy")).toStartWith("sandbox ");
  });

  test("is invoked with a document, and only in ways that stay within it", async () => {
    await agent();
    await deployed();
    const invoke = async (json: object, as: Shown = integration) => await site.call("/api/v1/r/invoke/echo", { as, json });
    const { status, body } = await invoke({ method: "PUT", path: "/a?b=1", body_base64: Buffer.from("héllo").toString("base64"), headers: { "x-mine": "1", authorization: "Bearer x", host: "evil.example" } });
    expect([status, body["status_code"]]).toEqual([200, 200]);
    const told = JSON.parse(Buffer.from(String(body["body_base64"]), "base64").toString());
    expect([told.method, told.path, told.body, told.headers["x-mine"], told.headers.authorization, told.headers.host.startsWith("127.0.0.1:")]).toEqual(["PUT", "/a?b=1", "héllo", "1", undefined, true]);
    for (const path of ["//evil.example/", "http://evil.example/", "relative", "/a/../b", "/%2e%2E/x", "/a\\b", "/a b", ""]) expect([path, (await invoke({ method: "GET", path })).status]).toEqual([path, 400]);
    for (const json of [{ method: "TRACE", path: "/" }, { method: "POST", path: "/", body_base64: "!" }, { method: "GET", path: "/", body_base64: "aGk=" }, { method: "GET", path: "/", headers: { "a b": "c" } }]) expect((await invoke(json)).status).toBe(400);
    expect((await invoke({ method: "GET", path: "/" }, { ...user, ...bearer((await addKey(site.gate, site.people.owner, "agent")).rawKey) })).status).toBe(403);
  });

  test("that is stopped, changed, deployed again and deleted leaves nothing behind", async () => {
    await agent();
    const id = await deployed();
    expect(containers()).toEqual([`cyberun-${id}-0`]);
    expect((await api(`/containers/${id}`, { method: "PUT", json: { docker_image: "local/echo:2" } })).status).toBe(200);
    expect((await answerOf("echo/")).body.image).toBe("local/echo:1");
    await api(`/containers/${id}/deploy`, { method: "POST" });
    await becomes(id, "running");
    expect((await answerOf("echo/")).body.image).toBe("local/echo:2");
    expect((await api(`/containers/${id}/stop`, { method: "POST" })).status).toBe(202);
    expect((await answerOf("echo/")).status).toBe(409);
    await becomes(id, "stopped");
    expect(containers()).toEqual([]);
    await api(`/containers/${id}/deploy`, { method: "POST" });
    await becomes(id, "running");
    expect((await api(`/containers/${id}`, { method: "DELETE" })).status).toBe(204);
    await until(() => containers().length === 0);
    expect((await answerOf("echo/")).status).toBe(404);
  });

  test("has its replicas spread, and moved when an agent is gone", async () => {
    const first = await agent("node-1");
    await agent("node-2");
    const id = await create({ replica_count: 4 });
    await until(async () => (await site.call("/api/v1/agents", { as: user })).text.includes("node-2"));
    await api(`/containers/${id}/deploy`, { method: "POST" });
    await becomes(id, "running");
    const places = async () => (await read(id)).replicas.map(({ agent_id }) => agent_id).toSorted();
    expect(await places()).toEqual(["node-1", "node-1", "node-2", "node-2"]);
    first.agent.abandon();
    await until(async () => (await places()).every((place) => place === "node-2") && (await read(id)).replicas.every(({ replica_state }) => replica_state === "running"));
    expect((await answerOf("echo/")).status).toBe(200);
    // The agent that comes back hears what it shall run, which is nothing, and ends the rest.
    const before = containers().length;
    await agent("node-1");
    await until(() => containers().length < before || containers().length === 4);
  });

  test("goes on while its agent is started again", async () => {
    const first = await agent();
    const id = await deployed();
    const { pid } = await Bun.file(join(state(), `cyberun-${id}-0.json`)).json();
    first.agent.abandon();
    await agent();
    await until(async () => (await answerOf("echo/")).status === 200);
    expect((await Bun.file(join(state(), `cyberun-${id}-0.json`)).json()).pid).toBe(pid);
  });

  test("that falls ill fails and comes back", async () => {
    await agent();
    const id = await deployed();
    await answerOf("echo/become-sick");
    await becomes(id, "failed");
    expect((await read(id)).replicas[0]?.detail).toContain("does not answer at /health");
    expect((await answerOf("echo/")).status).toBe(409);
  });
});

describe("what an agent's own file does not allow is not run", () => {
  test.each([
    ["an image", { docker_image: "other/echo:1" }, "services.images"],
    ["a folder", { volume_config: [{ host_path: "/etc", container_path: "/etc" }] }, "services.volumes"],
    ["a folder by a detour", { volume_config: [{ host_path: "/srv/models/../../etc", container_path: "/etc" }] }, "services.volumes"],
    ["a folder with a like name", { volume_config: [{ host_path: "/srv/models-of-others", container_path: "/m" }] }, "services.volumes"],
    ["a GPU", { gpu_count: -1 }, "services.gpus"],
    ["an image that is nowhere", { docker_image: "local/missing:1" }, "pull access denied"],
  ])("%s", async (_what, changes, why) => {
    await agent();
    const id = await create(changes);
    await api(`/containers/${id}/deploy`, { method: "POST" });
    await becomes(id, "failed");
    expect((await read(id)).replicas[0]?.detail).toContain(why);
    expect(containers()).toEqual([]);
  });

  test("nothing at all, on an agent that lends itself to nothing or has other labels", async () => {
    await agent("node-1", { containerCommand: undefined });
    const id = await create({ required_labels: ["gpu"] });
    await agent("node-2");
    await api(`/containers/${id}/deploy`, { method: "POST" });
    await until(async () => (await site.call("/api/v1/agents", { as: user })).text.includes("node-2"));
    expect((await read(id)).replicas).toEqual([{ replica_index: 0, agent_id: null, replica_state: "starting", detail: null }]);
    expect((await api(`/containers/${id}`, { method: "PUT", json: { display_name: "N" } })).status).toBe(409);
    expect((await api(`/containers/${id}/stop`, { method: "POST" })).body).toEqual({ service_status: "stopped" });
  });
});

describe("an external service", () => {
  const external = async () => await createService(site.gate, site.people.owner, { service_slug: "outside", display_name: "Outside", service_type: "external", external_url: "https://outside.example/base" });

  test("is called by an agent whose file names its address, with the header from that agent's own file", async () => {
    using outside = localService();
    using secret = temporaryFolder();
    await Bun.write(join(secret.path, "header"), "Bearer of-the-agent\n");
    await external();
    const authorization = new Map([["outside", join(secret.path, "header")]]);
    const services = { ...site.gate.services, fetch: (url: string, init?: BunFetchRequestInit) => site.gate.services.fetch(url.replace("https://outside.example", `http://127.0.0.1:${outside.port}`), init) };
    const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
    agents.push(startAgent({ services, folder: join(folder.path, "out"), url: () => site.urls.gateway, rawKey, commands: {}, lends: { external: ["https://outside.example"], authorization } }));
    await until(async () => (await answerOf("outside/v1/x?y=1", { method: "POST", body: "hi" })).status === 200);
    const asked = outside.requests.at(-1);
    expect([asked?.method, asked?.path, asked?.body, asked?.headers.get("authorization"), asked?.headers.get("x-forwarded-host")]).toEqual(["POST", "/base/v1/x?y=1", "hi", "Bearer of-the-agent", null]);
  });

  test("is refused by an agent whose file does not name its address", async () => {
    await external();
    await agent("node-1", { containerCommand: undefined, external: ["https://outside.example.evil", "https://outside.example/basement"] });
    await until(async () => (await answerOf("outside/")).status === 403);
    expect((await answerOf("outside/")).body.error_message).toContain("services.external");
  });

  test("without an agent is a 503 that says so", async () => {
    await external();
    const { status, body } = await answerOf("outside/");
    expect([status, body.error_message]).toEqual([503, "No agent that can answer for the service is connected."]);
  });
});

describe("who sees and calls what", () => {
  test("definitions that cannot be are refused by the field", async () => {
    const bad: readonly [object, string][] = [
      [{ service_slug: "-a" }, "service_slug"],
      [{ docker_image: undefined }, "docker_image"],
      [{ docker_image: "--privileged" }, "docker_image"],
      [{ external_url: "https://a.example" }, "external_url"],
      [{ service_type: "external", docker_image: undefined, external_url: "http://a.example" }, "external_url"],
      [{ service_type: "external", docker_image: undefined, external_url: "https://u:p@a.example" }, "external_url"],
      [{ exposed_port: 0 }, "exposed_port"],
      [{ env_config: [{ env_name: "A", env_value: "a\nB=c" }] }, "env_config"],
      [{ volume_config: [{ host_path: "/a:/b", container_path: "/c" }] }, "volume_config"],
      [{ gpu_count: -2 }, "gpu_count"],
      [{ replica_count: 11 }, "replica_count"],
      [{ external_auth_credential_id: "00000000-0000-7000-8000-00000000000f" }, "external_auth_credential_id"],
    ];
    for (const [changes, field] of bad) {
      const { status, body } = await api("/containers", { json: { ...base, ...changes } });
      expect([field, status, JSON.stringify(body)]).toEqual([field, 400, expect.stringContaining(field)]);
    }
    const id = await create();
    expect((await api("/containers", { json: base })).status).toBe(409);
    for (const changes of [{ service_slug: "other" }, { service_type: "external" }]) expect((await api(`/containers/${id}`, { method: "PUT", json: changes })).status).toBe(400);
  });

  test("values of variables are for admins, and nothing of how it is run is for those who call", async () => {
    const id = await create({ usage_prompt: "Say hello." });
    const viewer = await addPerson(site.gate, { teamId: site.people.teamId, role: "viewer" });
    expect((await listServices(site.gate, viewer, {})).service_list[0]?.env_config).toEqual([{ env_name: "TOKEN", env_value: "" }]);
    expect((await readService(site.gate, viewer, { service_id: id })).env_config[0]?.env_value).toBe("");
    expect((await read(id)).env_config[0]?.env_value).toBe("s3cret value");
    const seen = await site.call("/api/v1/r/containers", { as: integration });
    expect(seen.text).not.toContain("TOKEN");
    expect(seen.body["service_list"]).toMatchObject([{ service_slug: "echo", service_status: "created", usage_prompt: "Say hello.", service_url: `${site.urls.api}/api/v1/r/containers/echo/` }]);
    expect((await site.call("/api/v1/r/containers/echo", { as: integration })).body["id"]).toBe(id);
  });

  test("nothing crosses teams, neither by slug nor by a pass", async () => {
    await agent();
    await deployed();
    const stranger = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
    const theirs = bearer((await addKey(site.gate, stranger, "integration")).rawKey);
    expect((await site.call("/api/v1/r/containers/echo/x", { as: theirs })).status).toBe(404);
    expect((await site.call("/api/v1/r/containers", { as: theirs })).body["service_list"]).toEqual([]);
    const [service] = (await listServices(site.gate, site.people.owner, {})).service_list;
    for (const pass of ["", "x.y", `${Buffer.from("{}").toString("base64url")}.x`]) {
      const answer = await site.call(`/v1/services/${service?.id}/x`, { role: "gateway", headers: { "cyberun-service-pass": pass } });
      expect([answer.status, answer.body["error_code"]]).toEqual([404, "not_found"]);
    }
  });

  test("without the feature, and without a license, nothing is called; stopping and deleting go on", async () => {
    await agent();
    const id = await deployed();
    site.license({ features: { team: { container_services: false } } });
    expect((await answerOf("echo/")).status).toBe(403);
    expect(await refusalOf(createService(site.gate, site.people.owner, { ...base, service_slug: "two" }))).toMatchObject({ code: "feature_disabled" });
    site.license({ state: "expired" });
    expect((await answerOf("echo/")).status).toBe(503);
    expect((await api(`/containers/${id}/stop`, { method: "POST" })).status).toBe(202);
    site.license({});
    await becomes(id, "stopped");
  });
});

test("a large body streams through in both directions", async () => {
  await agent();
  await deployed();
  const large = "x".repeat(3_000_000);
  const { status, body } = await answerOf("echo/", { method: "POST", body: large });
  expect([status, body.body.length]).toEqual([200, large.length]);
});
