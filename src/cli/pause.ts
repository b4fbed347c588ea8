/** Waiting for a while in a command. */
import type { Clock } from "../services.ts";

/** Resolves after `delayMs`. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  // Timers of the clock keep no process alive, and nothing else may; an open port does.
  const alive = new MessageChannel();
  alive.port1.onmessage = () => {};
  await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
  alive.port1.close();
}
