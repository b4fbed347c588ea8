/** Readers that do not read, and a tunnel that is full: what it costs the server, and what it costs everybody else. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { inTeam, type Team } from "../administrator.ts";
import { type Deployment, startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared, type Figure } from "../figure.ts";
import type { LoadResult } from "../load/jobs.ts";
import { type Load, startLoad } from "../load/load.ts";
import { residentMegabytes, start, until } from "../processes.ts";
import type { Pair } from "../rounds.ts";
import { throwAwayVendor } from "../vendor.ts";

const READERS = 200;
const GROWTH_MIB_MAX = 300;
const OTHERS_FACTOR_MAX = 2;
const HEARTBEAT_P99_MS_MAX = 100;
const ROUNDS = 3;
const ROUND_MS = 3_000;
const OTHERS_PER_SECOND = 200;
const AGENTS = 200;
const PINGS_PER_SECOND = 100;
/** Until the sockets of those who do not read are full. */
const SETTLE_MS = 6_000;
const DOWNLOADS = 4;
const LOG_LINES = 120_000;
const PIECE = new Uint8Array(65_536).fill(120);
const MEBIBYTE = 1_048_576;

const caps = ["--feature", "team.tunnels=on", "--quota", "team.max_agents=10000", "--quota", "global.max_agents=10000"];

/** A service on the agent's host that never ends its answer. */
function endlessService() {
  return Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, idleTimeout: 0, fetch: () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(PIECE) })) });
}

interface Rig {
  readonly deployment: Deployment;
  readonly load: Load;
  readonly key: string;
  readonly tunnelUrl: string;
  readonly eventsUrl: string;
  readonly serviceUrl: string;
  readonly agents: { readonly url: string; readonly keys: string[] };
}

async function others({ deployment, load, key }: Rig): Promise<LoadResult> {
  const job = load.start({ kind: "paced", url: new URL("/api/v1/r/workflows", deployment.addresses.api).href, headers: { authorization: `Bearer ${key}` }, connections: 8, perSecond: OTHERS_PER_SECOND });
  await Bun.sleep(ROUND_MS);
  job.stop();
  return await job.result;
}

async function heartbeats({ load, agents }: Rig): Promise<LoadResult> {
  const job = load.start({ kind: "pings", url: agents.url, perSecond: PINGS_PER_SECOND });
  await Bun.sleep(ROUND_MS);
  job.stop();
  return await job.result;
}

