/**
 * Self-service sign-up, and the proof of an address that ends it. It stands with the teams because it may make one;
 * identity must not know them.
 *
 *     sign up ── pending: nobody signs in ── mailed link and password ── account
 *     sign up, no mail server ── account, its address not proven
 *
 * Every answer is the same for free and taken addresses, and so is the work; who has an account learns of the attempt by
 * mail. The link alone is not enough: the password that was chosen is asked for again, so that nobody opens an account
 * that another has prepared in their name.
 */
import { and, eq, inArray, isNotNull, isNull, lt } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command, type CommandAct, procedure, query, Refused } from "../gate/operation.ts";
import { below, quotaFault, UNLIMITED } from "../gate/quota.ts";
import { noMailFault } from "../identity/password-reset.ts";
import { requestMail, sendsMail } from "../identity/outbox.ts";
import { findProofProblem, provePasswordOf, requireUser } from "../identity/own-password.ts";
import { hashPassword } from "../identity/passwords.ts";
import { countUsers, maxUsers, type Person, type PersonInput, requirePerson } from "../identity/people.ts";
import { findStep, takeStep } from "../identity/step-tokens.ts";
import { hasFeature, licenseStates, type Qualified } from "../license/entitlements.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { findNewTeam } from "./teams.ts";

const autoTeam: Qualified = { namespace: "global", key: "auto_team" };
/** Each sign-up sweeps out so many that nobody finished. */
const SWEEP_MAX = 20;

export interface SignedUp {
  /** What to do next; the same for every address. */
  readonly next_step: "verify_email" | "sign_in";
}

async function sweepPending({ writer, services }: CommandAct): Promise<void> {
  const { users } = writer.tables;
  const late = writer.select({ id: users.id }).from(users).where(lt(users.pending_until, services.clock.now())).limit(SWEEP_MAX);
  await writer.delete(users).where(inArray(users.id, late));
}

/** A team of the person's own where the license has it so and has room; signing up does not fail for a team. */
export async function insertAutoTeam(act: CommandAct, userId: string, displayName: string): Promise<void> {
  if (!licenseStates[act.entitlements.state].open || !hasFeature(act.entitlements, autoTeam)) return;
  const teamId = await findNewTeam(act, userId, displayName);
  if (teamId !== undefined) act.note({ teamId });
}

function columnsOf({ services, settings }: CommandAct, { person, passwordHash, isMailed }: Registration) {
  const now = services.clock.now();
  return {
    email_address: person.email.address,
    first_name: person.firstName,
    last_name: person.lastName,
    display_name: `${person.firstName} ${person.lastName}`,
    password_hash: passwordHash,
    created_at: now,
    pending_until: isMailed ? now + settings.emailLinkSeconds * 1_000 : null,
  };
}

interface Registration {
  readonly person: Person;
  readonly passwordHash: string;
  readonly isMailed: boolean;
}

/** Inserts the account within the cap, or replaces one that is pending. The id of a new one. Throws Fault `quota_exceeded`, whatever the address. */
async function register(act: CommandAct, registration: Registration): Promise<string | undefined> {
  const { users } = act.writer.tables;
  const { key } = registration.person.email;
  const cap = act.limit(maxUsers);
  const counted = countUsers(act.writer);
  const columns = columnsOf(act, registration);
  const row = { id: act.services.random.uuid(), email_key: key, is_administrator: false, email_verified: false, ...columns };
  const [before] = await counted;
  const [inserted] = await act.writer.insert(users).select(rowWhere(users, row, below(counted, cap))).onConflictDoNothing({ target: users.email_key }).returning({ id: users.id });
  if (before !== undefined && cap !== UNLIMITED && before.count >= cap) throw quotaFault(maxUsers, cap);
  // The same work where there is nothing to replace. Only who can show the mailbox and this password finishes it.
  await act.writer.update(users).set(columns).where(and(eq(users.email_key, key), isNotNull(users.pending_until)));
  return inserted?.id;
}

/** Throws, by the gate alone, where nobody may sign up. */
export const checkSignUp = query("sign_up.check", async (_act, _input: undefined): Promise<void> => {});

/** Somebody who was invited, checked, with the password hashed. */
export interface InvitedAccount {
  readonly person: Person;
  readonly passwordHash: string;
  /** Whether who holds the invitation has shown the mailbox by it. */
  readonly isProven: boolean;
}

