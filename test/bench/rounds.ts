/**
 * Ours and the raw loop in turn, so that a busy minute of the machine falls on both.
 *
 * The order changes from round to round (ours first, raw first, …), because whoever runs second finds a warmer cache and
 * a drive that is still flushing. Nothing is pinned to a core: the figures are those of an ordinary start.
 */

export interface Pair<T> {
  readonly ours: T;
  readonly raw: T;
}

export interface Contest<T> {
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds before them, of each, that only warm up. */
  readonly warmUps: number;
  ours(): Promise<T> | T;
  raw(): Promise<T> | T;
}

async function oneRound<T>({ ours, raw }: Contest<T>, isOursFirst: boolean): Promise<Pair<T>> {
  if (isOursFirst) {
    const first = await ours();
    return { ours: first, raw: await raw() };
  }
  const first = await raw();
  return { raw: first, ours: await ours() };
}

/** Runs the warm-ups and then the rounds, each one pair. */
export async function contest<T>(plan: Contest<T>): Promise<readonly Pair<T>[]> {
  for (let round = 0; round < plan.warmUps; round++) await oneRound(plan, round % 2 === 0);
  const pairs: Pair<T>[] = [];
  for (let round = 0; round < plan.rounds; round++) pairs.push(await oneRound(plan, round % 2 === 0));
  return pairs;
}

/** One number from ours and from raw in every pair. */
export function column<T>(pairs: readonly Pair<T>[], value: (one: T) => number): Pair<readonly number[]> {
  return { ours: pairs.map(({ ours }) => value(ours)), raw: pairs.map(({ raw }) => value(raw)) };
}
