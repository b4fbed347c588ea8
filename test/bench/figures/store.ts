/** Durable writes: one caller and sixteen, beside bun:sqlite with the same table, statement and settings. */
import { join } from "node:path";
import type { Database } from "bun:sqlite";
import { realServices } from "../../../src/services.ts";
import { openSqliteStore } from "../../../src/store/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { type Bench, compared, type Figure } from "../figure.ts";
import { openRawDatabase } from "../raw/batch.ts";
import { column, contest } from "../rounds.ts";

const CALLERS = 16;
const ROUND_SECONDS = 0.6;
const ROUNDS = 7;

const services = realServices();

function auditRow() {
  return {
    id: services.random.uuid(),
    at: services.clock.now(),
    operation: "bench.write",
    outcome: "done",
    actor: "system",
    team_id: null,
    subject: "bench:1",
    address: null,
    details: "{}",
  };
}

/** Writes a second, `write` being one durable call that wrote `rows` rows. */
async function rate(callers: number, rows: number, write: () => Promise<void> | void): Promise<number> {
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + ROUND_SECONDS * 1_000;
  let written = 0;
  const loop = async () => {
    while (performance.now() < endsAtMs) {
      await write();
      written += rows;
    }
  };
  await Promise.all(Array.from({ length: callers }, loop));
  return (written * 1_000) / (performance.now() - startedAtMs);
}

const rawTable = "create table audit (id text primary key, at integer not null, operation text not null, outcome text not null, actor text not null, team_id text, subject text, address text, details text not null)";

function rawWriter(database: Database): () => void {
  database.run(rawTable);
  const insert = database.prepare("insert into audit values (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  return () => {
    const { id, at, operation, outcome, actor, team_id, subject, address, details } = auditRow();
    insert.run(id, at, operation, outcome, actor, team_id, subject, address, details);
  };
}

let sequence = 0;

async function durableWrite(store: Store): Promise<void> {
  await store.write(async (writer) => {
    await writer.insert(writer.tables.audit).values({ ...auditRow(), stream: "main", sequence: (sequence += 1), chain: "", seal: "" });
  });
}

async function single(store: Store, insert: () => void): Promise<Figure> {
  const pairs = await contest({ rounds: ROUNDS, warmUps: 2, ours: () => rate(1, 1, () => durableWrite(store)), raw: () => rate(1, 1, insert) });
  return {
    name: "store.single",
    title: "Durable writes, one caller",
    unit: "writes/s",
    rawLoop: "a prepared insert in bun:sqlite, one commit each, same table and settings (write-ahead log, synchronous=FULL)",
    ...compared(column(pairs, (value) => value)),
    bars: [],
    notes: ["Each write is one flush of the disk. Ours waits one turn of the event loop for others to join the commit, and builds its statement with drizzle."],
  };
}

async function concurrent(store: Store, database: Database, insert: () => void): Promise<Figure> {
  const batch = database.transaction(() => {
    for (let row = 0; row < CALLERS; row++) insert();
  });
  const pairs = await contest({
    rounds: ROUNDS,
    warmUps: 2,
    ours: () => rate(CALLERS, 1, () => durableWrite(store)),
    raw: () => rate(1, CALLERS, () => void batch.immediate()),
  });
  return {
    name: "store.concurrent",
    title: `Durable writes, ${CALLERS} callers`,
    unit: "writes/s",
    rawLoop: `the same insert ${CALLERS} times in one transaction of bun:sqlite, again and again`,
    ...compared(column(pairs, (value) => value)),
    bars: [],
    notes: [`Ours puts each of the ${CALLERS} behind a savepoint of its own, so that one can fail alone; the raw loop has one fate for all.`],
  };
}

export const storeWrites: Bench = {
  name: "store",
  title: "Durable writes",
  async measure({ scratch }) {
    const store = await openSqliteStore({ file: join(scratch, "ours.db"), clock: services.clock });
    const database = openRawDatabase(join(scratch, "raw.db"));
    try {
      const insert = rawWriter(database);
      return [await single(store, insert), await concurrent(store, database, insert)];
    } finally {
      await store.close();
      database.close();
    }
  },
};
