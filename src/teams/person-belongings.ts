/** A person's memberships go with the account; a team that they own has to be handed on or deleted before. */
import { and, eq } from "drizzle-orm";
import { Fault } from "../fault.ts";
import type { PersonBelongings } from "../identity/person-belongings.ts";
import type { Reader } from "../store/store.ts";

/** Named in a refusal at most. */
const NAMED_MAX = 20;

export const teamPersonBelongings: PersonBelongings = {
  tables: ["memberships"],
  async endPerson({ writer }, userId) {
    const { memberships } = writer.tables;
    await writer.delete(memberships).where(eq(memberships.user_id, userId));
  },
};

/** Throws Fault `conflict` while the person owns a team: what belongs to others does not go with an account. */
export async function requireOwnsNothing(reader: Reader, userId: string): Promise<void> {
  const { memberships } = reader.tables;
  const owned = await reader
    .select({ id: memberships.team_id })
    .from(memberships)
    .where(and(eq(memberships.user_id, userId), eq(memberships.role, "owner")))
    .limit(NAMED_MAX);
  if (owned.length === 0) return;
  throw new Fault("conflict", "This person owns teams.", {
    hint: "Have each handed on to another member, or deleted, first.",
    details: { team_ids: owned.map(({ id }) => id) },
  });
}

/** The teams that the person belongs to. */
export async function teamIdsOf(reader: Reader, userId: string): Promise<readonly string[]> {
  const { memberships } = reader.tables;
  const rows = await reader.select({ id: memberships.team_id }).from(memberships).where(eq(memberships.user_id, userId));
  return rows.map(({ id }) => id);
}
