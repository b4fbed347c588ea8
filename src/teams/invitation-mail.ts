/** The letter of an invitation. Its link is made here, in the transaction that takes the mail out of the outbox. */
import { and, eq, gt } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import type { CommandAct } from "../gate/operation.ts";
import { findDeployment } from "../identity/deployment.ts";
import { invitationLetter } from "../identity/letters.ts";
import type { Letter } from "../mail/smtp.ts";
import { invitationDigest, invitationUrl } from "./invitation-tokens.ts";

const DAY_MS = 86_400_000;

/** The letter, or undefined when the invitation was taken back or has expired. A letter that is written again has a new link, and the old one ends. */
export async function writeInvitation(act: CommandAct, invitationId: string): Promise<Letter | undefined> {
  const { writer, services } = act;
  const { invitations } = writer.tables;
  const now = services.clock.now();
  const token = randomSecret(services.random);
  const [invitation] = await writer
    .update(invitations)
    .set({ digest: invitationDigest(act, token) })
    .where(and(eq(invitations.id, invitationId), gt(invitations.expires_at, now)))
    .returning({ address: invitations.email_address, expiresAt: invitations.expires_at });
  if (invitation === undefined) return undefined;
  const name = (await findDeployment(writer))?.display_name ?? "Cyberun";
  const days = Math.max(1, Math.floor((invitation.expiresAt - now) / DAY_MS));
  return { to: invitation.address, ...invitationLetter(name, invitationUrl(act, token), days) };
}
