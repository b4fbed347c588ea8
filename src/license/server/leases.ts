/**
 * Granting leases: one transaction for the client's counter, its chain and the day's ledger, then the signed answer.
 *
 *     proof accepted → count, chain, ledger → commit → answer
 *                    ↳ not enrolled: enrol, again      ↳ the client remembers more: learn, again
 *
 * The counter and the chain are on disk before the answer leaves, so no two leases of a client bear the same
 * (epoch, counter), whenever the process is killed.
 *
 * Rule: what a lease says comes from one reading of what is in force; a state that is not open gives a signed refusal
 * that grants nothing.
 */
import { Fault } from "../../fault.ts";
import { appendAudit } from "../../gate/audit.ts";
import type { Caller } from "../../gate/caller.ts";
import { command, type CommandAct } from "../../gate/operation.ts";
import { makeTicket } from "./changes.ts";
import { enrolClient, notEnrolled } from "./enrolment.ts";
import { presentedCaller, type Presented, presentProof } from "./handshake.ts";
import type { Moment } from "./in-force.ts";
import { type Lease, type NextChallenge, signLease } from "../lease.ts";
import { type KnownClient, nextChain, readClient, writeLedger } from "./ledger.ts";
import { lessonFrom } from "./lesson.ts";
import { isOpen, termOf } from "./standing.ts";
import { learnMarks, type Lesson } from "./memory.ts";
import type { LicenseServer } from "./license-server.ts";

/** A signed refusal is over so soon, so that the client comes back. */
export const REFUSAL_SECONDS = 60;
const REASON_LENGTH_MAX = 500;
/** Enrol, learn, grant, and some room for leases of the same client that overtake each other. */
const TURNS_MAX = 16;

export interface GrantedLease {
  /** JWS by the instance key (`lease.ts`). */
  readonly lease: string;
  /** Opens the push stream (`changes.ts`). */
  readonly changes_ticket: string;
  /** What the next proof of this client answers, in place of a challenge that is asked for. */
  readonly next: NextChallenge;
}

interface GrantInput {
  readonly server: LicenseServer;
  readonly presented: Presented;
}

/** What the turn made of the client, to be remembered once it is committed. */
interface Seen {
  readonly client: KnownClient;
  readonly version: number;
}

type Turn =
  | (Seen & { readonly kind: "granted"; readonly lease: string; readonly seconds: number; readonly atMs: number })
  | (Seen & { readonly kind: "behind"; readonly lesson: Lesson })
  | { readonly kind: "unknown" | "overtaken" };

const nothing = { global: {}, account: {}, team: {} } as const;

/** What the lease says of the license; the same for every client at this moment. */
function termsOf({ accepted, activatedAtMs, standing, revocation, clock }: Moment) {
  const issued_at = Math.floor(clock.nowMs / 1_000);
  const { state, since } = standing;
  // A cut through a pair of surrogates would make a lease that no client can read, and so a refusal that none obeys.
  const reason = standing.reason.slice(0, REASON_LENGTH_MAX).toWellFormed();
  const activated_at = activatedAtMs === undefined ? 0 : Math.floor(activatedAtMs / 1_000);
  const ended = revocation === undefined || state !== "revoked" ? {} : { revocation: revocation.text };
  const told = { state, since, reason, issued_at, activated_at, license: accepted?.text ?? "", ...ended };
  if (accepted === undefined || !isOpen(state)) return { ...told, expires_at: issued_at + REFUSAL_SECONDS, features: nothing, quotas: nothing };
  const { license } = accepted;
  const expires_at = Math.min(issued_at + license.lease_seconds, termOf(license, activatedAtMs).endsAt);
  return { ...told, expires_at, features: license.features, quotas: license.quotas };
}

function leaseFor({ proof, clientId }: Presented, place: Pick<Lease, "lease_id" | "epoch" | "counter">, moment: Moment): Lease {
  const { role, client_nonce, server_nonce } = proof;
  return { format: 1, ...place, role, client: clientId, client_nonce, server_nonce, ...termsOf(moment) };
}

interface Told {
  readonly moment: Moment;
  readonly counter: number;
}

