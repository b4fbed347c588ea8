/**
 * Password reset: a single-use link, by mail to the address of the account or from an administrator's hand.
 *
 * Asking for a mail answers the same for every name and does the same work; see `outbox.ts`. A link chooses a new
 * password and nothing more: a second factor is asked for as before, and every session of the account ends.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Fault, notFound } from "../fault.ts";
import { command, type CommandAct, procedure, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import { requireAdministrator } from "./administrators.ts";
import { requireEmailAddress } from "./email-address.ts";
import { requestMail, sendsMail } from "./outbox.ts";
import { setPassword } from "./password-change.ts";
import { hashPassword, requireNewPassword } from "./passwords.ts";
import { bucketOf, forgetFailures } from "./sign-in-buckets.ts";
import { findStep, insertStepToken, type ShownStep, type Step, takeStep } from "./step-tokens.ts";

export interface ResetLink {
  /** Shown once. */
  readonly reset_url: string;
  readonly expires_at: string;
}

export interface PasswordReset {
  readonly reset_token: string;
  readonly new_password: string;
}

function goneFault(): Fault {
  return new Fault("gone", "This link is not good any more.", { hint: "A link is good once and for a short time. Ask for a new one." });
}

/** The refusal where no mail can be sent, whoever asks. */
export function noMailFault(): Fault {
  return new Fault("unavailable", "This deployment has no mail server.", { hint: "Ask an administrator, who can hand you a link." });
}

function shown(token: string): ShownStep {
  return { purpose: "reset_password", token };
}

/** Throws Fault `unavailable` where no mail can be sent, before somebody has filled in a form for nothing. */
export const checkResetOffer = query("password_reset.offer", async (act, _input: undefined): Promise<void> => {
  if (!sendsMail(act)) throw noMailFault();
});

/** Asks for a mail with a link. Answers the same whether there is such an account or not. */
export const requestPasswordReset = command("password_reset.request", async (act, input: { readonly email_address: string }): Promise<void> => {
  const email = requireEmailAddress(input.email_address);
  if (!sendsMail(act)) throw noMailFault();
  await requestMail(act, "reset_password", email.key);
});

/** Makes a link for an administrator to hand on; not for oneself, where the current password is asked for instead. */
export const createResetLink = command("password_reset.create_link", async (act, input: { readonly email_address: string }): Promise<ResetLink> => {
  requireAdministrator(act.caller);
  const { writer, settings } = act;
  const { users } = writer.tables;
  const { key } = requireEmailAddress(input.email_address);
  const isOpen = and(eq(users.email_key, key), isNull(users.disabled_at), isNull(users.pending_until));
  const [user] = await writer.select({ id: users.id }).from(users).where(isOpen);
  if (user === undefined) throw notFound();
  if (act.caller.kind === "user" && act.caller.userId === user.id) {
    throw new Fault("forbidden", "Nobody makes such a link for the own account.", { hint: "Change the password with the current one, or ask another administrator." });
  }
  act.note({ subject: `user:${user.id}` });
  const { token, expiresAtMs } = await insertStepToken(act, { purpose: "reset_password", userId: user.id, context: "hand" });
  return { reset_url: `${settings.issuerUrl}/reset-password/${token}`, expires_at: isoTime(expiresAtMs) };
});

/** Throws Fault `gone` unless the link is good now, before its holder has filled in a form for nothing. */
export const checkResetLink = query("password_reset.check", async (act, input: { readonly reset_token: string }): Promise<void> => {
  if ((await findStep(act, act.reader, shown(input.reset_token))) === undefined) throw goneFault();
});

/** The account that the link is for, as it stands now. Throws Fault `gone` when it was disabled or has another address than the mail went to. */
async function requireAccount({ writer }: CommandAct, { userId, context }: Step): Promise<{ readonly email_key: string }> {
  const { users } = writer.tables;
  const [user] = await writer
    .select({ email_key: users.email_key })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.disabled_at), isNull(users.pending_until)));
  if (user === undefined || (context !== "hand" && context !== `mail:${user.email_key}`)) throw goneFault();
  return user;
}

/** Uses a link. Throws Fault `gone` when it is not good, and then hashes nothing. */
export const completePasswordReset = procedure("password_reset.complete", async (act, input: PasswordReset): Promise<void> => {
  const found = await act.read((reader) => findStep(act, reader, shown(input.reset_token)));
  if (found === undefined) throw goneFault();
  const passwordHash = await hashPassword(requireNewPassword("new_password", input.new_password));
  await act.write<undefined>(async (commandAct) => {
    const step = await takeStep(commandAct, shown(input.reset_token));
    if (step === undefined) throw goneFault();
    const { email_key: key } = await requireAccount(commandAct, step);
    const { userId } = step;
    commandAct.note({ subject: `user:${userId}`, details: { by: step.context === "hand" ? "hand" : "mail" } });
    await setPassword(commandAct, { userId, passwordHash, reason: "password_reset" });
    const { users } = commandAct.writer.tables;
    // Who read the mail has the mailbox.
    if (step.context !== "hand") await commandAct.writer.update(users).set({ email_verified: true }).where(eq(users.id, userId));
    await forgetFailures(commandAct, bucketOf(commandAct, { address: key, key }));
    await forgetFailures(commandAct, commandAct.sealer.digest("address-bucket", `own:${userId}`));
    return undefined;
  });
});
