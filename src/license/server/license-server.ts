/**
 * The License Server's heart: brings licenses into force, watches file and clock, and tells clients.
 *
 *     file, upload → candidate (pure) → one transaction → in force → push
 *     clock, file, marks → standing (pure) → push when it changed
 *
 * Rule: deeds that change the license run one after the other; what is in force is read at once and with a reading of the
 * clock each time, so a lease is right in the very second in which it is granted. It must not know HTTP; clients and
 * leases are `enrolment.ts` and `leases.ts`.
 */
import { publicX, type SigningKey, signingKeyFromSeed } from "../../crypto/jws.ts";
import type { Sealer } from "../../crypto/sealing.ts";
import { type DataDirectory, secretBytes } from "../../data-directory.ts";
import { Fault } from "../../fault.ts";
import { system } from "../../gate/caller.ts";
import { type Gate, type ProcedureAct, Refused } from "../../gate/operation.ts";
import type { Refusals } from "../../gate/refusals.ts";
import type { Log } from "../../log.ts";
import type { Cancel, Services } from "../../services.ts";
import type { Settings } from "../../settings.ts";
import type { Store } from "../../store/store.ts";
import { type Candidate, licenseText } from "./candidate.ts";
import { Challenges } from "./challenges.ts";
import { ChangeFeed } from "./changes.ts";
import type { TrustedKey } from "../document.ts";
import { without } from "../entitlements.ts";
import type { HostFiles } from "./host-parts.ts";
import { type Acceptable, InForce, type Moment, type Revoking } from "./in-force.ts";
import type { ServedState } from "../lease.ts";
import { KnownClients } from "./ledger.ts";
import { type LicenseFile, readLicenseFile, writeLicenseFile } from "./license-file.ts";
import { reloadLicense } from "./operations.ts";
import { readMarksFile, writeMarksFile } from "./marks.ts";
import { type Lesson, markTime, problemFault, recordState, type Remembered, saveAcceptance, saveRevocation, startMemory } from "./memory.ts";

/** The file is looked at so often: a replaced one acts within twice that. */
export const POLL_MS = 500;
/** The time mark is written so often; a kill loses no more, and nothing at all while leases are granted. */
export const MARK_MS = 30_000;

export interface LicenseServerOptions {
  readonly services: Services;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly settings: Settings;
  readonly refusals: Refusals;
  readonly log: Log;
  readonly directory: DataDirectory;
  readonly licenseFile: string;
  readonly trustedKeys: readonly TrustedKey[];
  readonly clusterId: string | undefined;
  readonly hostFiles: HostFiles;
  /** Epoch seconds (`version.ts`). */
  readonly buildTime: number;
}

export class LicenseServer {
  readonly gate: Gate;
  readonly log: Log;
  readonly instance: SigningKey;
  /** JWK `x` of the instance key. */
  readonly instanceKey: string;
  readonly enrolSecret: Uint8Array;
  readonly challenges: Challenges;
  readonly changes: ChangeFeed;
  readonly hostFiles: HostFiles;
  readonly clients = new KnownClients();
  readonly #path: string;
  readonly #marksPath: string;
  readonly #inForce: InForce;
  /** The state that clients and the audit log were last told. */
  #told: ServedState | undefined;
  /** What the last look at the file found, when it was not the license in force. */
  #seen: LicenseFile | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #recording: Promise<void> = Promise.resolve();
  readonly #background = new Set<Promise<void>>();
  readonly #timers = new Map<"poll" | "mark" | "change", Cancel>();
  #changesAt: number | undefined;
  #isStopped = false;

  private constructor(options: LicenseServerOptions, { marks }: Remembered) {
    const { services, directory } = options;
    this.gate = gateOf(options);
    this.log = options.log;
    this.instance = signingKeyFromSeed(secretBytes(directory.instanceKey, services.random));
    this.instanceKey = publicX(this.instance.publicKey);
    this.enrolSecret = secretBytes(directory.enrolSecret, services.random);
    this.challenges = new Challenges(services);
    this.changes = new ChangeFeed(services.clock);
    this.hostFiles = options.hostFiles;
    this.#path = options.licenseFile;
    this.#marksPath = directory.licenseMarks;
    this.#inForce = new InForce({ ...options, clock: services.clock }, marks);
  }

  /** Reads what is remembered, begins a new epoch, takes the file into force if it may be, and starts watching. */
  static async start(options: LicenseServerOptions): Promise<LicenseServer> {
    const { trustedKeys } = options;
    const fileMarks = readMarksFile(options.directory.licenseMarks, options.log, trustedKeys);
    const remembered = await startMemory(gateOf(options), system, { fileMarks, trustedKeys });
    const server = new LicenseServer(options, remembered);
    await server.#begin(remembered);
    return server;
  }

  /** What is in force now, with a reading of the clock. It writes nothing, so commands may ask as well. */
  moment(): Moment {
    return this.#inForce.moment();
  }

  sequenceMark(deploymentId: string): number {
    return this.#inForce.sequenceMark(deploymentId);
  }

  /** Says what `file` would do, and changes nothing. */
  judge(file: Uint8Array) {
    return this.#inForce.judgeOffered(file);
  }

