/** The agent key that came with a device goes with it, whoever ends the device. */
import { and, eq, isNull } from "drizzle-orm";
import type { Writer } from "../store/store.ts";

/** Revokes the agent keys that came with the device. */
export async function revokeCompanions(writer: Writer, deviceId: string, now: number): Promise<void> {
  const { credentials } = writer.tables;
  await writer
    .update(credentials)
    .set({ revoked_at: now })
    .where(and(eq(credentials.companion_of, deviceId), isNull(credentials.revoked_at)));
}
