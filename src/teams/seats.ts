/**
 * Seats of a team, capped by `max_members`: taken by members, and kept for those who are invited.
 *
 * Inviting counts both, so that whoever is invited finds a seat; accepting counts the members again, because the cap
 * may have been lowered meanwhile. Each in the very statement that inserts.
 */
import { and, count, eq, gt, type SQL, sql } from "drizzle-orm";
import { Fault } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import type { Qualified } from "../license/entitlements.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Reader } from "../store/store.ts";
import { membershipId } from "./membership.ts";
import type { Role } from "./permissions.ts";

export const maxMembers: Qualified = { namespace: "team", key: "max_members" };

/** What `max_members` caps. */
export function countMembers(reader: Reader, teamId: string) {
  const { memberships } = reader.tables;
  return reader.select({ count: count() }).from(memberships).where(eq(memberships.team_id, teamId));
}

/** Invitations that can still be accepted at `now`. */
export function countInvited(reader: Reader, teamId: string, now: number) {
  const { invitations } = reader.tables;
  return reader.select({ count: count() }).from(invitations).where(and(eq(invitations.team_id, teamId), gt(invitations.expires_at, now)));
}

/** Whether one more can be invited. */
export function hasSeat({ writer, services, limit }: CommandAct, teamId: string): SQL {
  const taken = sql`(${countMembers(writer, teamId)}) + (${countInvited(writer, teamId, services.clock.now())})`;
  return below(taken, limit(maxMembers));
}

export interface NewMember {
  readonly teamId: string;
  readonly userId: string;
  readonly role: Role;
}

/** Makes a member. Throws Fault `quota_exceeded` when the team is full, `conflict` for a member. */
export async function insertMember(act: CommandAct, { teamId, userId, role }: NewMember): Promise<void> {
  const { writer, services } = act;
  const { memberships } = writer.tables;
  const cap = act.limit(maxMembers);
  const row = { id: membershipId(teamId, userId), team_id: teamId, user_id: userId, role, created_at: services.clock.now() };
  const isFree = below(countMembers(writer, teamId), cap);
  const [inserted] = await writer.insert(memberships).select(rowWhere(memberships, row, isFree)).onConflictDoNothing().returning({ id: memberships.id });
  if (inserted !== undefined) return;
  const [member] = await writer.select({ id: memberships.id }).from(memberships).where(eq(memberships.id, row.id));
  if (member === undefined) throw quotaFault(maxMembers, cap);
  throw new Fault("conflict", "You are a member of this team already.", { hint: "Open the team." });
}
