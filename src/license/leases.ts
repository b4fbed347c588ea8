/**
 * Granting leases: one transaction for the client's counter, its chain and the day's ledger, then the signed answer.
 *
 *     proof accepted → count, chain, ledger → commit → answer
 *                    ↳ not enrolled: enrol, again      ↳ the client remembers more: learn, again
 *
 * The counter and the chain are on disk before the answer leaves, so no two leases of a client bear the same
 * (epoch, counter), whenever the process is killed. The chain, SHA-256 over the one before and the lease, makes the
 * ledger answer for every lease without a row for each.
 *
 * Rule: what a lease says comes from one reading of what is in force; a state that is not open gives a signed refusal
 * that grants nothing.
 */
import { createHash } from "node:crypto";
import { and, eq, isNull, sql } from "drizzle-orm";
import { appendAudit } from "../gate/audit.ts";
import type { Caller } from "../gate/caller.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import { makeTicket } from "./changes.ts";
import { enrolClient, notEnrolled } from "./enrolment.ts";
import { presentedCaller, type Presented, presentProof } from "./handshake.ts";
import type { Moment } from "./in-force.ts";
import { type Lease, signLease } from "./lease.ts";
import { lessonFrom } from "./lesson.ts";
import { isOpen, termOf } from "./license-standing.ts";
import { learnMarks, type Lesson } from "./server-memory.ts";
import type { LicenseServer } from "./server.ts";

/** A signed refusal is over so soon, so that the client comes back. */
export const REFUSAL_SECONDS = 60;
/** Enrol, learn, grant: a client that needs more turns is not an honest one. */
const TURNS_MAX = 4;

export interface GrantedLease {
  /** JWS by the instance key (`lease.ts`). */
  readonly lease: string;
  /** Opens the push stream (`changes.ts`). */
  readonly changes_ticket: string;
}

interface GrantInput {
  readonly server: LicenseServer;
  readonly presented: Presented;
}

type Turn =
  | { readonly kind: "granted"; readonly lease: string; readonly told: string; readonly nowMs: number }
  | { readonly kind: "unknown" }
  | { readonly kind: "behind"; readonly lesson: Lesson };

const nothing = { global: {}, account: {}, team: {} } as const;

/** What the lease says of the license; the same for every client at this moment. */
function termsOf({ accepted, activatedAtMs, standing, clock }: Moment) {
  const issued_at = Math.floor(clock.nowMs / 1_000);
  const { state, since } = standing;
  const reason = standing.reason.slice(0, 500);
  const activated_at = activatedAtMs === undefined ? 0 : Math.floor(activatedAtMs / 1_000);
  const told = { state, since, reason, issued_at, activated_at, license: accepted?.text ?? "" };
  if (accepted === undefined || !isOpen(state)) return { ...told, expires_at: issued_at + REFUSAL_SECONDS, features: nothing, quotas: nothing };
  const { license } = accepted;
  const expires_at = Math.min(issued_at + license.lease_seconds, termOf(license, activatedAtMs).endsAt);
  return { ...told, expires_at, features: license.features, quotas: license.quotas };
}

function leaseFor({ proof, clientId }: Presented, place: Pick<Lease, "lease_id" | "epoch" | "counter">, moment: Moment): Lease {
  const { role, client_nonce, server_nonce } = proof;
  return { format: 1, ...place, role, client: clientId, client_nonce, server_nonce, ...termsOf(moment) };
}

/** The chain after `lease`: SHA-256 over the chain before it, a dot, and the lease's text. */
export function nextChain(chain: string, lease: string): string {
  return createHash("sha256").update(`${chain}.${lease}`).digest("base64url");
}

interface Entry {
  readonly clientId: string;
  readonly counter: number;
  readonly chain: string;
  readonly moment: Moment;
}

