/**
 * The ledger of leases, and what of it is kept in memory: for each client the counter and chain of its last lease.
 *
 * One row for each client and day holds all of it, so a lease costs one statement, and years of refreshes stay small.
 * The memory only ever holds what was committed. The statement names the counter it goes on from, so a memory that
 * was overtaken writes nothing, is forgotten, and read anew.
 *
 * Rule: a counter never goes back and is never used twice. Revocation takes the client out of the memory once it is
 * committed; a lease that was granted from what was remembered before is not handed out (`leases.ts`).
 */
import { createHash } from "node:crypto";
import { desc, eq, lte, sql } from "drizzle-orm";
import { type Given, planRead, planWrite } from "../../store/plan.ts";
import type { Reader, Writer } from "../../store/store.ts";

/** An enrolled client that is not revoked, and its last lease. */
export interface KnownClient {
  readonly role: string;
  /** Counter of the last lease; 0 before the first. */
  readonly counter: number;
  /** Chain of the last lease; empty before the first. */
  readonly chain: string;
  /** License and state it was last told since the start, for the audit log. */
  readonly told: string;
}

export class KnownClients {
  readonly #clients = new Map<string, KnownClient>();
  #version = 0;
  #revocations = 0;

  /** Changes with each {@link forget}: what was read before must not be remembered after. */
  get version(): number {
    return this.#version;
  }

  find(clientId: string): KnownClient | undefined {
    return this.#clients.get(clientId);
  }

  remember(clientId: string, client: KnownClient, version: number): void {
    if (version === this.#version) this.#clients.set(clientId, client);
  }

  forget(clientId: string): void {
    this.#version += 1;
    this.#clients.delete(clientId);
  }

  /** Grows with each revocation: a lease whose granting saw one begin is not handed out. */
  get revocations(): number {
    return this.#revocations;
  }

  revoke(clientId: string): void {
    this.#revocations += 1;
    this.forget(clientId);
  }
}

const findClient = planRead((reader, given: Given<{ clientId: string }>) => {
  const { leaseClients } = reader.tables;
  return reader.select().from(leaseClients).where(eq(leaseClients.id, given("clientId")));
});

const findLastDay = planRead((reader, given: Given<{ clientId: string }>) => {
  const { leaseDays } = reader.tables;
  return reader.select().from(leaseDays).where(eq(leaseDays.client_id, given("clientId"))).orderBy(desc(leaseDays.day)).limit(1);
});

/** The client's row with its last lease: `unknown` without a row, `revoked` once it was revoked. */
export async function readClient(reader: Reader, clientId: string): Promise<KnownClient | "unknown" | "revoked"> {
  const [client] = await findClient(reader, { clientId });
  if (client === undefined) return "unknown";
  if (client.revoked_at !== null) return "revoked";
  const [last] = await findLastDay(reader, { clientId });
  return { role: client.role, counter: last?.last_counter ?? 0, chain: last?.chain ?? "", told: "" };
}

/** The chain after `lease`: SHA-256 over the chain before it, a dot, and the lease's text. */
export function nextChain(chain: string, lease: string): string {
  return createHash("sha256").update(`${chain}.${lease}`).digest("base64url");
}

export interface LedgerEntry {
  readonly clientId: string;
  /** The counter this one goes on from. */
  readonly after: number;
  readonly counter: number;
  readonly chain: string;
  readonly isGranted: boolean;
  /** Guarded time, epoch milliseconds. */
  readonly atMs: number;
}

interface DayRow {
  readonly id: string;
  readonly client: string;
  readonly day: string;
  readonly granted: number;
  readonly refused: number;
  readonly counter: number;
  readonly at: number;
  readonly chain: string;
  readonly after: number;
}

/** Adds to the client's row of the day, unless that has gone on beyond `after`. */
const addToDay = planWrite((writer, given: Given<DayRow>) => {
  const { leaseDays } = writer.tables;
  const last = { last_counter: given("counter"), last_lease_at: given("at"), chain: given("chain") };
  return writer
    .insert(leaseDays)
    .values({ id: given("id"), client_id: given("client"), day: given("day"), granted: given("granted"), refused: given("refused"), ...last })
    .onConflictDoUpdate({
      target: leaseDays.id,
      set: {
        granted: sql`${leaseDays.granted} + excluded.granted`,
        refused: sql`${leaseDays.refused} + excluded.refused`,
        last_counter: sql`excluded.last_counter`,
        last_lease_at: sql`excluded.last_lease_at`,
        chain: sql`excluded.chain`,
      },
      setWhere: lte(leaseDays.last_counter, given("after")),
    })
    .returning({ counter: leaseDays.last_counter });
});

/** Writes the lease down. False when another lease of the client was written meanwhile. */
export async function writeLedger(writer: Writer, { clientId, after, counter, chain, isGranted, atMs }: LedgerEntry): Promise<boolean> {
  const day = new Date(atMs).toISOString().slice(0, 10);
  const [granted, refused] = isGranted ? [1, 0] : [0, 1];
  const row = { id: `${clientId}/${day}`, client: clientId, day, granted, refused, counter, at: Math.ceil(atMs), chain, after };
  return (await addToDay(writer, row)).length === 1;
}
