/**
 * Work at a test's gate: workflows to run and agents to claim for.
 *
 *     const { teamId, owner, run } = await workshop(world);
 *     const task = await run();
 *     const offer = await claimTask(world.gate, system, claimant(teamId));
 */
import type { UserCaller } from "../../src/gate/caller.ts";
import { type FollowedEvent, readTaskEvents } from "../../src/tasks/events.ts";
import type { Claimant } from "../../src/tasks/claim.ts";
import { runWorkflowBySlug, type RunInput } from "../../src/tasks/submission.ts";
import type { DefinitionInput } from "../../src/workflows/definition.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import type { TestGate } from "./gate.ts";
import { setUp } from "./people.ts";

export const noTask = "00000000-0000-7000-8000-00000000000f";

/** An agent with a free place, of the team. */
export function claimant(teamId: string, changes: Partial<Claimant> = {}): Claimant {
  return { teamId, agentId: "agent-1", sessionId: "session-1", gatewayId: "gw-1", labels: [], gpuType: null, ...changes };
}

export interface Bench {
  readonly owner: UserCaller;
  readonly teamId: string;
  /** Runs the workflow `work` and gives the task's id. */
  run(input?: RunInput): Promise<string>;
}

/** A team with a workflow `work` that is as `definition` says. */
export async function workBench(world: TestGate, definition: DefinitionInput = {}): Promise<Bench> {
  const { owner, teamId } = await setUp(world.gate);
  await importWorkflow(world.gate, owner, { workflow_slug: "work", display_name: "Work", ...definition });
  const run = async (input: RunInput = {}) => (await runWorkflowBySlug(world.gate, owner, { workflow_slug: "work", ...input })).task_id;
  return { owner, teamId, run };
}

/** Every event of the task, which a reader gets in batches. */
export async function allEvents({ gate }: Pick<TestGate, "gate">, owner: UserCaller, task_id: string): Promise<readonly FollowedEvent[]> {
  const all: FollowedEvent[] = [];
  for (let isWhole = false; !isWhole; ) {
    const { events } = await readTaskEvents(gate, owner, { task_id, after: all.at(-1)?.sequence ?? 0 });
    all.push(...events);
    isWhole = events.length === 0;
  }
  return all;
}
