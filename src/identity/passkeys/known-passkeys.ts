/** The passkeys of a person, as browsers and other parts of identity need them. */
import { and, asc, eq, isNull } from "drizzle-orm";
import type { Reader } from "../../store/store.ts";
import { type Descriptor, descriptorOf } from "./options.ts";

/** Several, for several devices; beyond it nobody keeps them apart. */
export const PASSKEYS_MAX = 20;

/** Those that may answer. */
export async function listDescriptors(reader: Reader, userId: string): Promise<readonly Descriptor[]> {
  const { passkeys } = reader.tables;
  const rows = await reader
    .select({ credential_id: passkeys.credential_id, transports: passkeys.transports })
    .from(passkeys)
    .where(and(eq(passkeys.user_id, userId), isNull(passkeys.clone_seen_at)))
    .orderBy(asc(passkeys.id))
    .limit(PASSKEYS_MAX);
  return rows.map(descriptorOf);
}

/** Whether the person has any, good or not: whoever has one is asked for a second step. */
export async function hasPasskey(reader: Reader, userId: string): Promise<boolean> {
  const { passkeys } = reader.tables;
  const [found] = await reader.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.user_id, userId)).limit(1);
  return found !== undefined;
}
