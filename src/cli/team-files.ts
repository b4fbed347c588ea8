/** `cyberun files …`: files of the team, sent and fetched by links. */
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { withExtraCa } from "../certificates.ts";
import { Fault } from "../fault.ts";
import { type Members, membersOf, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { openPerson, type Person } from "./person.ts";
import { shownCell } from "./text-table.ts";

const path = "/api/v1/r/files";

function sizeOf(file: string): number {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new Fault("not_found", `There is no file ${file}.`);
  if (stats.isFile()) return stats.size;
  throw new Fault("invalid_request", `${file} is no file.`, { hint: "Pack a folder into one file first." });
}

/** Where a link leads. Throws Fault `unavailable` for an answer without one. */
function linkOf(answer: Members, name: string): string {
  const url = answer[name];
  if (typeof url === "string" && /^https?:\/\//.test(url)) return url;
  throw new Fault("unavailable", "The server gave no link.", { hint: "Check that it is a Cyberun API server." });
}

async function fetchLink({ services, config }: Context, url: string, init: RequestInit): Promise<Response> {
  const trusting = withExtraCa(services, config.extraCaFile);
  // The link is the credential, so no key goes along, and it is in no message.
  const response = await trusting.fetch(url, { ...init, redirect: "error" }).catch((cause: unknown) => {
    throw new Fault("unavailable", "The address that the server gave for the file cannot be reached.", { hint: "It is the server's public_url; it has to be reachable from here.", cause });
  });
  if (response.ok) return response;
  throw new Fault("unavailable", `The file was not taken or given (status ${response.status}).`, { hint: "Try it again." });
}

/** Sends a file; the answer has its `file_key`. */
export async function uploadFile(context: Context, person: Person, file: string): Promise<Members> {
  const file_size = sizeOf(file);
  const body = Bun.file(file);
  const content_type = context.options.get("contentType") ?? (body.type.split(";")[0] || "application/octet-stream");
  const presigned = await person.call({ method: "POST", path: `${path}/presign`, body: { file_name: basename(file), file_size, content_type } });
  const headers = Object.fromEntries(Object.entries(membersOf(presigned["upload_headers"])).map(([name, value]) => [name, String(value)]));
  await fetchLink(context, linkOf(presigned, "upload_url"), { method: "PUT", headers, body });
  return { file_key: presigned["file_key"], file_size, content_type };
}

export async function filesUpload(context: Context): Promise<Result> {
  const [file = ""] = context.operands;
  await using person = await openPerson(context, { inTeam: true });
  const sent = await uploadFile(context, person, file);
  return { data: sent, text: `${shownText(sent["file_key"])}\nThe file is there for a day; a run that is given this file_key keeps it for another one.` };
}

function opened(file: string): number {
  try {
    return openSync(file, "wx");
  } catch (cause) {
    throw new Fault("conflict", `The file ${file} cannot be made, or is there already.`, { hint: "Name a new file with --out.", cause });
  }
}

/** Writes what comes, and gives back its SHA-256 in base64. */
async function write(handle: number, response: Response): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of response.body ?? []) {
    hasher.update(chunk);
    for (let at = 0; at < chunk.length; ) at += writeSync(handle, chunk, at);
  }
  fsyncSync(handle);
  return hasher.digest("base64");
}

async function keep(file: string, response: Response): Promise<void> {
  const handle = opened(file);
  let isKept = false;
  try {
    const digest = await write(handle, response);
    if (response.headers.get("repr-digest") !== `sha-256=:${digest}:`) throw new Fault("unavailable", "The bytes that came are not those of the file.", { hint: "Fetch it again." });
    isKept = true;
  } finally {
    closeSync(handle);
    if (!isKept) rmSync(file, { force: true });
  }
}

export async function filesDownload(context: Context): Promise<Result> {
  const [file_key = ""] = context.operands;
  const file = context.options.get("out") ?? basename(file_key);
  await using person = await openPerson(context, { inTeam: true });
  const link = await person.call({ method: "POST", path: `${path}/presign-download`, body: { file_key } });
  await keep(file, await fetchLink(context, linkOf(link, "download_url"), {}));
  return { data: { file_key, file }, text: `The file is in ${shownCell(file)}.` };
}
