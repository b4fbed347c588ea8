/**
 * A license file before it is accepted: whether it may take the place of the one in force, and what would change.
 *
 * Rule: pure. A file is taken when it is signed, not older than anything seen, and does not shut what is open now: a
 * renewal that begins next month, or a license for another host, must not end today's good one. It waits in its place
 * and is judged again, so a renewal takes over at the very second it may.
 */
import { type BindingVerdict, checkBinding } from "./binding.ts";
import { type License, LicenseError, readLicense, type TrustedKey } from "../document.ts";
import { licenseStates } from "../entitlements.ts";
import { type FileProblem, isOpen, judgeLicense, type LicenseStanding, type StandingFacts } from "./standing.ts";
import type { BoundParts, Marks } from "./marks.ts";

/** The license in force. */
export interface Accepted {
  /** The file's text without its line end: what leases carry. */
  readonly text: string;
  readonly license: License;
  readonly binding: BindingVerdict;
  /** Epoch milliseconds. */
  readonly acceptedAtMs: number;
}

/** What the License Server knows when it looks at a file. */
export interface Surroundings {
  readonly trustedKeys: readonly TrustedKey[];
  readonly accepted: Accepted | undefined;
  readonly marks: Marks;
  readonly clock: StandingFacts["clock"] & { readonly wallMs: number };
  /** Epoch milliseconds before which no honest clock can stand. */
  readonly buildTimeMs: number;
  readonly clusterId: string | undefined;
  /** The host's parts, hashed for a deployment. */
  readonly hostParts: (deploymentId: string) => readonly string[];
}

export type Candidate =
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly problem: FileProblem; readonly license: License | undefined }
  | { readonly kind: "acceptable"; readonly text: string; readonly license: License; readonly binding: BindingVerdict; readonly standing: LicenseStanding };

/** A license file's text without the one line end it may have. */
export function licenseText(file: Uint8Array): string {
  return Buffer.from(file).toString("latin1").replace(/\r?\n$/, "");
}

export function sequenceMark(marks: Marks, deploymentId: string): number {
  return marks.sequences.get(deploymentId) ?? 0;
}

/** The parts that a first use of this deployment was bound to. */
function boundParts(bound: BoundParts | undefined, deploymentId: string): readonly string[] | undefined {
  return bound?.deployment_id === deploymentId ? bound.parts : undefined;
}

/** Whether `license` belongs to this host or cluster. */
export function bindingOf({ binding, deployment_id }: License, around: Pick<Surroundings, "marks" | "clusterId" | "hostParts">): BindingVerdict {
  return checkBinding(binding, {
    parts: around.hostParts(deployment_id),
    clusterId: around.clusterId,
    boundParts: boundParts(around.marks.bound, deployment_id),
  });
}

/**
 * Sequences may only grow. Of two different files with the same sequence the later issued one is taken, so that
 * swapping them to and fro is not possible.
 */
function sequenceProblem(license: License, { marks, accepted }: Surroundings): FileProblem | undefined {
  const mark = sequenceMark(marks, license.deployment_id);
  if (license.sequence < mark) {
    return {
      refusal: "sequence_too_low",
      message: `The file has sequence ${license.sequence}, and ${mark} was seen before for this deployment; an older license is not taken back.`,
    };
  }
  const current = accepted?.license;
  if (current?.deployment_id !== license.deployment_id || license.sequence > current.sequence) return undefined;
  if (license.issued_at > current.issued_at) return undefined;
  return {
    refusal: "sequence_too_low",
    message: `The file has the sequence ${license.sequence} of the license in force and was not issued later.`,
  };
}

/** A license cannot have been issued in the future, nor read by a build that is not made yet. */
function isClockBehind(license: License, { clock, buildTimeMs }: Surroundings): boolean {
  const floorMs = Math.max(license.issued_at * 1_000, buildTimeMs);
  return floorMs - clock.wallMs > license.clock_tolerance_seconds * 1_000;
}

/** What `license` would be worth if it were accepted now. */
function standingOf(license: License, binding: BindingVerdict, around: Surroundings): LicenseStanding {
  const isAnomalous = isClockBehind(license, around) || (around.clock.isAnomalous && !liftsClock(license, around));
  const stepBackMs = Math.max(around.clock.stepBackMs, license.issued_at * 1_000 - around.clock.wallMs);
  const activatedAtMs = around.marks.activations.get(license.license_id) ?? around.clock.nowMs;
  const clock = { nowMs: around.clock.nowMs, stepBackMs, isAnomalous };
  return judgeLicense({ license, activatedAtMs, problem: undefined, sequenceMark: license.sequence, clock, binding });
}

/**
 * The vendor's way out of a clock that once stood too far ahead: a re-issue of the same deployment sets the time mark
 * anew. Only a strictly later one may, each only once, and never a trial, whose file everybody has.
 */
export function liftsClock(license: License, { accepted, marks, clock }: Pick<Surroundings, "accepted" | "marks" | "clock">): boolean {
  if (!clock.isAnomalous || license.template === "trial") return false;
  if (accepted?.license.deployment_id !== license.deployment_id) return false;
  if (license.sequence <= sequenceMark(marks, license.deployment_id)) return false;
  return license.issued_at > Math.max(accepted.license.issued_at, marks.reset?.issued_at ?? 0);
}

function currentState({ accepted, marks, clock }: Surroundings): LicenseStanding["state"] {
  const license = accepted?.license;
  return judgeLicense({
    license,
    activatedAtMs: license === undefined ? undefined : marks.activations.get(license.license_id),
    problem: undefined,
    sequenceMark: license === undefined ? 0 : sequenceMark(marks, license.deployment_id),
    clock,
    binding: accepted?.binding,
  }).state;
}

function judgeSigned(text: string, license: License, around: Surroundings): Candidate {
  const problem = sequenceProblem(license, around);
  if (problem !== undefined) return { kind: "refused", problem, license };
  const binding = bindingOf(license, around);
  const standing = standingOf(license, binding, around);
  if (isOpen(standing.state) || !isOpen(currentState(around))) return { kind: "acceptable", text, license, binding, standing };
  const says = standing.reason === "" ? licenseStates[standing.state].says : standing.reason;
  return { kind: "refused", problem: { refusal: standing.state, message: `The file would shut what the license in force opens: ${says}` }, license };
}

/** Judges a file's bytes. */
export function judgeCandidate(file: Uint8Array, around: Surroundings): Candidate {
  const text = licenseText(file);
  if (text === around.accepted?.text) return { kind: "unchanged" };
  try {
    return judgeSigned(text, readLicense(file, around.trustedKeys), around);
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    const message = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
    return { kind: "refused", problem: { refusal: error.refusal, message }, license: undefined };
  }
}
