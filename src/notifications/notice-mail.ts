/** The letter of a notification. Names that people chose are not in it: it could be somebody's way to write to others. */
import { and, eq, isNull } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import { findDeployment } from "../identity/deployment.ts";
import type { LetterText } from "../identity/letters.ts";
import type { Letter } from "../mail/smtp.ts";
import { type Notice, readNotice } from "./notices.ts";

function letterOf(notice: Notice, deployment: string, link: string): LetterText | undefined {
  switch (notice.kind) {
    case "invitation":
      return undefined;
    case "key_expiring":
      return {
        subject: `${deployment}: a key of your team ends soon`,
        text: `The key ${notice.key_prefix}… ends on ${new Date(notice.expires_at).toISOString().slice(0, 10)}.\n\nRotate it before, and give its holders the new one:\n\n${link}\n`,
      };
    case "webhook_disabled":
      return {
        subject: `${deployment}: a webhook of your team was disabled`,
        text: `${notice.reason === "gone" ? "The receiver of a webhook of your team answered that it is gone (410)." : "Nothing has arrived at a webhook of your team for days."} Nothing is sent to it any more.\n\nMend the receiver, set the webhook ${notice.webhook_id} active again, and replay what failed:\n\n${link}\n`,
      };
    case "license":
      return notice.days === null
        ? { subject: `${deployment}: the license is ${notice.state}`, text: `The license of ${deployment} is ${notice.state}. What needs a good license is refused.\n\nThe page says why, and takes a new license file:\n\n${link}\n` }
        : { subject: `${deployment}: the license ends soon`, text: `The license of ${deployment} ends on ${new Date(notice.ends_at ?? 0).toISOString().slice(0, 10)}.\n\nAsk the vendor for a renewed file and install it; nothing has to be restarted:\n\n${link}\n` };
  }
}

/** The letter, or undefined when there is nothing or nobody to write to any more. */
export async function writeNotice({ writer, settings }: CommandAct, notificationId: string): Promise<Letter | undefined> {
  const { notifications, users } = writer.tables;
  const [found] = await writer
    .select({ content: notifications.content, address: users.email_address })
    .from(notifications)
    .innerJoin(users, and(eq(users.id, notifications.user_id), isNull(users.disabled_at)))
    .where(eq(notifications.id, notificationId));
  if (found === undefined) return undefined;
  const letter = letterOf(readNotice(found.content), (await findDeployment(writer))?.display_name ?? "Cyberun", `${settings.publicUrl}/`);
  return letter === undefined ? undefined : { to: found.address, ...letter };
}
