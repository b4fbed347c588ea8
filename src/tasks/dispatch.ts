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
import { type Claimant, type Claimed, claimTask, deploymentTasks, hasClaimable, teamTasks } from "./claim.ts";
import { findExplanations, readLoad } from "./waiting.ts";

export const POLL_MS = 200;
export const SWEEP_MS = 1_000;
/** Claims of one round; the next one goes on. */
const CLAIMS_MAX = 1_000;

/** An agent that is connected here. */
export interface Place {
  readonly claimant: Claimant;
  /** The same for agents with the same labels, which can run the same tasks of their team. */
  readonly kind: string;
  /** Tasks that it could take now. */
  readonly free: number;
  offer(claimed: Claimed): void;
}

/** The agents of this gateway. */
export interface PlaceList {
  /** Teams that have an agent here. */
  teams(): readonly string[];
  placesOf(teamId: string): Iterable<Place>;
  /** Tells agents of attempts that are not theirs any more. */
  reviewHolds(): Promise<void>;
}

/** A place within one round. */
interface Seat {
  readonly place: Place;
  free: number;
}

/** A team within one round. */
interface Turn {
  /** Tasks in its agents' hands. */
  held: number;
  readonly seats: readonly Seat[];
  /** Kinds whose last claim found a task: for them it is not asked again whether there is one. */
  readonly busy: Set<string>;
}

function turnOf(places: Iterable<Place>, held: number): Turn {
  const seats: Seat[] = [];
  for (const place of places) {
    const { free } = place;
    if (free > 0) seats.push({ place, free });
  }
  return { held, seats, busy: new Set() };
}

/** The one that is first by `rank`; the earlier of two that are equal. */
function firstBy<T>(all: Iterable<T>, rank: (one: T) => number): T | undefined {
  let first: T | undefined;
  for (const one of all) if (first === undefined || rank(one) < rank(first)) first = one;
  return first;
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

  constructor(gate: Gate, { log, bell, agents }: { readonly log: Log; readonly bell: Bell; readonly agents: PlaceList }) {
    this.#gate = gate;
    this.#log = log;
    this.#agents = agents;
    this.#unhook = bell.onRing(() => this.wake());
    this.wake();
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
    const load = await this.#gate.store.read((reader) => readLoad(reader, now));
    const due = teams.filter((team) => load.due.has(team));
    const turns = new Map(due.map((team) => [team, turnOf(this.#agents.placesOf(team), load.held.get(team) ?? 0)]));
    for (let claims = 0; turns.size > 0 && claims < CLAIMS_MAX && !this.#isStopped; claims += 1) await this.#serve(turns);
    if (turns.size > 0) this.#isRungAgain = true;
  }

  /** One claim for the team whose turn it is: the one that holds fewest tasks. */
  async #serve(turns: Map<string, Turn>): Promise<void> {
    const [teamId, turn] = firstBy(turns, ([, { held }]) => held) ?? [];
    if (teamId === undefined || turn === undefined) return;
    const seat = firstBy(turn.seats, ({ free }) => -free);
    if (seat === undefined || seat.free === 0) return void turns.delete(teamId);
    const claimed = turn.busy.has(seat.place.kind) || (await this.#isThere(seat)) ? await claimTask(this.#gate, system, seat.place.claimant) : undefined;
    if (claimed !== undefined) {
      turn.busy.add(seat.place.kind);
      seat.free -= 1;
      turn.held += 1;
      return seat.place.offer(claimed);
    }
    // A cap is reached for the whole team; otherwise only agents like this one have nothing to do.
    if (await this.#isThere(seat)) turns.delete(teamId);
    for (const other of turn.seats) if (other.place.kind === seat.place.kind) other.free = 0;
  }

  async #isThere({ place }: Seat): Promise<boolean> {
    return await this.#gate.store.read((reader) => hasClaimable(reader, place.claimant, this.#gate.services.clock.now()));
  }
}
