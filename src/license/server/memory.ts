/**
 * The License Server's rows: what it accepted and the marks, read at its start and written with each deed.
 *
 * Rule: every mark is written by one conditional statement that can only make it stricter. The second copy of the marks
 * is written by the server after the commit, never before.
 */
import { and, eq, gt, lt, lte, max, or } from "drizzle-orm";
import { Fault } from "../../fault.ts";
import { command, type CommandAct, Refused } from "../../gate/operation.ts";
import type { Writer } from "../../store/store.ts";
import type { License, TrustedKey } from "../document.ts";
import { type BoundParts, joinMarks, type Marks, parseBound, type Reset, revocationMarks, type RevocationMark } from "./marks.ts";
import type { FileProblem } from "./standing.ts";

/** The one row of `license_server`. */
const ROW = "server";

export interface Remembered {
  /** The accepted license's text, to be verified anew; null before the first. */
  readonly text: string | null;
  readonly acceptedAtMs: number;
  readonly marks: Marks;
}

function resetText(reset: Reset | undefined): string | null {
  return reset === undefined ? null : `${reset.issued_at}/${reset.license_id}`;
}

function parseReset(text: string | null): Reset | undefined {
  const [, issued, licenseId] = /^(\d{1,12})\/(.{1,128})$/.exec(text ?? "") ?? [];
  return issued === undefined || licenseId === undefined ? undefined : { issued_at: Number(issued), license_id: licenseId };
}

/** The highest time that a lease of ours bears: it is on disk with the lease, so it outlives a kill between two marks. */
async function lastLeaseMs(writer: Writer): Promise<number> {
  const { leaseDays } = writer.tables;
  const [last] = await writer.select({ at: max(leaseDays.last_lease_at) }).from(leaseDays);
  return last?.at ?? 0;
}

async function recall(writer: Writer, trustedKeys: readonly TrustedKey[]): Promise<Remembered> {
  const { licenseServer, licenseSequences, licenseActivations, licenseRevocations } = writer.tables;
  const [row] = await writer.select().from(licenseServer).where(eq(licenseServer.id, ROW));
  const sequences = await writer.select().from(licenseSequences);
  const activations = await writer.select().from(licenseActivations);
  const revocations = await writer.select().from(licenseRevocations);
  return {
    text: row?.license ?? null,
    acceptedAtMs: row?.accepted_at ?? 0,
    marks: {
      epoch: row?.epoch ?? 0,
      highWaterMs: Math.max(row?.high_water ?? 0, await lastLeaseMs(writer)),
      reset: parseReset(row?.high_water_license ?? null),
      sequences: new Map(sequences.map(({ deployment_id, sequence }) => [deployment_id, sequence])),
      activations: new Map(activations.map(({ license_id, activated_at }) => [license_id, activated_at])),
      bound: parseBound(row?.bound_parts ?? null),
      revocations: new Map(revocations.flatMap(({ revocation, seen_at }) => revocationMarks(revocation, seen_at, trustedKeys))),
    },
  };
}

/** Raises the sequence mark. False when a higher one stands already. */
async function raiseSequence(writer: Writer, deploymentId: string, mark: { sequence: number; atMs: number }): Promise<boolean> {
  const { licenseSequences } = writer.tables;
  const row = { deployment_id: deploymentId, sequence: mark.sequence, seen_at: mark.atMs };
  const raised = await writer
    .insert(licenseSequences)
    .values(row)
    .onConflictDoUpdate({ target: licenseSequences.deployment_id, set: row, setWhere: lte(licenseSequences.sequence, mark.sequence) })
    .returning({ sequence: licenseSequences.sequence });
  return raised.length === 1;
}

/** Keeps the revocation. False when one that stands after it, or at its place, is kept already. */
async function keepRevocation(writer: Writer, { text, revocation, seenAtMs }: RevocationMark): Promise<boolean> {
  const { licenseRevocations } = writer.tables;
  const { deployment_id, sequence, issued_at } = revocation;
  const row = { deployment_id, revocation: text, sequence, issued_at, seen_at: Math.ceil(seenAtMs) };
  const isLater = or(lt(licenseRevocations.sequence, sequence), and(eq(licenseRevocations.sequence, sequence), lt(licenseRevocations.issued_at, issued_at)));
  const kept = await writer
    .insert(licenseRevocations)
    .values(row)
    .onConflictDoUpdate({ target: licenseRevocations.deployment_id, set: row, ...(isLater && { setWhere: isLater }) })
    .returning({ deployment_id: licenseRevocations.deployment_id });
  return kept.length === 1;
}

