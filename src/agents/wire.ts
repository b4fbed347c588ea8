/**
 * The numbering of a session, the same on both sides: what is sent is numbered and kept until the other side has said that
 * it came; what comes is taken once and in order.
 *
 *     send → seq 1, 2, 3 … kept           receive → the next one: taken; one that was seen: dropped; a gap: broken
 *     ack n → 1 … n forgotten             resume(ack n) → everything after n again, if it is still kept
 *
 * Rule: pure but for its own memory; opens nothing. A side that is not acknowledged for too much is not kept for: the
 * session then cannot be resumed and its state is compared anew.
 */

/** Frames that wait for an acknowledgement. An agent's words about its attempts are acknowledged within a round trip. */
export const UNACKNOWLEDGED_MAX = 1_024;

export interface Numbers {
  readonly seq: number;
  readonly ack: number;
}

export type Received = "taken" | "repeated" | "broken";

export class Wire<Word extends object> {
  #sent: (Word & Numbers)[] = [];
  #lastSent = 0;
  #received = 0;

  /** The last sequence that was received. */
  get received(): number {
    return this.#received;
  }

  get unacknowledged(): number {
    return this.#sent.length;
  }

  /** Numbers a word. It is kept until it is acknowledged. */
  send(word: Word): Word & Numbers {
    const frame = { ...word, seq: ++this.#lastSent, ack: this.#received };
    this.#sent.push(frame);
    if (this.#sent.length > UNACKNOWLEDGED_MAX) this.#sent.shift();
    return frame;
  }

  /** Takes the numbers of a frame that came. `broken`: one before it is missing, or it acknowledges what was never sent. */
  receive({ seq, ack }: Numbers): Received {
    if (ack > this.#lastSent) return "broken";
    this.acknowledge(ack);
    if (seq <= this.#received) return "repeated";
    if (seq !== this.#received + 1) return "broken";
    this.#received = seq;
    return "taken";
  }

  acknowledge(ack: number): void {
    const first = this.#sent.findIndex(({ seq }) => seq > ack);
    this.#sent = first < 0 ? [] : this.#sent.slice(first);
  }

  /** What has to be sent again to a side that has received up to `ack`; undefined when it is not kept any more. */
  resume(ack: number): readonly (Word & Numbers)[] | undefined {
    if (ack > this.#lastSent) return undefined;
    const oldest = this.#sent[0]?.seq ?? this.#lastSent + 1;
    if (ack + 1 < oldest) return undefined;
    this.acknowledge(ack);
    return this.#sent.map((frame) => ({ ...frame, ack: this.#received }));
  }
}
