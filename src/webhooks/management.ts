/**
 * Webhooks in the hands of their team: made, listed, read, changed, deleted. All of it needs the role admin, because who
 * names an address decides where the team's results go.
 */
import { and, count, desc, eq } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import { requireId } from "../ids.ts";
import { type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { requireMembership } from "../teams/membership.ts";
import { failPending } from "./delivery-rows.ts";
import { requireEventTypes } from "./event-types.ts";
import { createSecret } from "./signing.ts";
import { requireTarget } from "./target.ts";
import { countWebhooks, getWebhook, maxWebhooks, shownWebhook, type Webhook, type WebhookRow, type WebhookStatus, webhookStatuses } from "./webhook-rows.ts";

const NAME_CHARACTERS_MAX = 255;
/** As in other names: what would forge lines in logs, or make a name read as another. */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]/u;

/** As it came; each member is checked here, which names the one that cannot be. */
export interface WebhookInput {
  readonly display_name?: unknown;
  readonly webhook_url?: unknown;
  readonly webhook_events?: unknown;
}

export interface MadeWebhook {
  readonly id: string;
  /** The signing secret in clear, here and never again. */
  readonly webhook_secret: string;
}

function requireDisplayName(given: unknown): string {
  const name = typeof given === "string" && given.length <= 2 * NAME_CHARACTERS_MAX ? given.trim() : "";
  const characters = [...name].length;
  if (characters < 1 || characters > NAME_CHARACTERS_MAX) throw invalidField("display_name", `has 1 to ${NAME_CHARACTERS_MAX} characters`);
  if (FORBIDDEN.test(name)) throw invalidField("display_name", "may not contain control characters or marks that change the direction of writing");
  return name;
}

/** Throws Fault `quota_exceeded` when the team has as many as it may. */
async function insertWebhook(act: CommandAct, row: WebhookRow): Promise<void> {
  const { writer } = act;
  const { webhooks } = writer.tables;
  const cap = act.limit(maxWebhooks);
  const [inserted] = await writer
    .insert(webhooks)
    .select(rowWhere(webhooks, row, below(countWebhooks(writer, row.team_id), cap)))
    .returning({ id: webhooks.id });
  if (inserted === undefined) throw quotaFault(maxWebhooks, cap);
}

const nothingYet = { previous_secret: null, previous_expires_at: null, disabled_reason: null, disabled_at: null, failing_since: null, paused_until: null, last_delivered_at: null } as const;

/** Makes a webhook; its secret is shown once. */
export const createWebhook = command("webhook.create", async (act, input: WebhookInput): Promise<MadeWebhook> => {
  const { teamId } = await requireMembership(act.writer, act.caller, "webhook.create");
  const display_name = requireDisplayName(input.display_name);
  const target = requireTarget(act.settings, input.webhook_url);
  const events = requireEventTypes(input.webhook_events);
  const { sealer, services } = act;
  const id = services.random.uuid();
  const secret = createSecret({ sealer, random: services.random }, id);
  const now = services.clock.now();
  await insertWebhook(act, { id, team_id: teamId, display_name, ...target, ...secret.columns, ...nothingYet, webhook_events: JSON.stringify(events), webhook_status: "active", created_at: now, updated_at: now });
  act.note({ subject: `webhook:${id}`, details: { host: target.host, webhook_events: events.join(" ") } });
  return { id, webhook_secret: secret.text };
});

/** The team's webhooks, newest first. */
export const listWebhooks = query("webhook.list", async ({ caller, reader, services }, input: PageRequest): Promise<{ readonly webhook_list: readonly Webhook[]; readonly page_meta: PageMeta }> => {
  const page = pageOf(input);
  const { teamId } = await requireMembership(reader, caller, "webhook.list");
  const { webhooks } = reader.tables;
  const where = eq(webhooks.team_id, teamId);
  const [total] = await reader.select({ count: count() }).from(webhooks).where(where);
  const rows = await reader.select().from(webhooks).where(where).orderBy(desc(webhooks.created_at), desc(webhooks.id)).limit(page.limit).offset(page.offset);
  return { webhook_list: rows.map((row) => shownWebhook(row, services.clock.now())), page_meta: page.meta(total?.count ?? 0) };
});

