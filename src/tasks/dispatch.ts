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
  /** Tasks that it could take now. */
  readonly free: number;
  offer(claimed: Claimed): void;
}

/** The agents of this gateway. */
export interface PlaceList {
  places(): readonly Place[];
  /** Tells agents of attempts that are not theirs any more. */
  reviewHolds(): Promise<void>;
}

/** A place within one round. */
interface Seat {
  readonly place: Place;
  /** Agents of one team with the same labels can run the same tasks. */
  readonly kind: string;
  free: number;
}

function seatOf(place: Place): Seat {
  const { teamId, labels } = place.claimant;
  return { place, kind: `${teamId}/${labels.toSorted().join(",")}`, free: place.free };
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
    await this.#agents.reviewHolds();
    await this.#fill();
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
    const seats = this.#agents.places().filter(({ free }) => free > 0).map(seatOf);
    if (seats.length === 0) return;
    const teams = [...new Set(seats.map(({ place }) => place.claimant.teamId))];
    const now = this.#gate.services.clock.now();
    const load = await this.#gate.store.read((reader) => readLoad(reader, teams, now));
    const turns = new Map(teams.filter((team) => load.due.has(team)).map((team) => [team, load.held.get(team) ?? 0]));
    for (let claims = 0; turns.size > 0 && claims < CLAIMS_MAX && !this.#isStopped; claims += 1) await this.#serve(turns, seats);
    if (turns.size > 0) this.#isRungAgain = true;
  }

  /** One claim for the team whose turn it is: the one that holds fewest tasks. */
  async #serve(turns: Map<string, number>, seats: Seat[]): Promise<void> {
    const [teamId, count] = [...turns].toSorted(([, one], [, other]) => one - other)[0] ?? ["", 0];
    const seat = seats.filter(({ place, free }) => free > 0 && place.claimant.teamId === teamId).toSorted((one, other) => other.free - one.free)[0];
    if (seat === undefined) return void turns.delete(teamId);
    const { place } = seat;
    const isThere = await this.#gate.store.read((reader) => hasClaimable(reader, place.claimant, this.#gate.services.clock.now()));
    const claimed = isThere ? await claimTask(this.#gate, system, place.claimant) : undefined;
    if (claimed !== undefined) {
      seat.free -= 1;
      turns.set(teamId, count + 1);
      place.offer(claimed);
      return;
    }
    // A cap is reached for the whole team; otherwise only agents like this one have nothing to do.
    if (isThere) turns.delete(teamId);
    for (const other of seats) if (other.kind === seat.kind) other.free = 0;
  }
}
