/**
 * What an agent says about an attempt, and what becomes of attempts that nobody speaks of any more.
 *
 * Rule: every word names task, attempt and session, and acts only while just these three hold the task: whatever comes
 * from an attempt that was lost, cancelled or finished is refused as stale and changes nothing. That is what makes an execution that may
 * happen twice end once.
 */
import { and, eq, inArray, isNotNull, lte, ne, or, type SQL, sql } from "drizzle-orm";
import { command, type CommandAct, procedure } from "../gate/operation.ts";
import { type Given, planRead, planWrite } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import { held, type TaskStatus, type WaitingReason } from "./states.ts";
import { changeTask, type TaskEvent, type TaskRow, withEvent } from "./task-rows.ts";

/** A silent agent's attempt goes elsewhere after it. Renewed by each ping. */
export const LEASE_MS = 30_000;
/** The first retry waits so long, each later one twice as long. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** Attempts that were offered and never accepted, or lost with their agent: then the task is parked as failed. */
export const LOST_MAX = 25;
const ERROR_CHARACTERS_MAX = 4_000;
/** Overdue attempts ended in one go. */
const SWEEP_MAX = 200;

/** Which attempt, in whose hands. */
export interface Hold {
  readonly taskId: string;
  readonly attempt: number;
  readonly sessionId: string;
}

function isHeldBy({ writer }: CommandAct, { taskId, attempt, sessionId }: Hold, statuses: readonly string[]): SQL | undefined {
  const { tasks } = writer.tables;
  return and(eq(tasks.id, taskId), eq(tasks.attempt, attempt), eq(tasks.session_id, sessionId), inArray(tasks.status, [...statuses]));
}

/** The hold of a plan. */
function isHeldAs(tasks: Tables["tasks"], given: Given<Hold>, status: TaskStatus): SQL | undefined {
  return and(eq(tasks.id, given("taskId")), eq(tasks.attempt, given("attempt")), eq(tasks.session_id, given("sessionId")), eq(tasks.status, status));
}

const acceptRow = planWrite((writer, given: Given<Hold & { readonly now: number; readonly leaseUntil: number }>) => {
  const { tasks } = writer.tables;
  return writer
    .update(tasks)
    .set({
      status: "running",
      started_at: sql`${given("now")}`,
      lease_until: sql`${given("leaseUntil")}`,
      deadline_at: sql`case when ${tasks.task_timeout} = 0 then null else cast(${given("now")} as bigint) + ${tasks.task_timeout} * 1000 end`,
      event_count: sql`${tasks.event_count} + 1`,
    })
    .where(isHeldAs(tasks, given, "queued"))
    .returning();
});

/** The agent takes the offer; the timeout counts from now. False when the attempt is not its any more. */
export const acceptTask = command("task.accept", async (act, { taskId, attempt, sessionId }: Hold): Promise<boolean> => {
  const now = act.services.clock.now();
  const accepted = await acceptRow(act.writer, { taskId, attempt, sessionId, now, leaseUntil: now + LEASE_MS });
  return (await withEvent(act, accepted, () => ({ kind: "status" }))) !== undefined;
});

/** The agent does not take the offer: it is free for another at once, and costs no retry. */
export const declineTask = command("task.decline", async (act, hold: Hold): Promise<boolean> => {
  const declined = await changeTask(act, { where: isHeldBy(act, hold, ["queued"]), set: freed(act, "agents_busy"), event: () => ({ kind: "status" }) });
  return declined !== undefined;
});

/** Back to be claimed, in nobody's hands. */
function freed({ services }: CommandAct, reason: WaitingReason, delayMs = 0) {
  return { status: "waiting", waiting_reason: reason, session_id: null, agent_id: null, lease_until: null, deadline_at: null, available_at: services.clock.now() + delayMs };
}

export interface Renewal {
  readonly sessionId: string;
  /** The attempts that the agent says it holds. */
  readonly holds: readonly Pick<Hold, "taskId" | "attempt">[];
}

/** Renews the leases of all that the session holds; gives back the attempts that are not its any more. */
export const renewLeases = command("task.renew", async ({ writer, services }, { sessionId, holds }: Renewal): Promise<readonly Pick<Hold, "taskId" | "attempt">[]> => {
  const { tasks } = writer.tables;
  const renewed = await writer
    .update(tasks)
    .set({ lease_until: services.clock.now() + LEASE_MS })
    .where(and(eq(tasks.session_id, sessionId), eq(tasks.status, "running")))
    .returning({ id: tasks.id, attempt: tasks.attempt });
  const live = new Map(renewed.map(({ id, attempt }) => [id, attempt]));
  return holds.filter(({ taskId, attempt }) => live.get(taskId) !== attempt);
});

export interface Progress extends Hold {
  readonly content: Readonly<Record<string, unknown>>;
}

/** Tells followers how far the attempt is. */
export const reportProgress = command("task.progress", async (act, { content, ...hold }: Progress): Promise<boolean> => {
  return (await changeTask(act, { where: isHeldBy(act, hold, ["running"]), set: {}, event: () => ({ kind: "progress", content }) })) !== undefined;
});