/** Asks, and reads nothing of the answer. */
function stalled(url: string, headers: Readonly<Record<string, string>>): Promise<Socket> {
  const { hostname, port, pathname, host } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: hostname, port: Number(port) }, () => {
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`);
    socket.pause();
    resolve(socket);
  });
  socket.on("error", reject);
  return promise;
}

async function stalledReaders(rig: Rig): Promise<readonly Figure[]> {
  const { deployment, key, tunnelUrl, eventsUrl } = rig;
  const pid = deployment.process.pid;
  await others(rig);
  const free: LoadResult[] = [];
  for (let round = 0; round < ROUNDS; round += 1) free.push(await others(rig));
  const before = residentMegabytes(pid);
  const half = READERS / 2;
  const sockets = await Promise.all(Array.from({ length: READERS }, (_each, index) => (index < half ? stalled(eventsUrl, { authorization: `Bearer ${key}` }) : stalled(tunnelUrl, {}))));
  const opening = await others(rig);
  await Bun.sleep(SETTLE_MS);
  const burdened: LoadResult[] = [];
  for (let round = 0; round < ROUNDS; round += 1) burdened.push(await others(rig));
  const growth = ((residentMegabytes(pid) - before) * 1_000_000) / MEBIBYTE;
  for (const socket of sockets) socket.destroy();
  const factors = burdened.map((each, index) => each.latencyMs.p99 / (free[index]?.latencyMs.p99 ?? Number.NaN));
  const ratio = compared({ ours: burdened.map(({ latencyMs }) => latencyMs.p99), raw: free.map(({ latencyMs }) => latencyMs.p99) });
  return [
    {
      name: "back-pressure.memory",
      title: `Resident memory for ${READERS} readers that do not read: half follow a large log, half download through a tunnel`,
      unit: "MiB",
      rawLoop: undefined,
      ...compared({ ours: [growth], raw: [growth] }),
      raw: undefined,
      ratio: undefined,
      bars: [atMost("MiB more", GROWTH_MIB_MAX, growth)],
      notes: ["What the process grew by within twenty seconds, with requests of others beside."],
    },
    {
      name: "back-pressure.others",
      title: `Gated requests of others beside ${READERS} readers that do not read, ${OTHERS_PER_SECOND} a second: p99`,
      unit: "ms",
      rawLoop: "the same requests to the same server without those readers",
      ...ratio,
      bars: [atMost("times the p99 without them (median of the rounds)", OTHERS_FACTOR_MAX, factors.toSorted((a, b) => a - b)[Math.floor(factors.length / 2)] ?? Number.NaN)],
      notes: [`In the three seconds in which the readers come and are sent what their sockets hold, some 4 MB each, p99 is ${opening.latencyMs.p99.toFixed(0)} ms.`],
    },
  ];
}

/** Reads as fast as it comes until it is told to stop; gives the bytes. */
async function download(url: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  try {
    const response = await fetch(url, { signal });
    for await (const piece of response.body ?? []) bytes += piece.length;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return bytes;
}

async function downloaded(url: string, meanwhile: () => Promise<LoadResult>) {
  const abort = new AbortController();
  const startedAtMs = performance.now();
  const downloads = Array.from({ length: DOWNLOADS }, () => download(url, abort.signal));
  const beside = await meanwhile();
  const seconds = (performance.now() - startedAtMs) / 1_000;
  abort.abort();
  const bytes = (await Promise.all(downloads)).reduce((sum, each) => sum + each, 0);
  return { beside, megabytesPerSecond: bytes / 1_000_000 / seconds };
}

async function fullTunnel(rig: Rig): Promise<readonly Figure[]> {
  const { load, agents, tunnelUrl, serviceUrl } = rig;
  await load.run({ kind: "agents", url: agents.url, keys: agents.keys, agents: AGENTS, capacity: 1, atOnce: 16 });
  const rounds: Pair<Awaited<ReturnType<typeof downloaded>>>[] = [];
  while (rounds.length < ROUNDS) rounds.push({ ours: await downloaded(tunnelUrl, () => heartbeats(rig)), raw: await downloaded(serviceUrl, () => heartbeats(rig)) });
  const pings = compared({ ours: rounds.map(({ ours }) => ours.beside.latencyMs.p99), raw: rounds.map(({ raw }) => raw.beside.latencyMs.p99) });
  const rates = compared({ ours: rounds.map(({ ours }) => ours.megabytesPerSecond), raw: rounds.map(({ raw }) => raw.megabytesPerSecond) });
  return [
    {
      name: "tunnel.heartbeats",
      title: `Pings of ${AGENTS} agents beside ${DOWNLOADS} downloads through a tunnel, as fast as they go: p99`,
      unit: "ms",
      rawLoop: "the same pings beside the same downloads from the service itself",
      ...pings,
      bars: [atMost("p99 in ms", HEARTBEAT_P99_MS_MAX, pings.ours.median)],
      notes: [],
    },
    {
      name: "tunnel.throughput",
      title: `${DOWNLOADS} downloads through a tunnel`,
      unit: "MB/s",
      rawLoop: "the same downloads from the service itself",
      ...rates,
      bars: [],
      notes: ["Client, server, agent and service share the processors of one machine, and each byte passes three sockets instead of one."],
    },
  ];
}

/** The compiled agent, with a command that writes much and a port that tunnels lead to. */
function startAgent({ executable, scratch, gateway, key, port }: { readonly executable: string; readonly scratch: string; readonly gateway: string; readonly key: string; readonly port: number }) {
  const folder = join(scratch, "agent");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "key"), `${key}\n`, { mode: 0o600 });
  const command = `i=0; while [ $i -lt ${LOG_LINES} ]; do i=$((i+1)); echo "line $i of a log that is far larger than what a reader is sent before it reads"; done`;
  const settings = { gateway_url: gateway, agent_id: "tunnelled", key_file: "key", data_dir: "data", tunnel_ports: [port], commands: { log: { argv: ["/bin/sh", "-c", command] } } };
  writeFileSync(join(folder, "agent.json"), JSON.stringify(settings));
  return start([executable, "agent", "run", join(folder, "agent.json")], folder);
}

/** A task that is over, with a log of some megabytes. */
async function loggedTask(deployment: Deployment, team: Team, key: string): Promise<string> {
  const workflow = await team.createWorkflow({ workflow_slug: "log", display_name: "Log", tool_type: "command", workflow_json: { command: "log" } });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const { api } = deployment.addresses;
  const submitted: { readonly task_id?: string } = JSON.parse(await (await fetch(`${api}/api/v1/r/workflows/${workflow}/run`, { method: "POST", headers, body: "{}" })).text());
  const taskUrl = `${api}/api/v1/r/tasks/${submitted.task_id}`;
  await until("the log to be written", async () => ((await (await fetch(taskUrl, { headers })).text()).includes('"completed"') ? true : undefined), 200);
  return `${taskUrl}/events`;
}

export const backPressure: Bench = {
  name: "back-pressure",
  title: "Back-pressure",
  async measure({ dist, scratch }) {
    const vendor = await throwAwayVendor(join(dist, "cyberun-vendor"), scratch);
    await using deployment = await startDeployment({ executable: vendor.executable, dataDir: join(scratch, "data"), license: await vendor.sign(1, caps) });
    const team = await inTeam(deployment);
    const [key, agentKey] = [await team.createKey("integration", "bench"), await team.createKey("agent", "bench")];
    const service = endlessService();
    await using _agent = startAgent({ executable: vendor.executable, scratch, gateway: deployment.addresses.gateway, key: agentKey, port: service.port ?? 0 });
    const eventsUrl = await loggedTask(deployment, team, key);
    const tunnelUrl = await until("the agent to be connected", () => team.openTunnel("tunnelled", service.port ?? 0));
    await using load = startLoad();
    const rig: Rig = { deployment, load, key, tunnelUrl, eventsUrl, serviceUrl: service.url.href, agents: { url: new URL("/v1/connect", deployment.addresses.gateway).href, keys: [agentKey] } };
    const figures = [...(await stalledReaders(rig)), ...(await fullTunnel(rig))];
    await service.stop(true);
    return figures;
  },
};
