/**
 * The way in for invited people who have no account: it is made for the invited address and joins the team, in one step.
 * The feature `registration` has no say in this; the cap on users has.
 */
import { Fault } from "../fault.ts";
import { procedure, type ProcedureAct } from "../gate/operation.ts";
import { sendsMail } from "../identity/outbox.ts";
import { hashPassword } from "../identity/passwords.ts";
import { requirePerson } from "../identity/people.ts";
import { type OpenInvitation, requireInvitation, takeInvitation } from "./invitation-tokens.ts";
import type { Joined } from "./invitation-answers.ts";
import { insertMember } from "./seats.ts";
import { insertAutoTeam, insertInvited } from "./sign-up.ts";

export interface InvitedPerson {
  readonly invitation_token: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly user_password: string;
}

export interface JoinedPerson extends Joined {
  readonly user_id: string;
  readonly email_address: string;
}

/** Who invites knows a link that was shown to them; where mail can prove the mailbox, such a link makes no account. */
function requireProof(act: Pick<ProcedureAct, "settings" | "entitlements">, { isMailed }: OpenInvitation): void {
  if (isMailed || !sendsMail(act)) return;
  throw new Fault("gone", "This invitation was made before the deployment sent mail, and makes no account now.", { hint: "Ask the team to take it back and to invite you again; the new link comes by mail." });
}

/** Throws Fault `gone` before anything is hashed, `conflict` when the address has an account, `quota_exceeded` for team or deployment. */
export const signUpInvited = procedure("invitation.sign_up", async (act, input: InvitedPerson): Promise<JoinedPerson> => {
  const shown = await act.read((reader) => requireInvitation(act, reader, input.invitation_token));
  requireProof(act, shown);
  const person = requirePerson({ ...input, email_address: shown.emailAddress });
  const passwordHash = await hashPassword(person.password);
  return await act.write<JoinedPerson>(async (commandAct) => {
    const { id, teamId, role, isMailed } = await takeInvitation(commandAct, input.invitation_token);
    const userId = await insertInvited(commandAct, { person, passwordHash, isProven: isMailed });
    await insertMember(commandAct, { teamId, userId, role });
    await insertAutoTeam(commandAct, userId, `${person.firstName} ${person.lastName}`);
    commandAct.note({ teamId, subject: `invitation:${id}`, details: { user_id: userId, role } });
    return { user_id: userId, email_address: person.email.address, team_id: teamId, role };
  });
});
