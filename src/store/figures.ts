/** What a store has done since it was opened, for whoever watches it. Rule: counts, and steers nothing. */

export interface StoreFigures {
  /** Transactions with commands that were made durable. */
  commits: number;
  /** Commands that were acknowledged; several may share a commit. */
  commands: number;
  /** Transactions that the engine refused. */
  failures: number;
  /** Transactions that were run once more. */
  retries: number;
}

export function newFigures(): StoreFigures {
  return { commits: 0, commands: 0, failures: 0, retries: 0 };
}
