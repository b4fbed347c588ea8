/** Keys go with their team; a device and its agent go with the person they stand for. */
import { and, eq, isNull } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const credentialBelongings: Belongings = {
  tables: ["credentials"],
  async endTeam({ writer }, teamId) {
    const { credentials } = writer.tables;
    await writer.delete(credentials).where(eq(credentials.team_id, teamId));
  },
  /** Keys that the person made for the team stay: they are the team's. */
  async endMember({ writer, services }, { teamId, userId }) {
    const { credentials } = writer.tables;
    const isTheirs = and(eq(credentials.team_id, teamId), eq(credentials.user_id, userId), isNull(credentials.revoked_at));
    await writer.update(credentials).set({ revoked_at: services.clock.now() }).where(isTheirs);
  },
};
