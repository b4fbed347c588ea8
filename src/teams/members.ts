/** Members of a team: who they are, and which roles are given to them. */
import { asc, count, eq } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { type CommandAct, query } from "../gate/operation.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { findRole, requireMembership } from "./membership.ts";
import { type Role, roles } from "./permissions.ts";

export interface Member {
  readonly user_id: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly display_name: string;
  readonly email_address: string;
  readonly role: string;
  /** When they joined. */
  readonly created_at: string;
}

/** The team's members in the order they joined. */
export const listMembers = query(
  "member.list",
  async ({ reader, caller }, input: PageRequest): Promise<{ readonly member_list: readonly Member[]; readonly page_meta: PageMeta }> => {
    const page = pageOf(input);
    const { teamId } = await requireMembership(reader, caller, "member.list");
    const { memberships, users } = reader.tables;
    const [total] = await reader.select({ count: count() }).from(memberships).where(eq(memberships.team_id, teamId));
    const rows = await reader
      .select({
        user_id: users.id,
        first_name: users.first_name,
        last_name: users.last_name,
        display_name: users.display_name,
        email_address: users.email_address,
        role: memberships.role,
        created_at: memberships.created_at,
      })
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.user_id))
      .where(eq(memberships.team_id, teamId))
      .orderBy(asc(memberships.created_at), asc(users.id))
      .limit(page.limit)
      .offset(page.offset);
    return { member_list: rows.map((row) => ({ ...row, created_at: isoTime(row.created_at) })), page_meta: page.meta(total?.count ?? 0) };
  },
);

/** The roles that are given; ownership is handed on (`team.transfer`). */
export const givenRoles = roles.filter((role) => role !== "owner");

/** A role that may be given. Throws Fault `invalid_request` naming `field`. */
export function requireGivenRole(field: string, text: string): Role {
  const role = givenRoles.find((each) => each === text);
  if (role === undefined) throw invalidField(field, `is one of ${givenRoles.join(", ")}`);
  return role;
}

/** Why a member was not touched: the owner never is, and nobody else is missing. */
export async function untouchedFault(act: CommandAct, teamId: string, userId: string): Promise<Fault> {
  if ((await findRole(act.writer, teamId, userId)) === undefined) return notFound();
  return new Fault("forbidden", "The owner of a team is not changed or removed by others.", { hint: "The owner hands the team on first." });
}
