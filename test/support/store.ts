/**
 * A fresh real store on the engine under test: `TEST_ENGINE=sqlite` (default) or `postgres`.
 *
 *     await using database = await openTestStore();
 *     await database.store.write(async (writer) => …);
 *
 * PostgreSQL is the server of `TEST_POSTGRES_URL`, or one that is started for this process and stopped with it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, realServices } from "../../src/services.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  /** The directory that would be the data directory. */
  readonly dataDir: string;
  /** What `CYBERUN_DATABASE_URL` would be; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  /** Closes the store and opens the same data again, as a restart does. */
  reopen(): Promise<Store>;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

export interface TestStoreOptions {
  /**
   * The store's own clock: time limits and the times of migrations. The real one unless told, because a test that
   * moves time while a command runs would run into the command's time limit.
   */
  readonly clock?: Clock;
}

const directories = new Set<string>();
process.on("exit", () => directories.forEach(removeDirectory));

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  directories.delete(directory);
}

export async function openTestStore({ clock = realServices().clock }: TestStoreOptions = {}): Promise<TestStore> {
  const dataDir = mkdtempSync(join(tmpdir(), "cyberun-store-"));
  directories.add(dataDir);
  const open = () => openSqliteStore({ file: join(dataDir, "cyberun.db"), clock });
  let store = await open();
  const close = async () => {
    await store.close();
    removeDirectory(dataDir);
  };
  return {
    get store() {
      return store;
    },
    dataDir,
    databaseUrl: undefined,
    reopen: async () => {
      await store.close();
      store = await open();
      return store;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
