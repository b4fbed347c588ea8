/** Invitations as the invited see them: looked at, accepted with the account of that address, declined. */
import { eq } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { requireUser } from "../identity/own-password.ts";
import { sendsMail } from "../identity/outbox.ts";
import { isoTime } from "../page.ts";
import { invitationGoneFault, requireInvitation, takeInvitation } from "./invitation-tokens.ts";
import { insertMember } from "./seats.ts";

export interface ShownInvitation {
  readonly invitation_token: string;
}

export interface InvitationSummary {
  readonly team_display_name: string;
  readonly email_address: string;
  readonly invitation_role: string;
  readonly expires_at: string;
}

/** What the token is an invitation to, without using it. Throws Fault `gone`. */
export const checkInvitation = query("invitation.check", async (act, { invitation_token }: ShownInvitation): Promise<InvitationSummary> => {
  const { teams } = act.reader.tables;
  const { teamId, emailAddress, role, expiresAt } = await requireInvitation(act, act.reader, invitation_token);
  const [team] = await act.reader.select({ name: teams.display_name }).from(teams).where(eq(teams.id, teamId));
  if (team === undefined) throw invitationGoneFault();
  return { team_display_name: team.name, email_address: emailAddress, invitation_role: role, expires_at: isoTime(expiresAt) };
});

export interface Joined {
  readonly team_id: string;
  readonly role: string;
}

/** Throws unless the account is the invited one: the same address, and proven where there is mail to prove it by. */
async function requireInvited(act: CommandAct, userId: string, emailKey: string): Promise<void> {
  const { users } = act.writer.tables;
  const [user] = await act.writer.select({ emailKey: users.email_key, isVerified: users.email_verified }).from(users).where(eq(users.id, userId));
  if (user?.emailKey !== emailKey) {
    throw new Fault("forbidden", "This invitation is for another address than that of your account.", { hint: "Sign in with the account of the invited address.", details: { reason: "other_address" } });
  }
  if (!user.isVerified && sendsMail(act)) {
    throw new Fault("forbidden", "Your address is not proven yet.", { hint: "Ask for a mail that proves it (POST /api/v1/users/me/email-verification), then accept again.", details: { reason: "address_not_proven" } });
  }
}

/** Joins the team with the invitation's role. Throws Fault `gone`, `forbidden` for another account, `quota_exceeded` when the team is full; the token stays good then. */
export const acceptInvitation = command("invitation.accept", async (act, { invitation_token }: ShownInvitation): Promise<Joined> => {
  const { userId } = requireUser(act.caller);
  // A throw after this gives the token back: nothing of a command that throws is kept.
  const { id, teamId, emailKey, role } = await takeInvitation(act, invitation_token);
  await requireInvited(act, userId, emailKey);
  await insertMember(act, { teamId, userId, role });
  act.note({ teamId, subject: `invitation:${id}`, details: { user_id: userId, role } });
  return { team_id: teamId, role };
});

/** Whoever has the token may throw it away. Throws Fault `gone`. */
export const declineInvitation = command("invitation.decline", async (act, { invitation_token }: ShownInvitation): Promise<void> => {
  const { id, teamId } = await takeInvitation(act, invitation_token);
  act.note({ teamId, subject: `invitation:${id}` });
});
