/** Linking a person of another site with an account here, by the word of this site's administrator. */
import { eq } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { insertIdentity } from "../identity/upstream/identities.ts";
import { requireId } from "../ids.ts";
import { getSiteRow, siteOf, vouchingIssuer } from "./sites.ts";

export interface LinkInput {
  readonly site_id: string;
  /** The person's id at the other site. */
  readonly subject: string;
  readonly user_id: string;
}

/** Links the two. Throws Fault `conflict` when the person is linked already. */
export const linkPerson = command("federation_person.link", async (act, input: LinkInput): Promise<void> => {
  requireAdministrator(act.caller);
  const subject = requireId("subject", input.subject);
  const userId = requireId("user_id", input.user_id);
  const site = siteOf(await getSiteRow(act.writer, input.site_id));
  const { users } = act.writer.tables;
  const [user] = await act.writer.select({ email: users.email_address }).from(users).where(eq(users.id, userId));
  if (user === undefined) throw notFound();
  await insertIdentity(act, { userId, issuer: vouchingIssuer(site), subject, email: undefined });
  act.note({ subject: `user:${userId}`, details: { site: site.id, subject } });
});
