/** Container services go with their team; the agents that run them are told so, and stop. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const containerBelongings: Belongings = {
  tables: ["containerServices", "serviceReplicas"],
  async endTeam({ writer }, teamId) {
    const { containerServices, serviceReplicas } = writer.tables;
    await writer.delete(serviceReplicas).where(eq(serviceReplicas.team_id, teamId));
    await writer.delete(containerServices).where(eq(containerServices.team_id, teamId));
  },
};
