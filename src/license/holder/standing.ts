/**
 * What a role's last signed answer is worth at a given second: the state table of the client's side.
 *
 *     signed refusal                          its state, at once and without grace
 *     good lease   until its end              as the lease says
 *                  until issue + grace        `unreachable`, as the lease says
 *                  after                      `grace_over`
 *                  after the license's end    `expired`, whatever else holds
 *     clock set back                          `clock_anomaly`, whatever else holds
 *     nothing                                 `missing`
 *
 * Rule: pure. An instant belongs to what begins at it: at the very second of its end a license has ended.
 */
import type { License } from "../document.ts";
import { type Entitlements, type LicenseState, without } from "../entitlements.ts";
import type { Denied, Granted } from "./grant.ts";
import type { Lease } from "../lease.ts";

/** What the role last accepted. */
export type Standing = { readonly kind: "none" } | Denied | Granted;

/** The moment for which the standing is judged. */
export interface Moment {
  /** Guarded time, epoch seconds. */
  readonly now: number;
  /** Epoch seconds when this host's clock was found set back; undefined while it is sound. */
  readonly anomalousSince: number | undefined;
  /** Why the last attempt failed, one sentence; undefined when it did not. */
  readonly failure: string | undefined;
}

export interface Judged {
  readonly entitlements: Entitlements;
  /** Epoch seconds from which on the same standing may be worth something else; Infinity when only an event changes it. */
  readonly changesAt: number;
}

const NO_ANSWER_YET = "No License Server has answered yet.";

function licenseFacts(license: License, expiresAt: number): Entitlements["license"] {
  return {
    licenseId: license.license_id,
    deploymentId: license.deployment_id,
    customerName: license.customer.name,
    template: license.template,
    sequence: license.sequence,
    expiresAt,
  };
}

type Facts = Pick<Entitlements, "license"> & Partial<Pick<Entitlements, "reason" | "since">>;

/** A state that grants nothing, with what is known about it. */
function shutBy(state: LicenseState, { license, reason, since }: Facts): Entitlements {
  return { ...without(state, reason, since), license };
}

/** A lease spells "nothing to say" as an empty text and an unknown instant as 0. */
function saidBy({ reason, since }: Lease): Pick<Entitlements, "reason" | "since"> {
  return { reason: reason === "" ? undefined : reason, since: since === 0 ? undefined : since };
}

function factsOf(standing: Standing): Entitlements["license"] {
  if (standing.kind === "none") return undefined;
  if (standing.kind === "granted") return licenseFacts(standing.license, standing.endsAt);
  return standing.license === undefined ? undefined : licenseFacts(standing.license, standing.license.expires_at);
}

function judgeDenied(standing: Denied): Judged {
  const { lease } = standing;
  return { entitlements: shutBy(lease.state, { ...saidBy(lease), license: factsOf(standing) }), changesAt: Infinity };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function judgeGranted(standing: Granted, { now, failure }: Moment): Judged {
  const { lease, endsAt, graceEndsAt, features, quotas, lagSeconds } = standing;
  const license = factsOf(standing);
  const staleAt = Math.min(lease.expires_at + lagSeconds, endsAt);
  const open = { features, quotas, license, graceEndsAt };
  if (now >= endsAt) return { entitlements: shutBy("expired", { since: endsAt, license }), changesAt: Infinity };
  if (now < staleAt) return { entitlements: { ...open, state: lease.state, ...saidBy(lease) }, changesAt: staleAt };
  if (now < graceEndsAt) {
    const reason = `${failure ?? NO_ANSWER_YET} The last lease is obeyed until ${iso(graceEndsAt)}.`;
    return { entitlements: { ...open, state: "unreachable", since: staleAt, reason }, changesAt: graceEndsAt };
  }
  return { entitlements: shutBy("grace_over", { since: Math.max(staleAt, graceEndsAt), license }), changesAt: endsAt };
}

/** What `standing` is worth at `moment`. */
export function judgeStanding(standing: Standing, moment: Moment): Judged {
  const { anomalousSince, failure } = moment;
  if (anomalousSince !== undefined) {
    const reason = "This host's clock was set back.";
    return { entitlements: shutBy("clock_anomaly", { reason, since: anomalousSince, license: factsOf(standing) }), changesAt: Infinity };
  }
  switch (standing.kind) {
    case "none":
      return { entitlements: without("missing", failure ?? NO_ANSWER_YET), changesAt: Infinity };
    case "denied":
      return judgeDenied(standing);
    case "granted":
      return judgeGranted(standing, moment);
  }
}
