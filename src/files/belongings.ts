/** Files go with their team. Their bytes have no row then, and go with one of the next sweeps. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const fileBelongings: Belongings = {
  tables: ["files"],
  async endTeam({ writer }, teamId) {
    const { files } = writer.tables;
    await writer.delete(files).where(eq(files.team_id, teamId));
  },
};
