/**
 * Who somebody is in a team, and whether that is enough for what they are about to do (see `permissions.ts`).
 *
 * Rule: the role is read in the transaction of the deed, so that a change of role acts at the next request. A team that
 * does not exist and one that is not the caller's are refused alike.
 */
import { and, eq, inArray, type SQL } from "drizzle-orm";
import { assert, Fault, notFound } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import type { Reader } from "../store/store.ts";
import { isAtLeast, permissions, type Role, roles, type TeamAction } from "./permissions.ts";

export function membershipId(teamId: string, userId: string): string {
  return `${teamId}/${userId}`;
}

export interface Membership {
  readonly teamId: string;
  readonly userId: string;
  readonly role: Role;
}

/** Throws Fault `forbidden`, naming both roles, when `role` is too small. */
export function requireRole(role: Role, needed: Role): void {
  if (isAtLeast(role, needed)) return;
  throw new Fault("forbidden", `This needs the role ${needed} or higher in the team, and yours is ${role}.`, {
    hint: "Ask an owner or admin of the team.",
    details: { role, needed },
  });
}

/** The role of `userId` in the team, or undefined when they are no member. */
export async function findRole(reader: Reader, teamId: string, userId: string): Promise<Role | undefined> {
  const { memberships } = reader.tables;
  const [found] = await reader
    .select({ role: memberships.role })
    .from(memberships)
    .where(and(eq(memberships.team_id, teamId), eq(memberships.user_id, userId)));
  const role = roles.find((each) => each === found?.role);
  assert(found === undefined || role !== undefined, "a membership has one of the roles");
  return role;
}

/** The team that the caller speaks in. Throws Fault `team_required` when a person names none. */
function requireTeamId(caller: Caller): string {
  if ("teamId" in caller && caller.teamId !== undefined) return caller.teamId;
  throw new Fault("team_required", "This needs a team.", { hint: "Send the header X-Team-ID with the id of one of your teams." });
}

/** Of a person of another site only what the rules for that site leave; undefined where they leave nothing. */
function countedRole(caller: Caller, teamId: string, role: Role): Role | undefined {
  const visitor = caller.kind === "user" ? caller.visitor : undefined;
  if (visitor === undefined) return role;
  const most = roles.find((each) => each === visitor.roleMax);
  if (most === undefined || (visitor.teamIds !== undefined && !visitor.teamIds.includes(teamId))) return undefined;
  return isAtLeast(role, most) ? most : role;
}

/** The memberships that are the caller's own to see: a device's team, and for a person of another site those that its rules name. */
export function isSeenBy({ tables: { memberships } }: Reader, caller: Caller): SQL | undefined {
  if (caller.kind === "device") return eq(memberships.team_id, caller.teamId);
  const teamIds = caller.kind === "user" ? caller.visitor?.teamIds : undefined;
  return teamIds === undefined ? undefined : inArray(memberships.team_id, [...teamIds]);
}

/**
 * The person's membership of the team they speak in.
 * Throws Fault `team_required` without a team, `not_found` for a foreign team, `forbidden` for too small a role.
 */
export async function requireMembership(reader: Reader, caller: Caller, action: TeamAction): Promise<Membership> {
  assert(caller.kind === "user" || caller.kind === "device", "only people are members");
  const teamId = requireTeamId(caller);
  const own = await findRole(reader, teamId, caller.userId);
  const role = own === undefined ? undefined : countedRole(caller, teamId, own);
  if (role === undefined) throw notFound();
  requireRole(role, permissions[action]);
  return { teamId, userId: caller.userId, role };
}

/** The team that the caller may read in: a key's own team, or a person's after the membership is checked. */
export async function requireTeamReader(reader: Reader, caller: Caller, action: TeamAction): Promise<string> {
  if (caller.kind === "integration" || caller.kind === "agent") return caller.teamId;
  return (await requireMembership(reader, caller, action)).teamId;
}
