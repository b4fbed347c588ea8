/** Keys go with their team; a device and its agent go with the person they stand for. */
import { and, eq, isNull } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";
import { mayDo } from "../teams/permissions.ts";

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
  /** Who may not run anything keeps the device to look with, and loses the agent that came with it. */
  async changeRole({ writer, services }, { teamId, userId, role }) {
    if (mayDo(role, "pairing.confirm")) return;
    const { credentials } = writer.tables;
    const isAgent = and(eq(credentials.team_id, teamId), eq(credentials.user_id, userId), eq(credentials.kind, "agent"), isNull(credentials.revoked_at));
    await writer.update(credentials).set({ revoked_at: services.clock.now() }).where(isAgent);
  },
};
