/**
 * A vendor's file before it is accepted: whether it may take the place of the license in force, or end it, and what would
 * change.
 *
 * Rule: pure. A license is taken when it is signed, not older than anything seen, and does not shut what is open now: a
 * renewal that begins next month, or a license for another host, must not end today's good one. It waits in its place
 * and is judged again, so a renewal takes over at the very second it may. A revocation is there to shut; it is taken
 * when it is signed, meant for a deployment that is known here, and stands after the license in force.
 */
import { type BindingVerdict, checkBinding } from "./binding.ts";
import { type License, LicenseError, type TrustedKey } from "../document.ts";
import { licenseStates } from "../entitlements.ts";
import { isLater, type Revocation, revocationReason, revokes } from "../revocation.ts";
import { openVendorFile } from "../vendor-file.ts";
import { type FileProblem, isOpen, judgeLicense, type LicenseStanding, type StandingFacts } from "./standing.ts";
import type { BoundParts, Marks, RevocationMark } from "./marks.ts";

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
  /** The revocation that was accepted before. */
  | { readonly kind: "known_revocation" }
  | { readonly kind: "refused"; readonly problem: FileProblem; readonly license: License | undefined }
  | { readonly kind: "acceptable"; readonly text: string; readonly license: License; readonly binding: BindingVerdict; readonly standing: LicenseStanding }
  | { readonly kind: "revoking"; readonly text: string; readonly revocation: Revocation; readonly standing: LicenseStanding };

/** A file's text without the one line end it may have. */
export function licenseText(file: Uint8Array): string {
  return Buffer.from(file).toString("latin1").replace(/\r?\n$/, "");
}

/** Highest sequence of any license or revocation that was seen for the deployment; 0 when none was. */
export function sequenceMark(marks: Marks, deploymentId: string): number {
  return Math.max(marks.sequences.get(deploymentId) ?? 0, marks.revocations.get(deploymentId)?.revocation.sequence ?? 0);
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

/** The refusal of a license that a revocation has ended. */
export function revokedProblem(revocation: Revocation): FileProblem {
  return { refusal: "revoked", message: `${revocationReason(revocation)} A license has to be issued after that to open again.` };
}

/**
 * Sequences may only grow. Of two different files with the same sequence the later issued one is taken, so that
 * swapping them to and fro is not possible.
 */
function sequenceProblem(license: License, { marks, accepted }: Surroundings): FileProblem | undefined {
  const revocation = marks.revocations.get(license.deployment_id)?.revocation;
  if (revocation !== undefined && revokes(revocation, license)) return revokedProblem(revocation);
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
  return judgeLicense({ license, activatedAtMs, problem: undefined, sequenceMark: license.sequence, revocation: undefined, clock, binding });
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

function currentStanding({ accepted, marks, clock }: Pick<Surroundings, "accepted" | "marks" | "clock">): LicenseStanding {
  const license = accepted?.license;
  return judgeLicense({
    license,
    activatedAtMs: license === undefined ? undefined : marks.activations.get(license.license_id),
    problem: undefined,
    sequenceMark: license === undefined ? 0 : sequenceMark(marks, license.deployment_id),
    revocation: license === undefined ? undefined : marks.revocations.get(license.deployment_id),
    clock,
    binding: accepted?.binding,
  });
}

function judgeSigned(text: string, license: License, around: Surroundings): Candidate {
  const problem = sequenceProblem(license, around);
  if (problem !== undefined) return { kind: "refused", problem, license };
  const binding = bindingOf(license, around);
  const standing = standingOf(license, binding, around);
  if (isOpen(standing.state) || !isOpen(currentStanding(around).state)) return { kind: "acceptable", text, license, binding, standing };
  const says = standing.reason === "" ? licenseStates[standing.state].says : standing.reason;
  return { kind: "refused", problem: { refusal: standing.state, message: `The file would shut what the license in force opens: ${says}` }, license };
}

/** The marks once `mark` is among them. */
export function withRevocation(marks: Marks, mark: RevocationMark): Marks {
  return { ...marks, revocations: new Map(marks.revocations).set(mark.revocation.deployment_id, mark) };
}

/** Why a revocation is not taken. */
function revocationProblem({ text, revocation }: Pick<RevocationMark, "text" | "revocation">, { marks, accepted }: Surroundings): FileProblem | undefined {
  const { deployment_id, sequence } = revocation;
  const mark = sequenceMark(marks, deployment_id);
  if (mark === 0) return { refusal: "other_deployment", message: `The revocation is for the deployment ${deployment_id}, of which no license was ever in force here.` };
  if (sequence < mark) return { refusal: "sequence_too_low", message: `The revocation has sequence ${sequence}, and ${mark} was seen before for this deployment.` };
  const current = accepted?.license;
  if (current?.deployment_id === deployment_id && isLater(current, revocation)) {
    return { refusal: "sequence_too_low", message: "The license in force was issued after this revocation." };
  }
  const known = marks.revocations.get(deployment_id);
  if (known === undefined || known.text === text || isLater(revocation, known.revocation)) return undefined;
  return { refusal: "sequence_too_low", message: "Another revocation of this deployment with this sequence was taken, and this one was not issued later." };
}

/** A revocation holds whatever the clock says: a clock that was set back must not keep a license alive. */
function judgeRevocation(text: string, revocation: Revocation, around: Surroundings): Candidate {
  const problem = revocationProblem({ text, revocation }, around);
  if (problem !== undefined) return { kind: "refused", problem, license: undefined };
  const { accepted, marks, clock } = around;
  const isKnown = marks.revocations.get(revocation.deployment_id)?.text === text;
  if (isKnown && accepted !== undefined) return { kind: "known_revocation" };
  // It was taken before, and the license it ended is lost: nothing is left to be shut, and the state shall say why.
  if (isKnown) return { kind: "refused", problem: { refusal: "revoked", message: revocationReason(revocation) }, license: undefined };
  const after = withRevocation(marks, { text, revocation, seenAtMs: clock.nowMs });
  return { kind: "revoking", text, revocation, standing: currentStanding({ accepted, marks: after, clock }) };
}

/** Judges a file's bytes. */
export function judgeCandidate(file: Uint8Array, around: Surroundings): Candidate {
  const text = licenseText(file);
  if (text === around.accepted?.text) return { kind: "unchanged" };
  try {
    const opened = openVendorFile(file, around.trustedKeys);
    return opened.kind === "license" ? judgeSigned(text, opened.license, around) : judgeRevocation(text, opened.revocation, around);
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    const message = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
    return { kind: "refused", problem: { refusal: error.refusal, message }, license: undefined };
  }
}
