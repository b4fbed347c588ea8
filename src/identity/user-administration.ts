/**
 * Accounts in the hands of an administrator: made, changed, disabled and enabled again. Their end crosses the domains
 * (`across/user-deletion.ts`).
 *
 * Rule: a deployment keeps an administrator who can sign in, and nobody does these things to themselves, where another
 * administrator would have to mend a slip. Both hold in the statement that does the deed.
 */
import { and, count, eq, exists, isNotNull, isNull, ne, or, type SQL } from "drizzle-orm";
import { Fault, notFound } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { command, type CommandAct } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import { requireId } from "../ids.ts";
import type { Qualified } from "../license/entitlements.ts";
import { isoTime } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { requireAdministrator } from "./administrators.ts";
import { type EmailAddress, requireEmailAddress } from "./email-address.ts";
import { requireName } from "./names.ts";
import { endStepTokens, insertStepToken } from "./step-tokens.ts";

const maxUsers: Qualified = { namespace: "global", key: "max_users" };

export interface NewUser {
  readonly email_address: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly is_administrator?: boolean | undefined;
}

export interface CreatedUser {
  readonly id: string;
  /** Where the person chooses the password; shown once, to be handed on. */
  readonly reset_url: string;
  readonly expires_at: string;
}

/** A sign-up that nobody has finished gives way: whoever began it has shown nothing. */
async function removePending({ writer }: CommandAct, { key }: EmailAddress): Promise<void> {
  const { users } = writer.tables;
  await writer.delete(users).where(and(eq(users.email_key, key), isNotNull(users.pending_until)));
}

async function insertUser(act: CommandAct, email: EmailAddress, input: NewUser): Promise<string> {
  const { writer, services } = act;
  const { users } = writer.tables;
  const [firstName, lastName] = [requireName("first_name", input.first_name), requireName("last_name", input.last_name)];
  const cap = act.limit(maxUsers);
  const row = {
    id: services.random.uuid(),
    email_address: email.address,
    email_key: email.key,
    first_name: firstName,
    last_name: lastName,
    display_name: `${firstName} ${lastName}`,
    is_administrator: input.is_administrator ?? false,
    // The administrator who made the account vouches for the address.
    email_verified: true,
    created_at: services.clock.now(),
  };
  const isFree = below(writer.select({ count: count() }).from(users), cap);
  const [inserted] = await writer.insert(users).select(rowWhere(users, row, isFree)).onConflictDoNothing({ target: users.email_key }).returning({ id: users.id });
  if (inserted !== undefined) return inserted.id;
  const [taken] = await writer.select({ id: users.id }).from(users).where(eq(users.email_key, email.key));
  if (taken === undefined) throw quotaFault(maxUsers, cap);
  throw new Fault("conflict", "There is already an account with this email address.", { hint: "Look it up in the list of users, or use another address." });
}

/** Makes an account without a password, and a link by which its person chooses one. */
export const createUser = command("user.create", async (act, input: NewUser): Promise<CreatedUser> => {
  requireAdministrator(act.caller);
  const email = requireEmailAddress(input.email_address);
  await removePending(act, email);
  const id = await insertUser(act, email, input);
  act.note({ subject: `user:${id}`, details: { is_administrator: input.is_administrator ?? false } });
  const { token, expiresAtMs } = await insertStepToken(act, { purpose: "reset_password", userId: id, context: "hand" });
  return { id, reset_url: `${act.settings.issuerUrl}/reset-password/${token}`, expires_at: isoTime(expiresAtMs) };
});

/** Throws Fault `forbidden` when the caller means the own account. */
export function requireAnother(caller: Caller, userId: string): void {
  if (caller.kind !== "user" || caller.userId !== userId) return;
  throw new Fault("forbidden", "Nobody does this to their own account.", { hint: "Ask another administrator, or run the command on the host." });
}

