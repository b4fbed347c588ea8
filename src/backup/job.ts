/**
 * The work on backups as jobs, done in a worker (`job-aside.ts`): reading, hashing and encrypting for seconds must not keep a server from
 * answering.
 *
 * Rule: a job and its answer are plain values, since they cross threads.
 */
import { Fault, type FaultCode } from "../fault.ts";
import type { Services } from "../services.ts";
import { createBackup, type CreatedBackup, type CreateRequest } from "./create.ts";
import { drillBackup, type Drilled, type DrillRequest } from "./drill.ts";

export type Job = { readonly kind: "create"; readonly request: CreateRequest } | { readonly kind: "drill"; readonly request: DrillRequest };

interface CarriedFault {
  readonly code: FaultCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
}

export type JobAnswer = { readonly created: CreatedBackup } | { readonly drilled: Drilled } | { readonly fault: CarriedFault } | { readonly bug: string };

/** Does the job here and now. */
export async function doJob(job: Job, services: Services): Promise<JobAnswer> {
  try {
    if (job.kind === "create") return { created: createBackup(job.request, services) };
    return { drilled: await drillBackup(job.request, services) };
  } catch (error) {
    if (error instanceof Fault) return { fault: { code: error.code, message: error.message, hint: error.hint, details: error.details } };
    return { bug: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) };
  }
}

/** Throws what the job threw. */
export function requireDone(answer: JobAnswer): Exclude<JobAnswer, { readonly fault: unknown } | { readonly bug: unknown }> {
  if ("bug" in answer) throw new Error(answer.bug);
  if (!("fault" in answer)) return answer;
  const { code, message, hint, details } = answer.fault;
  throw new Fault(code, message, { ...(hint === undefined ? {} : { hint }), ...(details === undefined ? {} : { details }) });
}
