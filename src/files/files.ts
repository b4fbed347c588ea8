/**
 * Files of a team: announced, sent through a link, fetched through a link, and forgotten after a while.
 *
 *     presign → row waiting ── bytes on the shelf ── row stored, once ── download links ── over: row and bytes go
 *
 * Rule: the row says what a file is, the shelf has its bytes; a row says `stored` only when the bytes are on the disk.
 */
import { and, eq, inArray, lte, type SQL, sql } from "drizzle-orm";
import { Fault, notFound } from "../fault.ts";
import { type Act, command, procedure, type ProcedureAct, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { requireTeamReader } from "../teams/membership.ts";
import { type Announced, type FileRow, findFile, findStored, insertFile, requireAnnounced } from "./file-rows.ts";
import { LINK_SECONDS, linkTo, requireLink, type ShownLink } from "./links.ts";
import type { Lying, Shelf } from "./shelf.ts";

/** Of the shelf: the last two characters of an id. */
const FOLDERS = 256;
/** Removed in one go. */
const SWEEP_MAX = 100;

export interface PresignedUpload {
  readonly file_key: string;
  readonly upload_url: string;
  /** To be sent verbatim with the PUT. */
  readonly upload_headers: Readonly<Record<string, string>>;
}

/** How the bytes of an announced file are sent. */
export function presigned(act: Pick<Act, "sealer" | "services" | "settings">, { id, file_key, file_size, content_type }: FileRow): PresignedUpload {
  return {
    file_key,
    upload_url: linkTo(act, "upload", id).url,
    upload_headers: { "Content-Length": String(file_size), "Content-Type": content_type, "If-None-Match": "*" },
  };
}

/** Announces a file and gives the link to send it by. */
export const presignUpload = command("file.presign", async (act, input: Announced): Promise<PresignedUpload> => {
  const teamId = await requireTeamReader(act.writer, act.caller, "file.presign");
  const row = await insertFile(act, { teamId, announced: requireAnnounced(input) });
  act.note({ teamId, subject: `file:${row.id}`, details: { file_size: row.file_size } });
  return presigned(act, row);
});

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
      if (stored === undefined) throw (await findFile(writer, id, services.clock.now())) === undefined ? notFound() : exists();
      // In their place before the row says so.
      received.keep();
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
  const found = await findStored(act.reader, { teamId, fileKey: input.file_key, now: act.services.clock.now() });
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
  const now = services.clock.now();
  const lying = await shelf.lying(Math.floor(now / 60_000) % FOLDERS, now);
  for (let start = 0; start < lying.length; start += SWEEP_MAX) {
    const some = lying.slice(start, start + SWEEP_MAX);
    const ids = some.map(({ id }) => id);
    const known = await read(async (reader) => await reader.select({ id: reader.tables.files.id, sha256: reader.tables.files.sha256 }).from(reader.tables.files).where(inArray(reader.tables.files.id, ids)));
    const shaOf = new Map(known.map(({ id, sha256 }) => [id, sha256]));
    const isKnown = ({ id, sha256 }: Lying) => (sha256 === undefined ? shaOf.has(id) : shaOf.get(id) === sha256);
    for (const each of some) if (!isKnown(each)) await shelf.remove(each);
  }
}

/** Over, or announced and never sent. */
function isOver({ tables: { files } }: Reader, now: number): SQL {
  return sql`(${lte(files.expires_at, now)} or (${eq(files.status, "waiting")} and ${lte(files.created_at, now - 2 * LINK_SECONDS * 1_000)}))`;
}

/**
 * Forgets files that are over, and uploads that were never made. Rows go first, and only while they are over: what came in
 * since the look stays. Bytes that are left by a kill in between are orphans of a later look.
 */
export const sweepFiles = procedure("file.sweep", async (act, { shelf }: { readonly shelf: Shelf }): Promise<number> => {
  const now = act.services.clock.now();
  const over = await act.read(async (reader) => await reader.select({ id: reader.tables.files.id }).from(reader.tables.files).where(isOver(reader, now)).limit(SWEEP_MAX));
  shelf.sweep(now);
  await removeOrphans(act, shelf);
  if (over.length === 0) return 0;
  const gone = await act.write(async ({ writer }) => {
    const { files } = writer.tables;
    const ids = over.map(({ id }) => id);
    return await writer.delete(files).where(and(inArray(files.id, ids), isOver(writer, now))).returning({ id: files.id, sha256: files.sha256 });
  });
  for (const { id, sha256 } of gone) await shelf.remove({ id, sha256: sha256 ?? undefined });
  return gone.length;
});
