/** Webhooks and their deliveries go with their team; what is on its way arrives. */
import { eq } from "drizzle-orm";
import type { Belongings } from "../teams/belongings.ts";

export const webhookBelongings: Belongings = {
  tables: ["webhooks", "webhookDeliveries"],
  async endTeam({ writer }, teamId) {
    const { webhooks, webhookDeliveries } = writer.tables;
    await writer.delete(webhookDeliveries).where(eq(webhookDeliveries.team_id, teamId));
    await writer.delete(webhooks).where(eq(webhooks.team_id, teamId));
  },
};
