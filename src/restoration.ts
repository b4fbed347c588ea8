/**
 * The last step of a restore, which any process that opens the data directory ends if it was cut short.
 *
 *     DATA/restore/new/       what is to lie in the data directory, whole and flushed
 *     DATA/restore/commit     once it is there, the restore has happened: {"id":…,"names":[…]}
 *     DATA/restore/old/       what lay there before; becomes DATA/before-restore-ID/
 *
 * Rule: before `commit` the old deployment stands and `restore/` counts for nothing; after it, each name is moved until
 * all are, however often that is cut short. It stays within the directory, which may be a mount of its own and whose
 * parent the server's user need not be able to write.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { findJson } from "./json.ts";
import { shapeOf } from "./shape.ts";

const commitShape = shapeOf(Type.Object({ id: Type.String(), names: Type.Array(Type.String()) }));

export interface RestorationFolders {
  readonly root: string;
  readonly fresh: string;
  readonly old: string;
  readonly commit: string;
}

export function restorationFolders(dataDir: string): RestorationFolders {
  const root = join(dataDir, "restore");
  return { root, fresh: join(root, "new"), old: join(root, "old"), commit: join(root, "commit") };
}

/** Where a drill lets the process die; elsewhere undefined. */
export type StepHook = ((step: string) => void) | undefined;

function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** From here on the restore has happened. `names` are all that it decides about, whether they are in the backup or not. */
export function commitRestoration(dataDir: string, commit: { readonly id: string; readonly names: readonly string[] }): void {
  const { root, commit: path } = restorationFolders(dataDir);
  const beside = `${path}.new`;
  writeFileSync(beside, JSON.stringify(commit), { mode: 0o600 });
  flush(beside);
  renameSync(beside, path);
  flush(root);
}

function readCommit(path: string): { readonly id: string; readonly names: readonly string[] } {
  const value = findJson(readFileSync(path, "utf8"));
  if (commitShape.Check(value)) return value;
  throw new Error(`${path} is damaged`);
}

/** Moves what is left to be moved. A new file is there exactly as long as its name was not moved. */
export function finishRestoration(dataDir: string, onStep?: StepHook): void {
  const { root, fresh, old, commit } = restorationFolders(dataDir);
  if (!existsSync(commit)) return;
  const { id, names } = readCommit(commit);
  const before = join(dataDir, `before-restore-${id}`);
  if (!existsSync(before)) mkdirSync(old, { recursive: true, mode: 0o700 });
  for (const name of names) {
    const [place, next, past] = [join(dataDir, name), join(fresh, name), join(old, name)];
    // A name that was in the backup and has moved stays; one that was not leaves the directory.
    const hasMoved = !existsSync(next) && existsSync(join(fresh, `${name}.moved`));
    if (!hasMoved && existsSync(place)) {
      if (existsSync(past)) rmSync(past, { recursive: true });
      renameSync(place, past);
      onStep?.(`moved the old ${name}`);
    }
    if (!existsSync(next)) continue;
    writeFileSync(join(fresh, `${name}.moved`), "", { mode: 0o600 });
    renameSync(next, place);
    onStep?.(`moved the new ${name}`);
  }
  flush(dataDir);
  if (existsSync(old)) renameSync(old, before);
  onStep?.("kept the old files");
  rmSync(commit);
  flush(root);
  onStep?.("closed the restore");
  rmSync(root, { recursive: true, force: true });
}
