/** Waiting for a while in a command, which nothing else may keep alive. */
import type { Clock } from "../services.ts";

/** Resolves after `delayMs`. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Timers of the clock keep no process alive; this does.
  const alive = new MessageChannel();
  alive.port1.onmessage = () => {};
  clock.after(delayMs, resolve);
  await promise;
  alive.port1.close();
}
