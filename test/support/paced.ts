/**
 * A test's clock that follows the real one, some times as fast: for tests in which real processes take real time and leases
 * still end within the test.
 */
import type { TestClock } from "./services.ts";

const LIMIT_MS = 240_000;
/** However long the machine stood still: nothing can be heard within one step, and silence would seem to be death. */
const STEP_MS_MAX = 500;

/** Moves `clock` on with real time until it holds. */
export async function paced(clock: TestClock, factor: number, isTrue: () => boolean | Promise<boolean>, limitMs: number = LIMIT_MS): Promise<void> {
  const endMs = performance.now() + limitMs;
  let lastMs = performance.now();
  while (!(await isTrue())) {
    const nowMs = performance.now();
    if (nowMs > endMs) throw new Error(`this never came true: ${isTrue.toString()}`);
    const stepMs = Math.min(STEP_MS_MAX, Math.floor((nowMs - lastMs) * factor));
    clock.advance(stepMs);
    if (stepMs > 0) lastMs = nowMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
