/** The gateway: ten thousand idle agents, tasks from the answer to the agent, and the queue as fast as it goes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inTeam } from "../administrator.ts";
import { startDeployment, type Deployment } from "../deployment.ts";
import { atLeast, atMost, type Bench, compared, type Figure } from "../figure.ts";
import type { LoadResult } from "../load/jobs.ts";
import { type Load, startLoad } from "../load/load.ts";
import { residentMegabytes } from "../processes.ts";
import { startRaw } from "../raw/process.ts";
import { column, type Pair } from "../rounds.ts";
import { throwAwayVendor } from "../vendor.ts";

const IDLE_AGENTS = 10_000;
const AGENTS_A_STEP = 1_000;
const DIALS_AT_ONCE = 64;
const KEYS = 20;
const AGENT_KIB_MAX = 25;
const CONNECTS_PER_SECOND_MIN = 1_000;
const PING_P99_MS_MAX = 20;
const PINGS_PER_SECOND = 1_000;

const DISPATCH_AGENTS = 1_000;
const TASKS_PER_SECOND = 50;
const DISPATCH_P50_MS_MAX = 5;
const DISPATCH_P99_MS_MAX = 25;
const DISPATCH_SECONDS = 4;
const DISPATCH_ROUNDS = 3;

const QUEUE_ROUNDS = 3;
const QUEUE_SECONDS = 2;
const QUEUE_CONNECTIONS = 32;
const QUEUE_AGENTS = 100;
const QUEUE_CAPACITY = 8;
const ENQUEUES_PER_SECOND_MIN = 1_500;
const WORK_PER_SECOND_MIN = 800;

/** Large and not unlimited, so that each cap is counted as it is for everybody. */
const caps = ["team.max_agents=100000", "global.max_agents=100000", "team.max_concurrent_tasks=100000", "global.max_concurrent_tasks=100000"];

