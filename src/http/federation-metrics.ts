/** What other sites look like to Prometheus. */
import type { FederationStatus } from "../federation/federation-timer.ts";
import type { Clock } from "../services.ts";
import type { Metric } from "./metrics.ts";

const behindness = { ok: 0, due: 1, behind: 2 } as const;

/** Gauges for each pinned site, and for a site that follows another one's keys. */
export function federationMetrics({ sites, keys }: FederationStatus, clock: Clock): readonly Metric[] {
  const now = clock.now();
  return [
    {
      name: "cyberun_federation_bundle_expires_seconds",
      help: "Seconds until the bundle of a pinned site expires; negative once it has.",
      type: "gauge",
      samples: sites.map(({ id, expires_at }) => ({ labels: { site: id }, value: Math.round((Date.parse(expires_at) - now) / 1_000) })),
    },
    {
      name: "cyberun_federation_keys_behind",
      help: "Whether this site has the leading site's signing keys: 0 yes, 1 an export is due, 2 it is behind.",
      type: "gauge",
      samples: keys?.standing === "follower" ? [{ labels: {}, value: behindness[keys.state] }] : [],
    },
  ];
}
