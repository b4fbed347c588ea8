/**
 * What the License Server says about itself and its license to anybody who asks.
 *
 * Rule: public. No customer name, no host part, no path, no client; times are epoch seconds, as in all of licensing.
 */
import { version } from "../../version.ts";
import { licenseRemedies, licenseStates } from "../entitlements.ts";
import type { Moment, Problem } from "./in-force.ts";
import type { ServedState } from "../lease.ts";
import { termOf } from "./standing.ts";

export interface LicenseStatus {
  readonly state: ServedState;
  readonly since: number;
  readonly reason: string;
  readonly hint: string;
  readonly license: {
    readonly license_id: string;
    readonly deployment_id: string;
    readonly template: string;
    readonly sequence: number;
    readonly not_before: number;
    /** End of the license, a trial counted from its first use. */
    readonly expires_at: number;
    readonly binding: string;
    /** Kinds of host parts that differ from those of the license or of its first use: a warning. */
    readonly changed_parts: readonly string[];
  } | null;
  readonly server: {
    readonly version: string;
    readonly epoch: number;
    /** Thumbprint of the instance key. */
    readonly instance: string;
    readonly time: number;
    readonly clock: "ok" | "anomaly";
    readonly step_back_seconds: number;
    /** Since when it is known that the state was restored from an older copy; null when it was not. */
    readonly restored_since: number | null;
  };
  /** Why the file that lies there is not the license in force. */
  readonly problem: Problem | null;
}

interface Identity {
  readonly instance: { readonly kid: string };
}

function licensePart({ accepted, activatedAtMs }: Moment): LicenseStatus["license"] {
  if (accepted === undefined) return null;
  const { license_id, deployment_id, template, sequence, not_before, binding } = accepted.license;
  return {
    license_id,
    deployment_id,
    template,
    sequence,
    not_before,
    expires_at: termOf(accepted.license, activatedAtMs).endsAt,
    binding: binding.kind,
    changed_parts: accepted.binding.kind === "bound" ? accepted.binding.changed : [],
  };
}

export function statusOf(moment: Moment, { instance }: Identity): LicenseStatus {
  const { standing, clock, problem, epoch, restoredSince } = moment;
  const { state, since, reason } = standing;
  return {
    state,
    since,
    reason: reason === "" ? `${licenseStates[state].says.charAt(0).toUpperCase()}${licenseStates[state].says.slice(1)}.` : reason,
    hint: licenseRemedies[state],
    license: licensePart(moment),
    server: {
      version,
      epoch,
      instance: instance.kid,
      time: Math.floor(clock.nowMs / 1_000),
      clock: clock.isAnomalous ? "anomaly" : "ok",
      step_back_seconds: Math.ceil(clock.stepBackMs / 1_000),
      restored_since: restoredSince ?? null,
    },
    problem: problem ?? null,
  };
}
