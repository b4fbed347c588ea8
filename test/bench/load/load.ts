/** The bench's side of the load generator: starts its process, hands it jobs, gives back what it measured. */
import { join } from "node:path";
import { type Job, type LoadResult, type Order, type Reply, replyShape } from "./jobs.ts";

export interface RunningJob {
  /** Ends a paced job. */
  stop(): void;
  /** Throws when the job could not be done at all. */
  readonly result: Promise<LoadResult>;
}

export interface Load extends AsyncDisposable {
  start(job: Job): RunningJob;
  /** Starts the job and waits for its end. */
  run(job: Job): Promise<LoadResult>;
}

/** Starts a generator. */
export function startLoad(): Load {
  const waiting = new Map<number, PromiseWithResolvers<LoadResult>>();
  const settle = ({ id, result }: Reply) => {
    if ("error" in result) waiting.get(id)?.reject(new Error(result.error));
    else waiting.get(id)?.resolve(result);
    waiting.delete(id);
  };
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "generator.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc(message: unknown) {
      if (replyShape.Check(message)) settle(message);
    },
  });
  void child.exited.then(() => waiting.forEach(({ reject }) => reject(new Error("the load generator has ended"))));
  let lastId = 0;
  const start = (job: Job): RunningJob => {
    const id = ++lastId;
    const settled = Promise.withResolvers<LoadResult>();
    waiting.set(id, settled);
    child.send({ id, order: job } satisfies Order);
    return { stop: () => child.send({ id, order: "stop" } satisfies Order), result: settled.promise };
  };
  return {
    start,
    run: (job) => start(job).result,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
