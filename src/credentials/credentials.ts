/**
 * Keys of a team: made by its owner and admins, seen by all its members, revoked for good.
 *
 * The key itself is shown once and kept as a keyed digest; what is listed is the prefix by which people know it.
 */
import { and, count, desc, eq, sql } from "drizzle-orm";
import { createKey, keyPrefix } from "../crypto/tokens.ts";
import { invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { requireName } from "../identity/names.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Tables } from "../store/schema.ts";
import { type Membership, requireMembership } from "../teams/membership.ts";
import { getFullFault, hasRoom, type TeamKeyKind } from "./caps.ts";
import { revokeCompanions } from "./companions.ts";
import { requireCredentialId } from "./credential-id.ts";
import { type CredentialKind, credentialKinds, familyOf, findKind, type KeyStatus, statusOf } from "./kinds.ts";
import { readList, requireRestrictions, type RestrictionInput, type StoredRestrictions } from "./restrictions.ts";

const EXPIRES_IN_DAYS_MAX = 365;
const DAY_MS = 86_400_000;

export interface CredentialInput extends RestrictionInput {
  readonly kind: string;
  readonly display_name: string;
  /** 1 to 365; without it the key never expires. */
  readonly expires_in_days?: number | undefined;
}

export interface CreatedCredential {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly key_prefix: string;
  /** The key in clear, here and never again. */
  readonly raw_key: string;
}

export interface Credential {
  readonly id: string;
  readonly kind: string;
  readonly display_name: string;
  readonly key_prefix: string;
  readonly user_id: string | null;
  readonly key_status: KeyStatus;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  /** Null for all of the runtime surface. */
  readonly scopes: readonly string[] | null;
  /** Null for every address. */
  readonly allowed_cidrs: readonly string[] | null;
  /** Until when the key before the last rotation is good as well; null when there is none. */
  readonly previous_key_expires_at: string | null;
}

interface Wanted {
  readonly kind: TeamKeyKind;
  readonly displayName: string;
  readonly expiresInDays: number | undefined;
  readonly restrictions: StoredRestrictions;
}

function requireWanted({ kind, display_name, expires_in_days: days, ...restrictions }: CredentialInput): Wanted {
  if (kind === "device") throw invalidField("kind", "is integration or agent; a device key is made by pairing the device");
  if (kind !== "integration" && kind !== "agent") throw invalidField("kind", "is integration or agent");
  if (days !== undefined && (!Number.isInteger(days) || days < 1 || days > EXPIRES_IN_DAYS_MAX)) {
    throw invalidField("expires_in_days", `is a whole number from 1 to ${EXPIRES_IN_DAYS_MAX}, or is left out for a key that never expires`);
  }
  return { kind, displayName: requireName("display_name", display_name), expiresInDays: days, restrictions: requireRestrictions(kind, restrictions) };
}

async function insertCredential(act: CommandAct, { teamId, userId }: Membership, wanted: Wanted): Promise<CreatedCredential> {
  const { writer, services, sealer } = act;
  const { credentials } = writer.tables;
  const rawKey = createKey(familyOf[wanted.kind], services.random);
  const now = services.clock.now();
  const row = {
    id: services.random.uuid(),
    kind: wanted.kind,
    team_id: teamId,
    created_by: userId,
    display_name: wanted.displayName,
    key_prefix: keyPrefix(rawKey),
    digest: sealer.digest("credential-pepper", rawKey),
    created_at: now,
    expires_at: wanted.expiresInDays === undefined ? null : now + wanted.expiresInDays * DAY_MS,
    ...wanted.restrictions,
  };
  const [inserted] = await writer.insert(credentials).select(rowWhere(credentials, row, hasRoom(act, wanted.kind, teamId))).returning({ id: credentials.id });
  if (inserted === undefined) throw await getFullFault(act, wanted.kind, teamId);
  return { id: inserted.id, kind: wanted.kind, key_prefix: keyPrefix(rawKey), raw_key: rawKey };
}

/** Creates an integration or agent key. Needs the role admin. */
export const createCredential = command("credential.create", async (act, input: CredentialInput): Promise<CreatedCredential> => {
  const wanted = requireWanted(input);
  const membership = await requireMembership(act.writer, act.caller, "credential.create");
  const created = await insertCredential(act, membership, wanted);
  act.note({ subject: `credential:${created.id}`, details: { kind: created.kind, key_prefix: created.key_prefix, display_name: wanted.displayName } });
  return created;
});

type ListedRow = Pick<
  Tables["credentials"]["$inferSelect"],
  "id" | "kind" | "display_name" | "key_prefix" | "user_id" | "created_at" | "last_used_at" | "expires_at" | "revoked_at" | "scopes" | "allowed_cidrs" | "previous_expires_at"
>;

function shownCredential({ revoked_at, previous_expires_at, ...row }: ListedRow, now: number): Credential {
  const time = (instant: number | null) => (instant === null ? null : isoTime(instant));
  const isOverlapping = revoked_at === null && previous_expires_at !== null && previous_expires_at > now;
  return {
    ...row,
    key_status: statusOf({ revoked_at, expires_at: row.expires_at }, now),
    created_at: isoTime(row.created_at),
    last_used_at: time(row.last_used_at),
    expires_at: time(row.expires_at),
    scopes: readList(row.scopes) ?? null,
    allowed_cidrs: readList(row.allowed_cidrs) ?? null,
    previous_key_expires_at: isOverlapping ? time(previous_expires_at) : null,
  };
}

export interface CredentialListRequest extends PageRequest {
  readonly kind?: string | undefined;
}

/** The team's keys, newest first, revoked ones too. Any member may see them; the secret is nowhere. */
export const listCredentials = query(
  "credential.list",
  async (act, input: CredentialListRequest): Promise<{ readonly credentials: readonly Credential[]; readonly page_meta: PageMeta }> => {
    const { reader, caller, services } = act;
    const page = pageOf(input);
    const kind = findKind(input.kind);
    if (kind === undefined && input.kind !== undefined) throw invalidField("kind", `is one of ${credentialKinds.join(", ")}`);
    const { teamId } = await requireMembership(reader, caller, "credential.list");
    const { credentials } = reader.tables;
    const isAsked = and(eq(credentials.team_id, teamId), kind === undefined ? undefined : eq(credentials.kind, kind));
    const [total] = await reader.select({ count: count() }).from(credentials).where(isAsked);
    const rows = await reader
      .select({
        id: credentials.id,
        kind: credentials.kind,
        display_name: credentials.display_name,
        key_prefix: credentials.key_prefix,
        user_id: credentials.user_id,
        created_at: credentials.created_at,
        last_used_at: credentials.last_used_at,
        expires_at: credentials.expires_at,
        revoked_at: credentials.revoked_at,
        scopes: credentials.scopes,
        allowed_cidrs: credentials.allowed_cidrs,
        previous_expires_at: credentials.previous_expires_at,
      })
      .from(credentials)
      .where(isAsked)
      .orderBy(desc(credentials.created_at), desc(credentials.id))
      .limit(page.limit)
      .offset(page.offset);
    const now = services.clock.now();
    const shown = rows.map((row) => shownCredential(row, now));
    return { credentials: shown, page_meta: page.meta(total?.count ?? 0) };
  },
);

/**
 * Revokes for good: true when the call returns. Needs the role admin. Revoking again changes nothing.
 * Throws Fault `invalid_request` when a key or prefix is given in place of the id.
 */
export const revokeCredential = command("credential.revoke", async (act, input: { readonly credential_id: string }): Promise<void> => {
  const { writer, caller, services, note } = act;
  const id = requireCredentialId(input.credential_id);
  const { teamId } = await requireMembership(writer, caller, "credential.revoke");
  const { credentials } = writer.tables;
  const isMeant = and(eq(credentials.id, id), eq(credentials.team_id, teamId));
  const [meant] = await writer
    .update(credentials)
    .set({ revoked_at: sql`coalesce(${credentials.revoked_at}, ${services.clock.now()})` })
    .where(isMeant)
    .returning({ id: credentials.id, kind: credentials.kind, key_prefix: credentials.key_prefix });
  if (meant === undefined) throw notFound();
  if (meant.kind === "device") await revokeCompanions(writer, meant.id, services.clock.now());
  note({ subject: `credential:${meant.id}`, details: { kind: meant.kind, key_prefix: meant.key_prefix } });
});
