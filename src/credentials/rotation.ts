/**
 * Rotation: a credential gets a new secret and keeps everything else, so that what it is allowed, called and capped by
 * does not change. The secret before ends at once, or after an overlap in which both are good.
 *
 *     one secret ── rotate ── two, until the overlap ends ── one secret
 *
 * Rule: one rotation at a time, taken by one conditional update; neither secret outlives the credential.
 */
import { and, eq, gt, isNull, lte, ne, or, sql } from "drizzle-orm";
import { createKey, keyPrefix } from "../crypto/tokens.ts";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import type { Tables } from "../store/schema.ts";
import { requireMembership } from "../teams/membership.ts";
import { requireCredentialId } from "./credential-id.ts";
import { type CredentialKind, familyOf, findKind, statusOf } from "./kinds.ts";

const OVERLAP_SECONDS_MAX = 7 * 86_400;

export interface RotationInput {
  readonly credential_id: string;
  /** How long the secret before stays good: 0, the default, to 604800 (7 days). */
  readonly overlap_seconds?: number | undefined;
}

export interface RotatedCredential {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly key_prefix: string;
  /** The new key in clear, here and never again. */
  readonly raw_key: string;
  /** Until when the key before is good as well; null when it has ended. */
  readonly previous_key_expires_at: string | null;
}

type Row = Tables["credentials"]["$inferSelect"];

function requireOverlap(seconds: number | undefined): number {
  const overlap = seconds ?? 0;
  if (Number.isInteger(overlap) && overlap >= 0 && overlap <= OVERLAP_SECONDS_MAX) return overlap;
  throw invalidField("overlap_seconds", `is a whole number from 0 to ${OVERLAP_SECONDS_MAX}, or is left out for 0`);
}

/** Throws the reason why the row cannot be rotated now. */
function requireRotatable(row: Row, now: number): void {
  if (row.kind === "device" || row.companion_of !== null) {
    throw new Fault("conflict", "The keys of a device are not rotated.", { hint: "Pair the device again, and revoke this credential." });
  }
  const status = statusOf(row, now);
  if (status !== "active") {
    throw new Fault("conflict", `The credential is ${status}, and what has ended is not rotated.`, { hint: "Create another one.", details: { key_status: status } });
  }
  if (row.previous_expires_at !== null && row.previous_expires_at > now) {
    throw new Fault("conflict", "The credential is being rotated: its key before is still good.", {
      hint: "Wait until the overlap is over; if one of the keys has leaked, revoke the credential and create another one.",
      details: { previous_key_expires_at: isoTime(row.previous_expires_at) },
    });
  }
}

async function requireTarget({ writer, services }: CommandAct, id: string, teamId: string): Promise<Row & { readonly kind: CredentialKind }> {
  const { credentials } = writer.tables;
  const [row] = await writer.select().from(credentials).where(and(eq(credentials.id, id), eq(credentials.team_id, teamId)));
  const kind = findKind(row?.kind);
  if (row === undefined || kind === undefined) throw notFound();
  requireRotatable(row, services.clock.now());
  return { ...row, kind };
}

interface Replacement {
  readonly row: Row;
  readonly rawKey: string;
  /** Null when the secret before ends at once. */
  readonly overlapEndsAt: number | null;
}

/** Puts the new secret in the place of the old one; false when the row is no longer what was found. */
async function replaceSecret({ writer, services, sealer }: CommandAct, { row, rawKey, overlapEndsAt }: Replacement): Promise<boolean> {
  const { credentials } = writer.tables;
  const now = services.clock.now();
  const isLive = and(isNull(credentials.revoked_at), or(isNull(credentials.expires_at), gt(credentials.expires_at, now)));
  const isSettled = or(isNull(credentials.previous_expires_at), lte(credentials.previous_expires_at, now));
  const kept = (column: "digest" | "key_prefix") => (overlapEndsAt === null ? null : sql`${credentials[column]}`);
  const replaced = await writer
    .update(credentials)
    .set({
      digest: sealer.digest("credential-pepper", rawKey),
      key_prefix: keyPrefix(rawKey),
      previous_digest: kept("digest"),
      previous_key_prefix: kept("key_prefix"),
      previous_expires_at: overlapEndsAt,
    })
    .where(and(eq(credentials.id, row.id), eq(credentials.digest, row.digest), ne(credentials.kind, "device"), isLive, isSettled))
    .returning({ id: credentials.id });
  return replaced.length === 1;
}

/**
 * Makes a new secret for an integration or agent key. Needs the role admin.
 * Throws Fault `conflict` for a device, for what has ended, and while a rotation before still overlaps.
 */
export const rotateCredential = command("credential.rotate", async (act, input: RotationInput): Promise<RotatedCredential> => {
  const id = requireCredentialId(input.credential_id);
  const overlap = requireOverlap(input.overlap_seconds);
  const { teamId } = await requireMembership(act.writer, act.caller, "credential.rotate");
  const row = await requireTarget(act, id, teamId);
  const rawKey = createKey(familyOf[row.kind], act.services.random);
  const until = Math.min(act.services.clock.now() + overlap * 1_000, row.expires_at ?? Number.MAX_SAFE_INTEGER);
  const overlapEndsAt = overlap === 0 ? null : until;
  if (!(await replaceSecret(act, { row, rawKey, overlapEndsAt }))) throw new Fault("conflict", "The credential was changed meanwhile.", { hint: "Look at it again." });
  const prefixes = { key_prefix: keyPrefix(rawKey), previous_key_prefix: row.key_prefix };
  act.note({ subject: `credential:${id}`, details: { kind: row.kind, ...prefixes, overlap_seconds: overlap } });
  return { id, kind: row.kind, key_prefix: prefixes.key_prefix, raw_key: rawKey, previous_key_expires_at: overlapEndsAt === null ? null : isoTime(overlapEndsAt) };
});
