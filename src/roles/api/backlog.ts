/**
 * Turns for readers with a backlog: one batch at a time, and between two batches everybody else.
 *
 * Rule: for work that is much and in no hurry. Who follows what happens now does not wait here.
 */
export class Backlog {
  #last: Promise<void> = Promise.resolve();

  /** Runs `act` when its turn comes. */
  async turn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act);
    const rest = () => new Promise<void>((resolve) => setImmediate(resolve));
    this.#last = result.then(rest, rest);
    return await result;
  }
}
