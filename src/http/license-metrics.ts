/** What a role's lease looks like to Prometheus. */
import type { Metric } from "./metrics.ts";
import type { Clock } from "../services.ts";
import { licenseStates } from "../license/entitlements.ts";
import type { LeaseHolderStatus } from "../license/holder/lease-holder.ts";

/** Gauges of a lease holder. Seconds are left until the event, negative when it is past; absent when there is no license. */
export function licenseMetrics({ entitlements, leaseAgeSeconds, graceEndsAt }: LeaseHolderStatus, clock: Clock): readonly Metric[] {
  const now = clock.now() / 1_000;
  const { state, license } = entitlements;
  const until = (at: number | undefined) => (at === undefined ? [] : [{ value: Math.round(at - now) }]);
  return [
    {
      name: "cyberun_license_state",
      help: "1 for the state the license is in.",
      type: "gauge",
      samples: Object.keys(licenseStates).map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 })),
    },
    { name: "cyberun_license_open", help: "1 while gated operations are allowed.", type: "gauge", samples: [{ value: licenseStates[state].open ? 1 : 0 }] },
    { name: "cyberun_license_expires_in_seconds", help: "Seconds until the license ends.", type: "gauge", samples: until(license?.expiresAt) },
    { name: "cyberun_license_grace_left_seconds", help: "Seconds until the grace ends if no License Server answers.", type: "gauge", samples: until(graceEndsAt) },
    {
      name: "cyberun_license_lease_age_seconds",
      help: "Age of the lease that is obeyed.",
      type: "gauge",
      samples: leaseAgeSeconds === undefined ? [] : [{ value: leaseAgeSeconds }],
    },
    { name: "cyberun_license_sequence", help: "Sequence of the license in force.", type: "gauge", samples: license === undefined ? [] : [{ value: license.sequence }] },
  ];
}
