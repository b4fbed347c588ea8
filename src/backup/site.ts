/**
 * Backups of one data directory: one job at a time, its outcome kept.
 *
 * Rule: whoever makes or drills a backup asks here; the work itself is in `job.ts`.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dataDirectory, readSecretLine } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import type { Services } from "../services.ts";
import type { CreatedBackup } from "./create.ts";
import type { Drilled } from "./drill.ts";
import { type Job, type JobAnswer, requireDone } from "./job.ts";
import type { Lock, Opener } from "./keys.ts";
import { backupFiles, type Places } from "./sources.ts";
import { readStatus, type StoredStatus, writeStatus } from "./status.ts";

export interface Schedule {
  /** `HH:MM`, UTC; undefined: no backup is made by itself. */
  readonly at: string | undefined;
  readonly directory: string;
  readonly keep: number;
  readonly passphraseFile: string | undefined;
}

export interface BackupSiteOptions {
  readonly places: Places;
  readonly schedule: Schedule;
  readonly services: Pick<Services, "clock" | "random">;
  doJob(job: Job): Promise<JobAnswer>;
}

const SUFFIX = ".cyberun-backup";
const NIGHTLY = "nightly-";
const DAY_MS = 86_400_000;

/** The first instant after `nowMs` at which it is `at` in UTC. */
export function nextDue(at: string, nowMs: number): number {
  const [hours = 0, minutes = 0] = at.split(":").map(Number);
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS + (hours * 60 + minutes) * 60_000;
  return today > nowMs ? today : today + DAY_MS;
}

export class BackupSite {
  readonly #options: BackupSiteOptions;
  #isBusy = false;

  constructor(options: BackupSiteOptions) {
    this.#options = options;
  }

  get schedule(): Schedule {
    return this.#options.schedule;
  }

  status(): StoredStatus {
    return readStatus(this.#files.status);
  }

  /** When the next daily backup is due; undefined when none is made by itself. */
  nextDue(): number | undefined {
    const { schedule, services } = this.#options;
    return schedule.at === undefined ? undefined : nextDue(schedule.at, services.clock.now());
  }

  /** Makes a backup at `to`, or under a name of its own in the backups' directory. Throws Fault `conflict` while another job runs. */
  async create(to: string | undefined, lock: Lock): Promise<CreatedBackup> {
    const path = to ?? this.#nameFor("");
    const answer = await this.#alone({ kind: "create", request: { places: this.#options.places, to: path, lock } });
    if (!("created" in answer)) throw new Error("a backup was asked for");
    this.#keep({ last_backup: answer.created, last_failure: null });
    return answer.created;
  }

  async drill(file: string, opener: Opener): Promise<Drilled> {
    const answer = await this.#alone({ kind: "drill", request: { file, opener, dataDir: this.#options.places.dataDir } });
    if (!("drilled" in answer)) throw new Error("a drill was asked for");
    this.#keep({ last_drill: { ...answer.drilled, problems: [...answer.drilled.problems] } });
    return answer.drilled;
  }

  /** The path and key of the next daily backup. */
  nightly(): { readonly to: string; readonly passphrase: string | undefined } {
    const { passphraseFile } = this.schedule;
    return { to: this.#nameFor(NIGHTLY), passphrase: passphraseFile === undefined ? undefined : readSecretLine(passphraseFile).reveal() };
  }

  /** Removes the daily backups beyond those to be kept, the oldest first. Others are never removed. */
  forgetOld(): void {
    const { directory, keep } = this.schedule;
    if (!existsSync(directory)) return;
    const nightly = readdirSync(directory).filter((name) => name.startsWith(NIGHTLY) && name.endsWith(SUFFIX));
    for (const name of nightly.toSorted().slice(0, -keep)) rmSync(join(directory, name), { force: true });
  }

  noteFailure(problem: string): void {
    this.#keep({ last_failure: { at: this.#options.services.clock.now(), problem } });
  }

  get #files() {
    return backupFiles(dataDirectory(this.#options.places.dataDir));
  }

  #nameFor(kind: string): string {
    const { schedule, services } = this.#options;
    const time = new Date(services.clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    return join(schedule.directory, `${kind}${time}${SUFFIX}`);
  }

  #keep(change: Partial<StoredStatus>): void {
    writeStatus(this.#files.status, { ...this.status(), ...change });
  }

  async #alone(job: Job) {
    if (this.#isBusy) throw new Fault("conflict", "A backup or a drill is under way.", { hint: "Wait until it has ended, and run this again." });
    this.#isBusy = true;
    try {
      // What a killed process left behind.
      rmSync(this.#files.work, { recursive: true, force: true });
      return requireDone(await this.#options.doJob(job));
    } finally {
      this.#isBusy = false;
    }
  }
}