export interface LogChunk extends Hold {
  /** Bytes of the attempt's log before this chunk. */
  readonly offset: number;
  readonly bytes: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface Appended {
  readonly kind: "appended" | "present" | "gap" | "stale";
  /** Bytes of the attempt's log now; the next chunk begins there. */
  readonly logBytes: number;
}

/** Appends to the attempt's log where it ends; a chunk that is there already, or leaves a gap, changes nothing. */
export const appendLog = command("task.log", async (act, { offset, bytes, stream, text, ...hold }: LogChunk): Promise<Appended> => {
  const { tasks } = act.writer.tables;
  const appended = await changeTask(act, {
    where: and(isHeldBy(act, hold, ["running"]), eq(tasks.log_bytes, offset)),
    set: { log_bytes: offset + bytes },
    event: () => ({ kind: "log", content: { offset, stream, text } }),
  });
  if (appended !== undefined) return { kind: "appended", logBytes: appended.log_bytes };
  const [row] = await act.writer.select({ logBytes: tasks.log_bytes }).from(tasks).where(isHeldBy(act, hold, ["running"]));
  if (row === undefined) return { kind: "stale", logBytes: 0 };
  return { kind: offset + bytes <= row.logBytes ? "present" : "gap", logBytes: row.logBytes };
});

/** How an attempt ended. */
export type Outcome = { readonly kind: "completed"; readonly output: unknown } | { readonly kind: "failed"; readonly error: string; readonly isRetryable: boolean };

const completeRow = planWrite((writer, given: Given<Hold & { readonly now: number; readonly output: string }>) => {
  const { tasks } = writer.tables;
  return writer
    .update(tasks)
    .set({
      status: "completed",
      completed_at: sql`${given("now")}`,
      task_output: sql`${given("output")}`,
      task_error: null,
      lease_until: null,
      deadline_at: null,
      event_count: sql`${tasks.event_count} + 1`,
    })
    .where(isHeldAs(tasks, given, "running"))
    .returning();
});

function failed({ services }: CommandAct, error: string) {
  return { status: "failed", completed_at: services.clock.now(), task_error: error.slice(0, ERROR_CHARACTERS_MAX), lease_until: null, deadline_at: null };
}

const failure = (error: string): TaskEvent => ({ kind: "failed", content: { status: "failed", error } });

function retryMs(retries: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(retries, 16));
}

/** Ends an attempt that failed: another one while retries are left, else the task. */
async function failAttempt(act: CommandAct, row: TaskRow, { where, error, isRetryable }: { readonly where: SQL | undefined; readonly error: string; readonly isRetryable: boolean }): Promise<boolean> {
  if (isRetryable && row.retry_count < row.max_retries) {
    const set = { ...freed(act, "retry", retryMs(row.retry_count)), retry_count: row.retry_count + 1, task_error: error.slice(0, ERROR_CHARACTERS_MAX) };
    return (await changeTask(act, { where, set, event: () => ({ kind: "status", content: { attempt_error: error.slice(0, ERROR_CHARACTERS_MAX) } }) })) !== undefined;
  }
  return (await changeTask(act, { where, set: failed(act, error), event: () => failure(error.slice(0, ERROR_CHARACTERS_MAX)) })) !== undefined;
}

/** Takes an attempt's result. False when the attempt is stale: the agent stops and forgets it. */
export const finishTask = command("task.finish", async (act, { outcome, ...hold }: Hold & { readonly outcome: Outcome }): Promise<boolean> => {
  if (outcome.kind === "completed") {
    const { output = null } = outcome;
    const { taskId, attempt, sessionId } = hold;
    const done = await completeRow(act.writer, { taskId, attempt, sessionId, now: act.services.clock.now(), output: JSON.stringify(output) });
    return (await withEvent(act, done, () => ({ kind: "completed", content: { status: "completed", output } }))) !== undefined;
  }
  const where = isHeldBy(act, hold, ["running"]);
  const { tasks } = act.writer.tables;
  const [row] = await act.writer.select().from(tasks).where(where);
  return row !== undefined && (await failAttempt(act, row, { where, ...outcome }));
});

/** Nobody has spoken of the attempt for longer than its lease, or the offer was not answered. */
async function loseAttempt(act: CommandAct, row: TaskRow, where: SQL | undefined): Promise<boolean> {
  const { tasks } = act.writer.tables;
  const lost = row.lost_count + 1;
  if (lost > LOST_MAX) {
    const error = `Parked: ${LOST_MAX} attempts were lost with their agents or not accepted in time.`;
    return (await changeTask(act, { where, set: { ...failed(act, error), lost_count: lost }, event: () => failure(error) })) !== undefined;
  }
  if (row.status === "running") {
    await act.writer.update(tasks).set({ lost_count: lost }).where(where);
    return await failAttempt(act, row, { where, error: "The agent was not heard of for longer than its lease.", isRetryable: true });
  }
  // An offer that was never accepted has run nowhere: it costs no retry.
  return (await changeTask(act, { where, set: { ...freed(act, "no_agent"), lost_count: lost }, event: () => ({ kind: "status" }) })) !== undefined;
}

