/** Awaiting a condition that real input and output brings about: no sleep, no fixed time, a limit for the hopeless case. */

const LIMIT_MS = 20_000;

/** Resolves as soon as `isTrue` holds; throws when it does not within some seconds of real time, saying `what` was awaited. */
export async function eventually(isTrue: () => boolean | Promise<boolean>, what: string = isTrue.toString()): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`this never came true: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
