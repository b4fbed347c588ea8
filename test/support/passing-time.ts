/** Time that goes on until something comes true, no faster than the site works: between two steps it takes a request and a write. */
import { eventually } from "./eventually.ts";
import type { TestRoles } from "./roles.ts";

/** Advances the clock by `stepMs` until `isTrue`. A site that is told of seconds within microseconds would let everybody go as silent. */
export async function asTimePasses(site: TestRoles, stepMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(async () => {
    if (await isTrue()) return true;
    site.world.services.clock.advance(stepMs);
    await site.call("/api/v1/users/me");
    await site.gate.store.write(async () => {});
    return false;
  }, isTrue.toString());
}
