/**
 * The log of deliveries: what a webhook was told, how often it was tried and what came of it; and doing it again.
 *
 * Rule: for those who manage the webhook. What a receiver answered is shown to nobody else, and only its beginning.
 */
import { and, asc, count, desc, eq, gte, inArray, isNull, lt } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query, type QueryAct } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { requireMembership } from "../teams/membership.ts";
import type { TeamAction } from "../teams/permissions.ts";
import { countPending, type DeliveryRow, type DeliveryStatus, deliveryStatuses, PENDING_MAX, readAttempts } from "./delivery-rows.ts";
import { testMessage } from "./event-types.ts";
import { type OneWebhook, requireActive } from "./management.ts";
import { newDelivery } from "./noting.ts";
import { getWebhook, type WebhookRow } from "./webhook-rows.ts";

/** Deliveries of one call; the caller asks again for the rest. */
export const REPLAY_MAX = 1_000;

export interface Delivery {
  /** What the receiver gets as `webhook-id`. */
  readonly id: string;
  readonly webhook_id: string;
  readonly event_type: string;
  readonly task_id: string | null;
  readonly delivery_status: string;
  readonly attempt_count: number;
  /** Of the last attempt that was answered. */
  readonly response_status: number | null;
  readonly next_attempt_at: string | null;
  readonly created_at: string;
  readonly delivered_at: string | null;
}

export interface DeliveryDetail extends Delivery {
  /** The last ones, the oldest first. */
  readonly attempts: readonly { readonly attempted_at: string; readonly response_status: number | null; readonly error: string | null }[];
  /** The text that is sent. */
  readonly request_body: string;
  /** At most 1024 bytes of the last answer. */
  readonly response_body: string | null;
}

const shownTime = (at: number | null) => (at === null ? null : isoTime(at));

function shownDelivery({ id, webhook_id, event_type, task_id, delivery_status, attempt_count, attempts, due_at, created_at, delivered_at }: DeliveryRow): Delivery {
  const response_status = readAttempts(attempts).findLast((attempt) => attempt.response_status !== null)?.response_status ?? null;
  return { id, webhook_id, event_type, task_id, delivery_status, attempt_count, response_status, next_attempt_at: shownTime(due_at), created_at: isoTime(created_at), delivered_at: shownTime(delivered_at) };
}

function requireStatus(text: string | undefined): DeliveryStatus | undefined {
  const found = deliveryStatuses.find((status) => status === text);
  if (text !== undefined && found === undefined) throw invalidField("delivery_status", `is one of ${deliveryStatuses.join(", ")}`);
  return found;
}

/** The webhook that the caller may act on. */
async function getManaged(act: QueryAct | CommandAct, action: TeamAction, webhookId: string): Promise<WebhookRow> {
  const reader = "writer" in act ? act.writer : act.reader;
  const id = requireId("webhook_id", webhookId);
  const { teamId } = await requireMembership(reader, act.caller, action);
  return await getWebhook(reader, { teamId, id });
}

export interface DeliverySearch extends OneWebhook, PageRequest {
  readonly delivery_status?: string | undefined;
}

/** The webhook's deliveries, newest first. */
export const listDeliveries = query("webhook_delivery.list", async (act, input: DeliverySearch): Promise<{ readonly delivery_list: readonly Delivery[]; readonly page_meta: PageMeta }> => {
  const page = pageOf(input);
  const status = requireStatus(input.delivery_status);
  const webhook = await getManaged(act, "webhook_delivery.list", input.webhook_id);
  const { webhookDeliveries: deliveries } = act.reader.tables;
  const where = and(eq(deliveries.webhook_id, webhook.id), status === undefined ? undefined : eq(deliveries.delivery_status, status));
  const [total] = await act.reader.select({ count: count() }).from(deliveries).where(where);
  const rows = await act.reader.select().from(deliveries).where(where).orderBy(desc(deliveries.created_at), desc(deliveries.id)).limit(page.limit).offset(page.offset);
  return { delivery_list: rows.map(shownDelivery), page_meta: page.meta(total?.count ?? 0) };
});

export interface OneDelivery extends OneWebhook {
  readonly delivery_id: string;
}

/** One delivery, with what was sent and answered. */
export const readDelivery = query("webhook_delivery.read", async (act, input: OneDelivery): Promise<DeliveryDetail> => {
  const id = requireId("delivery_id", input.delivery_id);
  const webhook = await getManaged(act, "webhook_delivery.read", input.webhook_id);
  const { webhookDeliveries: deliveries } = act.reader.tables;
  const [row] = await act.reader.select().from(deliveries).where(and(eq(deliveries.id, id), eq(deliveries.webhook_id, webhook.id)));
  if (row === undefined) throw notFound();
  const attempts = readAttempts(row.attempts).map(({ attempted_at, ...attempt }) => ({ ...attempt, attempted_at: isoTime(attempted_at) }));
  return { ...shownDelivery(row), attempts, request_body: row.body, response_body: row.response_body };
});

