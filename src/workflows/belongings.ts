/** Workflows and their snapshots go with their team. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const workflowBelongings: Belongings = {
  tables: ["workflows", "workflowSnapshots"],
  async endTeam({ writer }, teamId) {
    const { workflows, workflowSnapshots } = writer.tables;
    await writer.delete(workflowSnapshots).where(eq(workflowSnapshots.team_id, teamId));
    await writer.delete(workflows).where(eq(workflows.team_id, teamId));
  },
};
