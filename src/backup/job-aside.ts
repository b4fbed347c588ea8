/** Starts the worker that does a job, and hands its answer on. */
import type { Job, JobAnswer } from "./job.ts";

/** Does the job in a worker of its own. */
export async function doJobAside(job: Job): Promise<JobAnswer> {
  // The executable's entry finds the worker's code by itself (`main.ts`).
  const worker = new Worker(Bun.isStandaloneExecutable ? Bun.main : new URL("./backup-worker.ts", import.meta.url));
  try {
    const { promise, resolve, reject } = Promise.withResolvers<JobAnswer>();
    worker.onmessage = ({ data }: MessageEvent<JobAnswer>) => resolve(data);
    worker.onerror = (event) => reject(new Error(`the worker for backups failed: ${event.message}`));
    worker.postMessage(job);
    return await promise;
  } finally {
    worker.terminate();
  }
}