/** The first use on record; `atMs` when there was none. */
async function firstUse(writer: Writer, licenseId: string, atMs: number): Promise<number> {
  const { licenseActivations } = writer.tables;
  await writer.insert(licenseActivations).values({ license_id: licenseId, activated_at: atMs }).onConflictDoNothing();
  await writer
    .update(licenseActivations)
    .set({ activated_at: atMs })
    .where(and(eq(licenseActivations.license_id, licenseId), gt(licenseActivations.activated_at, atMs)));
  const [row] = await writer.select().from(licenseActivations).where(eq(licenseActivations.license_id, licenseId));
  return row?.activated_at ?? atMs;
}

async function saveMarks(writer: Writer, marks: Marks, atMs: number): Promise<void> {
  const { licenseServer } = writer.tables;
  const row = {
    epoch: marks.epoch,
    high_water: Math.ceil(marks.highWaterMs),
    high_water_license: resetText(marks.reset),
    bound_parts: marks.bound === undefined ? null : JSON.stringify(marks.bound),
  };
  await writer.insert(licenseServer).values({ id: ROW, ...row }).onConflictDoUpdate({ target: licenseServer.id, set: row });
  for (const [deploymentId, sequence] of marks.sequences) await raiseSequence(writer, deploymentId, { sequence, atMs });
  for (const [licenseId, activatedAtMs] of marks.activations) await firstUse(writer, licenseId, activatedAtMs);
  for (const mark of marks.revocations.values()) await keepRevocation(writer, mark);
}

/** What a start goes on from: the second copy, and the keys by which the vendor's texts in the store are verified. */
export interface Beginning {
  readonly fileMarks: Marks;
  readonly trustedKeys: readonly TrustedKey[];
}

/** Joins the store's marks with the second copy and begins a new epoch. */
export const startMemory = command("license.start", async ({ writer, services, note }, { fileMarks, trustedKeys }: Beginning): Promise<Remembered> => {
  const stored = await recall(writer, trustedKeys);
  const joined = joinMarks(stored.marks, fileMarks);
  const marks = { ...joined, epoch: joined.epoch + 1 };
  await saveMarks(writer, marks, services.clock.now());
  note({ subject: "license_server", details: { epoch: marks.epoch, joined_from_file: fileMarks.epoch > stored.marks.epoch } });
  return { ...stored, marks };
});

/** A file that is taken into force. */
export interface Acceptance {
  readonly text: string;
  readonly license: License;
  /** What a first use binds it to; undefined leaves what is bound. */
  readonly bound: BoundParts | undefined;
  /** Guarded time, epoch milliseconds. */
  readonly atMs: number;
  /** Set when the license sets the time mark anew, to `atMs`. */
  readonly reset: Reset | undefined;
}

/** After a reset no older record may bring the higher time back at the next start. */
async function resetTime(writer: Writer, { atMs, reset }: Acceptance): Promise<void> {
  const { licenseServer, leaseDays } = writer.tables;
  await writer.update(licenseServer).set({ high_water: Math.ceil(atMs), high_water_license: resetText(reset) }).where(eq(licenseServer.id, ROW));
  await writer.update(leaseDays).set({ last_lease_at: Math.ceil(atMs) }).where(gt(leaseDays.last_lease_at, Math.ceil(atMs)));
}

