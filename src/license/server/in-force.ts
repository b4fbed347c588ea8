/**
 * What is in force at this moment: the accepted license, the marks, the clock, and the state that follows from them.
 *
 * Rule: values in memory and a reading of the clock; writes nothing. The License Server (`license-server.ts`) takes a change
 * into force only after its transaction has committed.
 */
import type { Clock } from "../../services.ts";
import { type Accepted, bindingOf, type Candidate, judgeCandidate, liftsClock, revokedProblem, sequenceMark, type Surroundings, withRevocation } from "./candidate.ts";
import type { License, TrustedKey } from "../document.ts";
import { GuardedClock, type GuardedReading } from "./guarded-clock.ts";
import { type HostFiles, readHostParts } from "./host-parts.ts";
import type { LicenseFile } from "./license-file.ts";
import { type FileProblem, judgeLicense, type LicenseStanding } from "./standing.ts";
import { revokes } from "../revocation.ts";
import type { Marks, RevocationMark } from "./marks.ts";
import type { Acceptance, Lesson } from "./memory.ts";

export interface Site {
  readonly clock: Clock;
  readonly trustedKeys: readonly TrustedKey[];
  readonly clusterId: string | undefined;
  readonly hostFiles: HostFiles;
  /** Epoch seconds (`version.ts`). */
  readonly buildTime: number;
}

/** What is known at one reading of the clock. */
export interface Moment {
  readonly clock: GuardedReading;
  readonly standing: LicenseStanding & { readonly since: number };
  readonly accepted: Accepted | undefined;
  /** Epoch milliseconds of the first use of an accepted trial. */
  readonly activatedAtMs: number | undefined;
  readonly problem: Problem | undefined;
  /** What ends the accepted license; undefined when nothing does. */
  readonly revocation: RevocationMark | undefined;
  /** Grows with each start of the server. */
  readonly epoch: number;
  /** Epoch seconds since when it is known that the store was restored from an older copy or lost. */
  readonly restoredSince: number | undefined;
}

/** What is wrong with the license file, and since which second. */
export interface Problem extends FileProblem {
  readonly since: number;
}

export type Acceptable = Extract<Candidate, { kind: "acceptable" }>;
export type Revoking = Extract<Candidate, { kind: "revoking" }>;

export class InForce {
  readonly #site: Site;
  readonly #clock: GuardedClock;
  #marks: Marks;
  #accepted: Accepted | undefined;
  #problem: Problem | undefined;
  #last: Moment["standing"] | undefined;
  #restoredSince: number | undefined;

  constructor(site: Site, marks: Marks) {
    this.#site = site;
    this.#marks = marks;
    this.#clock = new GuardedClock(site.clock, [marks.highWaterMs, site.buildTime * 1_000]);
  }

