/** The team's connected agents, with what they run. An agent whose connection ended is not in the list. */
import { and, asc, count, eq, gt, inArray } from "drizzle-orm";
import { HEARD_MS } from "../agents/connections.ts";
import type { AgentReport } from "../agents/frames.ts";
import { query, type QueryAct } from "../gate/operation.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { requireMembership, requireTeamReader } from "../teams/membership.ts";

export interface Agent {
  readonly agent_id: string;
  readonly agent_status: string;
  readonly is_draining: boolean;
  readonly agent_labels: readonly string[];
  readonly last_heartbeat: string;
  readonly connected_at: string;
  readonly agent_version: string | null;
  readonly tool: string | null;
  readonly tool_version: string | null;
  readonly comfyui_version: string | null;
  /** Tasks that it runs at the same time. */
  readonly gpu_capacity: number;
  readonly gpu_type: string | null;
  readonly running_count: number;
  readonly running_tasks: readonly string[];
  readonly current_task_id: string | null;
  readonly platform_arch: string | null;
  readonly sync_phase: string | null;
  readonly sync_detail: string | null;
  readonly sync_percent: number | null;
  readonly tasks_completed: number;
  readonly system_stats: AgentReport["system_stats"] | null;
}

interface Facts {
  readonly agent_version?: string;
  readonly tool?: string;
  readonly tool_version?: string;
  readonly platform_arch?: string;
}

type AgentRow = Tables["agents"]["$inferSelect"];

/** What the tasks tell about one agent. */
interface Work {
  readonly running: readonly string[];
  readonly completed: number;
}

function shownAgent(row: AgentRow, { running, completed }: Work): Agent {
  const facts: Facts = JSON.parse(row.facts);
  const report: AgentReport = JSON.parse(row.report);
  return {
    agent_id: row.agent_id,
    agent_status: row.agent_status === "idle" && running.length > 0 ? "busy" : row.agent_status,
    is_draining: row.is_draining,
    agent_labels: JSON.parse(row.agent_labels),
    last_heartbeat: isoTime(row.last_heartbeat),
    connected_at: isoTime(row.connected_at),
    agent_version: facts.agent_version ?? null,
    tool: facts.tool ?? null,
    tool_version: facts.tool_version ?? null,
    comfyui_version: report.system_stats?.comfyui_version ?? null,
    gpu_capacity: row.capacity,
    gpu_type: row.gpu_type,
    running_count: running.length,
    running_tasks: running,
    current_task_id: running[0] ?? null,
    platform_arch: facts.platform_arch ?? null,
    sync_phase: report.sync_phase ?? null,
    sync_detail: report.sync_detail ?? null,
    sync_percent: report.sync_percent ?? null,
    tasks_completed: completed,
    system_stats: report.system_stats ?? null,
  };
}

async function worksOf(reader: Reader, teamId: string, agentIds: readonly string[]): Promise<(agentId: string) => Work> {
  const { tasks } = reader.tables;
  if (agentIds.length === 0) return () => ({ running: [], completed: 0 });
  const isTheirs = and(eq(tasks.team_id, teamId), inArray(tasks.agent_id, [...agentIds]));
  const running = await reader.select({ id: tasks.id, agentId: tasks.agent_id }).from(tasks).where(and(isTheirs, eq(tasks.status, "running"))).orderBy(asc(tasks.started_at), asc(tasks.id));
  const completed = await reader.select({ agentId: tasks.agent_id, count: count() }).from(tasks).where(and(isTheirs, eq(tasks.status, "completed"))).groupBy(tasks.agent_id);
  return (agentId) => ({
    running: running.filter((each) => each.agentId === agentId).map(({ id }) => id),
    completed: completed.find((each) => each.agentId === agentId)?.count ?? 0,
  });
}

interface AgentPage {
  readonly agent_list: readonly Agent[];
  readonly page_meta: PageMeta;
}

async function listOf({ reader, services }: QueryAct, teamId: string, input: PageRequest): Promise<AgentPage> {
  const page = pageOf(input);
  const { agents } = reader.tables;
  const where = and(eq(agents.team_id, teamId), gt(agents.last_heartbeat, services.clock.now() - HEARD_MS));
  const [total] = await reader.select({ count: count() }).from(agents).where(where);
  const rows = await reader.select().from(agents).where(where).orderBy(asc(agents.agent_id)).limit(page.limit).offset(page.offset);
  const workOf = await worksOf(reader, teamId, rows.map(({ agent_id }) => agent_id));
  return { agent_list: rows.map((row) => shownAgent(row, workOf(row.agent_id))), page_meta: page.meta(total?.count ?? 0) };
}

export const listAgents = query("agent.list", async (act, input: PageRequest): Promise<AgentPage> => {
  const { teamId } = await requireMembership(act.reader, act.caller, "agent.list");
  return await listOf(act, teamId, input);
});

export const listRuntimeAgents = query("agent.list_runtime", async (act, input: PageRequest): Promise<AgentPage> => {
  return await listOf(act, await requireTeamReader(act.reader, act.caller, "agent.list_runtime"), input);
});
