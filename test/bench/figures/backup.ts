/** A backup of 100 MB: what writes feel of it while it is made, and how soon it serves again. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireDone } from "../../../src/backup/job.ts";
import { doJobAside } from "../../../src/backup/job-aside.ts";
import { dataDirectory, prepareDataDirectory, secretBytes } from "../../../src/data-directory.ts";
import { realServices } from "../../../src/services.ts";
import { openSqliteStore } from "../../../src/store/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared, type Figure, type Place } from "../figure.ts";
import { type Pair } from "../rounds.ts";
import { median, percentiles, type Percentiles, summary } from "../statistics.ts";

const WRITES_PER_SECOND = 300;
const WRITE_MS_MAX = 50;
const SERVING_MS_MAX = 15_000;
const ROUNDS = 5;
const ROWS = 80_000;
const ROW_BYTES = 700;
const FILES = 40;
const FILE_BYTES = 1_000_000;

const services = realServices();

/** 60 MB of rows and 40 MB of files. */
async function fill(store: Store, dataDir: string): Promise<void> {
  const value = "x".repeat(ROW_BYTES);
  for (let from = 0; from < ROWS; from += 500) {
    await store.write(async (writer) => {
      const rows = Array.from({ length: 500 }, (_, index) => ({ id: `bench ${from + index}`, fingerprint: "", value, created_at: 0, expires_at: 0 }));
      await writer.insert(writer.tables.idempotencyKeys).values(rows);
    });
  }
  const folder = join(dataDir, "files", "stored", "00");
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < FILES; index++) writeFileSync(join(folder, `bench-${index}`), services.random.bytes(FILE_BYTES), { flush: true });
}

let written = 0;

/** Writes 300 a second until `isOver`; a write counts from when it was due, so that one that holds up others counts for them too. */
async function pacedWrites(store: Store, isOver: () => boolean): Promise<readonly number[]> {
  const latencies: Promise<number>[] = [];
  const startMs = performance.now();
  for (let count = 0; !isOver(); ) {
    const dueMs = startMs + (count * 1_000) / WRITES_PER_SECOND;
    if (performance.now() < dueMs) {
      await Bun.sleep(1);
      continue;
    }
    count += 1;
    written += 1;
    const id = `paced ${written}`;
    latencies.push(
      store
        .write(async (writer) => {
          await writer.insert(writer.tables.idempotencyKeys).values({ id, fingerprint: "", value: "x", created_at: 0, expires_at: 0 });
        })
        .then(() => performance.now() - dueMs),
    );
  }
  return await Promise.all(latencies);
}

async function whileBackedUp(store: Store, { dataDir, to }: { readonly dataDir: string; readonly to: string }): Promise<{ readonly latencies: readonly number[]; readonly ms: number; readonly bytes: number }> {
  const { masterKey, licenseFile } = dataDirectory(dataDir);
  let isOver = false;
  const writes = pacedWrites(store, () => isOver);
  await Bun.sleep(500);
  const startMs = performance.now();
  const answer = requireDone(await doJobAside({ kind: "create", request: { places: { dataDir, isElsewhere: false, masterKeyFile: masterKey, licenseFile, configFile: undefined }, to, lock: undefined } }));
  const ms = performance.now() - startMs;
  isOver = true;
  return { latencies: await writes, ms, bytes: "created" in answer ? answer.created.bytes : 0 };
}

function joined(rounds: readonly Percentiles[]): Percentiles {
  const of = (name: keyof Percentiles) => median(rounds.map((round) => round[name]));
  return { n: of("n"), p50: of("p50"), p95: of("p95"), p99: of("p99"), max: of("max") };
}

async function writesFigure({ scratch }: Place, dataDir: string): Promise<Figure> {
  const store = await openSqliteStore({ file: dataDirectory(dataDir).database, clock: services.clock });
  try {
    await fill(store, dataDir);
    const rounds: Pair<Percentiles>[] = [];
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { latencies, ms } = await whileBackedUp(store, { dataDir, to: join(scratch, `${round}.backup`) });
      const endMs = performance.now() + ms + 500;
      const raw = await pacedWrites(store, () => performance.now() > endMs);
      took.push(ms);
      rounds.push({ ours: percentiles(latencies), raw: percentiles(raw) });
    }
    const [ours, raw] = [rounds.map((round) => round.ours), rounds.map((round) => round.raw)];
    return {
      name: "backup.writes",
      title: `Durable writes at ${WRITES_PER_SECOND}/s while 100 MB are backed up, p99`,
      unit: "ms",
      rawLoop: "the same writes at the same rate without a backup",
      ...compared({ ours: ours.map(({ p99 }) => p99), raw: raw.map(({ p99 }) => p99) }),
      latencyMs: { ours: joined(ours), raw: joined(raw) },
      bars: [atMost("p99 of the worst round, ms", WRITE_MS_MAX, Math.max(...ours.map(({ p99 }) => p99)))],
      notes: [`A backup took ${Math.round(median(took))} ms. A write counts from the moment that it was due.`],
    };
  } finally {
    await store.close();
  }
}

async function servingFigure({ dist, scratch }: Place): Promise<Figure> {
  const executable = join(dist, "cyberun");
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const dataDir = join(scratch, `restored-${round}`);
    const startMs = performance.now();
    const restore = Bun.spawn([executable, "backup", "restore", join(scratch, "0.backup"), "--data-dir", dataDir], { stdout: "ignore", stderr: "inherit", env: {} });
    if ((await restore.exited) !== 0) throw new Error("the restore failed");
    await using deployment = await startDeployment({ executable, dataDir });
    times.push(performance.now() - startMs);
    void deployment;
  }
  return {
    name: "backup.serving",
    title: "100 MB restored until everything serves",
    unit: "ms",
    rawLoop: undefined,
    ours: summary(times),
    raw: undefined,
    ratio: undefined,
    bars: [atMost("slowest, ms", SERVING_MS_MAX, Math.max(...times))],
    notes: ["From the start of the restore command to the ready file of a server on the restored directory."],
  };
}

export const backups: Bench = {
  name: "backup",
  title: "Backup and restore",
  async measure(place) {
    const dataDir = join(place.scratch, "data");
    prepareDataDirectory(dataDir);
    secretBytes(dataDirectory(dataDir).masterKey, services.random);
    return [await writesFigure(place, dataDir), await servingFigure(place)];
  },
};
