/** The store with what the audit needs around it: the anchor of its chains, and the count of refusals. */
import { dataDirectory } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import type { AuditPen } from "../gate/audit.ts";
import { Refusals } from "../gate/refusals.ts";
import { newFigures, type StoreFigures } from "../store/figures.ts";
import { openStore } from "../store/open.ts";
import type { Store, Tail } from "../store/store.ts";
import { Anchor } from "./anchor.ts";

export interface AuditedStoreOptions extends AuditPen {
  /** `postgres://…`; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  /** A directory that exists. */
  readonly dataDir: string;
}

export interface AuditedStore {
  readonly store: Store;
  readonly figures: StoreFigures;
  readonly refusals: Refusals;
  /** Rows that the anchor has seen and that are not in the store. */
  readonly missing: readonly Tail[];
  /** Writes what was counted, then closes the store and the anchor. */
  close(): Promise<void>;
}

/** Throws as `openStore` does. */
export async function openAuditedStore({ databaseUrl, dataDir, services, sealer }: AuditedStoreOptions): Promise<AuditedStore> {
  const anchor = new Anchor(dataDirectory(dataDir), { sealer, services, isOnly: databaseUrl === undefined });
  const figures = newFigures();
  const onTail = (tail: Tail) => {
    try {
      anchor.note(tail);
    } catch (error) {
      // What is committed is not refused: the chain would go on from a row that is not its last. The anchor claims less until the next commit.
      if (!(error instanceof Fault)) throw error;
      figures.failures += 1;
    }
  };
  const store = await openStore({ databaseUrl, dataDir, figures, clock: services.clock, onTail });
  const refusals = new Refusals({ services, sealer, store });
  const close = async () => {
    await refusals.stop();
    await store.close();
    anchor.close();
  };
  try {
    return { store, figures, refusals, missing: await anchor.settle(store), close };
  } catch (error) {
    await close();
    throw error;
  }
}
