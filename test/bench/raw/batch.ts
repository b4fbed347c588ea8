/** The raw loop's durable writes: bun:sqlite itself, with the store's settings and its rule for sharing a commit. */
import { Database } from "bun:sqlite";

/** As the store: commands that share one commit at most. */
const BATCH_MAX = 128;

/** A database with the settings that make a commit durable. */
export function openRawDatabase(file: string): Database {
  const database = new Database(file, { create: true, readwrite: true });
  for (const pragma of ["busy_timeout = 2000", "journal_mode = wal", "synchronous = full", "wal_autocheckpoint = 1000"]) database.run(`pragma ${pragma}`);
  return database;
}

interface Waiting {
  readonly work: () => void;
  readonly done: () => void;
}

/**
 * Runs synchronous work inside shared transactions: what arrives in one turn of the event loop, or while a commit runs,
 * is one commit.
 */
export function batched(database: Database): (work: () => void) => Promise<void> {
  const begin = database.prepare("begin immediate");
  const commit = database.prepare("commit");
  let waiting: Waiting[] = [];
  let isArmed = false;
  const arm = () => {
    isArmed = true;
    setImmediate(flush);
  };
  const flush = () => {
    const batch = waiting.slice(0, BATCH_MAX);
    waiting = waiting.slice(BATCH_MAX);
    begin.run();
    for (const { work } of batch) work();
    commit.run();
    for (const { done } of batch) done();
    isArmed = false;
    if (waiting.length > 0) arm();
  };
  return (work) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ work, done: resolve });
    if (!isArmed) arm();
    return promise;
  };
}