/** The first lease since the start, another license and another state are told in the audit log as well. */
async function writeAudit({ writer, services, sealer, caller }: CommandAct, { counter, moment }: Told): Promise<void> {
  const { state } = moment.standing;
  const license = moment.accepted?.license;
  await appendAudit(writer, { services, sealer }, {
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
  const { version } = server.clients;
  const known = server.clients.find(clientId) ?? (await readClient(writer, clientId));
  if (known === "unknown") return { kind: "unknown" };
  if (known === "revoked" || known.role !== proof.role) throw notEnrolled();
  const moment = server.moment();
  const sequenceMark = (deploymentId: string) => server.sequenceMark(deploymentId);
  const lesson = lessonFrom(proof, { epoch: moment.epoch, counter: known.counter, nowMs: moment.clock.nowMs, sequenceMark });
  if (lesson !== undefined) return { kind: "behind", lesson, client: { ...known, counter: lesson.counter ?? known.counter }, version };

  const { state } = moment.standing;
  const counter = known.counter + 1;
  const content = leaseFor(presented, { lease_id: services.random.uuid(), epoch: moment.epoch, counter }, moment);
  const lease = signLease(server.instance, content);
  const chain = nextChain(known.chain, lease);
  const atMs = moment.clock.nowMs;
  if (!(await writeLedger(writer, { clientId, after: known.counter, counter, chain, isGranted: isOpen(state), atMs }))) return { kind: "overtaken" };
  const told = `${moment.accepted?.license.license_id ?? ""}/${moment.accepted?.license.sequence ?? 0}/${state}`;
  if (known.told !== told) await writeAudit(act, { moment, counter });
  const seconds = content.expires_at - content.issued_at;
  return { kind: "granted", lease, seconds, atMs, client: { role: known.role, counter, chain, told }, version };
});

/** Does what the turn says has to come before a lease. */
async function prepare(turn: Exclude<Turn, { kind: "granted" }>, caller: Caller, { server, presented }: GrantInput): Promise<void> {
  const { clientId, proof } = presented;
  if (turn.kind === "overtaken") return server.clients.forget(clientId);
  if (turn.kind === "behind") {
    await learnMarks(server.gate, caller, turn.lesson);
    server.learned(turn.lesson);
    return server.clients.remember(clientId, turn.client, turn.version);
  }
  if (proof.enrolment === undefined) throw notEnrolled();
  await enrolClient(server.gate, caller, { server, presented, enrolment: proof.enrolment });
}

/** The next challenge lives as long as the lease it goes with, within bounds: a license may ask for leases of a second, or of months. */
const NEXT_SECONDS_MIN = 1;
const NEXT_SECONDS_MAX = 86_400;

function handOver(server: LicenseServer, { clientId, challenge, key }: Presented, turn: Extract<Turn, { kind: "granted" }>): GrantedLease {
  server.clients.remember(clientId, turn.client, turn.version);
  const seconds = Math.min(Math.max(turn.seconds, NEXT_SECONDS_MIN), NEXT_SECONDS_MAX);
  const { serverNonce } = server.challenges.issueNext(challenge, key, seconds);
  return {
    lease: turn.lease,
    changes_ticket: makeTicket(server.gate.sealer, clientId, turn.atMs),
    next: { server_nonce: serverNonce, expires_in: seconds },
  };
}

/**
 * Answers a proof with a lease or a signed refusal.
 * Throws Fault `handshake_refused` for a proof that fails a check, `not_enrolled` for a client that may have no lease.
 */
export async function answerLease(server: LicenseServer, message: string, address: string | undefined): Promise<GrantedLease> {
  const presented = presentProof(server.challenges, message, { purpose: "lease", audience: server.instance.kid });
  const caller = presentedCaller(presented, address);
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    const { revocations } = server.clients;
    const turn = await grantLease(server.gate, caller, { server, presented });
    // A client was revoked meanwhile, perhaps this one: its row decides, not what was remembered of it.
    if (turn.kind === "granted" && revocations !== server.clients.revocations) continue;
    if (turn.kind === "granted") return handOver(server, presented, turn);
    await prepare(turn, caller, { server, presented });
  }
  throw new Fault("unavailable", "Too many leases are asked for with this client key at the same time.", { retryAfterSeconds: 1 });
}
