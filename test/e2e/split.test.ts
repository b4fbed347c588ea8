/**
 * The same deployment on four processes: License Server alone with its own store, API server, gateway and issuer over one
 * PostgreSQL database, each enrolled with a join token. What works in one process works here.
 */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { realServices } from "../../src/services.ts";
import { startAgent } from "../support/command-agent.ts";
import { eventually } from "../support/eventually.ts";
import { run, type Running } from "../support/executable.ts";
import { localService } from "../support/local-service.ts";
import { createDatabase } from "../support/postgres.ts";
import { helloOf } from "../support/socket-agent.ts";
import { testNeeding } from "../support/skip.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

async function joinToken(workshop: Workshop, server: Running, name: string): Promise<string> {
  const { stdout } = await run(["license", "join-token", "--json"], { executable: workshop.cyberun, dataDir: server.dataDir });
  const file = join(workshop.folder, `${name}.join`);
  writeFileSync(file, String(JSON.parse(stdout).join_token), { mode: 0o600 });
  return file;
}

interface Split {
  readonly workshop: Workshop;
  readonly api: Running;
  readonly gateway: Running;
  readonly ada: Administrator;
}

/** A tunnel and a container service: opened and called at the API server, carried by the gateway, which is another process. */
async function throughTheGateway({ workshop, api, gateway, ada }: Split): Promise<void> {
  using local = localService();
  const { key } = await createKey(api, ada, "agent");
  const docker = [process.execPath, join(import.meta.dir, "../support/container-command.ts"), join(workshop.folder, "containers")];
  const { agent } = startAgent({ services: realServices(), folder: workshop.folder, url: () => String(gateway.urls.gateway), rawKey: key, commands: {}, agentId: "host", tunnelPorts: [local.port], lends: { containerCommand: docker, images: ["local/*"] } });
  const asked = { bearer: ada.token, teamId: ada.teamId };
  const post = (path: string, body: object = {}) => call(api.urls.api, path, { ...asked, method: "POST", body: JSON.stringify(body) });
  let opened = await post("/api/v1/agents/host/tunnel", { target_port: local.port });
  await eventually(async () => (opened = await post("/api/v1/agents/host/tunnel", { target_port: local.port })).status === 201, "the agent is connected");
  const tunnel = String(opened.body["tunnel_url"]);
  expect(tunnel).toStartWith(`${gateway.urls.gateway}/tunnel/`);
  expect(await (await fetch(`${tunnel}hello`)).json()).toEqual({ path: "/hello" });
  const made = await post("/api/v1/containers", { service_slug: "echo", display_name: "Echo", docker_image: "local/echo:1" });
  await post(`/api/v1/containers/${String(made.body["id"])}/deploy`);
  await eventually(async () => (await call(api.urls.api, "/api/v1/r/containers/echo/hi", asked)).body["path"] === "/hi", "the service is called through both");
  await call(api.urls.api, "/api/v1/agents/host/tunnel", { ...asked, method: "DELETE" });
  await eventually(async () => (await fetch(tunnel)).status === 404, "the gateway hears of the closing");
  await post(`/api/v1/containers/${String(made.body["id"])}/stop`);
  await eventually(async () => (await call(api.urls.api, `/api/v1/containers/${String(made.body["id"])}`, asked)).body["service_status"] === "stopped", "the service is stopped");
  agent.abandon();
}

testNeeding("postgres", "four processes are one deployment", async () => {
  const workshop = await openWorkshop();
  const database = await createDatabase();
  const masterKey = join(workshop.folder, "master.key");
  writeFileSync(masterKey, `${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")}\n`, { mode: 0o600 });
  const first = await workshop.sign("split", ["--template", "enterprise", "--days", "30", "--feature", "account.manual_team_creation=off", "--feature", "team.tunnels=on", "--feature", "team.container_services=on"]);
  const installed = join(workshop.folder, "split-installed.lic");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => database.drop());
  stack.defer(() => workshop.close());
  const server = stack.use(await workshop.serve(first, { installed, flags: ["--roles", "license"] }));
  const shared = { CYBERUN_LICENSE_SERVER_ADDRESSES: String(server.urls.license), CYBERUN_DATABASE_URL: database.url, CYBERUN_MASTER_KEY_FILE: masterKey };
  const open = async (role: string, env: Readonly<Record<string, string>> = {}) =>
    stack.use(
      await workshop.serve(undefined, { flags: ["--roles", role], env: { ...shared, ...env, CYBERUN_JOIN_TOKEN_FILE: await joinToken(workshop, server, role) } }),
    );
  const issuer = await open("issuer");
  const gateway = await open("gateway");
  const api = await open("api", { CYBERUN_ISSUER_URL: String(issuer.urls.issuer), CYBERUN_GATEWAY_URL: String(gateway.urls.gateway) });

  const ada = await setUp(workshop, api);
  const integration = await createKey(api, ada, "integration");
  expect((await call(api.urls.api, "/api/v1/r/workflows", { bearer: integration.key })).status).toBe(200);

  const keys = createRemoteJWKSet(new URL(`${issuer.urls.issuer}/.well-known/jwks.json`));
  expect((await jwtVerify(ada.token, keys, { issuer: String(issuer.urls.issuer) })).payload.sub).toBeString();

  const agent = await createKey(api, ada, "agent");
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = new WebSocket(`${gateway.urls.gateway}/v1/connect`.replace("http", "ws"), { headers: { authorization: `Bearer ${agent.key}` } });
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", protocol: 1, agent_id: "node-1", agent_version: "1.0.0", labels: [], capacity: 1, holds: [] }));
  socket.onmessage = ({ data }) => resolve(String(data));
  socket.onopen = () => socket.send(JSON.stringify(helloOf()));
  expect(JSON.parse(await promise).type).toBe("welcome");

  await throughTheGateway({ workshop, api, gateway, ada });

  // Revoked at the API server, closed by the gateway: another process, told by the store alone.
  const ended = Promise.withResolvers<number>();
  socket.onclose = ({ code }) => ended.resolve(code);
  expect((await call(api.urls.api, `/api/v1/credentials/${agent.id}`, { method: "DELETE", bearer: ada.token, teamId: ada.teamId })).status).toBe(204);
  expect(await ended.promise).toBe(4401);

  const team = () => call(api.urls.api, "/api/v1/teams", { method: "POST", bearer: ada.token, body: JSON.stringify({ display_name: "Green" }) });
  expect((await team()).status).toBe(403);
  const renewed = await workshop.sign("split-2", ["--renew", installed, "--days", "60", "--feature", "account.manual_team_creation=on"]);
  const install = await run(["license", "install", renewed, "--license", installed], { executable: workshop.cyberun, env: { CYBERUN_LICENSE_SERVER_ADDRESSES: String(server.urls.license) } });
  expect([install.exitCode, install.stderr]).toEqual([0, ""]);
  await eventually(async () => (await team()).status === 201, "the renewed license opens the feature on another process");
}, 90_000);
