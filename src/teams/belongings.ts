/**
 * What belongs to a team, and how it goes: with the team, and with a member who leaves.
 *
 * Rule: a domain that keeps something for teams says so in a value of this shape, and `across/belongings.ts`, which
 * stands to the right of all domains, lists it. A test refuses a table with a `team_id` that no value names.
 * Everything happens in the transaction of the deed: when the call has returned, no key of the team is good any more.
 */
import { and, eq } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Tables } from "../store/schema.ts";
import { mayDo, type Role } from "./permissions.ts";

export interface Leaver {
  readonly teamId: string;
  readonly userId: string;
}

export interface Belongings {
  /** Every table of the domain that has a `team_id`. */
  readonly tables: readonly (keyof Tables)[];
  /** Ends and removes what the team has. The team's own row is still there. */
  endTeam(act: CommandAct, teamId: string): Promise<void>;
  /** Ends what stood for the person within the team. Absent where nothing does. */
  endMember?(act: CommandAct, leaver: Leaver): Promise<void>;
  /** Ends what a member of this role may not have. Absent where every member may have all of it. */
  changeRole?(act: CommandAct, member: Leaver & { readonly role: Role }): Promise<void>;
}

/** Takes back whom they have invited and who has not come yet: nobody gets in on the word of somebody who may not invite. */
async function endInvitationsOf({ writer }: CommandAct, { teamId, userId }: Leaver): Promise<void> {
  const { invitations } = writer.tables;
  await writer.delete(invitations).where(and(eq(invitations.team_id, teamId), eq(invitations.invited_by, userId)));
}

/** The members, and the invitations. */
export const teamBelongings: Belongings = {
  tables: ["memberships", "invitations"],
  async endTeam({ writer }, teamId) {
    const { memberships, invitations } = writer.tables;
    await writer.delete(invitations).where(eq(invitations.team_id, teamId));
    await writer.delete(memberships).where(eq(memberships.team_id, teamId));
  },
  endMember: endInvitationsOf,
  async changeRole(act, { role, ...member }) {
    if (!mayDo(role, "invitation.create")) await endInvitationsOf(act, member);
  },
};
