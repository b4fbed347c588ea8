/**
 * Dead peers, in real time and with compiled executables: the link swallows everything without closing. Both sides have to notice within 25
 * seconds, and the task that the agent ran has to be offered to another one within 40. An agent whose process gets next to no processor
 * is not dead: it keeps its task.
 */
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { type Field, openField, waitUntil } from "./field.ts";
import type { DrillReport } from "./report.ts";

/** Links that fall silent. */
export const rounds = 3;
const NOTICED_MS_MAX = 25_000;
const ELSEWHERE_MS_MAX = 40_000;
/** Of two seconds the starved agent runs so long. */
const AWAKE_MS = 100;
const ASLEEP_MS = 1_900;
const STARVED_MS = 45_000;

interface Row {
  readonly status: string;
  readonly attempt: number;
  readonly agent_id: string | null;
}

function reader(field: Field) {
  const store = new Database(join(field.server.dataDir, "cyberun.db"), { readonly: true });
  const query = store.query<Row, [string]>("select status, attempt, agent_id from tasks where id = ?");
  return { read: (id: string): Row => query.get(id) ?? { status: "gone", attempt: 0, agent_id: null }, [Symbol.dispose]: () => store.close() };
}

async function run(field: Field): Promise<string> {
  return String((await field.call("/api/v1/r/workflows/slug/work/run", { method: "POST", body: JSON.stringify({ parameters: {} }) })).body["task_id"]);
}

interface Silence {
  readonly agentNoticedMs: number;
  readonly gatewayNoticedMs: number;
  readonly elsewhereMs: number;
}

async function silence(field: Field, read: (id: string) => Row): Promise<Silence> {
  const task = await run(field);
  await waitUntil(() => read(task).status === "running", { what: "the task runs", ms: 20_000 });
  const before = read(task);
  const index = Number(before.agent_id?.split("-")[1]);
  const link = field.links[index];
  if (link === undefined) throw new Error("nobody runs the task");
  const sinceMs = performance.now();
  link.isSwallowing = true;
  // The first closing on each side: what is dialled after it is another connection.
  const noticed = { agent: 0, gateway: 0 };
  await waitUntil(
    () => {
      for (const side of ["agent", "gateway"] as const) if (noticed[side] === 0 && link.closedAtMs[side] > sinceMs) noticed[side] = link.closedAtMs[side] - sinceMs;
      return noticed.agent > 0 && noticed.gateway > 0;
    },
    { what: "both sides notice", ms: 60_000 },
  );
  await waitUntil(() => read(task).attempt > before.attempt && read(task).status === "running", { what: "the task runs elsewhere", ms: 90_000 });
  const elsewhereMs = performance.now() - sinceMs;
  link.isSwallowing = false;
  link.cut();
  await field.call(`/api/v1/r/tasks/${task}/cancel`, { method: "POST" });
  await waitUntil(() => read(task).status === "cancelled", { what: "the task ends", ms: 20_000 });
  return { agentNoticedMs: noticed.agent, gatewayNoticedMs: noticed.gateway, elsewhereMs };
}

/** Stops the agent's process for most of the time. Its commands go on. */
async function starve(pid: number, ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    process.kill(pid, "SIGSTOP");
    await Bun.sleep(ASLEEP_MS);
    process.kill(pid, "SIGCONT");
    await Bun.sleep(AWAKE_MS);
  }
}

async function starved(field: Field, read: (id: string) => Row): Promise<string | undefined> {
  const task = await run(field);
  await waitUntil(() => read(task).status === "running", { what: "the task runs", ms: 20_000 });
  const before = read(task);
  const index = Number(before.agent_id?.split("-")[1]);
  const link = field.links[index];
  const sinceMs = performance.now();
  await starve(field.agentPid(index), STARVED_MS);
  const after = read(task);
  const wasCut = (link?.closedAtMs.gateway ?? 0) > sinceMs;
  await field.call(`/api/v1/r/tasks/${task}/cancel`, { method: "POST" });
  return wasCut || after.attempt !== before.attempt || after.status !== "running" ? `A starved agent was declared dead: ${JSON.stringify({ wasCut, before, after })}` : undefined;
}

export async function drill(silences: number): Promise<DrillReport> {
  await using field = await openField({ agents: 2, capacity: 1, command: "sleep 600" });
  using store = reader(field);
  const found: Silence[] = [];
  for (let round = 0; round < silences; round += 1) found.push(await silence(field, store.read));
  const starvation = await starved(field, store.read);
  const late = (name: keyof Silence, max: number) => found.filter((each) => each[name] >= max).map((each) => `${name} ${Math.round(each[name])}, and at most ${max} is allowed`);
  const violations = [...late("agentNoticedMs", NOTICED_MS_MAX), ...late("gatewayNoticedMs", NOTICED_MS_MAX), ...late("elsewhereMs", ELSEWHERE_MS_MAX), ...(starvation === undefined ? [] : [starvation])];
  const worst = (name: keyof Silence) => Math.round(Math.max(...found.map((each) => each[name])));
  return { name: "dead peers", rounds: silences, violations, facts: { agent_noticed_ms: worst("agentNoticedMs"), gateway_noticed_ms: worst("gatewayNoticedMs"), elsewhere_ms: worst("elsewhereMs"), starved_seconds: STARVED_MS / 1_000, awake_share: AWAKE_MS / (AWAKE_MS + ASLEEP_MS) } };
}
