/** Waiting for a while in a command. */
import type { Clock } from "../services.ts";
import { stayAlive } from "./alive.ts";

/** Resolves after `delayMs`. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  using _alive = stayAlive();
  await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
}
