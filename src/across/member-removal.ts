/** A member leaves a team, or is removed: with them go the devices that spoke for them, and nothing that is the team's. */
import { and, eq, ne } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import type { Leaver } from "../teams/belongings.ts";
import { untouchedFault } from "../teams/members.ts";
import { membershipId, requireMembership } from "../teams/membership.ts";
import { belongings } from "./belongings.ts";

/** False when there is nobody to remove, or the owner. */
async function removed({ writer }: CommandAct, { teamId, userId }: Leaver): Promise<boolean> {
  const { memberships } = writer.tables;
  const isMeant = and(eq(memberships.id, membershipId(teamId, userId)), ne(memberships.role, "owner"));
  return (await writer.delete(memberships).where(isMeant).returning({ id: memberships.id })).length > 0;
}

function ownerFault(): Fault {
  return new Fault("conflict", "The owner cannot leave the team.", { hint: "Hand it on to another member first, or delete it." });
}

/** Removes a member; oneself to leave. Of others it needs the role admin. True for the next request once it returns. */
export const removeMember = command("member.remove", async (act, input: { readonly user_id: string }): Promise<void> => {
  const { caller, note } = act;
  const userId = requireId("user_id", input.user_id);
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const isLeaving = userId === caller.userId;
  const { teamId } = await requireMembership(act.writer, caller, isLeaving ? "team.read" : "member.remove");
  const leaver = { teamId, userId };
  if (!(await removed(act, leaver))) throw isLeaving ? ownerFault() : await untouchedFault(act, teamId, userId);
  for (const { endMember } of belongings) await endMember?.(act, leaver);
  note({ subject: `user:${userId}`, details: { left: isLeaving } });
});
