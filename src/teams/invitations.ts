/**
 * Invitations as a team sees them: made, listed, taken back.
 *
 *     invited ── pending ── accepted, declined, taken back: the row is gone
 *                       └── expired: gone when the team next invites
 *
 * Where mail is sent, the link goes to the invited address and to nobody else, and its token is made when the mail is
 * written. Elsewhere the token is shown once to who invites. Nothing tells whether the address has an account here.
 */
import { and, count, desc, eq, exists, gt, lte, not, sql } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import { Fault, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import { type EmailAddress, requireEmailAddress } from "../identity/email-address.ts";
import { requestMailAbout, sendsMail } from "../identity/outbox.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { invitationDigest, invitationUrl } from "./invitation-tokens.ts";
import { requireGivenRole } from "./members.ts";
import { type Membership, requireMembership } from "./membership.ts";
import type { Role } from "./permissions.ts";
import { countInvited, hasSeat, maxMembers } from "./seats.ts";

/** Open invitations of a team, however many seats it has. */
const PENDING_MAX = 1_000;

export interface InvitationInput {
  readonly email_address: string;
  readonly invitation_role: string;
}

export interface CreatedInvitation {
  readonly id: string;
  /** Here and never again, and only where the deployment sends no mail. */
  readonly invitation_token?: string;
  readonly invitation_url?: string;
}

interface Wanted {
  readonly email: EmailAddress;
  readonly role: Role;
  /** Undefined when the mail will make it. */
  readonly token: string | undefined;
}

/** A member of the team with that address. */
function memberWith({ writer }: CommandAct, teamId: string, emailKey: string) {
  const { memberships, users } = writer.tables;
  return writer
    .select({ id: memberships.id })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.user_id))
    .where(and(eq(memberships.team_id, teamId), eq(users.email_key, emailKey)));
}

async function refusalOf(act: CommandAct, teamId: string, { email }: Wanted): Promise<Fault> {
  const { writer, services } = act;
  const { invitations } = writer.tables;
  const [member] = await memberWith(act, teamId, email.key);
  if (member !== undefined) return new Fault("conflict", "Whoever has this address is a member of the team already.", { hint: "Change the role of the member instead." });
  const [invited] = await writer.select({ id: invitations.id }).from(invitations).where(and(eq(invitations.team_id, teamId), eq(invitations.email_key, email.key)));
  if (invited !== undefined) return new Fault("conflict", "This address is invited already.", { hint: "Take that invitation back to send another." });
  const [pending] = await countInvited(writer, teamId, services.clock.now());
  if (pending === undefined || pending.count < PENDING_MAX) return quotaFault(maxMembers, act.limit(maxMembers));
  return new Fault("conflict", `The team has ${PENDING_MAX} invitations that nobody has answered.`, { hint: "Take some of them back." });
}

async function sweepExpired({ writer, services }: CommandAct, teamId: string): Promise<void> {
  const { invitations } = writer.tables;
  await writer.delete(invitations).where(and(eq(invitations.team_id, teamId), lte(invitations.expires_at, services.clock.now())));
}

/** Inserts it unless the address is a member or invited, or there is no seat. */
async function insertInvitation(act: CommandAct, { teamId, userId }: Membership, wanted: Wanted): Promise<string> {
  const { writer, services, settings } = act;
  const { invitations } = writer.tables;
  const now = services.clock.now();
  const { email, role, token } = wanted;
  const row = {
    id: services.random.uuid(),
    team_id: teamId,
    email_address: email.address,
    email_key: email.key,
    role,
    invited_by: userId,
    digest: token === undefined ? null : invitationDigest(act, token),
    is_mailed: token === undefined,
    created_at: now,
    expires_at: now + settings.invitationSeconds * 1_000,
  };
  const isFree = sql`${not(exists(memberWith(act, teamId, email.key)))} and ${hasSeat(act, teamId)} and ${below(countInvited(writer, teamId, now), PENDING_MAX)}`;
  const [inserted] = await writer.insert(invitations).select(rowWhere(invitations, row, isFree)).onConflictDoNothing().returning({ id: invitations.id });
  if (inserted === undefined) throw await refusalOf(act, teamId, wanted);
  return inserted.id;
}

/** Invites an address. Needs the role admin. Throws Fault `conflict` for a member and for who is invited. */
export const createInvitation = command("invitation.create", async (act, input: InvitationInput): Promise<CreatedInvitation> => {
  const email = requireEmailAddress(input.email_address);
  const role = requireGivenRole("invitation_role", input.invitation_role);
  const membership = await requireMembership(act.writer, act.caller, "invitation.create");
  const token = sendsMail(act) ? undefined : randomSecret(act.services.random);
  await sweepExpired(act, membership.teamId);
  const id = await insertInvitation(act, membership, { email, role, token });
  act.note({ subject: `invitation:${id}`, details: { role, is_mailed: token === undefined } });
  if (token !== undefined) return { id, invitation_token: token, invitation_url: invitationUrl(act, token) };
  const isAsked = await requestMailAbout(act, { kind: "invitation", key: `${membership.teamId}:${email.key}`, about: id, askedBy: membership.userId });
  if (!isAsked) throw new Fault("rate_limited", "You have invited too many people within an hour, or too many mails wait to be sent.", { hint: "Try again later.", retryAfterSeconds: 600 });
  return { id };
});

export interface Invitation {
  readonly id: string;
  readonly email_address: string;
  readonly invitation_role: string;
  readonly invited_by: string;
  readonly created_at: string;
  readonly expires_at: string;
}

/** What nobody has answered yet, newest first. Needs the role admin. The token is nowhere. */
export const listInvitations = query(
  "invitation.list",
  async ({ reader, caller, services }, input: PageRequest): Promise<{ readonly invitation_list: readonly Invitation[]; readonly page_meta: PageMeta }> => {
    const page = pageOf(input);
    const { teamId } = await requireMembership(reader, caller, "invitation.list");
    const { invitations } = reader.tables;
    const isPending = and(eq(invitations.team_id, teamId), gt(invitations.expires_at, services.clock.now()));
    const [total] = await reader.select({ count: count() }).from(invitations).where(isPending);
    const rows = await reader
      .select({
        id: invitations.id,
        email_address: invitations.email_address,
        invitation_role: invitations.role,
        invited_by: invitations.invited_by,
        created_at: invitations.created_at,
        expires_at: invitations.expires_at,
      })
      .from(invitations)
      .where(isPending)
      .orderBy(desc(invitations.created_at), desc(invitations.id))
      .limit(page.limit)
      .offset(page.offset);
    const shown = rows.map((row) => ({ ...row, created_at: isoTime(row.created_at), expires_at: isoTime(row.expires_at) }));
    return { invitation_list: shown, page_meta: page.meta(total?.count ?? 0) };
  },
);

/** Takes an invitation back; its link is good for nothing when the call returns. Needs the role admin. */
export const cancelInvitation = command("invitation.cancel", async (act, input: { readonly invitation_id: string }): Promise<void> => {
  const id = requireId("invitation_id", input.invitation_id);
  const { teamId } = await requireMembership(act.writer, act.caller, "invitation.cancel");
  const { invitations } = act.writer.tables;
  const [cancelled] = await act.writer.delete(invitations).where(and(eq(invitations.id, id), eq(invitations.team_id, teamId))).returning({ id: invitations.id });
  if (cancelled === undefined) throw notFound();
  act.note({ subject: `invitation:${id}` });
});
