/**
 * From events of tasks to deliveries: each event becomes one row for each webhook of its team that asks for it, in the
 * commit that takes the event. Old deliveries go.
 */
import { and, eq, inArray, isNull, lte } from "drizzle-orm";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { hasUntoldEvents, takeUntoldEvents, type UntoldEvent } from "../tasks/untold-events.ts";
import { countPending, type DeliveryRow, PENDING_MAX } from "./delivery-rows.ts";
import { type Message, messageOf, readEventTypes } from "./event-types.ts";
import { isDelivering, type WebhookRow } from "./webhook-rows.ts";

/** Events taken in one go. */
const BATCH_MAX = 200;
/** Rows of one statement: engines limit the values in it. */
const ROWS_MAX = 500;
const DAY_MS = 86_400_000;
/** An event that could not be told for so long, because the license did not allow it, is nothing to tell of any more. */
const EVENT_LIFE_MS = DAY_MS;
/** Settled deliveries are kept so long. */
export const KEPT_MS = 30 * DAY_MS;
const SWEEP_MAX = 500;

interface NewDelivery {
  readonly webhook: Pick<WebhookRow, "id" | "team_id">;
  readonly message: Message;
  readonly isRoom: boolean;
}

/** A delivery that is due at once; where there is no room, one that was given up. */
export function newDelivery({ services }: CommandAct, { webhook, message, isRoom }: NewDelivery): DeliveryRow {
  const now = services.clock.now();
  const error = `More than ${PENDING_MAX} deliveries wait for this webhook.`;
  return {
    id: services.random.uuid(),
    team_id: webhook.team_id,
    webhook_id: webhook.id,
    task_id: message.taskId,
    event_type: message.eventType,
    body: message.body,
    delivery_status: isRoom ? "pending" : "failed",
    attempt_count: 0,
    attempts: isRoom ? "[]" : JSON.stringify([{ attempted_at: now, response_status: null, error }]),
    due_at: isRoom ? now : null,
    response_body: null,
    created_at: now,
    delivered_at: null,
  };
}

async function deliveriesOf(act: CommandAct, events: readonly UntoldEvent[]): Promise<readonly DeliveryRow[]> {
  const { webhooks } = act.writer.tables;
  const teams = [...new Set(events.map(({ team_id }) => team_id))];
  const active = await act.writer.select().from(webhooks).where(and(inArray(webhooks.team_id, teams), eq(webhooks.webhook_status, "active")));
  if (active.length === 0) return [];
  const pending = new Map(await countPending(act.writer, active.map(({ id }) => id)));
  const asked = active.map((webhook) => ({ webhook, types: readEventTypes(webhook.webhook_events) }));
  return events.flatMap((event) => {
    const message = messageOf(event.content);
    const interested = asked.filter(({ webhook, types }) => webhook.team_id === event.team_id && webhook.created_at <= event.created_at && types.includes(message.eventType));
    return interested.map(({ webhook }) => {
      const waiting = pending.get(webhook.id) ?? 0;
      pending.set(webhook.id, waiting + 1);
      return newDelivery(act, { webhook, message, isRoom: waiting < PENDING_MAX });
    });
  });
}

async function forgetOld({ writer, services }: CommandAct): Promise<void> {
  const { webhookDeliveries: deliveries } = writer.tables;
  const isOld = and(lte(deliveries.created_at, services.clock.now() - KEPT_MS), isNull(deliveries.due_at));
  const old = writer.select({ id: deliveries.id }).from(deliveries).where(isOld).limit(SWEEP_MAX);
  await writer.delete(deliveries).where(inArray(deliveries.id, old));
}

/** Makes deliveries of what has happened; gives how many events were taken. */
export const noteDeliveries = command("webhook_delivery.note", async (act, _input: undefined): Promise<number> => {
  const events = await takeUntoldEvents(act, BATCH_MAX);
  const now = act.services.clock.now();
  const rows = await deliveriesOf(act, events.filter(({ created_at }) => created_at > now - EVENT_LIFE_MS));
  const { webhookDeliveries } = act.writer.tables;
  for (let start = 0; start < rows.length; start += ROWS_MAX) await act.writer.insert(webhookDeliveries).values(rows.slice(start, start + ROWS_MAX));
  await forgetOld(act);
  return events.length;
});

/** Whether there is anything to note or to send, without a write. Nothing while the license has no webhooks. */
export const hasDeliveryWork = query("webhook_delivery.look", async ({ reader, entitlements, services }, _input: undefined): Promise<{ readonly toNote: boolean; readonly toSend: boolean }> => {
  if (!isDelivering(entitlements)) return { toNote: false, toSend: false };
  const { webhookDeliveries: deliveries } = reader.tables;
  const due = await reader.select({ id: deliveries.id }).from(deliveries).where(lte(deliveries.due_at, services.clock.now())).limit(1);
  return { toNote: await hasUntoldEvents(reader), toSend: due.length > 0 };
});