/** Ends what is overdue: leases that ran out, and attempts beyond their timeout. Gives the tasks whose agents are to stop. */
export const endOverdue = command("task.end_overdue", async (act, _input: undefined): Promise<readonly Hold[]> => {
  const { writer, services } = act;
  const { tasks } = writer.tables;
  const now = services.clock.now();
  const isLate = or(and(isNotNull(tasks.lease_until), lte(tasks.lease_until, now)), and(isNotNull(tasks.deadline_at), lte(tasks.deadline_at, now)));
  const overdue = await writer.select().from(tasks).where(and(inArray(tasks.status, [...held]), isLate)).limit(SWEEP_MAX);
  const ended: Hold[] = [];
  for (const row of overdue) {
    const where = and(eq(tasks.id, row.id), eq(tasks.attempt, row.attempt), eq(tasks.status, row.status), isLate);
    const isTimeout = row.deadline_at !== null && row.deadline_at <= now;
    const error = `The task ran longer than its timeout of ${row.task_timeout} seconds.`;
    const isEnded = isTimeout ? await failAttempt(act, row, { where, error, isRetryable: true }) : await loseAttempt(act, row, where);
    if (isEnded && row.session_id !== null) ended.push({ taskId: row.id, attempt: row.attempt, sessionId: row.session_id });
  }
  return ended;
});

/** After a start the agents need a moment to come back: no attempt is lost to the time in which nobody could be heard. */
export const extendLeases = command("task.extend_leases", async ({ writer, services, note }, input: { readonly ms: number }): Promise<void> => {
  const { tasks } = writer.tables;
  const until = services.clock.now() + input.ms;
  const extended = await writer
    .update(tasks)
    .set({ lease_until: until })
    .where(and(inArray(tasks.status, [...held]), lte(tasks.lease_until, until)))
    .returning({ id: tasks.id });
  note({ details: { tasks: extended.length } });
});

export interface Takeover extends Pick<Hold, "taskId" | "attempt"> {
  readonly teamId: string;
  readonly agentId: string;
  readonly sessionId: string;
}

/** The agent is back on a new connection with an attempt that it still runs: where its log ends. Undefined when that attempt is stale. */
export const resumeAttempt = command("task.resume", async ({ writer, services }, { taskId, attempt, teamId, agentId, sessionId }: Takeover): Promise<{ readonly logBytes: number } | undefined> => {
  const { tasks } = writer.tables;
  const isTheirs = and(eq(tasks.id, taskId), eq(tasks.attempt, attempt), eq(tasks.team_id, teamId), eq(tasks.agent_id, agentId), inArray(tasks.status, [...held]));
  const resumed = await writer
    .update(tasks)
    .set({ session_id: sessionId, lease_until: services.clock.now() + LEASE_MS })
    .where(isTheirs)
    .returning({ logBytes: tasks.log_bytes });
  return resumed[0];
});

export type Forsaken = Pick<Takeover, "teamId" | "agentId" | "sessionId">;

/** The agent's attempts that another session than this one holds. */
const findForsaken = planRead((reader, given: Given<Forsaken>) => {
  const { tasks } = reader.tables;
  return reader.select().from(tasks).where(and(eq(tasks.team_id, given("teamId")), eq(tasks.agent_id, given("agentId")), ne(tasks.session_id, given("sessionId")), inArray(tasks.status, [...held]))).limit(SWEEP_MAX);
});

/**
 * The agent is back and has named all that it holds: what else stands in its name, from sessions before, is lost now and not only
 * when its lease ends. Looked for before it is written, since most agents that come have nothing.
 */
export const forsakeAttempts = procedure("task.forsake", async ({ read, write }, forsaken: Forsaken): Promise<void> => {
  const found = await read((reader) => findForsaken(reader, forsaken));
  if (found.length === 0) return;
  await write(async (act) => {
    for (const row of await findForsaken(act.writer, forsaken)) await loseAttempt(act, row, isHeldBy(act, { taskId: row.id, attempt: row.attempt, sessionId: row.session_id ?? "" }, held));
  });
});

/** Says why tasks of a team are not claimed. Only changes of the reason are told. */
export const explainWaiting = command("task.explain", async (act, { taskIds, reason }: { readonly taskIds: readonly string[]; readonly reason: WaitingReason }): Promise<void> => {
  const { tasks } = act.writer.tables;
  for (const id of taskIds) {
    const isOther = or(eq(tasks.status, "pending"), sql`coalesce(${tasks.waiting_reason}, '') <> ${reason}`);
    await changeTask(act, { where: and(eq(tasks.id, id), inArray(tasks.status, ["pending", "waiting"]), isOther), set: { status: "waiting", waiting_reason: reason }, event: () => ({ kind: "status", content: { waiting_reason: reason } }) });
  }
});