/** The account of an invited address: new within the cap, or one that is pending. Throws Fault `conflict` when there is one, `quota_exceeded`. */
export async function insertInvited(act: CommandAct, { person, passwordHash, isProven }: InvitedAccount): Promise<string> {
  const { writer, services } = act;
  const { users } = writer.tables;
  const { key } = person.email;
  const cap = act.limit(maxUsers);
  const columns = { ...columnsOf(act, { person, passwordHash, isMailed: false }), email_verified: isProven };
  const row = { id: services.random.uuid(), email_key: key, is_administrator: false, ...columns };
  const [inserted] = await writer.insert(users).select(rowWhere(users, row, below(countUsers(writer), cap))).onConflictDoNothing({ target: users.email_key }).returning({ id: users.id });
  if (inserted !== undefined) return inserted.id;
  const [finished] = await writer.update(users).set(columns).where(and(eq(users.email_key, key), isNotNull(users.pending_until))).returning({ id: users.id });
  if (finished !== undefined) return finished.id;
  const [known] = await writer.select({ id: users.id }).from(users).where(eq(users.email_key, key));
  if (known === undefined) throw quotaFault(maxUsers, cap);
  throw new Fault("conflict", "The invited address has an account already.", { hint: "Sign in with it and accept the invitation there." });
}

/** Signs up. The answer does not say whether the address was free. */
export const signUp = procedure("sign_up.create", async (act, input: PersonInput): Promise<SignedUp> => {
  const person = requirePerson(input);
  const passwordHash = await hashPassword(person.password);
  const isMailed = sendsMail(act);
  return await act.write<SignedUp>(async (commandAct) => {
    await sweepPending(commandAct);
    const userId = await register(commandAct, { person, passwordHash, isMailed });
    if (userId !== undefined) commandAct.note({ subject: `user:${userId}` });
    if (isMailed) await requestMail(commandAct, "sign_up", person.email.key);
    else if (userId !== undefined) await insertAutoTeam(commandAct, userId, `${person.firstName} ${person.lastName}`);
    return { next_step: isMailed ? "verify_email" : "sign_in" };
  });
});

/** Asks for a mail that proves the caller's address. */
export const requestEmailVerification = command("email_verification.request", async (act, _input: undefined): Promise<void> => {
  const { userId } = requireUser(act.caller);
  const { users } = act.writer.tables;
  if (!sendsMail(act)) throw noMailFault();
  act.note({ subject: `user:${userId}` });
  const [user] = await act.writer.select({ key: users.email_key, isVerified: users.email_verified }).from(users).where(eq(users.id, userId));
  if (user !== undefined && !user.isVerified) await requestMail(act, "verify_email", user.key);
});

export interface EmailVerification {
  readonly verification_token: string;
  readonly user_password: string;
}

function goneFault(): Fault {
  return new Fault("gone", "This link is not good any more.", { hint: "A link is good once and for a day. Sign in, or sign up again, to get a new one." });
}

async function verify(act: CommandAct, userId: string, context: string): Promise<void> {
  const { users } = act.writer.tables;
  const [user] = await act.writer.select().from(users).where(and(eq(users.id, userId), isNull(users.disabled_at)));
  if (user === undefined || context !== `mail:${user.email_key}`) throw goneFault();
  await act.writer.update(users).set({ email_verified: true, pending_until: null }).where(eq(users.id, userId));
  if (user.pending_until !== null) await insertAutoTeam(act, userId, user.display_name);
}

/** Proves an address. Throws Fault `gone` for a link that is not good, `invalid_request` for a wrong password, which leaves the link good. */
export const completeEmailVerification = procedure("email_verification.complete", async (act, input: EmailVerification): Promise<void> => {
  const shown = { purpose: "verify_email", token: input.verification_token } as const;
  const step = await act.read((reader) => findStep(act, reader, shown));
  if (step === undefined) throw goneFault();
  const { userId, context } = step;
  const proof = await provePasswordOf(act, { userId, field: "user_password", password: input.user_password });
  await act.write<undefined>(async (commandAct) => {
    const problem = await findProofProblem(commandAct, proof);
    if (problem !== undefined) return new Refused(problem);
    if ((await takeStep(commandAct, shown)) === undefined) throw goneFault();
    await verify(commandAct, userId, context);
    return undefined;
  });
});
