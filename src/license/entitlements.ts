/**
 * What the license allows right now, as a plain value, and the two questions that operations ask of it.
 *
 * Rule: pure and without I/O; a check costs well under a microsecond because it is on every request's path.
 * Deny by default: an unknown feature is off, an unlisted quota is 0, a state that is not open shuts every gated operation.
 */
import { Fault } from "../fault.ts";
import type { Namespace } from "./document.ts";

/** Every license state, with whether gated operations are open in it (design section 4). The set is closed. */
export const licenseStates = {
  ok: { open: true, says: "the license is good" },
  expiring: { open: true, says: "the license is good and ends soon" },
  unreachable: { open: true, says: "no License Server answers; the last lease is obeyed for its grace" },
  grace_over: { open: false, says: "no License Server has answered for longer than the grace" },
  expired: { open: false, says: "the license has expired" },
  not_yet_valid: { open: false, says: "the license is not valid yet" },
  invalid: { open: false, says: "the license or the lease is not valid" },
  revoked: { open: false, says: "the license was revoked" },
  not_bound: { open: false, says: "the license is bound to another host or cluster" },
  clock_anomaly: { open: false, says: "the clock was set back" },
  rollback_suspected: { open: false, says: "the license file is older than one that was seen before" },
  missing: { open: false, says: "there is no license yet" },
} as const;

export type LicenseState = keyof typeof licenseStates;
export type OpenState = "ok" | "expiring" | "unreachable";

/** What to do about a state, one sentence each: shown by CLI, API and pages. */
export const licenseRemedies: Readonly<Record<LicenseState, string>> = {
  ok: "Nothing has to be done.",
  expiring: "Ask the vendor for a renewed license file and install it; no restart is needed.",
  unreachable: "Start the License Server or correct CYBERUN_LICENSE_SERVER_ADDRESSES before the grace ends.",
  grace_over: "Start the License Server or correct CYBERUN_LICENSE_SERVER_ADDRESSES; work goes on within seconds.",
  expired: "Install a renewed license file from the vendor (cyberun license install FILE); no restart is needed.",
  not_yet_valid: "Check the clock of the host; if it is right, wait for the license's first day or ask the vendor.",
  invalid: "Run cyberun license inspect FILE to see the reason and install a file signed by your vendor.",
  revoked: "Ask the vendor why, and for a license file that was issued after the revocation; install it, no restart is needed.",
  not_bound: "Ask the vendor for a license for this host; cyberun license fingerprint prints what they need.",
  clock_anomaly: "Set the clock of the host right; the state ends by itself when time has caught up.",
  rollback_suspected: "Install the newest license file that you were given.",
  missing: "Install a license file (cyberun license install FILE).",
};

export type FeatureMap = Readonly<Record<Namespace, Readonly<Record<string, boolean>>>>;
export type QuotaMap = Readonly<Record<Namespace, Readonly<Record<string, number>>>>;

export interface Entitlements {
  readonly state: LicenseState;
  /** Epoch seconds when the state began, where known. */
  readonly since: number | undefined;
  /** One sentence on why, when the state alone does not say it. Public. */
  readonly reason: string | undefined;
  readonly features: FeatureMap;
  readonly quotas: QuotaMap;
  readonly license:
    | {
        readonly licenseId: string;
        readonly deploymentId: string;
        readonly customerName: string;
        readonly template: string;
        readonly sequence: number;
        /** Epoch seconds, activation already counted in. */
        readonly expiresAt: number;
      }
    | undefined;
  /** Epoch seconds at which the grace ends if no License Server answers until then. */
  readonly graceEndsAt: number | undefined;
}

/** Something that knows the entitlements at any moment, without I/O. The lease holder is one. */
export interface Entitled {
  entitlements(): Entitlements;
}

/** A feature or quota key together with its namespace; a key counts only so. */
export interface Qualified {
  readonly namespace: Namespace;
  readonly key: string;
}

const nothing = { global: {}, account: {}, team: {} } as const;

/** The entitlements of a state that grants nothing. */
export function without(state: LicenseState, reason?: string, since?: number): Entitlements {
  return { state, since, reason, features: nothing, quotas: nothing, license: undefined, graceEndsAt: undefined };
}

function ownValue<V>(map: Readonly<Record<string, V>>, key: string): V | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

export function hasFeature(entitlements: Entitlements, { namespace, key }: Qualified): boolean {
  return ownValue(entitlements.features[namespace], key) === true;
}

/** -1 unlimited, 0 disabled, above 0 a hard cap. */
export function quotaLimit(entitlements: Entitlements, { namespace, key }: Qualified): number {
  return ownValue(entitlements.quotas[namespace], key) ?? 0;
}

/** The refusal of a gated operation in a state that is not open: 503 with the state as code. */
export function stateFault(state: Exclude<LicenseState, OpenState>, { since, reason }: Entitlements): Fault {
  return new Fault(state, reason ?? `This operation needs a good license, and ${licenseStates[state].says}.`, {
    hint: licenseRemedies[state],
    details: { state, since: since === undefined ? null : new Date(since * 1000).toISOString(), mended_by: state === "revoked" ? "vendor" : "operator" },
  });
}

/**
 * Throws unless the license is good: 503 with the state's code otherwise.
 * `feature` undefined asks for a good license only.
 */
export function requireLicensed(entitlements: Entitlements, feature: Qualified | undefined): void {
  const { state } = entitlements;
  if (state !== "ok" && state !== "expiring" && state !== "unreachable") throw stateFault(state, entitlements);
  if (feature === undefined || hasFeature(entitlements, feature)) return;
  throw new Fault("feature_disabled", `The feature ${feature.key} is off in this deployment's license.`, {
    hint: "Ask the vendor for a license that carries it; it acts as soon as the new file is installed.",
    details: { feature: feature.key, namespace: feature.namespace, mended_by: "vendor" },
  });
}
