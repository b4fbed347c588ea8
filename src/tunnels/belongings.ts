/** Tunnels go with their team, and with who opened them. */
import { and, eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Belongings, Leaver } from "../teams/belongings.ts";
import { mayDo } from "../teams/permissions.ts";

async function closeTunnelsOf({ writer }: CommandAct, { teamId, userId }: Leaver): Promise<void> {
  const { tunnels } = writer.tables;
  await writer.delete(tunnels).where(and(eq(tunnels.team_id, teamId), eq(tunnels.created_by, `user:${userId}`)));
}

export const tunnelBelongings: Belongings = {
  tables: ["tunnels"],
  async endTeam({ writer }, teamId) {
    const { tunnels } = writer.tables;
    await writer.delete(tunnels).where(eq(tunnels.team_id, teamId));
  },
  endMember: closeTunnelsOf,
  async changeRole(act, { role, ...member }) {
    if (!mayDo(role, "tunnel.open")) await closeTunnelsOf(act, member);
  },
};
