/**
 * The token of an invitation: 256 random bits, kept as a keyed digest.
 *
 * It says nothing by itself: team, role, address and end stand in the row, so that none of them can be altered
 * (CVE-2026-1529). Used, taken back, expired and unknown ones are the same nothing.
 */
import { and, eq, gt } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import type { Act, CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { type Role, roles } from "./permissions.ts";

export function invitationDigest({ sealer }: Pick<Act, "sealer">, token: string): string {
  return sealer.digest("invitation", token);
}

export function invitationUrl({ settings }: Pick<Act, "settings">, token: string): string {
  return `${settings.publicUrl}/invitation/${token}`;
}

export function invitationGoneFault(): Fault {
  return new Fault("gone", "This invitation is not good any more.", { hint: "An invitation is good once and for a few days. Ask the team for a new one." });
}

/** An invitation that can be answered. */
export interface OpenInvitation {
  readonly id: string;
  readonly teamId: string;
  readonly emailAddress: string;
  readonly emailKey: string;
  readonly role: Role;
  readonly isMailed: boolean;
  readonly expiresAt: number;
}

function isOpen(act: Pick<Act, "sealer" | "services">, { tables }: Pick<Reader, "tables">, token: string) {
  return and(eq(tables.invitations.digest, invitationDigest(act, token)), gt(tables.invitations.expires_at, act.services.clock.now()));
}

type Row = Reader["tables"]["invitations"]["$inferSelect"];

function opened(row: Row): OpenInvitation {
  const role = roles.find((each) => each === row.role);
  assert(role !== undefined && role !== "owner", "an invitation has one of the roles that are given");
  return { id: row.id, teamId: row.team_id, emailAddress: row.email_address, emailKey: row.email_key, role, isMailed: row.is_mailed, expiresAt: row.expires_at };
}

/** The invitation of the token, without using it. Throws Fault `gone`. */
export async function requireInvitation(act: Pick<Act, "sealer" | "services">, reader: Reader, token: string): Promise<OpenInvitation> {
  const [found] = await reader.select().from(reader.tables.invitations).where(isOpen(act, reader, token));
  if (found === undefined) throw invitationGoneFault();
  return opened(found);
}

/** Uses up the token. Of any number of callers one gets the invitation; the others throw Fault `gone`. */
export async function takeInvitation(act: CommandAct, token: string): Promise<OpenInvitation> {
  const { writer } = act;
  const [taken] = await writer.delete(writer.tables.invitations).where(isOpen(act, writer, token)).returning();
  if (taken === undefined) throw invitationGoneFault();
  return opened(taken);
}
