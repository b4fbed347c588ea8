/** What the load generator is told to do and what it answers: plain values that travel between two processes. */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const Headers = Type.Record(Type.String(), Type.String());

/** A text beside the headers makes it a POST. */
const Body = Type.Optional(Type.String());

/** Requests to `url` on so many connections, as fast as they are answered; anything but 200 is a failure. */
const Requests = Type.Object({
  kind: Type.Literal("requests"),
  url: Type.String(),
  headers: Headers,
  body: Body,
  connections: Type.Integer({ minimum: 1 }),
  seconds: Type.Number(),
});

/** The same at a pace, until the job is stopped. */
const Paced = Type.Object({
  kind: Type.Literal("paced"),
  url: Type.String(),
  headers: Headers,
  body: Body,
  connections: Type.Integer({ minimum: 1 }),
  perSecond: Type.Number(),
});

/** Renewals by so many clients, each with a key and a connection of its own; each enrols itself first. */
const Renewals = Type.Object({
  kind: Type.Literal("renewals"),
  url: Type.String(),
  /** Path of the secret by which roles of the same data directory enrol; "" for a server that asks for none. */
  enrolSecret: Type.String(),
  clients: Type.Integer({ minimum: 1 }),
  seconds: Type.Number(),
});

/** Refresh tokens, each of a lineage and on a connection of its own: every answer's token is the next request's. */
const Refreshes = Type.Object({
  kind: Type.Literal("refreshes"),
  url: Type.String(),
  headers: Headers,
  /** The first of each lineage. A later job for the same address goes on where the one before ended. */
  tokens: Type.Array(Type.String(), { minItems: 1 }),
  seconds: Type.Number(),
});

const pool = {
  /** Address of the gateway that agents dial. */
  url: Type.String(),
  /** `ak-` keys; the agents use them in turn. */
  keys: Type.Array(Type.String(), { minItems: 1 }),
  agents: Type.Integer({ minimum: 1 }),
  capacity: Type.Integer({ minimum: 1 }),
  /** How many dial at the same time. */
  atOnce: Type.Integer({ minimum: 1 }),
};
/** Connects agents, which stay for later jobs at the same address. */
const Agents = Type.Object({ kind: Type.Literal("agents"), ...pool });
/** Pings of the connected agents at a pace, until the job is stopped. */
const Pings = Type.Object({ kind: Type.Literal("pings"), url: Type.String(), perSecond: Type.Number() });
const submission = { url: Type.String(), submitUrl: Type.String(), headers: Headers, connections: Type.Integer({ minimum: 1 }) };
/** Tasks at a pace, until the job is stopped: from the answer to the offer at one of the connected agents. */
const Dispatch = Type.Object({ kind: Type.Literal("dispatch"), ...submission, perSecond: Type.Number() });
/** Tasks as fast as they are taken, for so many seconds. */
const Enqueue = Type.Object({ kind: Type.Literal("enqueue"), ...submission, perSecond: Type.Number(), seconds: Type.Number() });
/** Connects agents, waits until they have done so many tasks that are there, and dismisses them. */
const Work = Type.Object({ kind: Type.Literal("work"), ...pool, tasks: Type.Integer({ minimum: 1 }) });

const Job = Type.Union([Requests, Paced, Renewals, Refreshes, Agents, Pings, Dispatch, Enqueue, Work]);
export type Job = Static<typeof Job>;
export type RequestsJob = Static<typeof Requests>;
export type PacedJob = Static<typeof Paced>;
export type RenewalsJob = Static<typeof Renewals>;
export type RefreshesJob = Static<typeof Refreshes>;
export type AgentsJob = Omit<Static<typeof Agents>, "kind">;
export type PingsJob = Static<typeof Pings>;
export type DispatchJob = Omit<Static<typeof Dispatch>, "kind">;
export type WorkJob = Static<typeof Work>;

const Order = Type.Object({ id: Type.Integer(), order: Type.Union([Job, Type.Literal("stop")]) });
export type Order = Static<typeof Order>;

const LoadResult = Type.Object({
  calls: Type.Integer(),
  failed: Type.Integer(),
  /** What failed, and how often. */
  failures: Type.Record(Type.String(), Type.Integer()),
  seconds: Type.Number(),
  latencyMs: Type.Object({ n: Type.Integer(), p50: Type.Number(), p95: Type.Number(), p99: Type.Number(), max: Type.Number() }),
  /** Processor time of the generator itself: near one second a second, it is what limits the figure. */
  generatorSeconds: Type.Number(),
});
export type LoadResult = Static<typeof LoadResult>;

const Reply = Type.Object({ id: Type.Integer(), result: Type.Union([LoadResult, Type.Object({ error: Type.String() })]) });
export type Reply = Static<typeof Reply>;

export const orderShape = Compile(Order);
export const replyShape = Compile(Reply);
