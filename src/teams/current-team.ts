/** The team that the caller speaks in: read, renamed, handed on to another owner. */
import { and, count, eq, exists, isNull, sql } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { below, quotaFault, UNLIMITED } from "../gate/quota.ts";
import { requireName } from "../identity/names.ts";
import { requireId } from "../ids.ts";
import { isoTime } from "../page.ts";
import { membershipId, requireMembership } from "./membership.ts";
import { countOwned, maxOwnedTeams } from "./teams.ts";

export interface CurrentTeam {
  readonly id: string;
  readonly display_name: string;
  /** The caller's. */
  readonly role: string;
  readonly owner_id: string | null;
  readonly member_count: number;
  readonly created_at: string;
}

/** The caller's team with its owner and how many it has. */
export const readTeam = query("team.read", async ({ reader, caller }, _input: undefined): Promise<CurrentTeam> => {
  const { teamId, role } = await requireMembership(reader, caller, "team.read");
  const { teams, memberships } = reader.tables;
  const ofTeam = eq(memberships.team_id, teamId);
  const [team] = await reader.select().from(teams).where(eq(teams.id, teamId));
  if (team === undefined) throw notFound();
  const [owner] = await reader.select({ id: memberships.user_id }).from(memberships).where(and(ofTeam, eq(memberships.role, "owner")));
  const [members] = await reader.select({ count: count() }).from(memberships).where(ofTeam);
  return { id: teamId, display_name: team.display_name, role, owner_id: owner?.id ?? null, member_count: members?.count ?? 0, created_at: isoTime(team.created_at) };
});

/** Gives the team another name. Needs the role admin. */
export const updateTeam = command("team.update", async (act, input: { readonly display_name: string }): Promise<{ readonly id: string }> => {
  const displayName = requireName("display_name", input.display_name);
  const { teamId } = await requireMembership(act.writer, act.caller, "team.update");
  const { teams } = act.writer.tables;
  await act.writer.update(teams).set({ display_name: displayName }).where(eq(teams.id, teamId));
  act.note({ subject: `team:${teamId}`, details: { display_name: displayName } });
  return { id: teamId };
});

interface Handover {
  readonly teamId: string;
  readonly oldOwnerId: string;
  readonly newOwnerId: string;
}

/** Makes the member the owner, within the cap on what they own, and unless the account is disabled. False when nothing was made. */
async function promote(act: CommandAct, { teamId, newOwnerId }: Handover, cap: number): Promise<boolean> {
  const { writer } = act;
  const { memberships, users } = writer.tables;
  const isEnabled = exists(writer.select({ id: users.id }).from(users).where(and(eq(users.id, newOwnerId), isNull(users.disabled_at))));
  const isFree = sql`${isEnabled} and ${below(countOwned(writer, newOwnerId), cap)}`;
  const [promoted] = await writer
    .update(memberships)
    .set({ role: "owner" })
    .where(and(eq(memberships.id, membershipId(teamId, newOwnerId)), isFree))
    .returning({ id: memberships.id });
  return promoted !== undefined;
}

async function refusalOf(act: CommandAct, { teamId, newOwnerId }: Handover, cap: number): Promise<Fault> {
  const { memberships, users } = act.writer.tables;
  const [receiver] = await act.writer
    .select({ disabledAt: users.disabled_at })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.user_id))
    .where(eq(memberships.id, membershipId(teamId, newOwnerId)));
  if (receiver === undefined) return notFound();
  if (receiver.disabledAt === null && cap !== UNLIMITED) return quotaFault(maxOwnedTeams, cap);
  return new Fault("conflict", "The account of that member is disabled.", { hint: "Choose another member, or have the account enabled first." });
}

/** Hands the team on to another member; the old owner becomes an admin. Needs the role owner. */
export const transferTeam = command("team.transfer", async (act, input: { readonly new_owner_id: string }): Promise<void> => {
  const newOwnerId = requireId("new_owner_id", input.new_owner_id);
  const { teamId, userId: oldOwnerId } = await requireMembership(act.writer, act.caller, "team.transfer");
  if (newOwnerId === oldOwnerId) throw invalidField("new_owner_id", "is the owner already; name another member");
  const { memberships } = act.writer.tables;
  const handover: Handover = { teamId, oldOwnerId, newOwnerId };
  const cap = act.limit(maxOwnedTeams);
  // First, because a team never has two owners, not even in between (unique index).
  await act.writer.update(memberships).set({ role: "admin" }).where(eq(memberships.id, membershipId(teamId, oldOwnerId)));
  if (!(await promote(act, handover, cap))) throw await refusalOf(act, handover, cap);
  act.note({ subject: `team:${teamId}`, details: { old_owner_id: oldOwnerId, new_owner_id: newOwnerId } });
});
