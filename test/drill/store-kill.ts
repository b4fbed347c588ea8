/**
 * Kill drill of the store: a process that writes is killed with SIGKILL again and again; what it had acknowledged must
 * be there afterwards, what it had not must be there whole or not at all, and the data must open at once.
 *
 * This is the process's death, not the machine's: a cut of power is what synchronous=FULL and the disk answer for.
 */
import { like, sql } from "drizzle-orm";
import { makeTestDatabase, type TestDatabase, testEngine } from "../support/store.ts";

export interface StoreKillReport {
  readonly engine: string;
  readonly rounds: number;
  /** Pairs of rows whose commit was acknowledged before a kill. */
  readonly acknowledged: number;
  /** Acknowledged, and not there: must be 0. */
  readonly lost: number;
  /** One row of a pair without the other: must be 0. */
  readonly torn: number;
  /** Complaints of the engine's own check; must be empty. */
  readonly damage: readonly string[];
}

/** Pairs that are waited for before a kill; each round draws its own number, so that the kill lands anywhere. */
const PAIRS_MAX = 300;
const CHILD = new URL("./store-kill-child.ts", import.meta.url).pathname;

export async function drill(rounds: number): Promise<StoreKillReport> {
  await using database = await makeTestDatabase();
  const report = { engine: testEngine, rounds, acknowledged: 0, lost: 0, torn: 0, damage: new Array<string>() };
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await writeAndKill(database, round);
    const found = await inspect(database, round);
    report.acknowledged += acknowledged.length;
    report.lost += acknowledged.filter((id) => !found.teams.has(id) || !found.audit.has(id)).length;
    report.torn += found.teams.symmetricDifference(found.audit).size;
    report.damage.push(...found.damage);
  }
  return report;
}

/** Starts a writing process; `lines` are its acknowledgements. */
export function startWriting(database: TestDatabase, round: number) {
  const { dataDir, databaseUrl } = database;
  const location = [dataDir, `${round}`, ...(databaseUrl === undefined ? [] : [databaseUrl])];
  const child = Bun.spawn([process.execPath, CHILD, ...location], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  return { child, lines: wholeLines(child.stdout) };
}

async function writeAndKill(database: TestDatabase, round: number): Promise<string[]> {
  const { child, lines } = startWriting(database, round);
  const wanted = 1 + Math.floor(Math.random() * PAIRS_MAX);
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
