/**
 * The outbox: mails that were asked for, in the same commit as what asked for them.
 *
 *     asked for ── due ── taken (next try is set first) ── sent, or refused for good, or tried too often: settled ── forgotten
 *
 * A row says only what kind of mail goes to which address. Whether there is such a person, and the one-time link, is
 * found out when it is sent: so asking costs the same for known and unknown names, and no link lies in the store. One
 * mail of a kind for each address at a time, and after it a pause: nobody is flooded.
 */
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, lt, lte, sql } from "drizzle-orm";
import type { Act, CommandAct } from "../gate/operation.ts";
import { below } from "../gate/quota.ts";
import { hasFeature } from "../license/entitlements.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Reader } from "../store/store.ts";

export const mailKinds = ["reset_password", "verify_email", "sign_up", "invitation", "notice"] as const;
export type MailKind = (typeof mailKinds)[number];

/** After a mail was sent, so long none of its kind to that address. */
const PAUSE_MS = 120_000;
/** How long a settled row is kept. */
const MEMORY_MS = 3_600_000;
/** Strangers can ask for mails; beyond so many that wait, asking does nothing. */
const WAITING_MAX = 10_000;
const SWEEP_MAX = 50;
/** Tries grow apart with their square: half a minute after the first, half an hour after the eighth, some two hours in all. */
const RETRY_MS = 30_000;
export const MAIL_ATTEMPTS_MAX = 8;

/** Whether mail can go out at this moment: there is a server, and the license carries the feature. */
export function sendsMail({ settings, entitlements }: Pick<Act, "settings" | "entitlements">): boolean {
  return settings.hasMailServer && hasFeature(entitlements, { namespace: "global", key: "email" });
}

/** Asks for a mail. Does the same work whoever the address belongs to. */
export async function requestMail({ writer, services, sealer }: CommandAct, kind: MailKind, emailKey: string): Promise<void> {
  const { outbox } = writer.tables;
  const now = services.clock.now();
  const id = sealer.digest("outbox", `${kind}:${emailKey}`);
  const fresh = { recipient: sealer.seal("outbox", id, emailKey), created_at: now, due_at: now, attempts: 0, settled_at: null };
  const waiting = writer.select({ count: count() }).from(outbox).where(isNull(outbox.settled_at));
  await writer
    .insert(outbox)
    .select(rowWhere(outbox, { id, kind, ...fresh }, below(waiting, WAITING_MAX)))
    .onConflictDoUpdate({ target: outbox.id, set: fresh, setWhere: lte(outbox.settled_at, now - PAUSE_MS) });
}

/** A mail about a thing of a domain to the right. */
export interface MailSubject {
  readonly kind: MailKind;
  /** What there is one mail for at a time. */
  readonly key: string;
  /** The id by which the thing is found when the mail is written. */
  readonly about: string;
  /** The person by whose doing it goes out. */
  readonly askedBy: string;
}

/** Mails of one person to others within the hour for which rows are kept (MEMORY_MS). */
export const ASKED_PER_HOUR_MAX = 200;

/**
 * Asks for a mail about a thing. Within the pause after another it waits for the pause's end. False when too much waits,
 * or when the person has sent out too many.
 */
export async function requestMailAbout({ writer, services, sealer }: CommandAct, { kind, key, about, askedBy }: MailSubject): Promise<boolean> {
  const { outbox } = writer.tables;
  const now = services.clock.now();
  const id = sealer.digest("outbox", `${kind}:${key}`);
  const fresh = { recipient: sealer.seal("outbox", id, about), created_at: now, attempts: 0, settled_at: null, asked_by: askedBy };
  const waiting = writer.select({ count: count() }).from(outbox).where(isNull(outbox.settled_at));
  const asked = writer.select({ count: count() }).from(outbox).where(and(eq(outbox.asked_by, askedBy), gt(outbox.created_at, now - MEMORY_MS)));
  const due_at = sql<number>`case when ${outbox.settled_at} > ${now - PAUSE_MS} then ${outbox.settled_at} + ${PAUSE_MS} else ${now} end`;
  const requested = await writer
    .insert(outbox)
    .select(rowWhere(outbox, { id, kind, ...fresh, due_at: now }, sql`${below(waiting, WAITING_MAX)} and ${below(asked, ASKED_PER_HOUR_MAX)}`))
    .onConflictDoUpdate({ target: outbox.id, set: { ...fresh, due_at } })
    .returning({ id: outbox.id });
  return requested.length > 0;
}

export interface DueMail {
  readonly id: string;
  readonly kind: MailKind;
  /** The folded address, or what the mail is about. */
  readonly about: string;
  readonly attempts: number;
}

/** Whether anything is due, without a write. */
export async function hasDueMail(reader: Reader, now: number): Promise<boolean> {
  const { outbox } = reader.tables;
  const [found] = await reader.select({ id: outbox.id }).from(outbox).where(and(isNull(outbox.settled_at), lte(outbox.due_at, now))).limit(1);
  return found !== undefined;
}

/** Takes one mail that is due, after its next try is set, so that two processes never send the same and a kill loses none. */
export async function takeDueMail({ writer, services, sealer }: CommandAct): Promise<DueMail | undefined> {
  const { outbox } = writer.tables;
  const now = services.clock.now();
  const due = and(isNull(outbox.settled_at), lte(outbox.due_at, now));
  const [next] = await writer.select({ id: outbox.id }).from(outbox).where(due).orderBy(asc(outbox.due_at), asc(outbox.id)).limit(1);
  if (next === undefined) return undefined;
  const [taken] = await writer
    .update(outbox)
    .set({ attempts: sql`${outbox.attempts} + 1`, due_at: sql`${now} + ${RETRY_MS} * (${outbox.attempts} + 1) * (${outbox.attempts} + 1)` })
    .where(and(eq(outbox.id, next.id), due))
    .returning();
  const kind = mailKinds.find((each) => each === taken?.kind);
  if (taken === undefined || kind === undefined) return undefined;
  return { id: taken.id, kind, about: sealer.open("outbox", taken.id, taken.recipient).toString("utf8"), attempts: taken.attempts };
}

/** Nothing more is to be done for the mail. What was settled long ago is forgotten with it. */
export async function settleMail({ writer, services }: CommandAct, id: string): Promise<void> {
  const { outbox } = writer.tables;
  const now = services.clock.now();
  await writer.update(outbox).set({ settled_at: now, recipient: "" }).where(eq(outbox.id, id));
  const old = writer.select({ id: outbox.id }).from(outbox).where(and(isNotNull(outbox.settled_at), lt(outbox.settled_at, now - MEMORY_MS))).limit(SWEEP_MAX);
  await writer.delete(outbox).where(inArray(outbox.id, old));
}