  /**
   * Verifies `file` completely, writes it durably, takes it into force. Throws Fault `invalid_license`.
   * A revocation is kept in store and marks alone: the license it ends stays in its place, for people and for the next one.
   */
  async install(act: ProcedureAct, file: Uint8Array): Promise<void> {
    await this.#alone(async () => {
      const candidate = this.#inForce.judgeOffered(file);
      if (candidate.kind === "refused") await this.#refuse(act, candidate.problem);
      if (candidate.kind === "known_revocation") return;
      if (candidate.kind === "revoking") return await this.#revoke(act, candidate);
      this.#writeUnlessThere(Buffer.from(file));
      if (candidate.kind === "acceptable") await this.#accept(act, candidate);
      else this.#settleFile();
    });
  }

  /** Reads the file (or takes `given` for it) and looks at the host again. Throws Fault `invalid_license`. */
  async reload(act: ProcedureAct, given?: LicenseFile): Promise<void> {
    await this.#alone(async () => {
      const file = given ?? readLicenseFile(this.#path);
      this.#inForce.rebind();
      const candidate = this.#inForce.judge(file);
      if (candidate.kind === "acceptable") return await this.#accept(act, candidate);
      if (candidate.kind === "revoking") return await this.#revoke(act, candidate);
      if (candidate.kind !== "refused") return this.#settleFile();
      this.#seen = file;
      this.#inForce.note(candidate.problem);
      this.#review();
      await this.#refuse(act, candidate.problem);
    });
  }

  /** Takes over what a client taught, after it was written. */
  learned(lesson: Lesson): void {
    this.#inForce.learn(lesson);
    this.#keepMarks();
    this.#review();
  }

  /** Waits for work that was begun in the background. */
  async settle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
    await this.#work;
  }

  /** Ends watching and streams, and writes the time mark. */
  async stop(): Promise<void> {
    await this.abandon();
    this.#inBackground(this.#markTime());
    await this.settle();
  }

  /** Ends watching and streams and writes nothing more, as a kill would. */
  async abandon(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.changes.close();
    await this.settle();
  }

  /** Notices a new state, and tells clients and the audit log; sees to it that the next one is noticed in its second. */
  #review(): Moment {
    const moment = this.#inForce.moment();
    const { state, changesAt } = moment.standing;
    if (this.#told !== undefined && state !== this.#told) this.#tell(moment, this.#told);
    if (changesAt !== this.#changesAt) this.#awaitChange(moment);
    return moment;
  }

  async #begin({ text, acceptedAtMs }: Remembered): Promise<void> {
    if (text !== null) await this.#recall(text, acceptedAtMs);
    const file = readLicenseFile(this.#path);
    const isNews = !isSettled(this.#inForce.judge(file));
    if (isNews && (file.kind !== "absent" || this.#inForce.moment().accepted !== undefined)) await this.#reloadUnasked(file);
    const moment = this.#review();
    this.#told = moment.standing.state;
    this.log.write(this.#told === "ok" ? "info" : "warn", "license.server_started", { state: this.#told, reason: moment.standing.reason, epoch: moment.epoch, instance: this.instance.kid });
    this.#keepMarks();
    this.#repeat("poll", POLL_MS, () => this.#poll());
    this.#repeat("mark", MARK_MS, () => this.#inBackground(this.#markTime()));
  }

  /** The copy in the store counts for no more than a file: it is verified and judged like one. */
  async #recall(text: string, acceptedAtMs: number): Promise<void> {
    const file: LicenseFile = { kind: "found", bytes: Buffer.from(text, "latin1") };
    const candidate = this.#inForce.judge(file);
    if (candidate.kind === "acceptable" && this.#inForce.isRecorded(candidate)) {
      this.#inForce.adopt(candidate.text, candidate.license, acceptedAtMs);
    } else if (candidate.kind === "refused" && candidate.problem.refusal === "revoked" && candidate.license !== undefined) {
      // It opens nothing; it is what the state, and the renewal that ends it, speak of.
      this.#inForce.adopt(text, candidate.license, acceptedAtMs);
    } else {
      await this.#reloadUnasked(file);
    }
  }

  async #accept(act: ProcedureAct, candidate: Acceptable): Promise<void> {
    const acceptance = this.#inForce.acceptanceOf(candidate);
    const activatedAtMs = await act.write((command) => saveAcceptance(command, acceptance));
    this.#inForce.take(acceptance, activatedAtMs);
    const state = this.#announce();
    const { license_id, deployment_id, sequence } = candidate.license;
    this.log.write("info", "license.accepted", { license_id, deployment_id, sequence, state });
  }

  async #revoke(act: ProcedureAct, candidate: Revoking): Promise<void> {
    const mark = this.#inForce.revocationMarkOf(candidate);
    await act.write((command) => saveRevocation(command, mark));
    this.#inForce.revoke(mark);
    const state = this.#announce();
    const { license_id, deployment_id, sequence, reason } = candidate.revocation;
    this.log.write("warn", "license.revoked", { license_id, deployment_id, sequence, state, reason });
  }

  /** Keeps the marks and tells clients, whatever the state was before: another license is news even where the state stays. */
  #announce(): ServedState {
    this.#seen = undefined;
    this.#keepMarks();
    this.#told = undefined;
    const { state } = this.#review().standing;
    this.#told = state;
    this.changes.publish(state);
    return state;
  }

  /** Commits the refusal to the audit log and throws it. */
  async #refuse(act: ProcedureAct, problem: { refusal: string; message: string }): Promise<never> {
    this.log.write("warn", "license.refused", { refusal: problem.refusal, reason: problem.message });
    return await act.write<never>(async () => new Refused(problemFault(problem)));
  }

  /** The file is the license in force, or the revocation that ended it: nothing is wrong with it. */
  #settleFile(): void {
    this.#seen = undefined;
    this.#inForce.note(undefined);
    this.#review();
  }

  #writeUnlessThere(bytes: Buffer): void {
    const file = readLicenseFile(this.#path);
    if (file.kind === "found" && licenseText(file.bytes) === licenseText(bytes)) return;
    writeLicenseFile(this.#path, bytes);
  }

  /**
   * A look at the file. A good one acts at once. A bad one may be half written: it is called bad when two looks in a row
   * found the same, and looked at again for as long as it lies there.
   */
  #poll(): void {
    this.#review();
    if (this.#background.size > 0) return;
    const file = readLicenseFile(this.#path);
    const candidate = this.#inForce.judge(file);
    const { accepted, problem } = this.#inForce.moment();
    if (isSettled(candidate)) {
      if (problem !== undefined || this.#seen !== undefined) this.#settleFile();
      return;
    }
    if (candidate.kind === "refused") {
      const isWhole = this.#seen !== undefined && isSameFile(this.#seen, file);
      this.#seen = file;
      const isKnown = isWhole && problem?.refusal === candidate.problem.refusal;
      if (!isWhole || isKnown || (file.kind === "absent" && accepted === undefined)) return;
    }
    this.#inBackground(this.#reloadUnasked(file));
  }

  async #reloadUnasked(file: LicenseFile): Promise<void> {
    try {
      await reloadLicense(this.gate, system, { server: this, file });
    } catch (error) {
      // The refusal is in status, log and audit; nobody asked, so nobody is told.
      if (!(error instanceof Fault) || error.code !== "invalid_license") throw error;
    }
  }

  #tell(moment: Moment, from: ServedState): void {
    const { standing, clock } = moment;
    const { state, reason } = standing;
    this.#told = state;
    this.changes.publish(state);
    this.log.write(state === "ok" ? "info" : "warn", "license.state_changed", { from, to: state, reason });
    // One after the other, so that the audit log tells them in their order on every engine.
    const change = { from, to: state, reason, nowMs: clock.nowMs };
    this.#recording = this.#recording.then(ignore, ignore).then(() => recordState(this.gate, system, change));
    this.#inBackground(this.#recording);
    this.#keepMarks();
  }

  /** Wakes at the very second in which time alone changes the state. */
  #awaitChange({ standing, clock }: Moment): void {
    this.#timers.get("change")?.();
    this.#changesAt = standing.changesAt;
    if (standing.changesAt === undefined || this.#isStopped) return;
    const wake = () => {
      this.#changesAt = undefined;
      this.#review();
    };
    this.#timers.set("change", this.gate.services.clock.after(standing.changesAt * 1_000 - clock.nowMs, wake));
  }

  async #markTime(): Promise<void> {
    await markTime(this.gate, system, this.#inForce.moment().clock.nowMs);
    this.#keepMarks();
  }

  /** The store has them too: a second copy that cannot be written, on a full disk say, ends nothing and is written with the next mark. */
  #keepMarks(): void {
    try {
      writeMarksFile(this.#marksPath, this.#inForce.marks);
    } catch (cause) {
      this.log.write("error", "license.marks_not_written", { path: this.#marksPath, cause });
    }
  }

  #repeat(name: "poll" | "mark", delayMs: number, task: () => void): void {
    const again = () => {
      task();
      if (!this.#isStopped) this.#repeat(name, delayMs, task);
    };
    this.#timers.set(name, this.gate.services.clock.after(delayMs, again));
  }

  /** Failures here (a full disk, say) leave what is in force; the next look or mark tries again. */
  #inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.log.write("error", "license.background_failed", { error }))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  async #alone<T>(deed: () => Promise<T>): Promise<T> {
    const mine = this.#work.then(deed);
    this.#work = mine.then(ignore, ignore);
    return await mine;
  }
}

function ignore(): void {}

/** Whether the file is nothing new. */
function isSettled({ kind }: Candidate): boolean {
  return kind === "unchanged" || kind === "known_revocation";
}

function isSameFile(one: LicenseFile, other: LicenseFile): boolean {
  if (one.kind !== "found" || other.kind !== "found") return one.kind === other.kind;
  return one.bytes.equals(other.bytes);
}

/** The License Server's own operations are all core: no license is needed to serve one. */
function gateOf({ services, store, sealer, settings, refusals }: LicenseServerOptions): Gate {
  return { services, store, sealer, settings, refusals, entitled: { entitlements: () => without("missing") } };
}
