/** The timer by which newer bundles and keys are looked for, and by which a site that is behind says so. */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import { refreshFederation } from "./bundle-refresh.ts";
import { type KeyStanding, readKeyStanding } from "./key-standing.ts";
import { listSites } from "./site-operations.ts";
import type { ShownSite } from "./sites.ts";

/** Hints of sites are kept to this. */
const CHECK_MS = 60_000;
const JITTER = 0.1;

/** As of the last check that succeeded. */
export interface FederationStatus {
  readonly sites: readonly Pick<ShownSite, "id" | "state" | "expires_at">[];
  readonly keys: Pick<KeyStanding, "standing" | "state"> | undefined;
}

export interface FederationTimer {
  status(): FederationStatus;
  /** Waits for a check that runs. */
  stop(): Promise<void>;
}

/** Says each thing once, and again when it has changed. */
function createSpeaker() {
  const said = new Map<string, string>();
  return (about: string, state: string, speak: () => void) => {
    if ((said.get(about) ?? "ok") !== state && state !== "ok") speak();
    if (state === "ok") said.delete(about);
    else said.set(about, state);
  };
}

/** Checks at once and then every minute, until it is stopped. */
export function startFederation(gate: Gate, log: Log): FederationTimer {
  const { clock, random } = gate.services;
  const speak = createSpeaker();
  let status: FederationStatus = { sites: [], keys: undefined };
  let isStopped = false;
  let cancel = () => {};

  const check = async () => {
    try {
      for (const { id, problem } of await refreshFederation(gate)) speak(`refresh ${id ?? "keys"}`, problem ?? "ok", () => log.write("warn", "federation.refresh_failed", { site: id, problem }));
      const { sites } = await listSites(gate, system, undefined);
      const keys = await readKeyStanding(gate, system, undefined);
      status = { sites, keys };
      for (const { id, state, expires_at } of sites) speak(`site ${id}`, state, () => log.write("warn", "federation.bundle_old", { site: id, state, expires_at }));
      speak("keys", keys.state, () => log.write("warn", "federation.keys_old", { state: keys.state, known_until: keys.known_until }));
    } catch (error) {
      log.write("error", "federation.check_failed", { error });
    }
    if (!isStopped) cancel = clock.after(Math.round(CHECK_MS * (1 - JITTER * random.fraction())), () => void (running = check()));
  };
  let running = check();

  return {
    status: () => status,
    async stop() {
      isStopped = true;
      cancel();
      await running;
    },
  };
}
