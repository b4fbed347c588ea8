/** Tokens for the next step of something begun: bound to one person, single-use, short-lived, ended with the password. */
import { eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";

/** Ends everything that the person has begun. */
export async function endStepTokens({ writer }: CommandAct, userId: string): Promise<void> {
  const { stepTokens } = writer.tables;
  await writer.delete(stepTokens).where(eq(stepTokens.user_id, userId));
}
