/**
 * The process that the kill drill kills: writes pairs of rows as fast as it can and says which ones were acknowledged.
 *
 *     bun store-kill-child.ts DATA_DIR ROUND [DATABASE_URL]
 *
 * Each line of its output is the id of a pair whose commit was acknowledged; a refusal to open is `refused CODE`.
 */
import { writeSync } from "node:fs";
import { Fault } from "../../src/fault.ts";
import { realServices } from "../../src/services.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/store.ts";

const WRITERS = 8;

async function writePairs(store: Store, name: string): Promise<never> {
  for (let count = 0; ; count++) {
    const id = `${name}.${count}`;
    await store.write(async (writer) => {
      const { teams, audit } = writer.tables;
      await writer.insert(teams).values({ id, display_name: "", created_at: count });
      await writer.insert(audit).values({ id, stream: id, sequence: 1, at: count, operation: "", outcome: "", actor: "", details: "{}", chain: "", seal: "" });
    });
    writeSync(1, `${id}\n`);
  }
}

async function main([dataDir, round, databaseUrl]: readonly string[]): Promise<void> {
  if (dataDir === undefined || round === undefined) throw new Error("usage: store-kill-child.ts DATA_DIR ROUND [DATABASE_URL]");
  try {
    const store = await openStore({ dataDir, databaseUrl, clock: realServices().clock });
    await Promise.all(Array.from({ length: WRITERS }, (_, index) => writePairs(store, `${round}.${index}`)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    writeSync(1, `refused ${error.code}\n`);
    process.exit(1);
  }
}

if (import.meta.main) await main(Bun.argv.slice(2));
