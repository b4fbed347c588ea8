/**
 * Files under a path as streams of chunks, for whoever has to look into all of them.
 *
 * Rule: follows no link but the one that was named, so that it ends and stays where it was sent; opens regular files only; what
 * cannot be read is told and never passed over in silence.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Fault } from "../fault.ts";

const CHUNK_BYTES = 1_048_576;
/** Files of one call. */
export const FILES_MAX = 1_000_000;

export type Visit = { readonly path: string; readonly chunks: Iterable<Uint8Array> } | { readonly path: string; readonly problem: string };

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function* chunksOf(path: string): Generator<Uint8Array> {
  const descriptor = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let length = readSync(descriptor, buffer); length > 0; length = readSync(descriptor, buffer)) yield buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether the path is a folder. Throws Fault when there is nothing, or nothing that can be read like a file. */
function isFolder(path: string): boolean {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return true;
    if (found.isFile()) return false;
  } catch (error) {
    const code = codeOf(error);
    if (code === "EACCES" || code === "EPERM") throw new Fault("forbidden", `${path} may not be read.`, { hint: "Run this as a user who may read it." });
    throw new Fault("not_found", `There is no file or folder ${path}.`, { hint: `It was looked for at ${resolve(path)}.`, cause: error });
  }
  throw new Fault("invalid_request", `${path} is neither a file nor a folder.`, { hint: "Pipe its content into the command, and name the path -." });
}

function* filesOf(folder: string): Generator<Visit> {
  const waiting = [folder];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    try {
      const entries = readdirSync(path, { withFileTypes: true }).toSorted((left, right) => (left.name < right.name ? -1 : 1));
      for (const entry of entries) if (entry.isFile()) yield { path: join(path, entry.name), chunks: chunksOf(join(path, entry.name)) };
      waiting.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path ?? "", name)).toReversed());
    } catch (error) {
      yield { path, problem: codeOf(error) };
    }
  }
}

/** The file at `path`, or every file under it. Throws Fault when the path itself is no good. */
export function visit(path: string): Iterable<Visit> {
  return isFolder(path) ? filesOf(path) : [{ path, chunks: chunksOf(path) }];
}

/** Why a file could not be read to its end, for a person. */
export function problemOf(error: unknown): string {
  return codeOf(error);
}
