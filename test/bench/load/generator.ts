/**
 * The load generator: a process of its own that takes jobs over the runtime's message channel.
 *
 * It is separate so that its event loop never stands between a server and the clock that measures it, and so that what it
 * costs can be told: every result carries the processor time that the generator itself took.
 */
import { percentiles } from "../statistics.ts";
import { Connection, requestText } from "./connection.ts";
import { type Job, type LoadResult, orderShape, type PacedJob, type RenewalsJob, type Reply, type RequestsJob } from "./jobs.ts";
import { LeaseClient } from "./lease-client.ts";
import { type Call, closedLoop, pacedLoop, type Samples } from "./loops.ts";

const stops = new Map<number, AbortController>();
/** Clients stay enrolled and connected from round to round. */
const leaseClients = new Map<string, readonly LeaseClient[]>();
const connections = new Map<string, readonly Connection[]>();

function callers({ url, headers, connections: count }: RequestsJob | PacedJob): readonly Call[] {
  const target = new URL(url);
  const request = requestText("GET", target, headers);
  const key = `${target.host} ${count}`;
  const open = connections.get(key) ?? Array.from({ length: count }, () => new Connection(target));
  connections.set(key, open);
  return open.map((connection) => async () => {
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

async function perform(job: Job, stopped: AbortSignal): Promise<Samples> {
  switch (job.kind) {
    case "requests":
      return await closedLoop(callers(job), job.seconds);
    case "paced":
      return await pacedLoop(callers(job), { perSecond: job.perSecond, stopped });
    case "renewals":
      return await renewals(job);
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
