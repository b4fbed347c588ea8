/**
 * Executables under SIGKILL: tasks flow from a compiled server to compiled agents, and at every named point of the protocol the link is cut,
 * the agent's process or the server's process is killed with SIGKILL and started again. No task may be lost, none may end twice, and
 * who speaks of an attempt that is not its own is fenced.
 */
import { Database } from "bun:sqlite";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Direction, Verdict } from "../support/command-agent.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Field, openField, waitUntil } from "./field.ts";
import type { DrillReport } from "./report.ts";

/** Tasks of the long form. */
export const rounds = 1_000;
const AGENTS = 4;
const CAPACITY = 4;
const LINES = 20;
/** Each point twice; what comes after them flows undisturbed. */
const KILLS_MAX = 108;
const LIMIT_MS = 20 * 60_000;
const SUBMITTED_AT_ONCE = 16;
const STALE_MAX = 50;

const actors = ["link", "agent", "server"] as const;
const frames: Readonly<Record<Direction, readonly string[]>> = { say: ["hello", "accept", "log", "progress", "result"], hear: ["welcome", "offer", "logged", "taken"] };
const moments = ["before", "after"] as const;

interface Point {
  readonly actor: (typeof actors)[number];
  readonly direction: Direction;
  readonly frame: string;
  readonly moment: (typeof moments)[number];
}

/** Every point at which something is killed: 54. */
export const points: readonly Point[] = actors.flatMap((actor) => (["say", "hear"] as const).flatMap((direction) => frames[direction].flatMap((frame) => moments.map((moment) => ({ actor, direction, frame, moment })))));

const nameOf = ({ actor, direction, frame, moment }: Point) => `${actor} ${moment} ${direction} ${frame}`;

/** Leaves a line for each time that it ran, outside of the attempt's folder. */
const commandIn = (folder: string) =>
  `echo "$CYBERUN_TASK_ID $CYBERUN_ATTEMPT" >> ${folder}/ran; i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i of $CYBERUN_ATTEMPT"; done; echo "::progress 0.5"; printf '{"attempt": %s}' "$CYBERUN_ATTEMPT" > "$CYBERUN_RESULT_FILE"`;
const logOfAttempt = (attempt: number) => `${Array.from({ length: LINES }, (_each, index) => `line ${index + 1} of ${attempt}\n`).join("")}::progress 0.5\n`;

/** What was killed so far, and what next: at the point of the frame at hand that was least often hit. */
class Killer {
  readonly fired = new Map<string, number>(points.map((point) => [nameOf(point), 0]));
  kills = 0;
  #isArmed = true;
  #isServerDown = false;
  readonly #field: Field;
  readonly #running = new Set<Promise<void>>();

