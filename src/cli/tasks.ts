/** `cyberun tasks …`: what was run and what becomes of it. */
import { itemPath, type Members, membersOf, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_OK, EXIT_UNDONE } from "./exit-codes.ts";
import { listed } from "./pages.ts";
import { openPerson, type Person, withQuery } from "./person.ts";
import { shownCell, shownTime, textMembers } from "./text-table.ts";
import { followTask, type TaskEvent } from "./task-stream.ts";

const path = "/api/v1/r/tasks";

const PERCENT = 100;

const words = {
  name: "task_list",
  headings: ["ID", "WORKFLOW", "STATUS", "CREATED", "ENDED", "AGENT"],
  row: ({ id, workflow_slug, workflow_version, task_status, created_at, completed_at, agent_id }: Members) => [
    id,
    `${shownCell(workflow_slug)}@${shownCell(workflow_version)}`,
    task_status,
    shownTime(created_at),
    shownTime(completed_at),
    agent_id,
  ],
  none: "The team has no such task.",
};

export async function tasksList(context: Context): Promise<Result> {
  const status = context.options.get("status");
  await using person = await openPerson(context, { inTeam: true });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page, status }) }));
}

export async function tasksShow(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  const task = await person.call({ method: "GET", path: itemPath(path, id) });
  const { workflow_slug, workflow_version, task_status, waiting_reason, created_at, started_at, completed_at, task_error, attempt, retry_count, agent_id } = task;
  const waits_because = membersOf(waiting_reason)["message"];
  const shown = { id, workflow_slug, workflow_version, task_status, waits_because, created_at, started_at, completed_at, task_error, attempt, retry_count, agent_id };
  return { data: task, text: textMembers(Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== null && value !== undefined))) };
}

/** What came of a task, as it is shown; its exit code says whether it completed. */
export async function resultOf(person: Person, id: string): Promise<Result> {
  const result = await person.call({ method: "GET", path: `${itemPath(path, id)}/result` });
  const { task_status, task_output, task_error, download_urls } = result;
  const links = Object.entries(membersOf(download_urls)).map(([name, url]) => `${shownCell(name)}: ${shownText(url)}`);
  const output = task_output === null || task_output === undefined ? [] : [`task_output: ${shownText(JSON.stringify(task_output))}`];
  const error = typeof task_error === "string" ? [`task_error: ${shownText(task_error)}`] : [];
  return { data: result, text: [`The task ${id} is ${shownCell(task_status)}.`, ...output, ...error, ...links].join("\n"), exit: task_status === "completed" ? EXIT_OK : EXIT_UNDONE };
}

export async function tasksResult(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  return { ...(await resultOf(person, id)), exit: EXIT_OK };
}

export async function tasksCancel(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  await person.call({ method: "POST", path: `${itemPath(path, id)}/cancel` });
  return { data: { id, is_cancelled: true }, text: `The task ${shownCell(id)} is cancelled.` };
}

function progressText({ progress, message }: Members): string {
  const share = typeof progress === "number" ? `${Math.round(progress * PERCENT)} %` : "";
  return [share, message === undefined ? "" : shownCell(message)].filter((part) => part !== "").join(" ");
}

/** What an event is worth to who waits: the log always; how far it is to a person at a terminal, and not in a pipe. */
function tell({ err, isInteractive }: Context["terminal"], { kind, content }: TaskEvent): void {
  // A log may be anything; what steers a terminal is left out.
  if (kind === "log" && typeof content["text"] === "string") return err(content["text"].replace(/[^\P{Cc}\n\t]/gu, ""));
  if (!isInteractive) return;
  if (kind === "status") return err(`cyberun: the task is ${shownCell(content["status"])}\n`);
  if (kind === "progress") err(`cyberun: ${progressText(content)}\n`);
}

/** Follows the task to its end, its log on standard error. */
export async function waitFor(context: Context, person: Person, id: string): Promise<Result> {
  for await (const event of followTask(context.services, person, `${itemPath(path, id)}/events`)) tell(context.terminal, event);
  return await resultOf(person, id);
}

export async function tasksFollow(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  return await waitFor(context, person, id);
}
