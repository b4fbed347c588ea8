/**
 * Files of a team: announced, sent through a link, fetched through a link, and forgotten after a while.
 *
 *     presign → row waiting ── bytes on the shelf ── row stored, once ── download links ── over: row and bytes go
 *
 * Rule: the row says what a file is, the shelf has its bytes; a row says `stored` only when the bytes are on the disk.
 */
import { and, eq, gt, inArray, lte, sql, sum } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, procedure, type ProcedureAct, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { LINK_SECONDS, linkTo, requireLink, type ShownLink } from "./links.ts";
import type { Shelf } from "./shelf.ts";

/** As documented: the default of the managed service. */
export const FILE_BYTES_MAX = 500 * 1_000_000;
/** Of one team, waiting and stored. It bounds what a lost key can fill. */
export const TEAM_BYTES_MAX = 100 * 1_000_000_000;
/** As documented. */
const INPUT_DAYS = 1;
const DAY_MS = 86_400_000;
const NAME_CHARACTERS_MAX = 255;
/** Of the shelf: the last two characters of an id. */
const FOLDERS = 256;
/** Removed in one go. */
const SWEEP_MAX = 100;
const CONTENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:; ?[A-Za-z0-9-]+=[A-Za-z0-9-]+)?$/;

type FileRow = Tables["files"]["$inferSelect"];

export interface Announced {
  readonly file_name: string;
  /** Bytes, exactly. */
  readonly file_size: number;
  readonly content_type: string;
}

export interface PresignedUpload {
  readonly file_key: string;
  readonly upload_url: string;
  /** To be sent verbatim with the PUT. */
  readonly upload_headers: Readonly<Record<string, string>>;
}

/** The last part of a key: what a shell or a path would make something of is left out. */
function safeName(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 100);
  return plain === "" ? "file" : plain;
}

function requireAnnounced({ file_name, file_size, content_type }: Announced): Announced {
  if (file_name.length < 1 || file_name.length > NAME_CHARACTERS_MAX || !file_name.isWellFormed() || /[\p{Cc}/\\]/u.test(file_name)) {
    throw invalidField("file_name", `has 1 to ${NAME_CHARACTERS_MAX} characters and no slashes`);
  }
  if (!Number.isSafeInteger(file_size) || file_size < 0) throw invalidField("file_size", "is the exact number of bytes");
  if (file_size > FILE_BYTES_MAX) throw new Fault("too_large", `A file has at most ${FILE_BYTES_MAX} bytes.`, { hint: "Send it in parts, or make it smaller." });
  if (!CONTENT_TYPE.test(content_type)) throw invalidField("content_type", "is a media type such as image/png");
  return { file_name, file_size, content_type };
}

async function insertFile(act: CommandAct, teamId: string, announced: Announced): Promise<FileRow> {
  const { writer, services, caller } = act;
  const { files } = writer.tables;
  const id = services.random.uuid();
  const now = services.clock.now();
  const row = {
    id,
    team_id: teamId,
    file_key: `inputs/${teamId}/${id}/${safeName(announced.file_name)}`,
    ...announced,
    status: "waiting",
    created_by: caller.kind === "integration" ? `integration:${caller.credentialId}` : caller.kind === "user" || caller.kind === "device" ? `user:${caller.userId}` : caller.kind,
    created_at: now,
    expires_at: now + INPUT_DAYS * DAY_MS,
  };
  const used = writer.select({ bytes: sum(files.file_size) }).from(files).where(eq(files.team_id, teamId));
  const hasRoom = sql`coalesce((${used}), 0) + ${announced.file_size} <= ${TEAM_BYTES_MAX}`;
  const [inserted] = await writer.insert(files).select(rowWhere(files, row, hasRoom)).returning();
  if (inserted !== undefined) return inserted;
  throw new Fault("conflict", `The files of the team would be more than ${TEAM_BYTES_MAX} bytes.`, { hint: "Wait until older ones are forgotten." });
}

/** Announces a file and gives the link to send it by. */
export const presignUpload = command("file.presign", async (act, input: Announced): Promise<PresignedUpload> => {
  const teamId = await requireTeamReader(act.writer, act.caller, "file.presign");
  const { id, file_key, file_size, content_type } = await insertFile(act, teamId, requireAnnounced(input));
  act.note({ teamId, subject: `file:${id}`, details: { file_size } });
  return {
    file_key,
    upload_url: linkTo(act, "upload", id).url,
    upload_headers: { "Content-Length": String(file_size), "Content-Type": content_type, "If-None-Match": "*" },
  };
});

async function findFile(reader: Reader, id: string, now: number): Promise<FileRow | undefined> {
  const { files } = reader.tables;
  const [found] = await reader.select().from(files).where(and(eq(files.id, id), gt(files.expires_at, now)));
  return found;
}

export interface Upload {
  readonly link: ShownLink;
  /** As they came with the request. */
  readonly headers: { readonly contentLength: string | null; readonly contentType: string | null; readonly ifNoneMatch: string | null };
  readonly body: AsyncIterable<Uint8Array>;
  readonly shelf: Shelf;
}

