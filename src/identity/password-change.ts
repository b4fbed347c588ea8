/** A new password: for the own account, and what has to end with the old one. */
import { and, eq, isNull, ne } from "drizzle-orm";
import { type CommandAct, procedure, Refused } from "../gate/operation.ts";
import { findProofProblem, provePassword, requireUser } from "./own-password.ts";
import { hashPassword, requireNewPassword } from "./passwords.ts";
import { endStepTokens } from "./step-tokens.ts";

export interface PasswordChange {
  readonly current_password: string;
  readonly new_password: string;
}

export interface NewPassword {
  readonly userId: string;
  readonly passwordHash: string;
  /** The session that goes on; all others end. */
  readonly exceptSessionId?: string;
  readonly reason: "password_changed" | "password_reset";
}

/**
 * Sets the password and ends what was opened or begun with the old one. Grants for offline access hang on no session:
 * whoever reads one compares it with `credentials_changed_at`.
 */
export async function setPassword(act: CommandAct, { userId, passwordHash, exceptSessionId, reason }: NewPassword): Promise<void> {
  const { writer, services } = act;
  const { users, sessions } = writer.tables;
  const now = services.clock.now();
  await writer.update(users).set({ password_hash: passwordHash, credentials_changed_at: now }).where(eq(users.id, userId));
  const isOther = exceptSessionId === undefined ? undefined : ne(sessions.id, exceptSessionId);
  await writer
    .update(sessions)
    .set({ ended_at: now, end_reason: reason })
    .where(and(eq(sessions.user_id, userId), isNull(sessions.ended_at), isOther));
  await endStepTokens(act, userId);
}

/** Changes the caller's password. Throws Fault `invalid_request` for a wrong current one, which counts as a guess. */
export const changePassword = procedure("user.change_password", async (act, input: PasswordChange): Promise<void> => {
  const newPassword = requireNewPassword("new_password", input.new_password);
  const proof = await provePassword(act, input.current_password);
  const passwordHash = proof.isRight ? await hashPassword(newPassword) : "";
  await act.write<undefined>(async (commandAct) => {
    const problem = await findProofProblem(commandAct, proof);
    if (problem !== undefined) return new Refused(problem);
    const { userId, sessionId: exceptSessionId } = requireUser(act.caller);
    await setPassword(commandAct, { userId, passwordHash, exceptSessionId, reason: "password_changed" });
    return undefined;
  });
});
