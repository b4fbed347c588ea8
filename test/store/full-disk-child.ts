/**
 * Writes until the disk takes no more (the caller limits the size of files) and prints what happened as JSON.
 *
 *     bun full-disk-child.ts DATA_DIR ROW_BYTES
 */
import { Fault } from "../../src/fault.ts";
import { realServices } from "../../src/services.ts";
import { openStore } from "../../src/store/open.ts";

const BATCHES_MAX = 1_000;
const [dataDir = "", rowBytes = ""] = Bun.argv.slice(2);
const text = "x".repeat(Number(rowBytes));
const store = await openStore({ dataDir, databaseUrl: undefined, clock: realServices().clock });

const acknowledged: string[] = [];
const refused: string[] = [];

async function put(id: string): Promise<void> {
  try {
    await store.write(async (writer) => await writer.insert(writer.tables.teams).values({ id, display_name: text, created_at: 1 }));
    acknowledged.push(id);
  } catch (error) {
    refused.push(error instanceof Fault ? error.code : String(error));
  }
}

for (let batch = 0; refused.length === 0 && batch < BATCHES_MAX; batch++) {
  await Promise.all(Array.from({ length: 4 }, (_, index) => put(`${batch}.${index}`)));
}
const present = await store.read(async (reader) => {
  const { teams } = reader.tables;
  return (await reader.select({ id: teams.id }).from(teams)).map((row) => row.id);
});
console.log(JSON.stringify({ acknowledged, refused, present }));
