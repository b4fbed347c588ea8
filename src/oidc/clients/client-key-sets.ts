/**
 * The keys that clients publish at their `jwks_uri` (RFC 7591 section 2), in memory.
 *
 *     held and young, and it has the key → used
 *     old, or the key is not in it       → fetched anew, once for everybody who waits, at most once a minute for each address
 *     the fetch fails                    → what was held serves on until it is too old
 *
 * Rule: one for each process, bounded in every direction, so that neither many clients nor bad assertions make this
 * host a source of requests or fill its memory (CVE-2025-2559). What it holds was understood key by key.
 */
import { dialJson, type DialSite } from "../../dialler.ts";
import { Fault } from "../../fault.ts";
import type { Log } from "../../log.ts";
import type { Settings } from "../../settings.ts";
import { type ClientJwks, findUsableJwks } from "./client-keys.ts";

/** Beyond `clientKeysSeconds`, after which a set is fetched again, so long the last good set serves while its address gives none. */
export const KEY_SET_KEPT_MS = 3_600_000;
/** Between two fetches of one address, however many assertions name keys that are not there. */
export const KEY_SET_RETRY_MS = 60_000;
export const KEY_SETS_MAX = 500;
const FETCHES_MAX = 16;

export interface ClientKeySets {
  /** The keys at the address, in which `isFitting` finds what it needs if they have it; undefined when there are none to be had. */
  find(uri: string, isFitting: (jwks: ClientJwks) => boolean): Promise<ClientJwks | undefined>;
}

interface Entry {
  readonly jwks: ClientJwks | undefined;
  /** Monotonic milliseconds. */
  readonly fetchedAtMs: number;
  readonly triedAtMs: number;
}

/** The keys at the address. Throws Fault. */
async function fetchKeys(site: DialSite, uri: string): Promise<ClientJwks> {
  const jwks = findUsableJwks(await dialJson(site, uri, "application/jwk-set+json, application/json"));
  if (jwks !== undefined) return jwks;
  throw new Fault("unavailable", "The address gives no JWK Set with a public key for signatures.");
}

export interface KeySetSite extends DialSite {
  readonly settings: DialSite["settings"] & Pick<Settings, "clientKeysSeconds">;
}

export function createClientKeySets(site: KeySetSite, log: Log): ClientKeySets {
  const { clock } = site.services;
  const entries = new Map<string, Entry>();
  const flights = new Map<string, Promise<void>>();

  const keep = (uri: string, entry: Entry) => {
    entries.delete(uri);
    // The first one was tried the longest ago.
    for (const oldest of entries.keys()) {
      if (entries.size < KEY_SETS_MAX) break;
      entries.delete(oldest);
    }
    entries.set(uri, entry);
  };

  const fetchAnew = async (uri: string) => {
    const triedAtMs = clock.monotonic();
    const before = entries.get(uri);
    try {
      keep(uri, { jwks: await fetchKeys(site, uri), fetchedAtMs: clock.monotonic(), triedAtMs });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.write("warn", "client_keys.failed", { jwks_uri: uri, reason: error });
      keep(uri, { jwks: before?.jwks, fetchedAtMs: before?.fetchedAtMs ?? 0, triedAtMs });
    }
  };

  const renew = async (uri: string) => {
    const flying = flights.get(uri);
    if (flying !== undefined) return await flying;
    if (flights.size >= FETCHES_MAX) return log.write("warn", "client_keys.busy", { fetches: flights.size });
    const flight = fetchAnew(uri).finally(() => flights.delete(uri));
    flights.set(uri, flight);
    await flight;
  };

  const heldFor = (uri: string, ms: number): ClientJwks | undefined => {
    const entry = entries.get(uri);
    return entry?.jwks !== undefined && clock.monotonic() - entry.fetchedAtMs < ms ? entry.jwks : undefined;
  };

  return {
    async find(uri, isFitting) {
      const fresh = heldFor(uri, site.settings.clientKeysSeconds * 1_000);
      if (fresh !== undefined && isFitting(fresh)) return fresh;
      const entry = entries.get(uri);
      if (entry === undefined || clock.monotonic() - entry.triedAtMs >= KEY_SET_RETRY_MS) await renew(uri);
      return heldFor(uri, site.settings.clientKeysSeconds * 1_000 + KEY_SET_KEPT_MS);
    },
  };
}
