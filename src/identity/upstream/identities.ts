/**
 * Who is known by which upstream identity.
 *
 * Rule: an identity is an issuer and its subject, and nothing else: neither an address nor a name leads to an account
 * (GHSA-g38m-r43w-p2q7). Nobody can take away their last way in.
 */
import { and, asc, count, eq, inArray, ne } from "drizzle-orm";
import { Fault, notFound } from "../../fault.ts";
import { command, type CommandAct, query } from "../../gate/operation.ts";
import { isoTime } from "../../page.ts";
import { requireUser } from "../own-password.ts";
import { listDescriptors } from "../passkeys/known-passkeys.ts";
import { listEnabled } from "./providers.ts";

/** Of one person. */
export const IDENTITIES_MAX = 20;

export interface NewIdentity {
  readonly userId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
}

function keyOf({ issuer, subject }: Pick<NewIdentity, "issuer" | "subject">): string {
  return `${issuer}\n${subject}`;
}

/** The person that is known by the identity; it counts as used now. */
export async function useIdentity({ writer, services }: CommandAct, identity: Pick<NewIdentity, "issuer" | "subject" | "email">): Promise<string | undefined> {
  const { upstreamIdentities: identities } = writer.tables;
  const set = { last_used_at: services.clock.now(), ...(identity.email === undefined ? {} : { email_address: identity.email }) };
  const [found] = await writer.update(identities).set(set).where(eq(identities.key, keyOf(identity))).returning({ userId: identities.user_id });
  return found?.userId;
}

/** Connects the identity with the person. Throws Fault `conflict` when it is another's, or there are too many. */
export async function insertIdentity({ writer, services }: CommandAct, identity: NewIdentity): Promise<void> {
  const { upstreamIdentities: identities } = writer.tables;
  const { userId, issuer, subject, email } = identity;
  const [found] = await writer.select({ count: count() }).from(identities).where(eq(identities.user_id, userId));
  if ((found?.count ?? 0) >= IDENTITIES_MAX) throw new Fault("conflict", `The account has ${IDENTITIES_MAX} connected sign-ins, and no more can be added.`, { hint: "Remove one first." });
  const now = services.clock.now();
  const row = { id: services.random.uuid(), key: keyOf(identity), user_id: userId, issuer, subject, email_address: email ?? null, created_at: now, last_used_at: now };
  const [inserted] = await writer.insert(identities).values(row).onConflictDoNothing().returning({ id: identities.id });
  if (inserted === undefined) throw new Fault("conflict", "This sign-in is connected with an account already.", { hint: "Start again; it leads to that account." });
}

export interface ShownIdentity {
  readonly id: string;
  /** As the provider is called now; null while there is none of this issuer. */
  readonly provider: string | null;
  readonly issuer: string;
  /** As the provider said it last; it proves nothing here. */
  readonly email_address: string | null;
  readonly created_at: string;
  readonly last_used_at: string;
}

/** The caller's own. */
export const listIdentities = query("upstream_identity.list", async (act, _input: undefined): Promise<{ readonly identities: readonly ShownIdentity[] }> => {
  const { userId } = requireUser(act.caller);
  const { upstreamIdentities: identities } = act.reader.tables;
  const enabled = await listEnabled(act, act.reader);
  const rows = await act.reader.select().from(identities).where(eq(identities.user_id, userId)).orderBy(asc(identities.created_at), asc(identities.id)).limit(IDENTITIES_MAX);
  return {
    identities: rows.map(({ id, issuer, email_address, created_at, last_used_at }) => ({
      id,
      provider: enabled.find((provider) => provider.issuer === issuer)?.display_name ?? null,
      issuer,
      email_address,
      created_at: isoTime(created_at),
      last_used_at: isoTime(last_used_at),
    })),
  };
});

/** Whether the person can still sign in without the identity: by a password, a passkey, or another identity whose provider is enabled. */
async function hasOtherWay(act: CommandAct, userId: string, id: string): Promise<boolean> {
  const { users, upstreamIdentities: identities } = act.writer.tables;
  const [user] = await act.writer.select({ hash: users.password_hash }).from(users).where(eq(users.id, userId));
  if (user?.hash !== null && user?.hash !== undefined) return true;
  if ((await listDescriptors(act.writer, userId)).length > 0) return true;
  const issuers = (await listEnabled(act, act.writer)).map(({ issuer }) => issuer);
  const [other] = await act.writer
    .select({ id: identities.id })
    .from(identities)
    .where(and(eq(identities.user_id, userId), ne(identities.id, id), inArray(identities.issuer, issuers)))
    .limit(1);
  return other !== undefined;
}

/** Takes away one of the caller's own. Throws Fault `conflict` for the last way in. */
export const removeIdentity = command("upstream_identity.remove", async (act, { id }: { readonly id: string }): Promise<void> => {
  const { userId } = requireUser(act.caller);
  const { upstreamIdentities: identities } = act.writer.tables;
  const [removed] = await act.writer.delete(identities).where(and(eq(identities.id, id), eq(identities.user_id, userId))).returning({ issuer: identities.issuer });
  if (removed === undefined) throw notFound();
  act.note({ subject: `user:${userId}`, details: { issuer: removed.issuer } });
  // Commands are serializable: of two that each leave the other's, one sees what the other did.
  if (!(await hasOtherWay(act, userId, id))) throw new Fault("conflict", "This is the account's last way in.", { hint: "Choose a password first, by a password link, or connect another sign-in." });
});
