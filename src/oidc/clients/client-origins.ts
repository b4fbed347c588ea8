/**
 * Which web pages may talk to the endpoints for programs from a browser: those of the origins that clients have registered
 * redirect URIs of.
 *
 * Rule: an origin is compared as a whole, and `null` is none. What is held is a little old at most; an origin that is not in
 * it makes the clients be read again, but not more often than that, whoever asks.
 */
import { isNull } from "drizzle-orm";
import { system } from "../../gate/caller.ts";
import { type Gate, query } from "../../gate/operation.ts";
import { parseUris } from "./client.ts";

/** How long an origin that was taken away may still be let in. */
const KEEP_MS = 60_000;
/** Between two reads, however many unknown origins ask. */
const LOOK_AGAIN_MS = 5_000;
const ORIGIN = /^https?:\/\/[^/?#@\s]+$/;

/** The origins of all redirect URIs of clients that are not disabled. A private scheme has none. */
export const listClientOrigins = query("oidc_client.list_origins", async ({ reader }, _input: undefined): Promise<ReadonlySet<string>> => {
  const { oidcClients: clients } = reader.tables;
  const rows = await reader.select({ redirect_uris: clients.redirect_uris }).from(clients).where(isNull(clients.disabled_at));
  const origins = rows.flatMap(({ redirect_uris }) => parseUris(redirect_uris).map((uri) => new URL(uri).origin));
  return new Set(origins.filter((origin) => ORIGIN.test(origin)));
});

export interface ClientOrigins {
  isKnown(origin: string): Promise<boolean>;
}

interface Held {
  readonly origins: ReadonlySet<string>;
  readonly readAtMs: number;
}

export function createClientOrigins(gate: Gate): ClientOrigins {
  const { clock } = gate.services;
  let held: Held | undefined;
  let reading: Promise<Held> | undefined;

  const read = async (): Promise<Held> => {
    const readAtMs = clock.monotonic();
    held = { origins: await listClientOrigins(gate, system, undefined), readAtMs };
    return held;
  };
  const readAnew = (): Promise<Held> => {
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  };

  return {
    async isKnown(origin) {
      if (!ORIGIN.test(origin)) return false;
      const ageMs = held === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - held.readAtMs;
      if (held?.origins.has(origin) === true && ageMs < KEEP_MS) return true;
      if (held !== undefined && ageMs < LOOK_AGAIN_MS) return false;
      return (await readAnew()).origins.has(origin);
    },
  };
}
