/** Tasks go with their team, running ones too: whoever holds one finds it gone. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const taskBelongings: Belongings = {
  tables: ["tasks", "taskEvents"],
  async endTeam({ writer }, teamId) {
    const { tasks, taskEvents } = writer.tables;
    await writer.delete(taskEvents).where(eq(taskEvents.team_id, teamId));
    await writer.delete(tasks).where(eq(tasks.team_id, teamId));
  },
};
