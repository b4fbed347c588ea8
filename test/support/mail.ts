/**
 * Mail at a test's gate: a mailer that keeps letters, for tests that are not about SMTP.
 *
 *     const mail = keptMail(world.gate);
 *     await mail.deliver();
 *     mail.linkTo("ada@example.com");
 */
import { system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { deliverMail, type DeliveryReport } from "../../src/identity/mail-delivery.ts";
import type { Delivery, Letter, Mailer } from "../../src/mail/smtp.ts";
import { writeNotice } from "../../src/notifications/notice-mail.ts";
import { writeInvitation } from "../../src/teams/invitation-mail.ts";

export interface KeptMail {
  readonly mailer: Mailer;
  readonly letters: readonly Letter[];
  /** What the mail server answers from now on. */
  answer: Delivery["outcome"];
  deliver(): Promise<DeliveryReport>;
  /** The link in the newest letter to the address. */
  linkTo(address: string): string;
  /** The token at the end of that link. */
  tokenTo(address: string): string;
}

export function keptMail(gate: Gate): KeptMail {
  const letters: Letter[] = [];
  const mailer: Mailer = {
    async send(letter) {
      if (mail.answer !== "sent") return { outcome: mail.answer, cause: new Error("the test's mail server refuses") };
      letters.push(letter);
      return { outcome: "sent" };
    },
  };
  const linkTo = (address: string) => /https?:\/\/\S+/.exec(letters.findLast(({ to }) => to === address)?.text ?? "")?.[0] ?? "";
  const mail: KeptMail = {
    mailer,
    letters,
    answer: "sent",
    deliver: () => deliverMail(gate, system, { mailer, writeInvitation, writeNotice }),
    linkTo,
    tokenTo: (address) => linkTo(address).split("/").at(-1) ?? "",
  };
  return mail;
}
