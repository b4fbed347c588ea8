/** Workflows go with their team. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const workflowBelongings: Belongings = {
  tables: ["workflows"],
  async endTeam({ writer }, teamId) {
    const { workflows } = writer.tables;
    await writer.delete(workflows).where(eq(workflows.team_id, teamId));
  },
};
