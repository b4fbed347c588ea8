/**
 * Rows of files: what a team's files are. Their bytes are on the shelf.
 *
 * Rule: only this folder writes them; who may is asked before.
 */
import { and, eq, gt, lte, sql, sum } from "drizzle-orm";
import { Fault, invalidField } from "../fault.ts";
import { actorOf } from "../gate/caller.ts";
import type { CommandAct } from "../gate/operation.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";

/** As documented: the default of the managed service. */
export const FILE_BYTES_MAX = 500 * 1_000_000;
/** Of one team, waiting and stored. It bounds what a lost key can fill. */
export const TEAM_BYTES_MAX = 100 * 1_000_000_000;
/** As documented, from their announcement. An input is kept for another day by each run that uses it. */
const daysKept = { inputs: 1, outputs: 7 } as const;
const DAY_MS = 86_400_000;
const NAME_CHARACTERS_MAX = 255;
const CONTENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:; ?[A-Za-z0-9-]+=[A-Za-z0-9-]+)?$/;

export type FileRow = Tables["files"]["$inferSelect"];

export interface Announced {
  readonly file_name: string;
  /** Bytes, exactly. */
  readonly file_size: number;
  readonly content_type: string;
}

/** What made an output. */
export interface Origin {
  readonly task_id: string;
  readonly task_attempt: number;
  /** As the agent calls it; one of its attempt. */
  readonly output_id: string;
}

export interface NewFile {
  readonly teamId: string;
  readonly announced: Announced;
  /** Undefined for an input. */
  readonly origin?: Origin;
}

/** The last part of a key: what a shell or a path would make something of is left out. */
function safeName(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 100);
  return plain === "" ? "file" : plain;
}

/** Throws Fault `invalid_request` or `too_large`. */
export function requireAnnounced({ file_name, file_size, content_type }: Announced): Announced {
  if (file_name.length < 1 || file_name.length > NAME_CHARACTERS_MAX || !file_name.isWellFormed() || /[\p{Cc}/\\]/u.test(file_name)) {
    throw invalidField("file_name", `has 1 to ${NAME_CHARACTERS_MAX} characters and no slashes`);
  }
  if (!Number.isSafeInteger(file_size) || file_size < 0) throw invalidField("file_size", "is the exact number of bytes");
  if (file_size > FILE_BYTES_MAX) throw new Fault("too_large", `A file has at most ${FILE_BYTES_MAX} bytes.`, { hint: "Send it in parts, or make it smaller." });
  if (!CONTENT_TYPE.test(content_type)) throw invalidField("content_type", "is a media type such as image/png");
  return { file_name, file_size, content_type };
}

/** A file that waits for its bytes. Throws Fault `conflict` when the team has no room for it. */
export async function insertFile({ writer, services, caller }: CommandAct, { teamId, announced, origin }: NewFile): Promise<FileRow> {
  const { files } = writer.tables;
  const id = services.random.uuid();
  const now = services.clock.now();
  const kind = origin === undefined ? "inputs" : "outputs";
  const row = {
    id,
    team_id: teamId,
    file_key: `${kind}/${teamId}/${id}/${safeName(announced.file_name)}`,
    ...announced,
    ...(origin ?? { task_id: null, task_attempt: null, output_id: null }),
    status: "waiting",
    created_by: caller.kind === "device" ? `user:${caller.userId}` : actorOf(caller),
    created_at: now,
    expires_at: now + daysKept[kind] * DAY_MS,
  };
  const used = writer.select({ bytes: sum(files.file_size) }).from(files).where(eq(files.team_id, teamId));
  const hasRoom = sql`coalesce((${used}), 0) + ${announced.file_size} <= ${TEAM_BYTES_MAX}`;
  const [inserted] = await writer.insert(files).select(rowWhere(files, row, hasRoom)).returning();
  if (inserted !== undefined) return inserted;
  throw new Fault("conflict", `The files of the team would be more than ${TEAM_BYTES_MAX} bytes.`, { hint: "Wait until older ones are forgotten." });
}

/** A file that is not over, whosever it is. */
export async function findFile(reader: Reader, id: string, now: number): Promise<FileRow | undefined> {
  const { files } = reader.tables;
  const [found] = await reader.select().from(files).where(and(eq(files.id, id), gt(files.expires_at, now)));
  return found;
}

/** A file of the team that has its bytes. */
export async function findStored(reader: Reader, { teamId, fileKey, now }: { readonly teamId: string; readonly fileKey: string; readonly now: number }): Promise<FileRow | undefined> {
  const { files } = reader.tables;
  const [found] = await reader
    .select()
    .from(files)
    .where(and(eq(files.file_key, fileKey), eq(files.team_id, teamId), eq(files.status, "stored"), gt(files.expires_at, now)));
  return found;
}

/** Keeps an input for another day from now. */
export async function keepInput({ writer, services }: CommandAct, { id }: FileRow): Promise<void> {
  const { files } = writer.tables;
  const until = services.clock.now() + daysKept.inputs * DAY_MS;
  await writer.update(files).set({ expires_at: sql`case when ${files.expires_at} < ${until} then ${until} else ${files.expires_at} end` }).where(eq(files.id, id));
}

/** What the attempt has announced or sent, in the order of the names. */
export async function findOutputs(reader: Reader, { task_id, task_attempt }: Omit<Origin, "output_id">, now: number): Promise<readonly FileRow[]> {
  const { files } = reader.tables;
  return await reader
    .select()
    .from(files)
    .where(and(eq(files.task_id, task_id), eq(files.task_attempt, task_attempt), gt(files.expires_at, now)))
    .orderBy(files.output_id);
}

/** Forgets an output whose time is over and that the sweep has not met yet, so that its name is free. Its bytes have no row then. */
export async function forgetEnded({ writer, services }: CommandAct, { task_id, task_attempt, output_id }: Origin): Promise<void> {
  const { files } = writer.tables;
  await writer.delete(files).where(and(eq(files.task_id, task_id), eq(files.task_attempt, task_attempt), eq(files.output_id, output_id), lte(files.expires_at, services.clock.now())));
}
