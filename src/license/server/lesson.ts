/**
 * What a client's memory teaches a License Server whose own was restored, wiped or left behind.
 *
 * A client repeats in every proof the highest marks it has seen. Epoch and counter are those of this very server, so
 * one that is higher here proves lost state. Time is believed only together with such a proof, or at the first lease
 * this server gives to a client that has had leases for the deployment before: a client whose clock merely runs ahead
 * must not put an honest server in the wrong.
 *
 * Rule: pure. Nobody can be taught to go back.
 */
import { refusedProof, SEQUENCE_LEAP_MAX } from "./handshake.ts";
import type { Proof } from "../lease.ts";
import type { Lesson } from "./memory.ts";

/** What the server remembers, as far as a client can teach it. */
export interface Memory {
  readonly epoch: number;
  /** Leases and refusals granted to the client. */
  readonly counter: number;
  /** Guarded time, epoch milliseconds. */
  readonly nowMs: number;
  readonly sequenceMark: (deploymentId: string) => number;
}

function sequenceLesson(seen: Proof["seen"], sequenceMark: Memory["sequenceMark"]): Lesson["sequence"] {
  const { deployment_id: deploymentId, sequence } = seen;
  if (deploymentId === null || deploymentId === "") return undefined;
  const known = sequenceMark(deploymentId);
  if (sequence <= known) return undefined;
  if (known > 0 && sequence - known > SEQUENCE_LEAP_MAX) throw refusedProof("marks", "The proof claims a license sequence that is too far ahead.");
  return { deploymentId, sequence };
}

/** The lesson in `proof`; undefined when there is none. */
export function lessonFrom({ seen }: Proof, { epoch, counter, nowMs, sequenceMark }: Memory): Lesson | undefined {
  const isCounterBehind = seen.counter > counter;
  const isEpochBehind = seen.epoch > epoch || (isCounterBehind && seen.epoch === epoch);
  const isNewHere = counter === 0 && seen.sequence > 0;
  const isTimeBehind = (isCounterBehind || isEpochBehind || isNewHere) && seen.time * 1_000 > nowMs;
  const sequence = sequenceLesson(seen, sequenceMark);
  if (!isCounterBehind && !isEpochBehind && !isTimeBehind && sequence === undefined) return undefined;
  return {
    counter: isCounterBehind ? seen.counter : undefined,
    epoch: isEpochBehind ? seen.epoch + 1 : undefined,
    sequence,
    timeMs: isTimeBehind ? seen.time * 1_000 : undefined,
    atMs: nowMs,
  };
}
