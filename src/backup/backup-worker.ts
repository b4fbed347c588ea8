/** What runs in the worker: one job, one answer. */
import { realServices } from "../services.ts";
import { doJob, type Job } from "./job.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<Job>) => {
  void doJob(data, realServices()).then((answer) => self.postMessage(answer));
};
