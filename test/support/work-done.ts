/**
 * What an answer costs, counted and not timed: hashes of passwords and transactions of the store. Two requests that do the
 * same work cannot be told apart by the clock, however noisy the machine of the test is.
 *
 *     const counted = countWork(site.gate);
 *     const work = await counted.of(() => site.call("/api/v1/auth/login", { json }));
 */
import { spyOn } from "bun:test";
import type { Store } from "../../src/store/store.ts";

export interface Work {
  readonly hashes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface CountedWork extends Disposable {
  /** The result of `deed`, and what was done for it. Nothing else may run meanwhile. */
  of<T>(deed: () => Promise<T>): Promise<{ readonly result: T; readonly work: Work }>;
}

export function countWork({ store }: { readonly store: Store }): CountedWork {
  const spies = [spyOn(Bun.password, "hash"), spyOn(Bun.password, "verify"), spyOn(store, "read"), spyOn(store, "write")] as const;
  const counts = (): Work => {
    const [hash, verify, read, write] = spies.map((spy) => spy.mock.calls.length);
    return { hashes: (hash ?? 0) + (verify ?? 0), reads: read ?? 0, writes: write ?? 0 };
  };
  return {
    async of(deed) {
      const before = counts();
      const result = await deed();
      const after = counts();
      return { result, work: { hashes: after.hashes - before.hashes, reads: after.reads - before.reads, writes: after.writes - before.writes } };
    },
    [Symbol.dispose]: () => spies.forEach((spy) => spy.mockRestore()),
  };
}