/** One row for each client and day, so that years of refreshes stay small. */
async function writeLedger({ writer }: CommandAct, { clientId, counter, chain, moment }: Entry): Promise<void> {
  const { leaseDays } = writer.tables;
  const day = new Date(moment.clock.nowMs).toISOString().slice(0, 10);
  const granted = isOpen(moment.standing.state) ? 1 : 0;
  const refused = 1 - granted;
  await writer
    .insert(leaseDays)
    .values({ id: `${clientId}/${day}`, client_id: clientId, day, granted, refused, last_counter: counter, chain })
    .onConflictDoUpdate({
      target: leaseDays.id,
      set: { granted: sql`${leaseDays.granted} + ${granted}`, refused: sql`${leaseDays.refused} + ${refused}`, last_counter: counter, chain },
    });
}

/** The first lease since the start, another license and another state are told in the audit log as well. */
async function writeAudit({ writer, services, caller }: CommandAct, { counter, moment }: Entry): Promise<void> {
  const { state } = moment.standing;
  const license = moment.accepted?.license;
  await appendAudit(writer, services, {
    operation: "lease.grant",
    outcome: isOpen(state) ? "done" : "refused",
    caller,
    subject: `license:${license?.license_id ?? "none"}`,
    details: { state, epoch: moment.epoch, counter, sequence: license?.sequence ?? 0 },
  });
}

/** One turn: grants, or says what has to come first. Throws Fault `not_enrolled` for a revoked client or another role. */
const grantLease = command("lease.grant", async (act, { server, presented }: GrantInput): Promise<Turn> => {
  const { writer, services } = act;
  const { clientId, proof } = presented;
  const { leaseClients } = writer.tables;
  const [client] = await writer.select().from(leaseClients).where(eq(leaseClients.id, clientId));
  if (client === undefined) return { kind: "unknown" };
  if (client.revoked_at !== null || client.role !== proof.role) throw notEnrolled();
  const moment = server.moment();
  const lesson = lessonFrom(proof, client.counter, server);
  if (lesson !== undefined) return { kind: "behind", lesson };

  const counter = client.counter + 1;
  const lease = signLease(server.instance, leaseFor(presented, { lease_id: services.random.uuid(), epoch: moment.epoch, counter }, moment));
  const entry = { clientId, counter, chain: nextChain(client.chain, lease), moment };
  const counted = await writer
    .update(leaseClients)
    .set({ counter, chain: entry.chain, last_lease_at: Math.ceil(moment.clock.nowMs) })
    .where(and(eq(leaseClients.id, clientId), eq(leaseClients.counter, client.counter), isNull(leaseClients.revoked_at)))
    .returning({ counter: leaseClients.counter });
  if (counted.length === 0) throw notEnrolled();
  await writeLedger(act, entry);
  const told = `${moment.accepted?.acceptedAtMs ?? 0}/${moment.standing.state}`;
  if (server.toldClients.get(clientId) !== told) await writeAudit(act, entry);
  return { kind: "granted", lease, told, nowMs: moment.clock.nowMs };
});

/** Does what the turn says has to come before a lease. */
async function prepare(turn: Exclude<Turn, { kind: "granted" }>, caller: Caller, { server, presented }: GrantInput): Promise<void> {
  if (turn.kind === "unknown") {
    const { enrolment } = presented.proof;
    if (enrolment === undefined) throw notEnrolled();
    return await enrolClient(server.gate, caller, { server, presented, enrolment });
  }
  await learnMarks(server.gate, caller, turn.lesson);
  server.learned(turn.lesson);
}

/**
 * Answers a proof with a lease or a signed refusal.
 * Throws Fault `handshake_refused` for a proof that fails a check, `not_enrolled` for a client that may have no lease.
 */
export async function answerLease(server: LicenseServer, message: string, address: string | undefined): Promise<GrantedLease> {
  const presented = presentProof(server.challenges, message, { purpose: "lease", audience: server.instance.kid });
  const caller = presentedCaller(presented, address);
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    const turn = await grantLease(server.gate, caller, { server, presented });
    if (turn.kind === "granted") {
      server.toldClients.set(presented.clientId, turn.told);
      return { lease: turn.lease, changes_ticket: makeTicket(server.gate.sealer, presented.clientId, turn.nowMs) };
    }
    await prepare(turn, caller, { server, presented });
  }
  throw notEnrolled();
}
