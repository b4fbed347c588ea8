/**
 * The dispatcher of one gateway: gives due tasks to the free places of its agents, and looks after what is overdue.
 *
 *     bell or 200 ms → what ended elsewhere is told → of the teams with places the one that holds fewest → claim → offer
 *     each second    → leases and deadlines that are over → why the rest waits
 *
 * Rule: decides whose turn it is; whether a task may be taken is the claim's to decide, in its statement.
 */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { licenseStates, quotaLimit } from "../license/entitlements.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { endOverdue, explainWaiting, extendLeases, LEASE_MS } from "./attempts.ts";
import type { Bell } from "./bell.ts";
import { claimTask, countClaimable, deploymentTasks, teamTasks } from "./claim.ts";
import { type Picked, type Place, Turns } from "./turns.ts";
import { findExplanations, readLoad } from "./waiting.ts";

export const POLL_MS = 200;
export const SWEEP_MS = 1_000;
/** Claims of one round; the next one goes on. */
const CLAIMS_MAX = 1_000;
/** Claims that share a commit where the store has one for several. */
const CLAIMS_AT_ONCE = 16;

/** The agents of this gateway. */
export interface PlaceList {
  /** Teams that have an agent here. */
  teams(): readonly string[];
  placesOf(teamId: string): Iterable<Place>;
  /** Tells agents of attempts that are not theirs any more. */
  reviewHolds(): Promise<void>;
}

export class Dispatcher {
  readonly #gate: Gate;
  readonly #log: Log;
  readonly #agents: PlaceList;
  readonly #unhook: () => void;
  #cancel: Cancel | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isRungAgain = false;
  #isStopped = false;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  #reviewedAtMs = Number.NEGATIVE_INFINITY;
  #hasExtended = false;
  #claims = 0;

  constructor(gate: Gate, { log, bell, agents }: { readonly log: Log; readonly bell: Bell; readonly agents: PlaceList }) {
    this.#gate = gate;
    this.#log = log;
    this.#agents = agents;
    this.#unhook = bell.onRing(() => this.wake());
    this.wake();
  }

  /** Tasks that were given to agents since the start. */
  get claims(): number {
    return this.#claims;
  }

  /** Begins a round, or another one after the one that runs. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isRungAgain = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#rounds();
  }

  /** Ends the rounds; what was claimed has been offered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unhook();
    this.#cancel?.();
    await this.#running;
  }

  async #rounds(): Promise<void> {
    this.#cancel?.();
    while (this.#isRungAgain && !this.#isStopped) {
      this.#isRungAgain = false;
      await this.#round().catch((error: unknown) => this.#log.write("warn", "dispatch.failed", { error }));
    }
    this.#isRunning = false;
    if (!this.#isStopped) this.#cancel = this.#gate.services.clock.after(POLL_MS, () => this.wake());
  }

  async #round(): Promise<void> {
    await this.#sweep();
    await this.#review();
    await this.#fill();
  }

  /** As often as a round comes by itself: what is rung for is a place or a task, and all that is held takes its time to look at. */
  async #review(): Promise<void> {
    const now = this.#gate.services.clock.monotonic();
    if (now - this.#reviewedAtMs < POLL_MS) return;
    this.#reviewedAtMs = now;
    await this.#agents.reviewHolds();
  }

  /** No attempt is lost to the time in which this process was down: leases are extended before the first look at them. */
  async #sweep(): Promise<void> {
    const { clock } = this.#gate.services;
    if (!this.#hasExtended) await extendLeases(this.#gate, system, { ms: LEASE_MS });
    this.#hasExtended = true;
    if (clock.monotonic() - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = clock.monotonic();
    await endOverdue(this.#gate, system, undefined);
    await this.#explain();
  }

  async #explain(): Promise<void> {
    const { entitled, store, services } = this.#gate;
    const entitlements = entitled.entitlements();
    const caps = { team: quotaLimit(entitlements, teamTasks), deployment: quotaLimit(entitlements, deploymentTasks), now: services.clock.now() };
    const found = await store.read((reader) => findExplanations(reader, caps));
    for (const [reason, taskIds] of found) await explainWaiting(this.#gate, system, { reason, taskIds });
  }

  async #fill(): Promise<void> {
    if (!licenseStates[this.#gate.entitled.entitlements().state].open) return;
    const teams = this.#agents.teams();
    if (teams.length === 0) return;
    const now = this.#gate.services.clock.now();
    const load = await this.#gate.store.read((reader) => readLoad(reader, teams, now));
    const due = teams.filter((team) => load.due.has(team)).map((teamId) => ({ teamId, held: load.held.get(teamId) ?? 0, places: this.#agents.placesOf(teamId) }));
    const turns = new Turns(due, (claimant) => this.#gate.store.read((reader) => countClaimable(reader, claimant, { now, max: CLAIMS_AT_ONCE })));
    for (let claims = 0; claims < CLAIMS_MAX && !this.#isStopped; claims += CLAIMS_AT_ONCE) {
      const picked = await turns.pick(CLAIMS_AT_ONCE);
      if (picked.length === 0) break;
      await Promise.all(picked.map((each) => this.#claim(each, turns)));
    }
    if (!turns.isOver) this.#isRungAgain = true;
  }

  async #claim(picked: Picked, turns: Turns): Promise<void> {
    const { place } = picked;
    const claimed = await claimTask(this.#gate, system, place.claimant);
    if (claimed === undefined) turns.retire(picked);
    else {
      this.#claims += 1;
      place.offer(claimed);
    }
  }
}
