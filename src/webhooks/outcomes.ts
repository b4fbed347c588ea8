/**
 * What comes of an attempt: for the delivery, and for the webhook.
 *
 *     2xx    delivered
 *     410    failed, and the webhook is disabled: the receiver is gone
 *     else   tried again while the ladder has steps, then failed; after days without a delivery the webhook is disabled
 *
 * Rule: recorded only while the row says that this attempt has it, so that a late one changes nothing.
 */
import { and, eq, isNotNull, isNull, lte, ne } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import { type Attempt, type DeliveryRow, failPending, withAttempt } from "./delivery-rows.ts";
import type { TakenDelivery } from "./due-deliveries.ts";
import { nextTryMs } from "./retry-ladder.ts";
import type { DisabledReason } from "./webhook-rows.ts";

/** A webhook to which nothing has arrived for so long is disabled. */
export const FAILING_MS_MAX = 3 * 86_400_000;
const GONE = 410;

/** How an attempt ended. */
export interface Outcome {
  /** When the attempt was begun, epoch milliseconds. */
  readonly at: number;
  /** Null when there was no answer. */
  readonly status: number | null;
  /** Beginning of the answer's body. */
  readonly answer: string | null;
  /** For those who look at the log of deliveries; null when there was an answer. */
  readonly error: string | null;
  readonly retryAfterMs: number | undefined;
  /** For the log only. */
  readonly cause: unknown;
}

export type Recorded = "delivered" | "retried" | "failed" | "disabled" | "stale";

const isDelivered = ({ status }: Outcome): boolean => status !== null && status >= 200 && status <= 299;

async function findTaken({ writer }: CommandAct, { id, takenUntil }: TakenDelivery): Promise<DeliveryRow | undefined> {
  const { webhookDeliveries: deliveries } = writer.tables;
  const [row] = await writer.select().from(deliveries).where(and(eq(deliveries.id, id), eq(deliveries.due_at, takenUntil)));
  return row;
}

/** How the row goes on. */
function nextOf({ services }: CommandAct, row: DeliveryRow, outcome: Outcome): Pick<DeliveryRow, "delivery_status" | "due_at" | "delivered_at"> {
  const now = services.clock.now();
  if (isDelivered(outcome)) return { delivery_status: "delivered", due_at: null, delivered_at: now };
  const wait = outcome.status === GONE ? undefined : nextTryMs({ attempts: row.attempt_count + 1, retryAfterMs: outcome.retryAfterMs, jitter: services.random.fraction() });
  return { delivery_status: wait === undefined ? "failed" : "pending", due_at: wait === undefined ? null : now + wait, delivered_at: null };
}

async function noteArrival({ writer, services }: CommandAct, webhookId: string): Promise<void> {
  const { webhooks } = writer.tables;
  await writer.update(webhooks).set({ last_delivered_at: services.clock.now(), failing_since: null, paused_until: null }).where(eq(webhooks.id, webhookId));
}

/** Asks no more of a receiver than it said that it can bear. */
async function notePause({ writer, services }: CommandAct, webhookId: string, pauseMs: number): Promise<void> {
  const { webhooks } = writer.tables;
  await writer.update(webhooks).set({ paused_until: services.clock.now() + pauseMs }).where(eq(webhooks.id, webhookId));
}

async function disable({ writer, services }: CommandAct, webhookId: string, reason: DisabledReason): Promise<boolean> {
  const { webhooks } = writer.tables;
  const isLong = reason === "gone" ? undefined : and(isNotNull(webhooks.failing_since), lte(webhooks.failing_since, services.clock.now() - FAILING_MS_MAX));
  const [disabled] = await writer
    .update(webhooks)
    .set({ webhook_status: "disabled", disabled_reason: reason, disabled_at: services.clock.now() })
    .where(and(eq(webhooks.id, webhookId), ne(webhooks.webhook_status, "disabled"), isLong))
    .returning({ id: webhooks.id });
  if (disabled === undefined) return false;
  await failPending(writer, webhookId);
  return true;
}

/** A delivery was given up. True when the webhook was disabled with it. */
async function noteFailure(act: CommandAct, webhookId: string, isGone: boolean): Promise<boolean> {
  if (isGone) return await disable(act, webhookId, "gone");
  const { webhooks } = act.writer.tables;
  await act.writer
    .update(webhooks)
    .set({ failing_since: act.services.clock.now() })
    .where(and(eq(webhooks.id, webhookId), isNull(webhooks.failing_since)));
  return await disable(act, webhookId, "failing");
}

/** Records how the attempt ended. */
export async function recordOutcome(act: CommandAct, taken: TakenDelivery, outcome: Outcome): Promise<Recorded> {
  const row = await findTaken(act, taken);
  if (row === undefined) return "stale";
  const { webhookDeliveries: deliveries } = act.writer.tables;
  const attempt: Attempt = { attempted_at: outcome.at, response_status: outcome.status, error: outcome.error };
  const next = nextOf(act, row, outcome);
  await act.writer
    .update(deliveries)
    .set({ ...next, attempt_count: row.attempt_count + 1, attempts: withAttempt(row.attempts, attempt), response_body: outcome.answer })
    .where(and(eq(deliveries.id, row.id), eq(deliveries.due_at, taken.takenUntil)));
  if (next.delivery_status === "delivered") {
    await noteArrival(act, row.webhook_id);
    return "delivered";
  }
  if (outcome.retryAfterMs !== undefined) await notePause(act, row.webhook_id, outcome.retryAfterMs);
  if (next.delivery_status === "pending") return "retried";
  return (await noteFailure(act, row.webhook_id, outcome.status === GONE)) ? "disabled" : "failed";
}

/** Gives the attempt back, to be made anew at once: this process stops. It may have arrived; then it arrives again, with its id. */
export async function releaseTaken({ writer, services }: CommandAct, { id, takenUntil }: TakenDelivery): Promise<void> {
  const { webhookDeliveries: deliveries } = writer.tables;
  await writer.update(deliveries).set({ due_at: services.clock.now() }).where(and(eq(deliveries.id, id), eq(deliveries.due_at, takenUntil)));
}
