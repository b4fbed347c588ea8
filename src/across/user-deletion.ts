/** The end of an account, with everything that stands for its person, in one transaction. */
import { and, eq } from "drizzle-orm";
import { command } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { isNotLastAdministrator, requireAnother, untouchedUserFault } from "../identity/user-administration.ts";
import { requireId } from "../ids.ts";
import { requireOwnsNothing, teamIdsOf } from "../teams/person-belongings.ts";
import { belongings } from "./belongings.ts";
import { personBelongings } from "./person-belongings.ts";

/**
 * Deletes an account for good: sessions, ways in, devices, memberships and grants go with it. The audit log keeps its rows.
 * Throws Fault `conflict` while the person owns a team, or is the last administrator who can sign in.
 */
export const deleteUser = command("user.delete", async (act, input: { readonly user_id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  const userId = requireId("user_id", input.user_id);
  requireAnother(act.caller, userId);
  await requireOwnsNothing(act.writer, userId);
  for (const teamId of await teamIdsOf(act.writer, userId)) {
    for (const { endMember } of belongings) await endMember?.(act, { teamId, userId });
  }
  for (const { endPerson } of personBelongings) await endPerson(act, userId);
  const { users } = act.writer.tables;
  const [deleted] = await act.writer.delete(users).where(and(eq(users.id, userId), isNotLastAdministrator(act, userId))).returning({ id: users.id });
  // Throwing takes back what was ended above.
  if (deleted === undefined) throw await untouchedUserFault(act, userId);
  act.note({ subject: `user:${userId}` });
});
