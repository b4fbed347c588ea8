/** Chooses the engine: PostgreSQL when there is an address, else SQLite in the data directory. */
import { dataDirectory } from "../data-directory.ts";
import type { Clock } from "../services.ts";
import type { StoreFigures } from "./figures.ts";
import { openPostgresStore } from "./postgres.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { OnTail, Store } from "./store.ts";

export interface OpenStoreOptions {
  /** `postgres://…`; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  /** A directory that exists. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly onTail?: OnTail;
  /** Is counted up. */
  readonly figures?: StoreFigures;
}

/** Opens the store, its schema up to date. Throws as {@link openSqliteStore} and {@link openPostgresStore}. */
export async function openStore({ databaseUrl, dataDir, ...options }: OpenStoreOptions): Promise<Store> {
  if (databaseUrl !== undefined) return await openPostgresStore({ url: databaseUrl, ...options });
  return await openSqliteStore({ file: dataDirectory(dataDir).database, ...options });
}
