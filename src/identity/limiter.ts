/** A gate for costly work: so many at once, so many waiting, the rest refused at once. */

export interface LimiterOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
  /** Thrown when both are full. */
  readonly refusal: () => Error;
}

export interface Limiter {
  /** Runs `task` as soon as there is room, in order of arrival. */
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createLimiter({ runningMax, waitingMax, refusal }: LimiterOptions): Limiter {
  const waiting: (() => void)[] = [];
  let running = 0;
  const enter = async (): Promise<void> => {
    if (running < runningMax) {
      running += 1;
      return;
    }
    if (waiting.length >= waitingMax) throw refusal();
    // The one that leaves hands its place over, so that nobody slips in between.
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return {
    async run(task) {
      await enter();
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
