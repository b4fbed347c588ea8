/** Devices, and the agents that came with them, go with the person they stand for. Keys that the person made for a team are the team's. */
import { eq } from "drizzle-orm";
import type { PersonBelongings } from "../identity/person-belongings.ts";

export const credentialPersonBelongings: PersonBelongings = {
  tables: ["credentials"],
  async endPerson({ writer }, userId) {
    const { credentials } = writer.tables;
    await writer.delete(credentials).where(eq(credentials.user_id, userId));
  },
};