  constructor(field: Field) {
    this.#field = field;
    field.links.forEach((link, index) => (link.onFrame = (direction, type) => this.#hit(index, direction, type)));
  }

  /** Lets everything live. */
  async rest(): Promise<void> {
    for (const link of this.#field.links) link.onFrame = () => undefined;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #hit(index: number, direction: Direction, frame: string): Verdict {
    if (frame === "taken") this.#isArmed = true;
    if (!this.#isArmed || this.#isServerDown || this.kills >= KILLS_MAX) return undefined;
    const [point] = points.filter((each) => each.direction === direction && each.frame === frame).toSorted((one, other) => this.#count(one) - this.#count(other));
    if (point === undefined || this.#count(point) > this.kills / points.length) return undefined;
    this.#isArmed = false;
    this.kills += 1;
    this.fired.set(nameOf(point), this.#count(point) + 1);
    return this.#fire(index, point);
  }

  #fire(index: number, { actor, moment }: Point): Verdict {
    if (actor === "link") return moment;
    const deed = actor === "agent" ? () => this.#killAgent(index) : () => this.#killServer();
    if (moment === "before") this.#do(deed);
    else setTimeout(() => this.#do(deed), 2);
    // Before: the frame dies with its sender or receiver.
    return moment === "before" ? "before" : undefined;
  }

  #do(deed: () => Promise<void>): void {
    const running = deed().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #killAgent(index: number): Promise<void> {
    await this.#field.killAgent(index);
    this.#field.startAgent(index);
  }

  async #killServer(): Promise<void> {
    this.#isServerDown = true;
    await this.#field.killServer();
    await this.#field.startServer();
    this.#isServerDown = false;
  }

  #count(point: Point): number {
    return this.fired.get(nameOf(point)) ?? 0;
  }
}

/** Asks until it is answered: the server may just be dead. Each task has a key of its own, so that none is made twice. */
async function submit(field: Field, key: string, number: number): Promise<string> {
  for (;;) {
    try {
      const response = await fetch(`${field.api}/api/v1/r/workflows/slug/work/run`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": `task-${number}` }, body: JSON.stringify({ parameters: {} }) });
      const body: { readonly task_id?: string } = JSON.parse(await response.text());
      if (response.status === 202 && body.task_id !== undefined) return body.task_id;
    } catch {
      // It comes back.
    }
    await Bun.sleep(50);
  }
}

interface Task {
  readonly id: string;
  readonly status: string;
  readonly attempt: number;
  readonly task_output: string | null;
  readonly task_error: string | null;
}

function openStore(field: Field): Database {
  return new Database(join(field.server.dataDir, "cyberun.db"), { readonly: true });
}

function openCount(store: Database): number {
  return store.query<{ count: number }, []>("select count(*) as count from tasks where status not in ('completed', 'failed', 'cancelled')").get()?.count ?? 0;
}

/** Speaks of attempts that are over as an agent would that was away for long. Gives how many were not answered by stop. */
async function unfenced(field: Field, stale: readonly Task[]): Promise<number> {
  const socket = new WebSocket(`${field.gateway.replace("http", "ws")}/v1/connect`, { headers: { authorization: `Bearer ${field.agentKey}` } });
  let stops = 0;
  let isWelcome = false;
  socket.onmessage = ({ data }) => {
    const { type }: { readonly type: string } = JSON.parse(String(data));
    if (type === "welcome") isWelcome = true;
    if (type === "stop") stops += 1;
  };
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", protocol: 1, agent_id: "ghost", agent_version: "0", labels: [], capacity: 1, holds: [] }));
  await waitUntil(() => isWelcome, { what: "the ghost is welcome", ms: 10_000 });
  stale.forEach(({ id, attempt }, index) => socket.send(JSON.stringify({ type: "result", seq: index + 1, ack: 0, task_id: id, attempt: Math.max(1, attempt - 1), outcome: { kind: "completed", output: "stale" } })));
  await waitUntil(() => stops >= stale.length, { what: "every stale result is answered", ms: 20_000 }).catch(() => {});
  socket.close();
  return stale.length - stops;
}

function judge(store: Database, taskIds: readonly string[]): readonly string[] {
  const violations: string[] = [];
  const rows = new Map(store.query<Task, []>("select id, status, attempt, task_output, task_error from tasks").all().map((row) => [row.id, row]));
  if (rows.size !== taskIds.length) violations.push(`${taskIds.length} tasks were acknowledged, and there are ${rows.size}`);
  const eventsOf = store.query<{ sequence: number; kind: string; attempt: number | null; content: string }, [string]>("select sequence, kind, attempt, content from task_events where task_id = ? order by sequence");
  for (const id of taskIds) {
    const row = rows.get(id);
    if (row === undefined) {
      violations.push(`${id} was acknowledged and is lost`);
      continue;
    }
    const events = eventsOf.all(id);
    const ends = events.filter(({ kind }) => ["completed", "failed", "cancelled"].includes(kind));
    if (row.status !== "completed") violations.push(`${id} is ${row.status}: ${row.task_error ?? ""}`);
    if (ends.length !== 1 || events.at(-1) !== ends[0]) violations.push(`${id} ended ${ends.length} times, or went on after`);
    if (events.some(({ sequence }, index) => sequence !== index + 1)) violations.push(`${id} has a gap in its events`);
    if (row.task_output !== JSON.stringify({ attempt: row.attempt })) violations.push(`${id} ended with ${row.task_output ?? "nothing"} and not by its attempt ${row.attempt}`);
    const log = events.filter((event) => event.kind === "log" && event.attempt === row.attempt).map(({ content }) => JSON.parse(content).text).join("");
    if (log !== logOfAttempt(row.attempt)) violations.push(`${id} has another log than its attempt ${row.attempt} wrote`);
  }
  return violations;
}

export async function drill(tasks: number): Promise<DrillReport> {
  using marks = temporaryFolder();
  await using field = await openField({ agents: AGENTS, capacity: CAPACITY, command: commandIn(marks.path) });
  const key = await field.createKey();
  const killer = new Killer(field);
  const taskIds: string[] = [];
  for (let from = 0; from < tasks; from += SUBMITTED_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(SUBMITTED_AT_ONCE, tasks - from) }, (_each, index) => from + index);
    taskIds.push(...(await Promise.all(numbers.map((number) => submit(field, key, number)))));
  }
  using store = openStore(field);
  await waitUntil(() => openCount(store) === 0, { what: "all tasks end", ms: LIMIT_MS });
  await killer.rest();
  const retried = store.query<Task, []>("select id, status, attempt, task_output, task_error from tasks where attempt > 1").all();
  const missed = await unfenced(field, retried.slice(0, STALE_MAX));
  const violations = [...judge(store, taskIds), ...(missed > 0 ? [`${missed} stale results were not fenced`] : [])];
  const ran = existsSync(join(marks.path, "ran")) ? readFileSync(join(marks.path, "ran"), "utf8").trim().split("\n").length : 0;
  return { name: "executable kills", rounds: tasks, violations, facts: { points: [...killer.fired.values()].filter((hits) => hits > 0).length, kills: killer.kills, retried: retried.length, fenced: Math.min(retried.length, STALE_MAX) - missed, commands_begun: ran } };
}