/** A gateway with its queue: ours or the raw loop's. */
interface Target {
  readonly pid: number;
  readonly agents: { readonly url: string; readonly keys: readonly string[] };
  readonly submitUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Rig {
  readonly ours: Target;
  readonly raw: Target;
  readonly load: Load;
}

const perSecond = ({ calls, seconds }: LoadResult) => calls / seconds;

/** With a generator of its own: a process may have only so many connections, those that it is closing among them. */
async function idle({ pid, agents }: Target) {
  await using load = startLoad();
  const before = residentMegabytes(pid);
  const steps: LoadResult[] = [];
  while (steps.length * AGENTS_A_STEP < IDLE_AGENTS) {
    steps.push(await load.run({ kind: "agents", url: agents.url, keys: [...agents.keys], agents: AGENTS_A_STEP, capacity: 1, atOnce: DIALS_AT_ONCE }));
  }
  const pings = load.start({ kind: "pings", url: agents.url, perSecond: PINGS_PER_SECOND });
  await Bun.sleep(5_000);
  pings.stop();
  const pinged = await pings.result;
  const kibibytes = ((residentMegabytes(pid) - before) * 1_000_000) / 1_024 / IDLE_AGENTS;
  return { steps: steps.map(perSecond), pinged, kibibytes };
}

async function idleAgents({ ours, raw }: Rig): Promise<readonly Figure[]> {
  const pair = { raw: await idle(raw), ours: await idle(ours) };
  const connects = compared(column(pair.ours.steps.map((step, index): Pair<number> => ({ ours: step, raw: pair.raw.steps[index] ?? Number.NaN })), (value) => value));
  const rawLoop = "Bun.serve with a WebSocket for each agent and a set of them: no key, no license, no pool, no limits";
  return [
    {
      name: "gateway.connects",
      title: `Authenticated connects up to ${IDLE_AGENTS.toLocaleString("en-US")} agents, from dial to welcome`,
      unit: "connects/s",
      rawLoop,
      ...connects,
      bars: [atLeast("median of connects/s", CONNECTS_PER_SECOND_MIN, connects.ours.median)],
      notes: [`${DIALS_AT_ONCE} dial at a time; each round is ${AGENTS_A_STEP.toLocaleString("en-US")} more agents beside those that are there.`, "Each is a row of the team's pool on the disk before it is welcome."],
    },
    {
      name: "gateway.memory",
      title: `Resident memory for each of ${IDLE_AGENTS.toLocaleString("en-US")} idle agents`,
      unit: "KiB",
      rawLoop,
      ...compared({ ours: [pair.ours.kibibytes], raw: [pair.raw.kibibytes] }),
      bars: [atMost("KiB each", AGENT_KIB_MAX, pair.ours.kibibytes)],
      notes: ["What the process grew by, from before the first to after the pings, divided by their number."],
    },
    {
      name: "gateway.pings",
      title: `Pings at ${PINGS_PER_SECOND.toLocaleString("en-US")} a second with ${IDLE_AGENTS.toLocaleString("en-US")} agents: p99`,
      unit: "ms",
      rawLoop,
      ...compared({ ours: [pair.ours.pinged.latencyMs.p99], raw: [pair.raw.pinged.latencyMs.p99] }),
      latencyMs: { ours: pair.ours.pinged.latencyMs, raw: pair.raw.pinged.latencyMs },
      bars: [atMost("p99 in ms", PING_P99_MS_MAX, pair.ours.pinged.latencyMs.p99)],
      notes: ["Each agent pings every ten seconds, and counts from the moment its ping was due."],
    },
  ];
}

async function dispatched(load: Load, { agents, submitUrl, headers }: Target): Promise<LoadResult> {
  const job = load.start({ kind: "dispatch", url: agents.url, submitUrl, headers, connections: 16, perSecond: TASKS_PER_SECOND });
  await Bun.sleep(DISPATCH_SECONDS * 1_000);
  job.stop();
  return await job.result;
}

async function dispatch({ ours, raw, load }: Rig): Promise<Figure> {
  for (const { agents } of [ours, raw]) await load.run({ kind: "agents", url: agents.url, keys: [...agents.keys], agents: DISPATCH_AGENTS, capacity: 1, atOnce: DIALS_AT_ONCE });
  const rounds: Pair<LoadResult>[] = [];
  await dispatched(load, ours);
  while (rounds.length < DISPATCH_ROUNDS) rounds.push({ ours: await dispatched(load, ours), raw: await dispatched(load, raw) });
  const failed = rounds.reduce((sum, { ours: one }) => sum + one.failed, 0);
  if (failed > 0) throw new Error(`${failed} tasks were not taken`);
  const p50 = compared(column(rounds, ({ latencyMs }) => latencyMs.p50));
  const p99 = compared(column(rounds, ({ latencyMs }) => latencyMs.p99));
  return {
    name: "gateway.dispatch",
    title: `From 202 to the offer at the agent, ${TASKS_PER_SECOND} tasks/s, ${DISPATCH_AGENTS.toLocaleString("en-US")} agents: p50`,
    unit: "ms",
    rawLoop: "Bun.serve: a durable insert, a durable claim, a WebSocket frame",
    ...p50,
    bars: [atMost("p50 in ms", DISPATCH_P50_MS_MAX, p50.ours.median), atMost("p99 in ms", DISPATCH_P99_MS_MAX, p99.ours.median)],
    notes: [`p99: ours ${p99.ours.median.toFixed(1)} ms, raw ${p99.raw?.median.toFixed(1)} ms (medians of the rounds).`, "Every task is done at once, so that accepting and finishing it is part of what goes on meanwhile."],
  };
}

async function queueRound(load: Load, { agents, submitUrl, headers }: Target) {
  const enqueued = await load.run({ kind: "enqueue", url: agents.url, submitUrl, headers, connections: QUEUE_CONNECTIONS, perSecond: 0, seconds: QUEUE_SECONDS });
  const tasks = enqueued.calls - enqueued.failed;
  const worked = await load.run({ kind: "work", url: agents.url, keys: [...agents.keys], agents: QUEUE_AGENTS, capacity: QUEUE_CAPACITY, atOnce: DIALS_AT_ONCE, tasks });
  return { enqueues: perSecond(enqueued), work: tasks / worked.seconds };
}

async function queue({ ours, raw, load }: Rig): Promise<readonly Figure[]> {
  const rounds: Pair<Awaited<ReturnType<typeof queueRound>>>[] = [];
  while (rounds.length < QUEUE_ROUNDS) rounds.push({ ours: await queueRound(load, ours), raw: await queueRound(load, raw) });
  const enqueues = compared(column(rounds, (round) => round.enqueues));
  const work = compared(column(rounds, (round) => round.work));
  const notes = [`${QUEUE_AGENTS} agents with ${QUEUE_CAPACITY} places each, which finish at once what they are offered.`];
  return [
    {
      name: "gateway.enqueues",
      title: `Tasks taken, ${QUEUE_CONNECTIONS} connections, durable`,
      unit: "tasks/s",
      rawLoop: "Bun.serve and bun:sqlite: one insert of a task and one of an event in a shared commit",
      ...enqueues,
      bars: [atLeast("median of tasks/s", ENQUEUES_PER_SECOND_MIN, enqueues.ours.median)],
      notes: ["Ours checks key, license, workflow, version and parameters, and writes task, event and audit row."],
    },
    {
      name: "gateway.work",
      title: "Tasks claimed, offered, accepted and finished, durable",
      unit: "tasks/s",
      rawLoop: "the same frames: one claim by a conditional update, one update at the end, an event each",
      ...work,
      bars: [atLeast("median of tasks/s", WORK_PER_SECOND_MIN, work.ours.median)],
      notes,
    },
  ];
}

async function ourTarget(deployment: Deployment): Promise<Target> {
  const { addresses, process } = deployment;
  const team = await inTeam(deployment);
  const keys: string[] = [];
  while (keys.length < KEYS) keys.push(await team.createKey("agent", `agents ${keys.length}`));
  const submitKey = await team.createKey("integration", "bench");
  const workflow = await team.createWorkflow({ workflow_slug: "bench", display_name: "Bench", tool_type: "command", workflow_json: { command: "bench" } });
  return {
    pid: process.pid,
    agents: { url: new URL("/v1/connect", addresses.gateway).href, keys },
    submitUrl: new URL(`/api/v1/r/workflows/${workflow}/run`, addresses.api).href,
    headers: { authorization: `Bearer ${submitKey}` },
  };
}

interface Servers {
  readonly scratch: string;
  readonly executable: string;
  readonly license: string;
}

/** Fresh servers, so that no figure begins with what another left behind. */
async function withServers<T>({ scratch, executable, license }: Servers, name: string, measure: (rig: Rig) => Promise<T>): Promise<T> {
  await using deployment = await startDeployment({ executable, dataDir: join(scratch, name), license });
  const rawFolder = join(scratch, `${name}-raw`);
  mkdirSync(rawFolder);
  await using raw = await startRaw("task-server", rawFolder, [join(rawFolder, "tasks.db")]);
  await using load = startLoad();
  const rawTarget: Target = { pid: raw.process.pid, agents: { url: new URL("/v1/connect", raw.url).href, keys: ["raw"] }, submitUrl: raw.url, headers: {} };
  return await measure({ ours: await ourTarget(deployment), raw: rawTarget, load });
}

export const gatewayLoad: Bench = {
  name: "gateway",
  title: "Gateway and queue",
  async measure({ dist, scratch }) {
    const vendor = await throwAwayVendor(join(dist, "cyberun-vendor"), scratch);
    const servers: Servers = { scratch, executable: vendor.executable, license: await vendor.sign(1, caps.flatMap((cap) => ["--quota", cap])) };
    const connected = await withServers(servers, "idle", idleAgents);
    const latency = await withServers(servers, "dispatch", dispatch);
    return [...connected, latency, ...(await withServers(servers, "queue", queue))];
  },
};
