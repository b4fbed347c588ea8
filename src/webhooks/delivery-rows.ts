/**
 * Rows of deliveries: made once, tried until they are settled, tried anew when somebody asks for it.
 *
 *     pending, due ── taken: `due_at` is when the attempt counts as lost ── outcome ── delivered | due later | failed
 *
 * Rule: an attempt is counted when its outcome is known. Whoever is killed between sending and recording leaves a row that
 * falls due again, with the same id and the same body.
 */
import { and, count, eq, inArray, isNotNull } from "drizzle-orm";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { assert } from "../fault.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader, Writer } from "../store/store.ts";

export type DeliveryRow = Tables["webhookDeliveries"]["$inferSelect"];

export const deliveryStatuses = ["pending", "delivered", "failed"] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** Of one webhook. What comes on top is kept as failed, can be seen, and can be replayed. */
export const PENDING_MAX = 10_000;
/** Attempts whose outcome is kept. */
const OUTCOMES_MAX = 10;

const AttemptSchema = Type.Object({
  /** Epoch milliseconds. */
  attempted_at: Type.Integer(),
  response_status: Type.Union([Type.Integer(), Type.Null()]),
  /** A sentence; null when the receiver answered. */
  error: Type.Union([Type.String(), Type.Null()]),
});
export type Attempt = Static<typeof AttemptSchema>;
const attemptsShape = Compile(Type.Array(AttemptSchema));

/** As they were stored, the oldest first. */
export function readAttempts(json: string): readonly Attempt[] {
  const attempts: unknown = JSON.parse(json);
  assert(attemptsShape.Check(attempts), "stored attempts are ours");
  return attempts;
}

export function withAttempt(json: string, attempt: Attempt): string {
  return JSON.stringify([...readAttempts(json), attempt].slice(-OUTCOMES_MAX));
}

/** Deliveries of the webhooks that wait, for each that has any. */
export async function countPending(reader: Reader, webhookIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { webhookDeliveries: deliveries } = reader.tables;
  const rows = await reader
    .select({ id: deliveries.webhook_id, count: count() })
    .from(deliveries)
    .where(and(inArray(deliveries.webhook_id, [...webhookIds]), isNotNull(deliveries.due_at)))
    .groupBy(deliveries.webhook_id);
  return new Map(rows.map((row) => [row.id, row.count]));
}

/** Gives up what waits for the webhook. */
export async function failPending(writer: Writer, webhookId: string): Promise<void> {
  const { webhookDeliveries: deliveries } = writer.tables;
  await writer
    .update(deliveries)
    .set({ delivery_status: "failed", due_at: null })
    .where(and(eq(deliveries.webhook_id, webhookId), isNotNull(deliveries.due_at)));
}
