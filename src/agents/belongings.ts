/** Agents leave the pool with their team; their keys end with it too, and so their connections. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const agentBelongings: Belongings = {
  tables: ["agents"],
  async endTeam({ writer }, teamId) {
    const { agents } = writer.tables;
    await writer.delete(agents).where(eq(agents.team_id, teamId));
  },
};
