/** A member gets another role, and what the new role may not have ends with the old one. */
import { and, eq, ne } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { requireGivenRole, untouchedFault } from "../teams/members.ts";
import { membershipId, requireMembership } from "../teams/membership.ts";
import { belongings } from "./belongings.ts";

export interface RoleChange {
  readonly user_id: string;
  readonly role: string;
}

/** Gives another member another role, which acts at their next request. Needs the role admin. */
export const setMemberRole = command("member.set_role", async (act, input: RoleChange): Promise<void> => {
  const userId = requireId("user_id", input.user_id);
  const role = requireGivenRole("role", input.role);
  const { teamId, userId: own } = await requireMembership(act.writer, act.caller, "member.set_role");
  if (userId === own) throw new Fault("forbidden", "Nobody changes their own role.", { hint: "Ask another admin or the owner of the team." });
  const { memberships } = act.writer.tables;
  const [changed] = await act.writer
    .update(memberships)
    .set({ role })
    .where(and(eq(memberships.id, membershipId(teamId, userId)), ne(memberships.role, "owner")))
    .returning({ id: memberships.id });
  if (changed === undefined) throw await untouchedFault(act, teamId, userId);
  for (const { changeRole } of belongings) await changeRole?.(act, { teamId, userId, role });
  act.note({ subject: `user:${userId}`, details: { role } });
});