export interface OneWebhook {
  readonly webhook_id: string;
}

/** One webhook, without its secret. */
export const readWebhook = query("webhook.read", async ({ caller, reader, services }, input: OneWebhook): Promise<Webhook> => {
  const id = requireId("webhook_id", input.webhook_id);
  const { teamId } = await requireMembership(reader, caller, "webhook.read");
  return shownWebhook(await getWebhook(reader, { teamId, id }), services.clock.now());
});

export interface WebhookChange extends WebhookInput, OneWebhook {
  readonly webhook_status?: unknown;
}

function requireStatus(given: unknown): WebhookStatus {
  const found = webhookStatuses.find((status) => status === given);
  if (found === undefined) throw invalidField("webhook_status", `is one of ${webhookStatuses.join(", ")}`);
  return found;
}

/** What becomes of the standing: one that is enabled again begins anew, one that is disabled keeps why it was first. */
function standingOf(status: WebhookStatus, row: WebhookRow, now: number): Partial<WebhookRow> {
  if (status === row.webhook_status) return {};
  if (status === "disabled") return { webhook_status: status, disabled_reason: "by_hand", disabled_at: now };
  return { webhook_status: status, disabled_reason: null, disabled_at: null, failing_since: null, paused_until: null };
}

function changesOf(act: CommandAct, { display_name, webhook_url, webhook_events, webhook_status }: WebhookChange, row: WebhookRow): Partial<WebhookRow> {
  return {
    ...(display_name === undefined ? {} : { display_name: requireDisplayName(display_name) }),
    ...(webhook_url === undefined ? {} : { ...requireTarget(act.settings, webhook_url), paused_until: null }),
    ...(webhook_events === undefined ? {} : { webhook_events: JSON.stringify(requireEventTypes(webhook_events)) }),
    ...(webhook_status === undefined ? {} : standingOf(requireStatus(webhook_status), row, act.services.clock.now())),
  };
}

/** Changes what is given. Deliveries that wait go to the new address; of one that is disabled they are given up. */
export const updateWebhook = command("webhook.update", async (act, input: WebhookChange): Promise<{ readonly id: string }> => {
  const id = requireId("webhook_id", input.webhook_id);
  const { writer, services, note } = act;
  const { teamId } = await requireMembership(writer, act.caller, "webhook.update");
  const changes = changesOf(act, input, await getWebhook(writer, { teamId, id }));
  const { webhooks } = writer.tables;
  const [updated] = await writer
    .update(webhooks)
    .set({ ...changes, updated_at: services.clock.now() })
    .where(and(eq(webhooks.id, id), eq(webhooks.team_id, teamId)))
    .returning({ host: webhooks.host, status: webhooks.webhook_status });
  if (updated === undefined) throw notFound();
  if (updated.status === "disabled") await failPending(writer, id);
  note({ subject: `webhook:${id}`, details: { changed: Object.keys(changes).join(" "), host: updated.host, webhook_status: updated.status } });
  return { id };
});

/** Deletes a webhook with its deliveries; one that is on its way arrives. */
export const deleteWebhook = command("webhook.delete", async ({ caller, writer, note }, input: OneWebhook): Promise<void> => {
  const id = requireId("webhook_id", input.webhook_id);
  const { teamId } = await requireMembership(writer, caller, "webhook.delete");
  const { webhooks, webhookDeliveries } = writer.tables;
  await writer.delete(webhookDeliveries).where(and(eq(webhookDeliveries.webhook_id, id), eq(webhookDeliveries.team_id, teamId)));
  const [deleted] = await writer.delete(webhooks).where(and(eq(webhooks.id, id), eq(webhooks.team_id, teamId))).returning({ host: webhooks.host });
  if (deleted === undefined) throw notFound();
  note({ subject: `webhook:${id}`, details: { host: deleted.host } });
});

/** Throws Fault `conflict` for a webhook that is disabled: nothing is sent to it. */
export function requireActive({ webhook_status }: WebhookRow): void {
  if (webhook_status === "active") return;
  throw new Fault("conflict", "The webhook is disabled, and nothing is sent to it.", { hint: "Set its webhook_status to active first." });
}
