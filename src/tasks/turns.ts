/**
 * Whose turn it is within one round of the dispatcher: of the teams with tasks that are due the one that holds fewest, and of
 * its agents the one with the most free places.
 *
 * Rule: picks and remembers what it has picked; what is really there is asked of `count`, and taken by the claim.
 */
import type { Claimant, Claimed } from "./claim.ts";

/** An agent that is connected here. */
export interface Place {
  readonly claimant: Claimant;
  /** The same for agents with the same labels, which can run the same tasks of their team. */
  readonly kind: string;
  /** Tasks that it could take now. */
  readonly free: number;
  offer(claimed: Claimed): void;
}

/** A place within one round. */
interface Seat {
  readonly place: Place;
  free: number;
}

interface Turn {
  /** Tasks in the hands of the team's agents, with those that were picked. */
  held: number;
  readonly seats: readonly Seat[];
  /** By kind, how many tasks are known to be there and not picked. */
  readonly left: Map<string, number>;
}

/** A place that may claim. */
export interface Picked {
  readonly teamId: string;
  readonly place: Place;
}

export interface DueTeam {
  readonly teamId: string;
  readonly held: number;
  readonly places: Iterable<Place>;
}

/** The one that is first by `rank`; the earlier of two that are equal. */
function firstBy<T>(all: Iterable<T>, rank: (one: T) => number): T | undefined {
  let first: T | undefined;
  for (const one of all) if (first === undefined || rank(one) < rank(first)) first = one;
  return first;
}

function seatsOf(places: Iterable<Place>): readonly Seat[] {
  const seats: Seat[] = [];
  for (const place of places) {
    const { free } = place;
    if (free > 0) seats.push({ place, free });
  }
  return seats;
}

/** Nothing more for agents of the kind. */
function close({ seats }: Turn, kind: string): void {
  for (const seat of seats) if (seat.place.kind === kind) seat.free = 0;
}

export class Turns {
  readonly #turns: Map<string, Turn>;
  readonly #count: (claimant: Claimant) => Promise<number>;

  /** `count` tells how many tasks there are for agents like this one. */
  constructor(due: readonly DueTeam[], count: (claimant: Claimant) => Promise<number>) {
    this.#turns = new Map(due.map(({ teamId, held, places }) => [teamId, { held, seats: seatsOf(places), left: new Map() }]));
    this.#count = count;
  }

  get isOver(): boolean {
    return this.#turns.size === 0;
  }

  /** Up to `max` places, for as many tasks. */
  async pick(max: number): Promise<readonly Picked[]> {
    const picked: Picked[] = [];
    while (picked.length < max) {
      const next = await this.#next();
      if (next === undefined) break;
      picked.push(next);
    }
    // What was counted is claimed now; there may be more than was counted.
    for (const { left } of this.#turns.values()) left.clear();
    return picked;
  }

  /** The claim found nothing: a cap is reached, or another was quicker. Agents like this one get no more in this round. */
  retire({ teamId, place: { kind } }: Picked): void {
    const turn = this.#turns.get(teamId);
    if (turn !== undefined) close(turn, kind);
  }

  async #next(): Promise<Picked | undefined> {
    for (let next = this.#first(); next !== undefined; next = this.#first()) {
      const [teamId, turn] = next;
      const seat = firstBy(turn.seats, ({ free }) => -free);
      if (seat === undefined || seat.free === 0) {
        this.#turns.delete(teamId);
        continue;
      }
      const { place } = seat;
      const left = turn.left.get(place.kind) ?? (await this.#count(place.claimant));
      if (left > 0) {
        turn.left.set(place.kind, left - 1);
        turn.held += 1;
        seat.free -= 1;
        return { teamId, place };
      }
      // Counted out within this pick there may be more; found to be none there is nothing for agents like this one.
      if (turn.left.has(place.kind)) return undefined;
      close(turn, place.kind);
    }
    return undefined;
  }

  #first(): [string, Turn] | undefined {
    return firstBy(this.#turns, ([, { held }]) => held);
  }
}
