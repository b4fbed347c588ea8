/** What the issuer's signing keys look like to Prometheus. */
import type { KeySchedule } from "../oidc/key-rotation.ts";
import type { Clock } from "../services.ts";
import type { Metric } from "./metrics.ts";

/** Gauges for each algorithm in use; the time until the next change is negative when it is overdue. */
export function signingKeyMetrics(schedule: readonly KeySchedule[], clock: Clock): readonly Metric[] {
  const now = clock.now();
  const seconds = (alg: string, ms: number | undefined) => (ms === undefined ? [] : [{ labels: { alg }, value: Math.round(ms / 1_000) }]);
  return [
    {
      name: "cyberun_signing_key_age_seconds",
      help: "Seconds since the key that signs tokens began to.",
      type: "gauge",
      samples: schedule.flatMap(({ alg, signingSince }) => seconds(alg, signingSince === undefined ? undefined : now - signingSince)),
    },
    {
      name: "cyberun_signing_key_next_change_seconds",
      help: "Seconds until the next key signs.",
      type: "gauge",
      samples: schedule.flatMap(({ alg, nextChangeAt }) => seconds(alg, nextChangeAt === undefined ? undefined : nextChangeAt - now)),
    },
  ];
}
