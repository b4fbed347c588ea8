/** Awaiting a condition that real input and output brings about: no sleep, no fixed time, a limit for the hopeless case. */

const LIMIT_MS = 5_000;

/** Resolves as soon as `isTrue` holds; throws when it does not within some seconds of real time. */
export async function eventually(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`this never came true: ${isTrue}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
