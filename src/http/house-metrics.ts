/** What a process, its store, its certificate and its issuer look like to Prometheus. */
import { statSync } from "node:fs";
import type { TokenTally } from "../oidc/token-tally.ts";
import type { Clock } from "../services.ts";
import type { StoreFigures } from "../store/figures.ts";
import type { TaskStatus } from "../tasks/states.ts";
import { version } from "../version.ts";
import type { Metric } from "./metrics.ts";

/** `startedAt` in epoch milliseconds. */
export function processMetrics(startedAt: number): readonly Metric[] {
  return [
    { name: "cyberun_build_info", help: "Always 1; the version stands in its label.", type: "gauge", samples: [{ labels: { version }, value: 1 }] },
    { name: "process_start_time_seconds", help: "When the process started, in seconds since 1970.", type: "gauge", samples: [{ value: startedAt / 1_000 }] },
    { name: "process_resident_memory_bytes", help: "Memory that the process holds.", type: "gauge", samples: [{ value: process.memoryUsage.rss() }] },
  ];
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** `file` is SQLite's; undefined for another engine, whose server tells of its own size. */
export function storeMetrics({ commits, commands, failures, retries }: StoreFigures, file: string | undefined): readonly Metric[] {
  const sizes: readonly Metric[] =
    file === undefined
      ? []
      : [
          { name: "cyberun_store_size_bytes", help: "Size of the database file.", type: "gauge", samples: [{ value: bytesOf(file) }] },
          { name: "cyberun_store_wal_bytes", help: "Size of the write-ahead log beside it.", type: "gauge", samples: [{ value: bytesOf(`${file}-wal`) }] },
        ];
  return [
    { name: "cyberun_store_commits_total", help: "Transactions that were made durable; several commands may share one.", type: "counter", samples: [{ value: commits }] },
    { name: "cyberun_store_commands_total", help: "Commands that were acknowledged.", type: "counter", samples: [{ value: commands }] },
    { name: "cyberun_store_failures_total", help: "Transactions that the engine refused: a full disk, a lost connection, a lock.", type: "counter", samples: [{ value: failures }] },
    { name: "cyberun_store_retries_total", help: "Transactions that were run again because another one got in the way.", type: "counter", samples: [{ value: retries }] },
    ...sizes,
  ];
}

/** The certificate of the ports, where there is one. */
export interface ShownCertificate {
  readonly expiresInSeconds: number;
  readonly reloads: number;
  readonly isStale: boolean;
}

export function certificateMetrics(certificate: ShownCertificate | undefined): readonly Metric[] {
  if (certificate === undefined) return [];
  return [
    { name: "cyberun_tls_certificate_expires_in_seconds", help: "Seconds until the certificate of the ports ends.", type: "gauge", samples: [{ value: certificate.expiresInSeconds }] },
    { name: "cyberun_tls_certificate_reloads_total", help: "How often another certificate took over.", type: "counter", samples: [{ value: certificate.reloads }] },
    { name: "cyberun_tls_certificate_refused", help: "1 while the files hold a certificate that cannot be used.", type: "gauge", samples: [{ value: certificate.isStale ? 1 : 0 }] },
  ];
}

/** A quota of the deployment with its use. */
export interface QuotaFigure {
  readonly key: string;
  readonly limit: number;
  readonly used: number | null;
}

/** Quotas of the deployment; -1 is unlimited, and what is not counted has no use. */
export function quotaMetrics(uses: readonly QuotaFigure[]): readonly Metric[] {
  return [
    { name: "cyberun_license_quota_limit", help: "Cap of the deployment; -1 is unlimited.", type: "gauge", samples: uses.map(({ key, limit }) => ({ labels: { quota: key }, value: limit })) },
    {
      name: "cyberun_license_quota_used",
      help: "What of the cap is used.",
      type: "gauge",
      samples: uses.flatMap(({ key, used }) => (used === null ? [] : [{ labels: { quota: key }, value: used }])),
    },
  ];
}

export function taskMetrics(counts: ReadonlyMap<TaskStatus, number>): readonly Metric[] {
  return [{ name: "cyberun_tasks", help: "Tasks that are not over, by their state.", type: "gauge", samples: [...counts].map(([status, value]) => ({ labels: { status }, value })) }];
}

export function tokenMetrics({ issued, refused }: TokenTally): readonly Metric[] {
  return [
    { name: "cyberun_issuer_tokens_total", help: "Answers with tokens, by the grant.", type: "counter", samples: [...issued].map(([grant_type, value]) => ({ labels: { grant_type }, value })) },
    { name: "cyberun_issuer_refusals_total", help: "Refusals at the token endpoint, by the code.", type: "counter", samples: [...refused].map(([error, value]) => ({ labels: { error }, value })) },
  ];
}

/** What is asked of the store for a scrape, at most every few seconds: scrapes come from several places. */
export function kept<T>(clock: Clock, ask: () => Promise<T>): () => Promise<T> {
  const KEPT_MS = 5_000;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let answer: Promise<T> | undefined;
  return () => {
    if (answer === undefined || clock.monotonic() - askedAtMs >= KEPT_MS) {
      askedAtMs = clock.monotonic();
      const asked = ask();
      answer = asked;
      // A failure is told to whoever asked, and the next scrape asks again.
      asked.catch(() => (answer = undefined));
    }
    return answer;
  };
}
