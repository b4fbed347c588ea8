/**
 * The load generator: a process of its own that takes jobs over the runtime's message channel.
 *
 * It is separate so that its event loop never stands between a server and the clock that measures it, and so that what it
 * costs can be told: every result carries the processor time that the generator itself took.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { percentiles } from "../statistics.ts";
import { connectAgents, dispatchTasks, enqueueTasks, pingAgents, workThrough } from "./agent-pool.ts";
import { Connection, requestText } from "./connection.ts";
import { type Job, type LoadResult, orderShape, type PacedJob, type RefreshesJob, type RenewalsJob, type Reply, type RequestsJob } from "./jobs.ts";
import { LeaseClient } from "./lease-client.ts";
import { type Call, closedLoop, pacedLoop, type Samples } from "./loops.ts";

const stops = new Map<number, AbortController>();
/** Clients stay enrolled and connected from round to round. */
const leaseClients = new Map<string, readonly LeaseClient[]>();
const connections = new Map<string, readonly Connection[]>();

/** Connections of their own for each kind of job, since two jobs may run at once. */
function openConnections(target: URL, kind: Job["kind"], count: number): readonly Connection[] {
  const key = `${target.host} ${target.pathname} ${kind} ${count}`;
  const open = connections.get(key) ?? Array.from({ length: count }, () => new Connection(target));
  connections.set(key, open);
  return open;
}

function callers({ kind, url, headers, body: sent, connections: count }: RequestsJob | PacedJob): readonly Call[] {
  const target = new URL(url);
  const request = requestText(sent === undefined ? "GET" : "POST", target, headers, sent);
  return openConnections(target, kind, count).map((connection) => async () => {
    const { status, body } = await connection.send(request);
    if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 300)}`);
  });
}

async function enrolledClients({ url, enrolSecret, clients: count }: RenewalsJob): Promise<readonly LeaseClient[]> {
  const known = leaseClients.get(url);
  if (known !== undefined) return known;
  const clients = Array.from({ length: count }, () => new LeaseClient(new URL(url), enrolSecret));
  for (const client of clients) await client.enrol();
  leaseClients.set(url, clients);
  return clients;
}

async function renewals(job: RenewalsJob): Promise<Samples> {
  const clients = await enrolledClients(job);
  const samples = await closedLoop(clients.map((client) => () => client.renew()), job.seconds);
  for (const client of clients) client.judge();
  return samples;
}

/** The token that each lineage would use next, by address. */
const lineages = new Map<string, string[]>();
const refreshTokenShape = Compile(Type.Object({ refresh_token: Type.String() }));

function refreshers({ kind, url, headers, tokens }: RefreshesJob): readonly Call[] {
  const target = new URL(url);
  const current = lineages.get(url) ?? [...tokens];
  lineages.set(url, current);
  return openConnections(target, kind, tokens.length).map((connection, index) => async () => {
    const sent = `grant_type=refresh_token&refresh_token=${current[index] ?? ""}`;
    const { status, body } = await connection.send(requestText("POST", target, headers, sent));
    const answer: unknown = status === 200 ? JSON.parse(body) : undefined;
    if (!refreshTokenShape.Check(answer)) throw new Error(`status ${status}: ${body.slice(0, 300)}`);
    current[index] = answer.refresh_token;
  });
}

async function perform(job: Job, stopped: AbortSignal): Promise<Samples> {
  switch (job.kind) {
    case "requests":
      return await closedLoop(callers(job), job.seconds);
    case "paced":
      return await pacedLoop(callers(job), { perSecond: job.perSecond, stopped });
    case "renewals":
      return await renewals(job);
    case "refreshes":
      return await closedLoop(refreshers(job), job.seconds);
    case "agents":
      return await connectAgents(job);
    case "pings":
      return await pingAgents(job, stopped);
    case "dispatch":
      return await dispatchTasks(job, stopped);
    case "enqueue":
      return await enqueueTasks(job, job.seconds);
    case "work":
      return await workThrough(job);
    default:
      throw new Error(`there is no such job: ${JSON.stringify(job satisfies never)}`);
  }
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

async function resultOf(job: Job, stopped: AbortSignal): Promise<LoadResult> {
  const before = processorSeconds();
  const { latenciesMs, failures, seconds } = await perform(job, stopped);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  if (latenciesMs.length === 0) throw new Error(`every call failed: ${[...failures.keys()].join("; ")}`);
  return {
    calls: latenciesMs.length + failed,
    failed,
    failures: Object.fromEntries(failures),
    seconds,
    latencyMs: percentiles(latenciesMs),
    generatorSeconds: processorSeconds() - before,
  };
}

async function reply(id: number, job: Job): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  let result: Reply["result"];
  try {
    result = await resultOf(job, stop.signal);
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) };
  }
  stops.delete(id);
  process.send?.({ id, result } satisfies Reply);
}

process.on("message", (message: unknown) => {
  if (!orderShape.Check(message)) throw new Error("the load generator was sent something that is no order");
  const { id, order } = message;
  if (order === "stop") stops.get(id)?.abort();
  else void reply(id, order);
});
process.on("disconnect", () => process.exit(0));
