/**
 * A role's memory: its state file, held in memory and written when it changes.
 *
 * Rule: decides what to keep, not what to obey. A write that fails is logged and tried again with the next one: the role
 * goes on with what it has in memory, and after a restart with what was written last, which ends no later.
 */
import { thumbprint } from "../../crypto/jws.ts";
import type { Log } from "../../log.ts";
import { judgeStoredLease, LeaseError } from "./grant.ts";
import type { JoinToken } from "../join-token.ts";
import type { Attempt, Client } from "./attempt.ts";
import { type LeaseMarks, raisedByAnswer, raisedByGrant, raisedByRevocation } from "./marks.ts";
import type { Standing } from "./standing.ts";
import { type LeaseState, type LeaseStateFile, readLeaseState, writeLeaseState } from "./state-file.ts";
import { pinnedBy } from "./pins.ts";

function raisedBy(marks: LeaseMarks, { answer }: Attempt): LeaseMarks {
  if (answer.kind === "granted") return raisedByGrant(marks, answer.license, answer.lease.activated_at);
  return answer.revocation === undefined ? marks : raisedByRevocation(marks, answer.revocation);
}

export class LeaseMemory {
  readonly #file: LeaseStateFile;
  readonly #log: Log;
  #state: LeaseState;
  #isUnwritten = false;

  constructor(file: LeaseStateFile, tokens: readonly JoinToken[], log: Log) {
    const stored = readLeaseState(file, log);
    this.#file = file;
    this.#log = log;
    this.#state = { ...stored, pins: pinnedBy(stored.pins, tokens) };
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** What the stored lease is worth to this client; nothing when it does not stand the checks. */
  standing({ role, key, trustedKeys }: Client): Standing {
    const { last, marks } = this.#state;
    if (last === null) return { kind: "none" };
    try {
      return judgeStoredLease(last.lease, { instanceKey: last.instance_key, role, client: key.kid, trustedKeys, marks });
    } catch (error) {
      if (!(error instanceof LeaseError)) throw error;
      this.#log.write("warn", "lease.stored_refused", { refusal: error.refusal, reason: error.message });
      return { kind: "none" };
    }
  }

  /** Keeps an accepted answer and raises the marks by it. */
  learn(attempt: Attempt): void {
    const { answer, message, instanceKey } = attempt;
    const marks = raisedBy(raisedByAnswer(this.#state.marks, thumbprint(instanceKey), answer.lease), attempt);
    this.#state = { ...this.#state, last: { lease: message, instance_key: instanceKey }, marks };
    this.#isUnwritten = true;
  }

  /** Writes what changed, with the guarded time as the new high-water mark. */
  save(guardedMs: number): void {
    const highWaterMs = Math.floor(guardedMs);
    if (!this.#isUnwritten && highWaterMs === this.#state.high_water_ms) return;
    this.#state = { ...this.#state, high_water_ms: highWaterMs };
    try {
      writeLeaseState(this.#file, this.#state);
      this.#isUnwritten = false;
    } catch (cause) {
      this.#isUnwritten = true;
      this.#log.write("error", "lease.state_not_written", { path: this.#file.path, cause });
    }
  }
}
