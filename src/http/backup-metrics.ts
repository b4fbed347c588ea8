/** What backups look like to Prometheus. */
import type { BackupSite } from "../backup/site.ts";
import type { Metric } from "./metrics.ts";

function gauge(name: string, help: string, value: number | undefined): Metric {
  return { name, help, type: "gauge", samples: value === undefined ? [] : [{ value }] };
}

/** Gauges of the last backup and the last drill; without samples while there was none. */
export function backupMetrics(site: BackupSite): readonly Metric[] {
  const { last_backup, last_drill, last_failure } = site.status();
  const due = site.nextDue();
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : Math.floor(ms / 1_000));
  return [
    gauge("cyberun_backup_last_success_timestamp_seconds", "When the last backup was made.", seconds(last_backup?.created_at)),
    gauge("cyberun_backup_last_bytes", "Size of the last backup.", last_backup?.bytes),
    gauge("cyberun_backup_last_drill_timestamp_seconds", "When a backup was last drilled.", seconds(last_drill?.at)),
    gauge("cyberun_backup_last_drill_passed", "Whether the last drill found the backup good: 1 or 0.", last_drill === null ? undefined : Number(last_drill.passed)),
    gauge("cyberun_backup_last_failure_timestamp_seconds", "When a backup last failed, while none has been made since.", seconds(last_failure?.at)),
    gauge("cyberun_backup_next_due_timestamp_seconds", "When the next daily backup is due.", seconds(due)),
  ];
}
