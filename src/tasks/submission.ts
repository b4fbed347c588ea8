/**
 * Running a workflow: a durable task first, whatever becomes of it then.
 *
 * The task copies what it needs from the workflow's version, so that later edits act on later runs only. It exists, with
 * its first event, before the caller is told its id.
 */
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { type Definition, requireSlug } from "../workflows/definition.ts";
import { filledWorkflow } from "../workflows/filling.ts";
import { type ParameterValues, resolveParameters } from "../workflows/parameters.ts";
import { findVersion } from "../workflows/snapshot-rows.ts";
import { definitionOf, findWorkflow, findWorkflowBySlug, type WorkflowRow } from "../workflows/workflow-rows.ts";
import { requireInputs } from "./attempt-files.ts";
import { insertTask } from "./task-rows.ts";

export interface RunInput {
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly dispatch_target?: string | undefined;
  readonly target_pool?: string | undefined;
  readonly submitter_region?: string | undefined;
  readonly tool_type?: string | undefined;
}

export interface Submitted {
  readonly task_id: string;
}

const REGION = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const VERSION_MAX = 2 ** 31;

/** A version of a workflow that is about to be run. */
interface Runnable {
  readonly workflow: WorkflowRow;
  readonly definition: Definition;
  readonly version: number;
}

function requireTarget({ dispatch_target = "agent", target_pool = "team", submitter_region, tool_type }: RunInput, definition: Definition): void {
  if (dispatch_target !== "agent") throw invalidField("dispatch_target", "is agent: a self-hosted deployment runs tasks on its own agents");
  if (target_pool !== "team") throw invalidField("target_pool", "is team: agents belong to teams");
  if (submitter_region !== undefined && !REGION.test(submitter_region)) throw invalidField("submitter_region", "is a name such as us-east");
  if (tool_type !== undefined && tool_type !== definition.tool_type) throw invalidField("tool_type", `is ${definition.tool_type}, as the workflow's, or is left out`);
}

/** What the task takes over from the workflow's version. */
function takenOver({ workflow, definition, version }: Runnable, values: ParameterValues) {
  const { tool_type, required_labels, required_models, task_timeout, max_retries } = definition;
  return {
    team_id: workflow.team_id,
    workflow_id: workflow.id,
    workflow_slug: workflow.workflow_slug,
    workflow_version: version,
    tool_type,
    workflow_json: JSON.stringify(filledWorkflow(definition, values)),
    required_labels: JSON.stringify(required_labels.toSorted()),
    required_models: JSON.stringify(required_models),
    task_timeout,
    max_retries,
  };
}

/** No agent has it, and nothing has come of it. */
const untouched = {
  status: "pending",
  waiting_reason: null,
  attempt: 0,
  retry_count: 0,
  lost_count: 0,
  agent_id: null,
  agent_labels: "[]",
  gpu_type: null,
  session_id: null,
  gateway_id: null,
  lease_until: null,
  deadline_at: null,
  started_at: null,
  completed_at: null,
  task_output: null,
  task_error: null,
  log_bytes: 0,
} as const;

async function submit(act: CommandAct, runnable: Runnable, input: RunInput): Promise<Submitted> {
  const { workflow, definition, version } = runnable;
  if (workflow.workflow_status !== "active") throw new Fault("conflict", "The workflow is disabled and takes no new tasks.", { hint: "Have an admin of the team enable it (workflow_status active)." });
  requireTarget(input, definition);
  const values = resolveParameters(definition.parameters, input.parameters ?? {});
  await requireInputs(act, workflow.team_id, { parameters: definition.parameters, values });
  const { services, caller } = act;
  const id = services.random.uuid();
  const now = services.clock.now();
  const origin = { created_via: caller.kind === "user" ? "jwt" : "api_key", created_by: creatorOf(act), submitter_region: input.submitter_region ?? null };
  await insertTask(act, { id, ...takenOver(runnable, values), ...origin, ...untouched, parameters: JSON.stringify(values), available_at: now, created_at: now }, definition.required_labels);
  act.note({ teamId: workflow.team_id, subject: `task:${id}`, details: { workflow_slug: workflow.workflow_slug, version } });
  return { task_id: id };
}

/** Whose doing the task is: a person, or a key. */
function creatorOf({ caller }: CommandAct): string {
  if (caller.kind === "user" || caller.kind === "device") return `user:${caller.userId}`;
  return caller.kind === "integration" ? `integration:${caller.credentialId}` : caller.kind;
}

function live(workflow: WorkflowRow): Runnable {
  return { workflow, definition: definitionOf(workflow), version: workflow.version };
}

/** The version that `slug@version` names. Only versions that were kept can be run again. */
async function pinned(act: CommandAct, workflow: WorkflowRow, version: number): Promise<Runnable> {
  if (version === workflow.version) return live(workflow);
  const snapshot = await findVersion(act.writer, { teamId: workflow.team_id, workflowId: workflow.id, version });
  if (snapshot === undefined) throw notFound();
  return { workflow, definition: { ...definitionOf(snapshot), workflow_slug: workflow.workflow_slug }, version };
}

/** Runs a workflow by its id. */
export const runWorkflow = command("task.run", async (act, { workflow_id, ...input }: RunInput & { readonly workflow_id: string }): Promise<Submitted> => {
  const id = requireId("workflow_id", workflow_id);
  const teamId = await requireTeamReader(act.writer, act.caller, "task.run");
  const workflow = await findWorkflow(act.writer, { teamId, id });
  if (workflow === undefined) throw notFound();
  return await submit(act, live(workflow), input);
});

/** Runs a workflow by its slug, or an earlier version of it by `slug@version`. */
export const runWorkflowBySlug = command("task.run_by_slug", async (act, { workflow_slug, ...input }: RunInput & { readonly workflow_slug: string }): Promise<Submitted> => {
  const [slugText = "", versionText, ...more] = workflow_slug.split("@");
  const slug = requireSlug("workflow_slug", slugText);
  if (more.length > 0 || (versionText !== undefined && !/^[1-9][0-9]{0,9}$/.test(versionText))) throw invalidField("workflow_slug", "is a slug, or slug@version with a whole number");
  const teamId = await requireTeamReader(act.writer, act.caller, "task.run_by_slug");
  const workflow = await findWorkflowBySlug(act.writer, { teamId, slug });
  if (workflow === undefined) throw notFound();
  const version = versionText === undefined ? workflow.version : Math.min(Number(versionText), VERSION_MAX);
  return await submit(act, await pinned(act, workflow, version), input);
});