  /** The marks as they stand now, for the second copy. */
  get marks(): Marks {
    return { ...this.#marks, highWaterMs: this.#clock.read().nowMs };
  }

  get epoch(): number {
    return this.#marks.epoch;
  }

  sequenceMark(deploymentId: string): number {
    return sequenceMark(this.#marks, deploymentId);
  }

  moment(): Moment {
    const clock = this.#clock.read();
    const license = this.#accepted?.license;
    const activatedAtMs = license === undefined ? undefined : this.#marks.activations.get(license.license_id);
    const revocation = this.#revocationOf(license);
    const judged = judgeLicense({
      license,
      activatedAtMs,
      problem: this.#problem,
      sequenceMark: license === undefined ? 0 : this.sequenceMark(license.deployment_id),
      revocation,
      clock,
      binding: this.#accepted?.binding,
    });
    const began = this.#last?.state === judged.state ? this.#last.since : Math.floor(clock.nowMs / 1_000);
    const standing = { ...judged, since: judged.since ?? began };
    this.#last = standing;
    const { epoch } = this.#marks;
    return { clock, standing, accepted: this.#accepted, activatedAtMs, problem: this.#problem, revocation, epoch, restoredSince: this.#restoredSince };
  }

  /** Judges what lies in the license file's place. */
  judge(file: LicenseFile): Candidate {
    if (file.kind === "found") return judgeCandidate(file.bytes, this.#around());
    const problem = file.kind === "unreadable" ? { refusal: "unreadable", message: "The license file cannot be read." } : { refusal: "file_missing", message: this.#withoutFile() };
    return { kind: "refused", problem, license: undefined };
  }

  /** Judges a file that somebody hands in. The license that was ended is no news where it lies, but installing it again is a mistake. */
  judgeOffered(file: Uint8Array): Candidate {
    const candidate = this.judge({ kind: "found", bytes: Buffer.from(file) });
    const license = this.#accepted?.license;
    const mark = this.#revocationOf(license);
    return candidate.kind === "unchanged" && mark !== undefined ? { kind: "refused", problem: revokedProblem(mark.revocation), license } : candidate;
  }

  /** What has to be written for `candidate` to come into force. */
  acceptanceOf({ text, license, binding }: Acceptable): Acceptance {
    const around = this.#around();
    const bound = binding.kind === "newly_bound" ? { deployment_id: license.deployment_id, parts: [...binding.parts] } : undefined;
    if (!liftsClock(license, around)) return { text, license, bound, atMs: around.clock.nowMs, reset: undefined };
    const atMs = Math.max(license.issued_at * 1_000, around.buildTimeMs, around.clock.wallMs);
    return { text, license, bound, atMs, reset: { issued_at: license.issued_at, license_id: license.license_id } };
  }

  /** Takes a license into force whose acceptance is on disk. */
  take({ text, license, bound, atMs, reset }: Acceptance, activatedAtMs: number | undefined): void {
    const { sequences, activations } = this.#marks;
    this.#marks = {
      ...this.#marks,
      reset: reset ?? this.#marks.reset,
      bound: bound ?? this.#marks.bound,
      sequences: new Map(sequences).set(license.deployment_id, license.sequence),
      activations: activatedAtMs === undefined ? activations : new Map(activations).set(license.license_id, activatedAtMs),
    };
    if (reset !== undefined) this.#clock.reset([atMs]);
    this.adopt(text, license, atMs);
  }

  /** The mark that has to be written for `candidate` to come into force. */
  revocationMarkOf({ text, revocation }: Revoking): RevocationMark {
    return { text, revocation, seenAtMs: this.#clock.read().nowMs };
  }

  /** Ends what a revocation that is on disk ends. */
  revoke(mark: RevocationMark): void {
    this.#marks = withRevocation(this.#marks, mark);
    this.#problem = undefined;
  }

  /** Takes a license into force that was accepted before. */
  adopt(text: string, license: License, acceptedAtMs: number): void {
    this.#clock.tolerate(license.clock_tolerance_seconds);
    this.#clock.witness(license.issued_at * 1_000);
    this.#accepted = { text, license, acceptedAtMs, binding: bindingOf(license, this.#around()) };
    this.#problem = undefined;
  }

  /** Whether `candidate` can be adopted as it is, or its first use has yet to be recorded. */
  isRecorded({ license, binding }: Acceptable): boolean {
    return binding.kind !== "newly_bound" && (license.activation === undefined || this.#marks.activations.has(license.license_id));
  }

  /** Looks at the host again. */
  rebind(): void {
    const accepted = this.#accepted;
    if (accepted !== undefined) this.#accepted = { ...accepted, binding: bindingOf(accepted.license, this.#around()) };
  }

  /** Notes what is wrong with the file, or with undefined that nothing is. */
  note(problem: FileProblem | undefined): void {
    const isSame = problem?.refusal === this.#problem?.refusal;
    const since = isSame && this.#problem !== undefined ? this.#problem.since : Math.floor(this.#clock.read().nowMs / 1_000);
    this.#problem = problem === undefined ? undefined : { ...problem, since };
  }

  /** Takes over what a client taught, after it was written. */
  learn({ epoch, counter, sequence, timeMs, atMs }: Lesson): void {
    if (epoch !== undefined || counter !== undefined) this.#restoredSince ??= Math.floor(atMs / 1_000);
    const known = sequence === undefined ? 0 : this.sequenceMark(sequence.deploymentId);
    const sequences = new Map(this.#marks.sequences);
    if (sequence !== undefined) sequences.set(sequence.deploymentId, Math.max(known, sequence.sequence));
    this.#marks = { ...this.#marks, epoch: Math.max(this.#marks.epoch, epoch ?? 0), sequences };
    if (timeMs !== undefined) this.#clock.witness(timeMs);
  }

  #withoutFile(): string {
    const license = this.#accepted?.license;
    if (license === undefined) return "There is no license file.";
    const isEnded = this.#revocationOf(license) !== undefined;
    return `There is no license file; ${isEnded ? "the revocation holds without it" : "the accepted copy stays in force"}.`;
  }

  #revocationOf(license: License | undefined): RevocationMark | undefined {
    const mark = license === undefined ? undefined : this.#marks.revocations.get(license.deployment_id);
    return license !== undefined && mark !== undefined && revokes(mark.revocation, license) ? mark : undefined;
  }

  #around(): Surroundings {
    const { trustedKeys, clusterId, hostFiles, buildTime } = this.#site;
    return {
      trustedKeys,
      clusterId,
      accepted: this.#accepted,
      marks: this.#marks,
      clock: this.#clock.read(),
      buildTimeMs: buildTime * 1_000,
      hostParts: (deploymentId) => readHostParts(hostFiles, deploymentId),
    };
  }
}