/** Holds for everybody but the last administrator who can sign in. */
export function isNotLastAdministrator({ writer }: CommandAct, userId: string): SQL | undefined {
  const { users } = writer.tables;
  const others = and(eq(users.is_administrator, true), isNull(users.disabled_at), ne(users.id, userId));
  return or(eq(users.is_administrator, false), exists(writer.select({ id: users.id }).from(users).where(others)));
}

/** Why the account was not touched. */
export async function untouchedUserFault({ writer }: CommandAct, userId: string): Promise<Fault> {
  const { users } = writer.tables;
  const [found] = await writer.select({ id: users.id }).from(users).where(eq(users.id, userId));
  if (found === undefined) return notFound();
  return new Fault("conflict", "This is the last administrator who can sign in.", { hint: "Make another account an administrator first." });
}

export interface UserChange {
  readonly user_id: string;
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly display_name?: string | undefined;
  readonly is_administrator?: boolean | undefined;
}

/** The named columns alone. */
function changesOf({ first_name, last_name, display_name, is_administrator }: UserChange) {
  return {
    ...(first_name === undefined ? {} : { first_name: requireName("first_name", first_name) }),
    ...(last_name === undefined ? {} : { last_name: requireName("last_name", last_name) }),
    ...(display_name === undefined ? {} : { display_name: requireName("display_name", display_name) }),
    ...(is_administrator === undefined ? {} : { is_administrator }),
  };
}

/** Changes names, and who is an administrator, which acts at the next request. */
export const updateUser = command("user.update", async (act, input: UserChange): Promise<{ readonly id: string }> => {
  requireAdministrator(act.caller);
  const userId = requireId("user_id", input.user_id);
  const changes = changesOf(input);
  if (input.is_administrator === false) requireAnother(act.caller, userId);
  const { users } = act.writer.tables;
  const mayBe = input.is_administrator === false ? isNotLastAdministrator(act, userId) : undefined;
  // A change of nothing still says whether there is such an account.
  const [changed] = await act.writer.update(users).set({ id: userId, ...changes }).where(and(eq(users.id, userId), mayBe)).returning({ id: users.id });
  if (changed === undefined) throw await untouchedUserFault(act, userId);
  act.note({ subject: `user:${userId}`, details: { changed: Object.keys(changes).join(" "), ...(input.is_administrator === undefined ? {} : { is_administrator: input.is_administrator }) } });
  return { id: userId };
});

/** Shuts an account: nobody signs in, and every session and everything that was begun ends. Shutting it again changes nothing. */
export const disableUser = command("user.disable", async (act, input: { readonly user_id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  const userId = requireId("user_id", input.user_id);
  requireAnother(act.caller, userId);
  const { writer, services } = act;
  const { users, sessions } = writer.tables;
  const now = services.clock.now();
  const isOpen = and(eq(users.id, userId), isNull(users.disabled_at), isNotLastAdministrator(act, userId));
  const [disabled] = await writer.update(users).set({ disabled_at: now, credentials_changed_at: now }).where(isOpen).returning({ id: users.id });
  act.note({ subject: `user:${userId}` });
  if (disabled === undefined) {
    const [before] = await writer.select({ disabledAt: users.disabled_at }).from(users).where(eq(users.id, userId));
    if (before === undefined || before.disabledAt === null) throw await untouchedUserFault(act, userId);
    return;
  }
  await writer.update(sessions).set({ ended_at: now, end_reason: "disabled" }).where(and(eq(sessions.user_id, userId), isNull(sessions.ended_at)));
  await endStepTokens(act, userId);
});

/** Opens a disabled account again. Sessions that ended stay ended. */
export const enableUser = command("user.enable", async (act, input: { readonly user_id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  const userId = requireId("user_id", input.user_id);
  const { users } = act.writer.tables;
  const [enabled] = await act.writer.update(users).set({ disabled_at: null }).where(eq(users.id, userId)).returning({ id: users.id });
  if (enabled === undefined) throw notFound();
  act.note({ subject: `user:${userId}` });
});
