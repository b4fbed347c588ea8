/**
 * Makes a backup while the deployment goes on.
 *
 *     anchors copied → snapshot of the store → keys, marks, license, configuration → files → manifest, signed
 *
 * Rule: it blocks its thread; a server runs it in a worker (`backup-worker.ts`).
 */
import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { dataDirectory, secretBytes } from "../data-directory.ts";
import type { Services } from "../services.ts";
import { readContent, writeSnapshot } from "../store/sqlite-snapshot.ts";
import { version } from "../version.ts";
import { ArchiveWriter, type WrittenFile } from "./archive-writer.ts";
import { type Lock, lockKey, signerOf } from "./keys.ts";
import { anchorSources, backupFiles, DATABASE, fileSources, type Places, smallSources, type Source } from "./sources.ts";

export interface CreateRequest {
  readonly places: Places;
  /** Absolute path of the file to be made. */
  readonly to: string;
  readonly lock: Lock;
}

export interface CreatedBackup {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  readonly created_at: number;
  readonly files: number;
  readonly is_encrypted: boolean;
  /** `included`, or `elsewhere` when PostgreSQL holds it. */
  readonly database: string;
  readonly signer: string;
}

/** Undefined for a file that has been removed meanwhile. */
function addSource(archive: ArchiveWriter, { path, from }: Source): WrittenFile | undefined {
  let file: number;
  try {
    file = openSync(from, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return archive.addFile(path, file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

function* everySource(places: Places, work: string, anchors: readonly Source[]): Generator<Source> {
  if (!places.isElsewhere) yield { path: DATABASE, from: join(work, DATABASE) };
  yield* anchors;
  yield* smallSources(places);
  yield* fileSources(places);
}

function copyAnchors(places: Places, work: string): readonly Source[] {
  return anchorSources(places).map(({ path, from }) => {
    const copy = join(work, path);
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    copyFileSync(from, copy);
    return { path, from: copy };
  });
}

/** A folder of this job alone, removed with it. */
export function workFolder(root: string, name: string): Disposable & { readonly path: string } {
  const path = join(backupFiles({ root }).work, name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Throws Fault `conflict` when the file exists, `unavailable` when disk or permissions are in the way. */
export function createBackup({ places, to, lock }: CreateRequest, { clock, random }: Pick<Services, "clock" | "random">): CreatedBackup {
  const id = random.uuid();
  const seed = secretBytes(backupFiles(dataDirectory(places.dataDir)).signingKey, random);
  const created_at = clock.now();
  const { header: encryption, key } = lockKey(lock, random);
  using archive = new ArchiveWriter({ path: to, header: { id, created_at, version, encryption }, key });
  using work = workFolder(places.dataDir, id);
  const anchors = copyAnchors(places, work.path);
  const content = places.isElsewhere ? undefined : snapshot(places.dataDir, work.path);
  const files: WrittenFile[] = [];
  for (const source of everySource(places, work.path, anchors)) {
    const written = addSource(archive, source);
    if (written !== undefined) files.push(written);
  }
  const signer = signerOf(seed);
  const engine = places.isElsewhere ? ("postgres" as const) : ("sqlite" as const);
  const bytes = archive.finish({ id, created_at, version, schema: content?.schema ?? null, engine, files, tables: { ...content?.tables }, signer }, seed);
  return { id, path: to, bytes, created_at, files: files.length, is_encrypted: key !== undefined, database: places.isElsewhere ? "elsewhere" : "included", signer };
}

function snapshot(dataDir: string, work: string) {
  const into = join(work, DATABASE);
  writeSnapshot(dataDirectory(dataDir).database, into);
  return readContent(into);
}
