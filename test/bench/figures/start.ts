/** From the executable's first instruction to four ready roles, and what they hold in memory when nobody asks for anything. */
import { join } from "node:path";
import { type Deployment, startDeployment, startServing } from "../deployment.ts";
import { atMost, type Bench, compared, type Figure, type Place } from "../figure.ts";
import { residentMegabytes, until } from "../processes.ts";
import { compileRaw } from "../raw/compiled.ts";
import { column, contest, type Pair } from "../rounds.ts";

const ROUNDS = 15;
const MEMORY_ROUNDS = 3;
const EMPTY_START_MS_MAX = 400;
const WARM_START_MS_MAX = 300;
const IDLE_MEGABYTES_MAX = 100;

const rawLoop = "a compiled program with four Bun.serve listeners that answer /readyz and write the same file of addresses";

interface Starts {
  readonly emptyMs: number;
  readonly warmMs: number;
}

async function startMs(deployment: Promise<Deployment>): Promise<number> {
  await using running = await deployment;
  return running.startMs;
}

/** Counts the data directories, so that each round gets an empty one. */
function oursIn({ dist, scratch }: Place): () => Promise<Starts> {
  let round = 0;
  return async () => {
    const options = { executable: join(dist, "cyberun"), dataDir: join(scratch, `data-${++round}`) };
    return { emptyMs: await startMs(startDeployment(options)), warmMs: await startMs(startDeployment(options)) };
  };
}

function startHello(hello: string, folder: string): Promise<Deployment> {
  const readyFile = join(folder, "hello.json");
  return startServing([hello, readyFile], { folder, readyFile });
}

const SAMPLE_EVERY_MS = 500;
const SAMPLES_ALIKE = 4;
const ALIKE_WITHIN = 0.01;

/** Resident memory once it has come to rest: so many samples in a row that hardly differ. */
async function restingMegabytes(deployment: Promise<Deployment>): Promise<number> {
  await using running = await deployment;
  const samples: number[] = [];
  return await until(
    "the memory to come to rest",
    () => {
      samples.push(residentMegabytes(running.process.pid));
      const last = samples.slice(-SAMPLES_ALIKE);
      const [low, high] = [Math.min(...last), Math.max(...last)];
      return last.length === SAMPLES_ALIKE && high - low <= ALIKE_WITHIN * high ? high : undefined;
    },
    SAMPLE_EVERY_MS,
  );
}

function startFigure(name: string, title: string, pairs: readonly Pair<Starts>[], value: (starts: Starts) => number): Omit<Figure, "bars" | "notes"> {
  return { name, title, unit: "ms", rawLoop, ...compared(column(pairs, value)) };
}

async function memory({ dist, scratch }: Place, hello: string): Promise<Figure> {
  const pairs = await contest({
    rounds: MEMORY_ROUNDS,
    warmUps: 0,
    ours: () => restingMegabytes(startDeployment({ executable: join(dist, "cyberun"), dataDir: join(scratch, "data-1") })),
    raw: () => restingMegabytes(startHello(hello, scratch)),
  });
  const numbers = compared(column(pairs, (value) => value));
  return {
    name: "memory.idle",
    title: "Resident memory, four roles, idle",
    unit: "MB",
    rawLoop,
    ...numbers,
    bars: [atMost("largest round", IDLE_MEGABYTES_MAX, numbers.ours.max)],
    notes: [`Sampled every ${SAMPLE_EVERY_MS} ms until ${SAMPLES_ALIKE} samples in a row lay within ${ALIKE_WITHIN * 100} %. It counts the pages of the executable that are in use.`],
  };
}

export const starts: Bench = {
  name: "start",
  title: "Start and idle memory",
  async measure(place) {
    const hello = await compileRaw("hello", place.scratch);
    const raw = async () => {
      const ms = await startMs(startHello(hello, place.scratch));
      return { emptyMs: ms, warmMs: ms };
    };
    const pairs = await contest<Starts>({ rounds: ROUNDS, warmUps: 1, ours: oursIn(place), raw });
    const empty = startFigure("start.empty", "Start on an empty data directory, to four ready roles", pairs, ({ emptyMs }) => emptyMs);
    const warm = startFigure("start.warm", "Second start on the same directory", pairs, ({ warmMs }) => warmMs);
    return [
      { ...empty, bars: [atMost("median", EMPTY_START_MS_MAX, empty.ours.median)], notes: ["Makes every key, the database and its tables, enrols three roles and grants their first leases."] },
      { ...warm, bars: [atMost("median", WARM_START_MS_MAX, warm.ours.median)], notes: [] },
      await memory(place, hello),
    ];
  },
};
