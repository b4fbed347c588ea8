/**
 * Kill drill of the store: a process that writes is killed with SIGKILL again and again; what it had acknowledged must
 * be there afterwards, what it had not must be there whole or not at all, and the data must open at once.
 *
 * This is the process's death, not the machine's: a cut of power is what synchronous=FULL and the disk answer for.
 */
import { like, sql } from "drizzle-orm";
import { testServices } from "../support/services.ts";
import { makeTestDatabase, type TestDatabase, testEngine } from "../support/store.ts";
import type { DrillReport } from "./report.ts";

export interface StoreKillReport extends DrillReport {
  readonly violations: readonly string[];
  /** Pairs of rows whose commit was acknowledged before a kill. */
  readonly facts: { readonly engine: string; readonly acknowledged: number };
}

/** The long form: about a minute on SQLite, three on PostgreSQL. */
export const rounds = 500;

/** Pairs that are waited for before a kill; each round draws its own number, so that the kill lands anywhere. */
const PAIRS_MAX = 300;
const CHILD = new URL("./store-kill-child.ts", import.meta.url).pathname;

export async function drill(count: number): Promise<StoreKillReport> {
  const { random } = testServices({ seed: "store-kill" });
  await using database = await makeTestDatabase();
  const violations: string[] = [];
  let acknowledged = 0;
  for (let round = 0; round < count; round++) {
    const ids = await writeAndKill(database, round, 1 + Math.floor(random.fraction() * PAIRS_MAX));
    const { teams, audit, damage } = await inspect(database, round);
    acknowledged += ids.length;
    violations.push(
      ...ids.filter((id) => !teams.has(id) || !audit.has(id)).map((id) => `${id} was acknowledged and is gone`),
      ...[...teams.symmetricDifference(audit)].map((id) => `${id} is there by half`),
      ...damage.map((said) => `the engine's check after round ${round} says: ${said}`),
    );
  }
  return { name: "store kill -9", rounds: count, violations, facts: { engine: testEngine, acknowledged } };
}

/** Starts a writing process; `lines` are its acknowledgements. */
export function startWriting(database: TestDatabase, round: number) {
  const { dataDir, databaseUrl } = database;
  const location = [dataDir, `${round}`, ...(databaseUrl === undefined ? [] : [databaseUrl])];
  const child = Bun.spawn([process.execPath, CHILD, ...location], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  return { child, lines: wholeLines(child.stdout) };
}

async function writeAndKill(database: TestDatabase, round: number, wanted: number): Promise<string[]> {
  const { child, lines } = startWriting(database, round);
  const acknowledged: string[] = [];
  for await (const line of lines) {
    acknowledged.push(line);
    if (acknowledged.length === wanted) child.kill("SIGKILL");
  }
  await child.exited;
  if (child.signalCode !== "SIGKILL") throw new Error(`the writing process ended by itself: ${acknowledged.at(-1)}`);
  return acknowledged;
}

/** Without a last line that the kill has cut short. */
async function* wholeLines(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of output) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = pieces.pop() ?? "";
    yield* pieces;
  }
}

async function inspect(database: TestDatabase, round: number) {
  const store = await database.open();
  try {
    return await store.read(async (reader) => {
      const { teams, audit } = reader.tables;
      const ids = async (table: typeof teams | typeof audit) => {
        const rows = await reader.select({ id: table.id }).from(table).where(like(table.id, `${round}.%`));
        return new Set(rows.map((row) => row.id));
      };
      const check = reader.select({ said: sql<string>`integrity_check` }).from(sql`pragma_integrity_check`);
      const damage = store.engine === "sqlite" ? (await check).map((row) => row.said).filter((said) => said !== "ok") : [];
      return { teams: await ids(teams), audit: await ids(audit), damage };
    });
  } finally {
    await store.close();
  }
}
