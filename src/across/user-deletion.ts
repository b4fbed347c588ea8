/** The end of an account, with everything that stands for its person, in one transaction. */
import { and, eq, lt } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { isNotLastAdministrator, requireAnother, untouchedUserFault } from "../identity/user-administration.ts";
import { requireId } from "../ids.ts";
import type { Reader } from "../store/store.ts";

/** Longer than any bundle is good that does not say so yet. */
const DEPARTED_TOLD_MS = 400 * 86_400_000;
/** Named in a refusal at most. */
const NAMED_MAX = 20;

/** Throws Fault `conflict` while the person owns a team: what belongs to others does not go with an account. */
async function requireOwnsNothing(reader: Reader, userId: string): Promise<void> {
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

/**
 * Deletes an account for good. Sessions, ways in, devices, memberships, consents and grants refer to its row, and the
 * store lets none of them outlive it (`on delete cascade`; a test looks at every table). Keys that the person made for a
 * team are the team's and stay, and so do the rows of the audit log.
 * Throws Fault `conflict` while the person owns a team, or is the last administrator who can sign in.
 */
export const deleteUser = command("user.delete", async (act, input: { readonly user_id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  const userId = requireId("user_id", input.user_id);
  requireAnother(act.caller, userId);
  await requireOwnsNothing(act.writer, userId);
  const { users } = act.writer.tables;
  const [deleted] = await act.writer.delete(users).where(and(eq(users.id, userId), isNotLastAdministrator(act, userId))).returning({ id: users.id });
  if (deleted === undefined) throw await untouchedUserFault(act, userId);
  // Other sites learn of it by the next bundle.
  const { federationDeparted: departed } = act.writer.tables;
  const now = act.services.clock.now();
  await act.writer.delete(departed).where(lt(departed.at, now - DEPARTED_TOLD_MS));
  await act.writer.insert(departed).values({ subject: userId, at: now }).onConflictDoNothing();
  act.note({ subject: `user:${userId}` });
});
