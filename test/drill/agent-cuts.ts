/**
 * Agent drill: tasks flow while link, agent and gateway are killed, one after the other, at every named point of the protocol.
 * No task may be lost, none may end twice, what ends it is its last attempt, and that attempt's log is what the command wrote.
 */
import { asc, count, eq, notInArray } from "drizzle-orm";
import { join } from "node:path";
import type { Agent } from "../../src/agent/agent.ts";
import { system } from "../../src/gate/caller.ts";
import { finishTask } from "../../src/tasks/attempts.ts";
import { terminal } from "../../src/tasks/states.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { cutting, type Direction, script, startAgent, type Verdict } from "../support/command-agent.ts";
import { temporaryFolder } from "../support/folder.ts";
import { gatewayHost } from "../support/gateway-host.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { paced } from "../support/paced.ts";
import { addKey, setUp } from "../support/people.ts";
import type { DrillReport } from "./report.ts";

/** Tasks of the long form. */
export const rounds = 1_000;
const AGENTS = 2;
const CAPACITY = 2;
const LINES = 40;
const FACTOR = 8;
const LIMIT_MS = 25 * 60_000;

const actors = ["link", "agent", "gateway"] as const;
const frames: Readonly<Record<Direction, readonly string[]>> = { say: ["hello", "accept", "log", "progress", "result"], hear: ["welcome", "offer", "logged", "taken"] };
const moments = ["before", "after"] as const;

interface Point {
  readonly actor: (typeof actors)[number];
  readonly direction: Direction;
  readonly frame: string;
  readonly moment: (typeof moments)[number];
}

/** Every point at which something is killed: 54. */
export const points: readonly Point[] = actors.flatMap((actor) =>
  (["say", "hear"] as const).flatMap((direction) => frames[direction].flatMap((frame) => moments.map((moment) => ({ actor, direction, frame, moment })))),
);

const nameOf = ({ actor, direction, frame, moment }: Point) => `${actor} ${moment} ${direction} ${frame}`;

/** What a run has killed so far, and where it kills next: at the point of the frame at hand that was least often hit. */
class Killer {
  readonly fired = new Map<string, number>(points.map((point) => [nameOf(point), 0]));
  kills = 0;
  /** A kill has to be survived before the next one comes: a result was taken since. */
  isArmed = true;

