/** The agents of the load generator: they come, stay, answer, and what they are offered is done at once. */
import { Connection, requestText } from "./connection.ts";
import type { AgentsJob, DispatchJob, PingsJob, WorkJob } from "./jobs.ts";
import { LightAgent, type Offer } from "./light-agent.ts";
import { type Call, closedLoop, pacedLoop, type Samples } from "./loops.ts";

interface Pool {
  readonly agents: LightAgent[];
  /** When each task that nobody asked for yet was offered. */
  readonly offeredAtMs: Map<string, number>;
  readonly awaited: Map<string, (atMs: number) => void>;
  taken: number;
  onTaken: () => void;
}

const pools = new Map<string, Pool>();

function poolOf(url: string): Pool {
  const pool = pools.get(url) ?? { agents: [], offeredAtMs: new Map(), awaited: new Map(), taken: 0, onTaken: () => {} };
  pools.set(url, pool);
  return pool;
}

function hear({ awaited, offeredAtMs }: Pool, offer: Offer): void {
  offer.agent.finish(offer);
  const waiting = awaited.get(offer.taskId);
  if (waiting === undefined) offeredAtMs.set(offer.taskId, offer.atMs);
  else waiting(offer.atMs);
}

/** Connects so many agents, some at once; each call is one from its dial to its welcome. */
export async function connectAgents({ url, keys, agents: count, capacity, atOnce }: AgentsJob): Promise<Samples> {
  const pool = poolOf(url);
  let next = pool.agents.length;
  const last = next + count;
  const latenciesMs: number[] = [];
  const startedAtMs = performance.now();
  const dial = async () => {
    while (next < last) {
      const number = next++;
      const options = { url: new URL(url), key: keys[number % keys.length] ?? "", agentId: `bench-${number}`, capacity };
      const agent = new LightAgent({ ...options, onOffer: (offer) => hear(pool, offer), onTaken: () => ((pool.taken += 1), pool.onTaken()) });
      pool.agents.push(agent);
      const dialledAtMs = performance.now();
      await agent.connect();
      latenciesMs.push(performance.now() - dialledAtMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, dial));
  return { latenciesMs, failures: new Map(), seconds: (performance.now() - startedAtMs) / 1_000 };
}

/** Pings, each by the agent whose turn it is. */
export async function pingAgents({ url, perSecond }: PingsJob, stopped: AbortSignal): Promise<Samples> {
  const { agents } = poolOf(url);
  let turn = 0;
  const call: Call = async () => await agents[turn++ % agents.length]?.ping();
  return await pacedLoop(Array.from({ length: Math.min(agents.length, 256) }, () => call), { perSecond, stopped });
}

/** Ends all connections. */
function dismissAgents(url: string): void {
  for (const agent of poolOf(url).agents) agent.close();
  pools.delete(url);
}

function submitters({ submitUrl, headers, connections }: DispatchJob): readonly (() => Promise<{ readonly taskId: string; readonly atMs: number }>)[] {
  const target = new URL(submitUrl);
  const request = requestText("POST", target, headers, "{}");
  return Array.from({ length: connections }, () => {
    const connection = new Connection(target);
    return async () => {
      const { status, body } = await connection.send(request);
      const atMs = performance.now();
      if (status !== 202) throw new Error(`status ${status}: ${body.slice(0, 300)}`);
      return { taskId: /"task_id":"([^"]+)"/.exec(body)?.[1] ?? "", atMs };
    };
  });
}

/** Tasks at a pace; what counts is the time from the answer 202 to the offer at an agent. */
export async function dispatchTasks(job: DispatchJob, stopped: AbortSignal): Promise<Samples> {
  const { awaited, offeredAtMs } = poolOf(job.url);
  const latenciesMs: number[] = [];
  const offered = (taskId: string): Promise<number> => {
    const known = offeredAtMs.get(taskId);
    offeredAtMs.delete(taskId);
    return known === undefined ? new Promise((resolve) => awaited.set(taskId, resolve)) : Promise.resolve(known);
  };
  const calls = submitters(job).map((submit) => async () => {
    const { taskId, atMs } = await submit();
    // An offer may overtake the answer to who asked for the task.
    latenciesMs.push(Math.max(0, (await offered(taskId)) - atMs));
    awaited.delete(taskId);
  });
  const { failures, seconds } = await pacedLoop(calls, { perSecond: job.perSecond, stopped });
  return { latenciesMs, failures, seconds };
}

/** Tasks as fast as they are taken. */
export async function enqueueTasks(job: DispatchJob, seconds: number): Promise<Samples> {
  return await closedLoop(submitters(job).map((submit) => async () => void (await submit())), seconds);
}

/** Connects the agents and waits until they have done so many tasks that were waiting. */
export async function workThrough(job: WorkJob): Promise<Samples> {
  const pool = poolOf(job.url);
  const done = Promise.withResolvers<void>();
  pool.onTaken = () => {
    if (pool.taken >= job.tasks) done.resolve();
  };
  const startedAtMs = performance.now();
  await connectAgents(job);
  await done.promise;
  const seconds = (performance.now() - startedAtMs) / 1_000;
  dismissAgents(job.url);
  return { latenciesMs: Array.from({ length: job.tasks }, () => (seconds * 1_000) / job.tasks), failures: new Map(), seconds };
}
