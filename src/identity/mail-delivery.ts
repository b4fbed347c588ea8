/**
 * Delivery: takes what is due out of the outbox, writes the letter, and hands it to the mail server.
 *
 * The link is made in the transaction that takes the mail; the mail server is asked outside of it. A server that is
 * away is tried again, a recipient that it refuses is not.
 */
import { and, eq, isNull } from "drizzle-orm";
import { type CommandAct, procedure } from "../gate/operation.ts";
import type { Letter, Mailer } from "../mail/smtp.ts";
import { findDeployment } from "./deployment.ts";
import { knownLetter, type LetterText, resetLetter, verificationLetter } from "./letters.ts";
import { type DueMail, hasDueMail, MAIL_ATTEMPTS_MAX, settleMail, takeDueMail } from "./outbox.ts";
import { insertStepToken } from "./step-tokens.ts";

/** Letters of one call; the next call has the rest. */
const BATCH_MAX = 20;

/** Who carries letters, and who writes those that identity knows nothing of. */
export interface Post {
  readonly mailer: Mailer;
  /** Undefined when the invitation is not there any more. */
  writeInvitation(act: CommandAct, invitationId: string): Promise<Letter | undefined>;
  /** Undefined when the notification is not there any more. */
  writeNotice(act: CommandAct, notificationId: string): Promise<Letter | undefined>;
}

export interface DeliveryReport {
  readonly sent: number;
  readonly failed: number;
  /** Of the last failure, for the log. */
  readonly cause: unknown;
}

interface Recipient {
  readonly id: string;
  readonly address: string;
  readonly emailKey: string;
  readonly isPending: boolean;
}

async function findRecipient({ writer }: CommandAct, emailKey: string): Promise<Recipient | undefined> {
  const { users } = writer.tables;
  const [found] = await writer
    .select({ id: users.id, address: users.email_address, pendingUntil: users.pending_until })
    .from(users)
    .where(and(eq(users.email_key, emailKey), isNull(users.disabled_at)));
  return found === undefined ? undefined : { id: found.id, address: found.address, emailKey, isPending: found.pendingUntil !== null };
}

/** A link by mail. What comes back with it is bound to the address that it went to. */
async function linkTo(act: CommandAct, purpose: "reset_password" | "verify_email", { id, emailKey }: Recipient): Promise<string> {
  const { token } = await insertStepToken(act, { purpose, userId: id, context: `mail:${emailKey}` });
  return `${act.settings.issuerUrl}/${purpose === "reset_password" ? "reset-password" : "verify-email"}/${token}`;
}

/** What to write to a person, or undefined where there is nobody to write to. */
async function writeToPerson(act: CommandAct, { kind, about }: DueMail): Promise<Letter | undefined> {
  const recipient = await findRecipient(act, about);
  if (recipient === undefined) return undefined;
  const name = (await findDeployment(act.writer))?.display_name ?? "Cyberun";
  const text = async (): Promise<LetterText> => {
    // Who has not finished signing up has no password to forget: the link to finish comes instead.
    if (recipient.isPending || kind === "verify_email") return verificationLetter(name, await linkTo(act, "verify_email", recipient));
    if (kind === "reset_password") return resetLetter(name, await linkTo(act, "reset_password", recipient));
    return knownLetter(name, `${act.settings.issuerUrl}/account/sign-in`);
  };
  return { to: recipient.address, ...(await text()) };
}

interface Taken {
  readonly mail: DueMail;
  readonly letter: Letter | undefined;
}

async function write(act: CommandAct, { writeInvitation, writeNotice }: Post, mail: DueMail): Promise<Letter | undefined> {
  if (mail.kind === "invitation") return await writeInvitation(act, mail.about);
  return mail.kind === "notice" ? await writeNotice(act, mail.about) : await writeToPerson(act, mail);
}

async function take(act: CommandAct, post: Post): Promise<Taken | undefined> {
  const mail = await takeDueMail(act);
  if (mail === undefined) return undefined;
  const letter = await write(act, post, mail);
  if (letter === undefined) await settleMail(act, mail.id);
  return { mail, letter };
}

/** Hands over what is due, at most a batch. Throws Fault `feature_disabled` while the license does not carry mail; it waits then. */
export const deliverMail = procedure("outbox.deliver", async ({ read, write: commit, services }, post: Post): Promise<DeliveryReport> => {
  let report: DeliveryReport = { sent: 0, failed: 0, cause: undefined };
  for (let each = 0; each < BATCH_MAX; each += 1) {
    if (!(await read((reader) => hasDueMail(reader, services.clock.now())))) break;
    const taken = await commit<Taken | undefined>((act) => take(act, post));
    if (taken?.letter === undefined) continue;
    const { mail, letter } = taken;
    const delivery = await post.mailer.send(letter);
    const isOver = delivery.outcome !== "failed" || mail.attempts >= MAIL_ATTEMPTS_MAX;
    if (isOver) await commit<undefined>(async (act) => void (await settleMail(act, mail.id)));
    report = delivery.outcome === "sent" ? { ...report, sent: report.sent + 1 } : { ...report, failed: report.failed + 1, cause: delivery.cause };
  }
  return report;
});