function exists(): Fault {
  return new Fault("precondition_failed", "The file is there already, and is not replaced.", { hint: "Ask for another upload; a file is sent once." });
}

/** Every header that was announced has to come back as it was; documented as 403. */
function requireHeaders({ contentLength, contentType, ifNoneMatch }: Upload["headers"], { file_size, content_type }: FileRow): void {
  const wrong = [
    ["Content-Length", contentLength === String(file_size)],
    ["Content-Type", contentType === content_type],
    ["If-None-Match", ifNoneMatch === "*"],
  ] as const;
  const first = wrong.find(([, isRight]) => !isRight)?.[0];
  if (first !== undefined) throw new Fault("forbidden", `The header ${first} is not the one that was announced.`, { hint: "Send all upload_headers as they were given." });
}

/** Takes the bytes of an announced file, once. Throws Fault `forbidden` for a link, header or size that is not right, `precondition_failed` when it is there. */
export const receiveUpload = procedure("file.receive", async (act, { link, headers, body, shelf }: Upload): Promise<void> => {
  const id = requireLink(act, "upload", link);
  const row = await act.read((reader) => findFile(reader, id, act.services.clock.now()));
  if (row === undefined) throw notFound();
  if (row.status === "stored") throw exists();
  requireHeaders(headers, row);
  const received = await shelf.receive(id, row.file_size, body);
  try {
    await act.write<undefined>(async ({ writer, services, note }) => {
      const { files } = writer.tables;
      const [stored] = await writer
        .update(files)
        .set({ status: "stored", sha256: received.sha256, stored_at: services.clock.now() })
        .where(and(eq(files.id, id), eq(files.status, "waiting")))
        .returning({ teamId: files.team_id });
      if (stored === undefined) throw exists();
      // In their place before the row says so; the same bytes again where the store runs this anew.
      if (!shelf.has(id)) received.keep();
      note({ teamId: stored.teamId, subject: `file:${id}`, details: { sha256: received.sha256 } });
      return undefined;
    });
  } finally {
    received.drop();
  }
});

export interface DownloadLink {
  readonly download_url: string;
  readonly expires_at: string;
}

/** A link to fetch a file of the caller's team by. */
export const presignDownload = query("file.presign_download", async (act, input: { readonly file_key: string }): Promise<DownloadLink> => {
  const teamId = await requireTeamReader(act.reader, act.caller, "file.presign_download");
  const { files } = act.reader.tables;
  const [found] = await act.reader
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.file_key, input.file_key), eq(files.team_id, teamId), eq(files.status, "stored"), gt(files.expires_at, act.services.clock.now())));
  if (found === undefined) throw notFound();
  const { url, expiresAtMs } = linkTo(act, "download", found.id);
  return { download_url: url, expires_at: isoTime(expiresAtMs) };
});

export interface Download {
  readonly id: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
}

/** What a download link leads to. */
export const openDownload = query("file.open", async (act, link: ShownLink): Promise<Download> => {
  const id = requireLink(act, "download", link);
  const row = await findFile(act.reader, id, act.services.clock.now());
  if (row === undefined || row.status !== "stored" || row.sha256 === null) throw notFound();
  return { id, fileName: row.file_name, contentType: row.content_type, size: row.file_size, sha256: row.sha256 };
});

/** Bytes without a row: of a team that is gone. One folder at a time, so that a look stays short; all of them in some hours. */
async function removeOrphans({ read, services }: ProcedureAct, shelf: Shelf): Promise<void> {
  const lying = shelf.idsIn(Math.floor(services.clock.now() / 60_000) % FOLDERS);
  for (let start = 0; start < lying.length; start += SWEEP_MAX) {
    const some = lying.slice(start, start + SWEEP_MAX);
    const known = await read(async (reader) => await reader.select({ id: reader.tables.files.id }).from(reader.tables.files).where(inArray(reader.tables.files.id, some)));
    const ids = new Set(known.map(({ id }) => id));
    for (const id of some) if (!ids.has(id)) shelf.remove(id);
  }
}

/** Forgets files that are over, and uploads that were never made. Bytes go first: a row without them is harmless. */
export const sweepFiles = procedure("file.sweep", async (act, { shelf }: { readonly shelf: Shelf }): Promise<number> => {
  const now = act.services.clock.now();
  const over = await act.read(async (reader) => {
    const { files } = reader.tables;
    const isOver = sql`${lte(files.expires_at, now)} or (${eq(files.status, "waiting")} and ${lte(files.created_at, now - 2 * LINK_SECONDS * 1_000)})`;
    return await reader.select({ id: files.id }).from(files).where(isOver).limit(SWEEP_MAX);
  });
  shelf.sweep(now);
  await removeOrphans(act, shelf);
  if (over.length === 0) return 0;
  const ids = over.map(({ id }) => id);
  for (const id of ids) shelf.remove(id);
  await act.write<undefined>(async ({ writer }) => {
    await writer.delete(writer.tables.files).where(inArray(writer.tables.files.id, ids));
    return undefined;
  });
  return ids.length;
});
