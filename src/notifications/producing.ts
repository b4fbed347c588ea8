/**
 * Where notifications come from: a look, every few seconds, for what people should know and have not been told.
 *
 * Each has a topic, and of one topic a person is told once, however often and by how many processes it is looked. So nothing
 * that happens has to remember to notify anybody, and nothing is told twice.
 */
import { and, eq, gt, inArray, isNotNull, isNull, lte, notExists, or } from "drizzle-orm";
import { command, type CommandAct } from "../gate/operation.ts";
import { requestMailAbout, sendsMail } from "../identity/outbox.ts";
import { hasFeature, type Qualified } from "../license/entitlements.ts";
import type { Notice } from "./notices.ts";

export const notificationsFeature: Qualified = { namespace: "global", key: "notifications" };

const DAY_MS = 86_400_000;
/** Days before a key's end at which its team is told. */
const KEY_DAYS = [7, 1] as const;
/** Days before the license's end at which administrators are told. */
const LICENSE_DAYS = [90, 30, 14, 7, 1] as const;
/** Told in one look; the next look has the rest. */
const BATCH_MAX = 200;
/** Kept so long, read or not. */
export const KEPT_MS = 90 * DAY_MS;

interface Told {
  readonly userId: string;
  /** Of one topic a person is told once. */
  readonly topic: string;
  readonly notice: Notice;
  readonly isMailed: boolean;
}

/** Tells the person, unless that was done. */
async function tell(act: CommandAct, { userId, topic, notice, isMailed }: Told): Promise<boolean> {
  const { writer, services } = act;
  const { notifications } = writer.tables;
  const id = services.random.uuid();
  const row = { id, user_id: userId, topic, kind: notice.kind, content: JSON.stringify(notice), created_at: services.clock.now() };
  const [inserted] = await writer.insert(notifications).values(row).onConflictDoNothing({ target: [notifications.user_id, notifications.topic] }).returning({ id: notifications.id });
  if (inserted === undefined) return false;
  if (isMailed && sendsMail(act)) await requestMailAbout(act, { kind: "notice", key: `${userId}:${topic}`, about: id, askedBy: userId });
  return true;
}

/** Invitations of people who have an account. They have their mail or their link already. */
async function invitationsToTell({ writer, services }: CommandAct): Promise<readonly Told[]> {
  const { invitations, users, teams, notifications } = writer.tables;
  const isTold = and(eq(notifications.user_id, users.id), eq(notifications.topic, invitations.id));
  const rows = await writer
    .select({ userId: users.id, id: invitations.id, team: teams.display_name, role: invitations.role, expiresAt: invitations.expires_at })
    .from(invitations)
    .innerJoin(users, and(eq(users.email_key, invitations.email_key), isNull(users.disabled_at), isNull(users.pending_until)))
    .innerJoin(teams, eq(teams.id, invitations.team_id))
    .where(and(gt(invitations.expires_at, services.clock.now()), notExists(writer.select({ id: notifications.id }).from(notifications).where(isTold))))
    .limit(BATCH_MAX);
  return rows.map(({ userId, id, team, role, expiresAt }) => ({
    userId,
    topic: id,
    notice: { kind: "invitation", invitation_id: id, team_name: team, invitation_role: role, expires_at: expiresAt },
    isMailed: false,
  }));
}

/** The nearest of `days` within which `untilMs` lies. */
function nearest(days: readonly number[], untilMs: number): number | undefined {
  return days.toSorted((one, other) => one - other).find((each) => untilMs <= each * DAY_MS);
}

/** Keys of teams that end soon: their owners and admins are told. Devices are paired again by their own people. */
async function keysToTell({ writer, services }: CommandAct): Promise<readonly Told[]> {
  const { credentials, memberships } = writer.tables;
  const now = services.clock.now();
  const endsSoon = and(isNull(credentials.revoked_at), isNotNull(credentials.expires_at), gt(credentials.expires_at, now), lte(credentials.expires_at, now + Math.max(...KEY_DAYS) * DAY_MS));
  const rows = await writer
    .select({ userId: memberships.user_id, credential: credentials })
    .from(credentials)
    .innerJoin(memberships, and(eq(memberships.team_id, credentials.team_id), inArray(memberships.role, ["owner", "admin"])))
    .where(and(endsSoon, inArray(credentials.kind, ["integration", "agent"]), isNull(credentials.user_id)));
  return rows.flatMap(({ userId, credential }) => {
    const { id, kind, key_prefix, display_name, team_id, expires_at } = credential;
    const days = expires_at === null ? undefined : nearest(KEY_DAYS, expires_at - now);
    if (expires_at === null || days === undefined) return [];
    const notice: Notice = { kind: "key_expiring", credential_id: id, credential_kind: kind, key_prefix, display_name, team_id, expires_at, days };
    return [{ userId, topic: `${id}/${expires_at}/${days}`, notice, isMailed: true }];
  });
}