async function requireRoom({ writer }: CommandAct, { id }: WebhookRow, wanted: number): Promise<void> {
  const pending = (await countPending(writer, [id])).get(id) ?? 0;
  if (pending + wanted <= PENDING_MAX) return;
  throw new Fault("conflict", `At most ${PENDING_MAX} deliveries wait for one webhook.`, { hint: "Wait until some of them have arrived or failed." });
}

/** Sends a test call on the way that all deliveries go; what came of it is in the log of deliveries. */
export const testWebhook = command("webhook.test", async (act, input: OneWebhook): Promise<{ readonly delivery_id: string }> => {
  const webhook = await getManaged(act, "webhook.test", input.webhook_id);
  requireActive(webhook);
  await requireRoom(act, webhook, 1);
  const row = newDelivery(act, { webhook, message: testMessage(act.services.clock.now()), isRoom: true });
  await act.writer.insert(act.writer.tables.webhookDeliveries).values(row);
  act.note({ subject: `webhook:${webhook.id}`, details: { delivery_id: row.id } });
  return { delivery_id: row.id };
});

/** Makes settled deliveries due again, from the first attempt on; gives how many. */
async function replay({ writer, services }: CommandAct, ids: readonly string[]): Promise<number> {
  const { webhookDeliveries: deliveries } = writer.tables;
  const replayed = await writer
    .update(deliveries)
    .set({ delivery_status: "pending", due_at: services.clock.now(), attempt_count: 0, delivered_at: null })
    .where(and(inArray(deliveries.id, [...ids]), isNull(deliveries.due_at)))
    .returning({ id: deliveries.id });
  return replayed.length;
}

/** Sends one delivery again, with its id and its body. Throws Fault `conflict` for one that is still on its way. */
export const replayDelivery = command("webhook_delivery.replay", async (act, input: OneDelivery): Promise<{ readonly delivery_id: string }> => {
  const id = requireId("delivery_id", input.delivery_id);
  const webhook = await getManaged(act, "webhook_delivery.replay", input.webhook_id);
  requireActive(webhook);
  const { webhookDeliveries: deliveries } = act.writer.tables;
  const [row] = await act.writer.select({ id: deliveries.id }).from(deliveries).where(and(eq(deliveries.id, id), eq(deliveries.webhook_id, webhook.id)));
  if (row === undefined) throw notFound();
  await requireRoom(act, webhook, 1);
  if ((await replay(act, [id])) === 0) throw new Fault("conflict", "The delivery is still on its way.", { hint: "Wait until it has arrived or failed." });
  act.note({ subject: `webhook:${webhook.id}`, details: { delivery_id: id } });
  return { delivery_id: id };
});

export interface RangeInput extends OneWebhook {
  /** ISO 8601: deliveries made at or after it. */
  readonly since: string;
  /** ISO 8601: deliveries made before it; now, when it is left out. */
  readonly until?: string | undefined;
  /** `failed`, the default, or `delivered`. */
  readonly delivery_status?: string | undefined;
}

function requireTime(field: string, text: string): number {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw invalidField(field, "is a time with its zone, as 2026-01-31T12:00:00Z");
  return at;
}

/** Sends the deliveries of a time again, the oldest first, at most 1000 in one call; says from when on there are more. */
export const replayRange = command("webhook_delivery.replay_range", async (act, input: RangeInput): Promise<{ readonly replayed: number; readonly next_since: string | null }> => {
  const since = requireTime("since", input.since);
  const until = input.until === undefined ? act.services.clock.now() + 1 : requireTime("until", input.until);
  const status = requireStatus(input.delivery_status) ?? "failed";
  if (status === "pending") throw invalidField("delivery_status", "is failed or delivered: what is pending is on its way");
  const webhook = await getManaged(act, "webhook_delivery.replay_range", input.webhook_id);
  requireActive(webhook);
  const { webhookDeliveries: deliveries } = act.writer.tables;
  const isMeant = and(eq(deliveries.webhook_id, webhook.id), eq(deliveries.delivery_status, status), gte(deliveries.created_at, since), lt(deliveries.created_at, until));
  const found = await act.writer.select({ id: deliveries.id, createdAt: deliveries.created_at }).from(deliveries).where(isMeant).orderBy(asc(deliveries.created_at), asc(deliveries.id)).limit(REPLAY_MAX + 1);
  const ids = found.slice(0, REPLAY_MAX).map(({ id }) => id);
  await requireRoom(act, webhook, ids.length);
  const replayed = ids.length === 0 ? 0 : await replay(act, ids);
  act.note({ subject: `webhook:${webhook.id}`, details: { since: isoTime(since), until: isoTime(until), delivery_status: status, replayed } });
  return { replayed, next_since: shownTime(found[REPLAY_MAX]?.createdAt ?? null) };
});
