/** The end of a team, with everything it owns, in one transaction. */
import { eq } from "drizzle-orm";
import { command } from "../gate/operation.ts";
import { requireMembership } from "../teams/membership.ts";
import { belongings } from "./belongings.ts";

/** Deletes the caller's team and all that belongs to it, for good. Needs the role owner. The audit log keeps its rows. */
export const deleteTeam = command("team.delete", async (act, _input: undefined): Promise<void> => {
  const { teamId } = await requireMembership(act.writer, act.caller, "team.delete");
  const { teams } = act.writer.tables;
  for (const { endTeam } of belongings) await endTeam(act, teamId);
  const [deleted] = await act.writer.delete(teams).where(eq(teams.id, teamId)).returning({ display_name: teams.display_name });
  act.note({ subject: `team:${teamId}`, details: { display_name: deleted?.display_name ?? null } });
});
