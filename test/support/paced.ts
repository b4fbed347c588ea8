/**
 * A test's clock that follows the real one, some times as fast: for tests in which real processes take real time and leases
 * still end within the test.
 */
import type { TestClock } from "./services.ts";

const LIMIT_MS = 240_000;

/** Moves `clock` on with real time until it holds. */
export async function paced(clock: TestClock, factor: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  let lastMs = performance.now();
  while (!(await isTrue())) {
    const nowMs = performance.now();
    if (nowMs > endMs) throw new Error(`this never came true: ${isTrue.toString()}`);
    const stepMs = Math.floor((nowMs - lastMs) * factor);
    clock.advance(stepMs);
    lastMs += stepMs / factor;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
