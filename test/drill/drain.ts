/**
 * Drain: SIGTERM to a compiled server while compiled agents run many tasks. It has to leave within 30 seconds and burn no attempt; started
 * again, all agents and all tasks have to be back within 15, and every task ends with its first attempt.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { type Field, openField, waitUntil } from "./field.ts";
import type { DrillReport } from "./report.ts";

/** Tasks that run when the signal comes. */
export const rounds = 500;
const AGENTS = 10;
const EXIT_MS_MAX = 30_000;
const BACK_MS_MAX = 15_000;
/** How long a task runs: it has to outlive the stop, and all of them take a while to begin. */
const secondsFor = (tasks: number) => 12 + tasks / 20;

interface Counts {
  readonly running: number;
  readonly completed: number;
  readonly burned: number;
  readonly agents: number;
}

function counted(field: Field): () => Counts {
  const path = join(field.server.dataDir, "cyberun.db");
  return () => {
    // Opened for each look: the server's death and return lie between them.
    using store = new Database(path, { readonly: true });
    const count = (where: string) => store.query<{ count: number }, []>(`select count(*) as count from ${where}`).get()?.count ?? 0;
    return { running: count("tasks where status = 'running'"), completed: count("tasks where status = 'completed'"), burned: count("tasks where attempt > 1 or retry_count > 0"), agents: count("agents") };
  };
}

async function submitAll(field: Field, tasks: number): Promise<void> {
  const key = await field.createKey();
  const submit = async () => {
    const response = await fetch(`${field.api}/api/v1/r/workflows/slug/work/run`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body: JSON.stringify({ parameters: {} }) });
    if (response.status !== 202) throw new Error(`a task was not taken: ${response.status}`);
  };
  for (let from = 0; from < tasks; from += 25) await Promise.all(Array.from({ length: Math.min(25, tasks - from) }, submit));
}

export async function drill(tasks: number): Promise<DrillReport> {
  await using field = await openField({ agents: AGENTS, capacity: Math.ceil(tasks / AGENTS), command: `sleep ${secondsFor(tasks)}; echo "done $CYBERUN_ATTEMPT"` });
  await submitAll(field, tasks);
  const counts = counted(field);
  await waitUntil(() => counts().running === tasks, { what: "all tasks run", ms: 60_000 });
  const askedAtMs = performance.now();
  const exitCode = await field.server.stop();
  const exitMs = performance.now() - askedAtMs;
  const burnedByStop = counts().burned;
  const startedAtMs = performance.now();
  await field.startServer();
  await waitUntil(() => counts().agents === AGENTS, { what: "all agents are back", ms: 60_000 });
  const backMs = performance.now() - startedAtMs;
  const heldThen = counts();
  await waitUntil(() => counts().completed === tasks, { what: "all tasks end", ms: 180_000 });
  const { burned } = counts();
  const violations = [
    ...(exitCode === 0 ? [] : [`the server left with ${exitCode}`]),
    ...(exitMs < EXIT_MS_MAX ? [] : [`the server took ${Math.round(exitMs)} ms to leave`]),
    ...(backMs < BACK_MS_MAX ? [] : [`agents and tasks were back after ${Math.round(backMs)} ms`]),
    ...(heldThen.running + heldThen.completed === tasks ? [] : [`${heldThen.running} of ${tasks} tasks ran when the agents were back`]),
    ...(burnedByStop + burned === 0 ? [] : [`${burned} attempts were burned, ${burnedByStop} of them before the start`]),
  ];
  return { name: "drain", rounds: tasks, violations, facts: { agents: AGENTS, exit_ms: Math.round(exitMs), back_ms: Math.round(backMs), burned } };
}
