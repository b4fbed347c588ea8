/**
 * The state machine of the License Server: what the accepted license is worth at this second on this host.
 *
 *     missing → invalid → rollback_suspected → clock_anomaly → revoked → not_bound → not_yet_valid → expired → expiring → ok
 *
 * Rule: pure. The list of checks is the specification; the first that objects names the state. Facts that say how far a
 * later fact can be trusted come first: while the clock is in doubt nothing is said about dates.
 * A revoked license stands below the sequence of its revocation and is not called rolled back for that.
 */
import type { BindingVerdict } from "./binding.ts";
import type { License } from "../document.ts";
import type { LicenseState } from "../entitlements.ts";
import type { ServedState } from "../lease.ts";
import { revocationReason, revokes } from "../revocation.ts";
import type { RevocationMark } from "./marks.ts";

const DAY_SECONDS = 86_400;
/** A license is `expiring` so long before its end, or in the last tenth of a term shorter than 300 days. */
export const EXPIRING_SECONDS_MAX = 30 * DAY_SECONDS;
const EXPIRING_SHARE = 10;

/** Why the license file is not in force. */
export interface FileProblem {
  /** Stable word: a refusal of `document.ts`, `sequence_too_low`, `revoked`, `other_deployment`, `unreadable`, `file_missing`, or the state it would bring. */
  readonly refusal: string;
  readonly message: string;
}

export interface StandingFacts {
  /** The accepted license. */
  readonly license: License | undefined;
  /** Epoch milliseconds of a trial's first use. */
  readonly activatedAtMs: number | undefined;
  /** What is wrong with the file, if anything; it only decides the state when no license was accepted. */
  readonly problem: FileProblem | undefined;
  /** Highest sequence ever seen for the license's deployment. */
  readonly sequenceMark: number;
  /** The latest revocation of the license's deployment. */
  readonly revocation: RevocationMark | undefined;
  readonly clock: { readonly nowMs: number; readonly stepBackMs: number; readonly isAnomalous: boolean };
  readonly binding: BindingVerdict | undefined;
}

export interface LicenseStanding {
  readonly state: ServedState;
  /** One sentence; empty when the state says it all. */
  readonly reason: string;
  /** Epoch seconds when the state began, where the facts tell; otherwise it is when the server noticed. */
  readonly since: number | undefined;
  /** Epoch seconds from which on the same facts mean another state; undefined when time alone changes nothing. */
  readonly changesAt: number | undefined;
}

export interface Term {
  /** Epoch seconds. */
  readonly startsAt: number;
  readonly warnsAt: number;
  /** Epoch seconds: the first second in which the license is over. */
  readonly endsAt: number;
}

/** A trial's end by its first use; a trial whose first use is not known has not begun, and so grants nothing. */
function trialEnd(license: License, activatedAtMs: number | undefined): number {
  if (license.activation === undefined) return Infinity;
  if (activatedAtMs === undefined) return license.not_before;
  return Math.floor(activatedAtMs / 1_000) + license.activation.days * DAY_SECONDS;
}

/** When a license begins, warns and ends, a trial counted from its first use. */
export function termOf(license: License, activatedAtMs: number | undefined): Term {
  const endsAt = Math.min(license.expires_at, trialEnd(license, activatedAtMs));
  const isTrial = license.activation !== undefined && activatedAtMs !== undefined;
  const startsAt = isTrial ? Math.max(license.not_before, Math.floor(activatedAtMs / 1_000)) : license.not_before;
  const warningSeconds = Math.min(EXPIRING_SECONDS_MAX, Math.floor((endsAt - startsAt) / EXPIRING_SHARE));
  return { startsAt, warnsAt: endsAt - warningSeconds, endsAt };
}

function standing(state: ServedState, reason: string, times: { since?: number; changesAt?: number } = {}): LicenseStanding {
  return { state, reason, since: times.since, changesAt: times.changesAt };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function judgeAbsence({ problem }: StandingFacts): LicenseStanding {
  if (problem === undefined || problem.refusal === "file_missing") return standing("missing", "There is no license file yet.");
  if (problem.refusal === "revoked") return standing("revoked", problem.message);
  return standing(problem.refusal === "sequence_too_low" ? "rollback_suspected" : "invalid", problem.message);
}

function judgeDates(term: Term, license: License, nowSeconds: number): LicenseStanding {
  const { warnsAt, endsAt } = term;
  if (nowSeconds < license.not_before) {
    return standing("not_yet_valid", `The license is valid from ${iso(license.not_before)}.`, { changesAt: license.not_before });
  }
  if (nowSeconds >= endsAt) return standing("expired", `The license ended at ${iso(endsAt)}.`, { since: endsAt });
  if (nowSeconds >= warnsAt) return standing("expiring", `The license ends at ${iso(endsAt)}.`, { since: warnsAt, changesAt: endsAt });
  return standing("ok", "", { changesAt: warnsAt });
}

/** The revocation that ends the license, if one does. */
function endedBy(license: License, { revocation }: StandingFacts): RevocationMark | undefined {
  return revocation !== undefined && revokes(revocation.revocation, license) ? revocation : undefined;
}

/** What the facts mean now. */
export function judgeLicense(facts: StandingFacts): LicenseStanding {
  const { license, sequenceMark, clock, binding } = facts;
  if (license === undefined) return judgeAbsence(facts);
  const ended = endedBy(license, facts);
  if ((ended?.revocation.sequence ?? license.sequence) < sequenceMark) {
    return standing("rollback_suspected", `The license has sequence ${license.sequence}, and ${sequenceMark} was seen before for this deployment.`);
  }
  if (clock.isAnomalous) {
    return standing("clock_anomaly", `The clock stands ${Math.ceil(clock.stepBackMs / 1_000)} seconds behind a time that was seen before.`);
  }
  if (ended !== undefined) return standing("revoked", revocationReason(ended.revocation), { since: Math.floor(ended.seenAtMs / 1_000) });
  if (binding?.kind === "not_bound") return standing("not_bound", binding.reason);
  return judgeDates(termOf(license, facts.activatedAtMs), license, Math.floor(clock.nowMs / 1_000));
}

/** True in the states that grant what the license says. */
export function isOpen(state: LicenseState): boolean {
  return state === "ok" || state === "expiring";
}