/** Takes a license into force, in the transaction of the operation that brought it; gives a trial's first use. */
export async function saveAcceptance({ writer, note }: CommandAct, acceptance: Acceptance): Promise<number | undefined | Refused> {
  const { text, license, bound, reset } = acceptance;
  const atMs = Math.ceil(acceptance.atMs);
  const { licenseServer } = writer.tables;
  if (!(await raiseSequence(writer, license.deployment_id, { sequence: license.sequence, atMs }))) {
    return new Refused(problemFault({ refusal: "sequence_too_low", message: "A newer license was seen meanwhile." }));
  }
  const boundColumns = bound === undefined ? {} : { bound_parts: JSON.stringify(bound), bound_at: atMs };
  await writer.update(licenseServer).set({ license: text, accepted_at: atMs, ...boundColumns }).where(eq(licenseServer.id, ROW));
  if (reset !== undefined) await resetTime(writer, acceptance);
  note({
    subject: `license:${license.license_id}`,
    details: { deployment_id: license.deployment_id, sequence: license.sequence, clock_reset: reset !== undefined, bound_anew: bound !== undefined },
  });
  return license.activation === undefined ? undefined : await firstUse(writer, license.license_id, Math.floor(acceptance.atMs));
}

/** Takes a revocation into force, in the transaction of the operation that brought it. The accepted license stays on record. */
export async function saveRevocation({ writer, note }: CommandAct, mark: RevocationMark): Promise<undefined | Refused> {
  const { deployment_id, license_id, revocation_id, sequence, reason } = mark.revocation;
  const isNewest = await raiseSequence(writer, deployment_id, { sequence, atMs: Math.ceil(mark.seenAtMs) });
  if (!isNewest || !(await keepRevocation(writer, mark))) {
    return new Refused(problemFault({ refusal: "sequence_too_low", message: "A newer license or revocation was seen meanwhile." }));
  }
  note({ subject: `license:${license_id}`, details: { deployment_id, sequence, revocation_id, revoked: reason } });
  return undefined;
}

/** The refusal of a license file, as callers meet it. */
export function problemFault({ refusal, message }: FileProblem): Fault {
  return new Fault("invalid_license", message, {
    hint: "The license in force is unchanged. Run cyberun license inspect FILE for what the file says, and ask the vendor for another.",
    details: { refusal },
  });
}

async function raiseTime(writer: Writer, nowMs: number): Promise<void> {
  const { licenseServer } = writer.tables;
  const high = Math.ceil(nowMs);
  await writer.update(licenseServer).set({ high_water: high }).where(and(eq(licenseServer.id, ROW), lt(licenseServer.high_water, high)));
}

/** Records the highest guarded time. */
export const markTime = command("license.mark_time", async ({ writer }, nowMs: number): Promise<void> => await raiseTime(writer, nowMs));

export interface StateChange {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** Guarded time, epoch milliseconds; recorded as well, so that a kill cannot take the change back. */
  readonly nowMs: number;
}

/** Records that the state of the license changed by itself: by time, clock, binding or a client's memory. */
export const recordState = command("license.change_state", async ({ writer, note }, { nowMs, ...details }: StateChange): Promise<void> => {
  await raiseTime(writer, nowMs);
  note({ subject: "license_server", details });
});

/** What a client remembers and this server has lost. Absent members are not behind. */
export interface Lesson {
  /** The lease that follows counts on from it, and so writes it down. */
  readonly counter: number | undefined;
  readonly epoch: number | undefined;
  readonly sequence: { readonly deploymentId: string; readonly sequence: number } | undefined;
  readonly timeMs: number | undefined;
  /** Guarded time, epoch milliseconds. */
  readonly atMs: number;
}

/** Adopts the marks of a client that remembers more than this server: its state was restored, wiped or left behind. */
export const learnMarks = command("license.learn", async ({ caller, writer, note }, lesson: Lesson): Promise<void> => {
  const { licenseServer } = writer.tables;
  const clientId = caller.kind === "lease_client" ? caller.clientId : "";
  const { counter, epoch, sequence, timeMs } = lesson;
  if (epoch !== undefined) await writer.update(licenseServer).set({ epoch }).where(and(eq(licenseServer.id, ROW), lt(licenseServer.epoch, epoch)));
  if (timeMs !== undefined) await raiseTime(writer, timeMs);
  if (sequence !== undefined) await raiseSequence(writer, sequence.deploymentId, { sequence: sequence.sequence, atMs: Math.ceil(lesson.atMs) });
  note({
    subject: `lease_client:${clientId}`,
    details: { counter: counter ?? null, epoch: epoch ?? null, sequence: sequence?.sequence ?? null, time: timeMs ?? null },
  });
});
