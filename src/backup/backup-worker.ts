/**
 * What runs in the worker: one job, one answer.
 *
 * On Linux the thread steps back behind all others of this host, since nobody waits for a backup as they wait for an answer.
 */
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { realServices } from "../services.ts";
import { doJob, type Job } from "./job.ts";

declare const self: Worker;

const LOWEST_PRIORITY = 19;

function stepBack(): void {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    // Of a thread's id Linux takes it for that thread alone; the process's own would slow the server down.
    if (thread !== process.pid) setPriority(thread, LOWEST_PRIORITY);
  } catch {
    // Other systems have no such file, and a backup is as good without.
  }
}

self.onmessage = ({ data }: MessageEvent<Job>) => {
  stepBack();
  void doJob(data, realServices()).then((answer) => self.postMessage(answer));
};