  hit(direction: Direction, frame: string): Point | undefined {
    if (frame === "taken") this.isArmed = true;
    const [point] = points.filter((each) => each.direction === direction && each.frame === frame).toSorted((one, other) => this.#count(one) - this.#count(other));
    // Frames that are frequent do not take the turns of those that are rare.
    if (!this.isArmed || point === undefined || this.#count(point) > this.kills / points.length) return undefined;
    this.isArmed = false;
    this.kills += 1;
    this.fired.set(nameOf(point), this.#count(point) + 1);
    return point;
  }

  #count(point: Point): number {
    return this.fired.get(nameOf(point)) ?? 0;
  }
}

const command = `echo "$CYBERUN_TASK_ID $CYBERUN_ATTEMPT" >> ran; i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i of $CYBERUN_ATTEMPT"; done; echo "::progress 0.5"; printf '{"attempt": %s}' "$CYBERUN_ATTEMPT" > "$CYBERUN_RESULT_FILE"`;
const logOfAttempt = (attempt: number) => `${Array.from({ length: LINES }, (_each, index) => `line ${index + 1} of ${attempt}\n`).join("")}::progress 0.5\n`;

/** Two agents that die and live again in the same folders. */
function startFleet(world: TestGate, { host, rawKey, folder, killer }: { readonly host: ReturnType<typeof gatewayHost>; readonly rawKey: string; readonly folder: string; readonly killer: Killer }) {
  const fleet: (Agent | undefined)[] = [];
  // They come back soon: what is drilled is the coming back, not the wait.
  const services = { ...world.services, random: { ...world.services.random, fraction: () => world.services.random.fraction() / 10 } };
  const kill = (index: number, { actor }: Point) => {
    if (actor === "link") return;
    if (actor === "agent") fleet[index]?.abandon();
    else host.kill();
    setImmediate(() => (actor === "agent" ? live(index) : host.start()));
  };
  const live = (index: number) => {
    const between = cutting((direction, frame): Verdict => {
      const point = killer.hit(direction, frame);
      if (point === undefined) return undefined;
      if (point.moment === "before") kill(index, point);
      else setImmediate(() => kill(index, point));
      // A killed gateway cuts its links itself; a frame that comes before the kill is let through.
      return point.actor === "link" || point.moment === "before" ? point.moment : undefined;
    });
    const { agent } = startAgent({ services, folder: join(folder, String(index)), url: host.url, rawKey, agentId: `node-${index}`, capacity: CAPACITY, commands: { work: script(command) }, between });
    fleet[index] = agent;
  };
  for (let index = 0; index < AGENTS; index += 1) live(index);
  return { stop: () => fleet.forEach((agent) => agent?.abandon()) };
}

async function openCount({ store }: TestGate): Promise<number> {
  const [row] = await store.read(async (reader) => await reader.select({ count: count() }).from(reader.tables.tasks).where(notInArray(reader.tables.tasks.status, [...terminal])));
  return row?.count ?? 0;
}

interface Judged {
  readonly violations: string[];
  readonly retried: number;
  readonly attempts: number;
}

async function judge({ store, gate }: TestGate): Promise<Judged> {
  const violations: string[] = [];
  const rows = await store.read(async (reader) => await reader.select().from(reader.tables.tasks));
  for (const { id, status, attempt, task_output, task_error } of rows) {
    const events = await store.read(async (reader) => {
      const { taskEvents } = reader.tables;
      return await reader.select().from(taskEvents).where(eq(taskEvents.task_id, id)).orderBy(asc(taskEvents.sequence));
    });
    const ends = events.filter(({ kind }) => terminal.some((each) => each === kind));
    if (status !== "completed") violations.push(`${id} is ${status}: ${task_error ?? ""}`);
    if (ends.length !== 1 || events.at(-1) !== ends[0]) violations.push(`${id} ended ${ends.length} times, or went on after`);
    if (events.some(({ sequence }, index) => sequence !== index + 1)) violations.push(`${id} has a gap in its events`);
    if (task_output !== JSON.stringify({ attempt })) violations.push(`${id} ended with ${task_output ?? "nothing"} and not by its attempt ${attempt}`);
    const log = events.filter((event) => event.kind === "log" && event.attempt === attempt).map(({ content }) => JSON.parse(content).text).join("");
    if (log !== logOfAttempt(attempt)) violations.push(`${id} has another log than its attempt ${attempt} wrote`);
    const isTaken = await finishTask(gate, system, { taskId: id, attempt: attempt - 1, sessionId: "stale", outcome: { kind: "completed", output: "stale" } });
    if (isTaken) violations.push(`${id} took a stale result`);
  }
  return { violations, retried: rows.filter(({ attempt }) => attempt > 1).length, attempts: rows.reduce((sum, { attempt }) => sum + attempt, 0) };
}

export async function drill(tasks: number): Promise<DrillReport> {
  await using world = await testGate();
  using folder = temporaryFolder();
  const { owner } = await setUp(world.gate);
  const { rawKey } = await addKey(world.gate, owner, "agent");
  await importWorkflow(world.gate, owner, { workflow_slug: "work", display_name: "Work", tool_type: "command", workflow_json: { command: "work" }, max_retries: 10 });
  for (let index = 0; index < tasks; index += 1) await runWorkflowBySlug(world.gate, owner, { workflow_slug: "work" });
  const host = gatewayHost(world);
  const killer = new Killer();
  const fleet = startFleet(world, { host, rawKey, folder: folder.path, killer });
  await paced(world.services.clock, FACTOR, async () => (await openCount(world)) === 0, LIMIT_MS);
  fleet.stop();
  await host.stop();
  const { violations, retried, attempts } = await judge(world);
  return { name: "agent cuts", rounds: tasks, violations, facts: { points: [...killer.fired.values()].filter((hits) => hits > 0).length, kills: killer.kills, attempts, retried } };
}