/** Webhooks that were disabled for what their receivers did: the team's owners and admins are told. */
async function webhooksToTell({ writer, services }: CommandAct): Promise<readonly Told[]> {
  const { webhooks, memberships } = writer.tables;
  const isNews = and(eq(webhooks.webhook_status, "disabled"), inArray(webhooks.disabled_reason, ["gone", "failing"]), gt(webhooks.disabled_at, services.clock.now() - KEPT_MS));
  const rows = await writer
    .select({ userId: memberships.user_id, webhook: webhooks })
    .from(webhooks)
    .innerJoin(memberships, and(eq(memberships.team_id, webhooks.team_id), inArray(memberships.role, ["owner", "admin"])))
    .where(isNews);
  return rows.flatMap(({ userId, webhook: { id, display_name, team_id, disabled_reason, disabled_at } }) => {
    if (disabled_at === null) return [];
    const notice: Notice = { kind: "webhook_disabled", webhook_id: id, display_name, team_id, reason: disabled_reason === "gone" ? "gone" : "failing", disabled_at };
    return [{ userId, topic: `${id}/${disabled_at}`, notice, isMailed: true }];
  });
}

/** What administrators should know of the license at this moment; undefined while all is well. */
function licenseNotice({ entitlements, services }: CommandAct): { readonly topic: string; readonly notice: Notice } | undefined {
  const { state, license, since } = entitlements;
  const sequence = license?.sequence ?? 0;
  if (state === "ok" || state === "expiring") {
    const endsAt = license === undefined ? undefined : license.expiresAt * 1_000;
    const days = endsAt === undefined ? undefined : nearest(LICENSE_DAYS, endsAt - services.clock.now());
    if (license === undefined || endsAt === undefined || days === undefined) return undefined;
    return { topic: `license/${license.licenseId}/${license.expiresAt}/${days}`, notice: { kind: "license", state, sequence, ends_at: endsAt, days } };
  }
  // A short silence of the License Server is nothing to tell people of: the grace is there for it.
  if (state === "unreachable") return undefined;
  return { topic: `license/${state}/${since ?? 0}`, notice: { kind: "license", state, sequence, ends_at: null, days: null } };
}

async function licenseToTell(act: CommandAct): Promise<readonly Told[]> {
  const told = licenseNotice(act);
  if (told === undefined) return [];
  const { users } = act.writer.tables;
  const administrators = await act.writer.select({ id: users.id }).from(users).where(and(eq(users.is_administrator, true), isNull(users.disabled_at)));
  return administrators.map(({ id }) => ({ userId: id, ...told, isMailed: true }));
}

/** Invitations that were answered or taken back are nothing to tell of any more, and old notifications go. */
async function forget({ writer, services }: CommandAct): Promise<void> {
  const { notifications, invitations } = writer.tables;
  const isAnswered = and(eq(notifications.kind, "invitation"), notExists(writer.select({ id: invitations.id }).from(invitations).where(eq(invitations.id, notifications.topic))));
  const over = writer
    .select({ id: notifications.id })
    .from(notifications)
    .where(or(lte(notifications.created_at, services.clock.now() - KEPT_MS), isAnswered))
    .limit(BATCH_MAX);
  await writer.delete(notifications).where(inArray(notifications.id, over));
}

/**
 * Tells what is new; gives how many were told. The license is told of in every state; the rest only while the license
 * carries notifications, as far as it can be known.
 */
export const produceNotifications = command("notification.produce", async (act, _input: undefined): Promise<number> => {
  await forget(act);
  const isOn = hasFeature(act.entitlements, notificationsFeature);
  const all = [...(await licenseToTell(act)), ...(isOn ? await invitationsToTell(act) : []), ...(isOn ? await keysToTell(act) : []), ...(isOn ? await webhooksToTell(act) : [])];
  let told = 0;
  for (const each of all) if (await tell(act, each)) told += 1;
  return told;
});
