/**
 * Streams and sockets that stay open after their request was let in: each lives only while its credential does.
 *
 * Every half second the count of ended accesses is read, one row; when it has moved, all that is open is looked up
 * again. So a revocation reaches every process over the store within a second, by whatever statement it was done, and
 * nothing has to be sent from one process to another. What ends by time is ended by time.
 *
 * Rule: decides whether who opened it may go on; what it is, and how it is closed, is the door's.
 */
import { and, gt, inArray, isNull } from "drizzle-orm";
import type { Caller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import { membershipId } from "../teams/membership.ts";
import { statusOf } from "./kinds.ts";

/** How often it is asked whether any access has ended. */
export const REVIEW_MS = 500;
/** While the store does not answer, nothing can be known; after so long nothing stays open. */
export const UNHEARD_MS_MAX = 30_000;
/** Connections that are looked up in one statement. */
const BATCH_MAX = 200;

/** `ended`: the credential is revoked, rotated, expired, or its person is out. `unheard`: nobody could say for too long. */
export type EndReason = "ended" | "unheard";

interface Open {
  readonly caller: Caller;
  end(reason: EndReason): void;
  /** The count that was read before the caller was last found good; undefined until then. */
  seen: number | undefined;
  /** When the credential ends by itself, epoch milliseconds. */
  endsAt: number;
}

const findSeen = planRead((reader) => reader.select({ seen: reader.tables.accessChanges.seen }).from(reader.tables.accessChanges));

/** When each of the callers' accesses ends, epoch milliseconds; those that have ended already are missing. */
type Ends = ReadonlyMap<Open, number>;

const NEVER = Number.POSITIVE_INFINITY;

async function findLivePeople(reader: Reader, userIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { users } = reader.tables;
  const rows = await reader.select({ id: users.id }).from(users).where(and(inArray(users.id, [...userIds]), isNull(users.disabled_at)));
  return new Set(rows.map(({ id }) => id));
}

async function findMemberships(reader: Reader, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { memberships } = reader.tables;
  const rows = await reader.select({ id: memberships.id }).from(memberships).where(inArray(memberships.id, [...ids]));
  return new Set(rows.map(({ id }) => id));
}

/** A person within a team, or in none. */
interface Presence {
  readonly userId: string | null;
  readonly teamId: string | undefined;
}

/** Says whether the account is open and belongs to the team; always for a team's own keys, which stand for nobody. */
async function presenceAmong(reader: Reader, all: readonly Presence[]): Promise<(presence: Presence) => boolean> {
  const people = all.flatMap(({ userId, teamId }) => (userId === null ? [] : { userId, teamId }));
  if (people.length === 0) return () => true;
  const live = await findLivePeople(reader, people.map(({ userId }) => userId));
  const inTeam = await findMemberships(reader, people.flatMap(({ teamId, userId }) => (teamId === undefined ? [] : membershipId(teamId, userId))));
  return ({ userId, teamId }) => userId === null || (live.has(userId) && (teamId === undefined || inTeam.has(membershipId(teamId, userId))));
}

async function findKeyEnds(reader: Reader, open: readonly Open[], now: number): Promise<Ends> {
  const { credentials } = reader.tables;
  const ids = new Set(open.flatMap(({ caller }) => ("credentialId" in caller ? caller.credentialId : [])));
  if (ids.size === 0) return new Map();
  const { id, key_prefix, previous_key_prefix, previous_expires_at, expires_at, revoked_at, user_id, team_id } = credentials;
  const rows = await reader
    .select({ id, key_prefix, previous_key_prefix, previous_expires_at, expires_at, revoked_at, userId: user_id, teamId: team_id })
    .from(credentials)
    .where(inArray(id, [...ids]));
  const isPresent = await presenceAmong(reader, rows);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const ends = new Map<Open, number>();
  for (const each of open) {
    const row = "credentialId" in each.caller ? byId.get(each.caller.credentialId) : undefined;
    if (row === undefined || !("credentialId" in each.caller) || statusOf(row, now) !== "active" || !isPresent(row)) continue;
    const expiresAt = row.expires_at ?? NEVER;
    // Rotated: what was opened with the secret before ends with the overlap.
    const overlapEndsAt = row.previous_key_prefix === each.caller.keyPrefix ? (row.previous_expires_at ?? now) : now;
    if (row.key_prefix === each.caller.keyPrefix) ends.set(each, expiresAt);
    else if (overlapEndsAt > now) ends.set(each, Math.min(expiresAt, overlapEndsAt));
  }
  return ends;
}

async function findSessionEnds(reader: Reader, open: readonly Open[], now: number): Promise<Ends> {
  const { sessions } = reader.tables;
  const people = open.flatMap((each) => ("sessionId" in each.caller ? { open: each, caller: each.caller } : []));
  if (people.length === 0) return new Map();
  const rows = await reader
    .select({ id: sessions.id, expiresAt: sessions.expires_at })
    .from(sessions)
    .where(and(inArray(sessions.id, people.map(({ caller }) => caller.sessionId)), isNull(sessions.ended_at), gt(sessions.expires_at, now)));
  const byId = new Map(rows.map(({ id, expiresAt }) => [id, expiresAt]));
  const isPresent = await presenceAmong(reader, people.map(({ caller }) => caller));
  return new Map(
    people.flatMap(({ open: each, caller }) => {
      const expiresAt = byId.get(caller.sessionId);
      return expiresAt === undefined || !isPresent(caller) ? [] : [[each, expiresAt] as const];
    }),
  );
}

async function findEnds(reader: Reader, open: readonly Open[], now: number): Promise<Ends> {
  return new Map([...(await findKeyEnds(reader, open, now)), ...(await findSessionEnds(reader, open, now))]);
}

export class OpenConnections {
  readonly #gate: Gate;
  readonly #log: Log;
  readonly #open = new Set<Open>();
  #cancel: Cancel | undefined;
  #isStopped = false;
  #reviewing: Promise<void> = Promise.resolve();
  #heardAtMs: number;

  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#log = log;
    this.#heardAtMs = gate.services.clock.monotonic();
  }

  /**
   * Takes in a connection that `caller` was let in for. `end` is called once, when the access has ended; what is closed
   * for another reason is taken out by calling the function that is returned.
   */
  add(caller: Caller, end: (reason: EndReason) => void): () => void {
    // The count is not known yet, so it is looked up at the next review: a revocation may have come since the request.
    const open: Open = { caller, end, seen: undefined, endsAt: NEVER };
    if (this.#open.size === 0) this.#heardAtMs = this.#gate.services.clock.monotonic();
    this.#open.add(open);
    this.#arm();
    return () => this.#open.delete(open);
  }

  /** Ends the reviews, not the connections. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#open.clear();
    this.#cancel?.();
    await this.#reviewing;
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#cancel ??= this.#gate.services.clock.after(REVIEW_MS, () => {
      this.#reviewing = this.#review().finally(() => {
        this.#cancel = undefined;
        if (this.#open.size > 0) this.#arm();
      });
    });
  }

  async #review(): Promise<void> {
    const { clock } = this.#gate.services;
    try {
      const seen = await this.#gate.store.read(async (reader) => (await findSeen(reader, {}))[0]?.seen);
      const now = clock.now();
      const due = [...this.#open].filter((open) => seen === undefined || open.seen !== seen || open.endsAt <= now);
      for (let at = 0; at < due.length; at += BATCH_MAX) await this.#reviewBatch(due.slice(at, at + BATCH_MAX), seen);
      this.#heardAtMs = clock.monotonic();
    } catch (error) {
      this.#log.write("warn", "connections.not_reviewed", { open: this.#open.size, error });
      if (clock.monotonic() - this.#heardAtMs >= UNHEARD_MS_MAX) this.#end([...this.#open], "unheard");
    }
  }

  async #reviewBatch(due: readonly Open[], seen: number | undefined): Promise<void> {
    const now = this.#gate.services.clock.now();
    const ends = await this.#gate.store.read((reader) => findEnds(reader, due, now));
    this.#end(due.filter((open) => !ends.has(open)), "ended");
    for (const [open, endsAt] of ends) Object.assign(open, { seen, endsAt });
  }

  #end(ended: readonly Open[], reason: EndReason): void {
    for (const open of ended) if (this.#open.delete(open)) open.end(reason);
  }
}
