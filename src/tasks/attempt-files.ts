/**
 * Files of attempts: what a run is given to read, and what it leaves behind.
 *
 *     run {parameter: file_key} → kept for another day → agent asks for its link
 *     agent announces an output → sends it by the link → the result of the task shows it
 *
 * Rule: an agent reaches the inputs of the task that it runs and no others, and what it sends belongs to its attempt: outputs
 * of an attempt that was lost are never shown as the task's.
 */
import { and, eq } from "drizzle-orm";
import { assert, Fault, invalidField, notFound } from "../fault.ts";
import { type Announced, type FileRow, findOutputs, forgetEnded, findStored, insertFile, keepInput, requireAnnounced } from "../files/file-rows.ts";
import { type PresignedUpload, presigned } from "../files/files.ts";
import { linkTo } from "../files/links.ts";
import type { Caller } from "../gate/caller.ts";
import { type Act, command, type CommandAct, query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import type { Parameter, ParameterValues } from "../workflows/parameters.ts";
import type { TaskRow } from "./task-rows.ts";

/** Files that one attempt leaves behind. */
const OUTPUTS_MAX = 1_000;
const OUTPUT_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/** Whether a declaration's `accept` takes the file: a media type, `image/*`, or an ending such as `.png`. */
function isAccepted({ file_name, content_type }: FileRow, accept: readonly string[]): boolean {
  const name = file_name.toLowerCase();
  const [mediaType = ""] = content_type.toLowerCase().split(";");
  return accept.some((each) => {
    const wanted = each.trim().toLowerCase();
    if (wanted.startsWith(".")) return name.endsWith(wanted);
    return wanted.endsWith("/*") ? mediaType.startsWith(wanted.slice(0, -1)) : mediaType === wanted;
  });
}

export interface GivenValues {
  readonly parameters: readonly Parameter[];
  readonly values: ParameterValues;
}

/** The files of a run are the team's, are there, and are of the declared kinds; each is kept for another day. Throws Fault `invalid_request`. */
export async function requireInputs(act: CommandAct, teamId: string, { parameters, values }: GivenValues): Promise<void> {
  const now = act.services.clock.now();
  for (const { key, type, accept } of parameters) {
    const fileKey = values[key];
    if (type !== "file" || typeof fileKey !== "string") continue;
    const row = await findStored(act.writer, { teamId, fileKey, now });
    if (row === undefined) throw invalidField(`parameters.${key}`, "is the file_key of a file of the team that was sent and is not over");
    if (accept !== undefined && !isAccepted(row, accept)) throw invalidField(`parameters.${key}`, `is a file of the kinds ${accept.join(", ")}`);
    await keepInput(act, row);
  }
}

/** An attempt in an agent's hands, as the agent names it. */
export interface AttemptName {
  readonly task_id: string;
  readonly attempt: number;
  readonly session_id: string;
}

function teamOf(caller: Caller): string {
  assert(caller.kind === "agent", "the rows admit agents only");
  return caller.teamId;
}

/** The task, while this attempt runs in this session of an agent of the team. Throws Fault `conflict` when it does not any more. */
async function requireHeld(reader: Reader, teamId: string, { task_id, attempt, session_id }: AttemptName): Promise<TaskRow> {
  const { tasks } = reader.tables;
  const id = requireId("task_id", task_id);
  const [row] = await reader.select().from(tasks).where(and(eq(tasks.id, id), eq(tasks.team_id, teamId)));
  if (row === undefined) throw notFound();
  if (row.status === "running" && row.attempt === attempt && row.session_id === session_id) return row;
  throw new Fault("conflict", "The attempt does not run any more.", { hint: "Stop it, and forget what it made." });
}

export interface InputLink {
  readonly file_name: string;
  readonly file_size: number;
  readonly content_type: string;
  /** Hex. */
  readonly sha256: string | null;
  readonly download_url: string;
  readonly expires_at: string;
}

/** The link to a file that the run was given. */
export const openInput = query("task.open_input", async (act, { file_key, ...name }: AttemptName & { readonly file_key: string }): Promise<InputLink> => {
  const teamId = teamOf(act.caller);
  const row = await requireHeld(act.reader, teamId, name);
  const values: unknown = JSON.parse(row.parameters);
  const isGiven = typeof values === "object" && values !== null && Object.values(values).includes(file_key);
  const file = isGiven ? await findStored(act.reader, { teamId, fileKey: file_key, now: act.services.clock.now() }) : undefined;
  if (file === undefined) throw notFound();
  const { url, expiresAtMs } = linkTo(act, "download", file.id);
  const { file_name, file_size, content_type, sha256 } = file;
  return { file_name, file_size, content_type, sha256, download_url: url, expires_at: isoTime(expiresAtMs) };
});

export interface OutputAnnounced extends Announced {
  readonly output_id: string;
}

export interface OutputUpload extends PresignedUpload {
  /** Nothing is left to send. */
  readonly is_stored: boolean;
}

/** Announces a file that the attempt made. Said again it is the same one, with a fresh link. Throws Fault `conflict` for another file of the same name. */
export const announceOutput = command("task.announce_output", async (act, { output_id, file_name, file_size, content_type, ...name }: AttemptName & OutputAnnounced): Promise<OutputUpload> => {
  const teamId = teamOf(act.caller);
  if (!OUTPUT_ID.test(output_id)) throw invalidField("output_id", "has 1 to 100 letters, digits, dots, colons, - and _");
  const announced = requireAnnounced({ file_name, file_size, content_type });
  const { id, attempt } = await requireHeld(act.writer, teamId, name);
  await forgetEnded(act, { task_id: id, task_attempt: attempt, output_id });
  const made = await findOutputs(act.writer, { task_id: id, task_attempt: attempt }, act.services.clock.now());
  const known = made.find((each) => each.output_id === output_id);
  if (known === undefined && made.length >= OUTPUTS_MAX) throw new Fault("conflict", `An attempt has at most ${OUTPUTS_MAX} outputs.`, { hint: "Pack them into one file." });
  if (known !== undefined && (known.file_name !== file_name || known.file_size !== file_size || known.content_type !== content_type)) {
    throw new Fault("conflict", `The output ${output_id} was announced as another file.`, { hint: "Give it another output_id." });
  }
  const row = known ?? (await insertFile(act, { teamId, announced, origin: { task_id: id, task_attempt: attempt, output_id } }));
  return { ...presigned(act, row), is_stored: row.status === "stored" };
});

export interface OutputLinks {
  /** Of the only output; null when there are several. */
  readonly download_url: string | null;
  /** By `output_id`. */
  readonly download_urls: Readonly<Record<string, string>> | null;
  readonly expires_at: string | null;
}

export const noOutputs: OutputLinks = { download_url: null, download_urls: null, expires_at: null };

/** Links to what the last attempt of a task left behind. */
export async function outputLinks(act: Act, reader: Reader, { id, attempt }: TaskRow): Promise<OutputLinks> {
  const rows = await findOutputs(reader, { task_id: id, task_attempt: attempt }, act.services.clock.now());
  const links = rows.filter(({ status }) => status === "stored").map((row) => ({ outputId: row.output_id ?? row.id, ...linkTo(act, "download", row.id) }));
  const [first] = links;
  if (first === undefined) return noOutputs;
  return {
    download_url: links.length === 1 ? first.url : null,
    download_urls: Object.fromEntries(links.map(({ outputId, url }) => [outputId, url])),
    expires_at: isoTime(first.expiresAtMs),
  };
}
