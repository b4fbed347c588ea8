/** Rows of webhooks, and how their team sees them. No secret is among what is shown. */
import { and, count, eq } from "drizzle-orm";
import { notFound } from "../fault.ts";
import { type Entitlements, hasFeature, licenseStates, type Qualified } from "../license/entitlements.ts";
import { isoTime } from "../page.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { type EventType, readEventTypes } from "./event-types.ts";

export type WebhookRow = Tables["webhooks"]["$inferSelect"];

export const webhooksFeature: Qualified = { namespace: "team", key: "webhooks" };
export const maxWebhooks: Qualified = { namespace: "team", key: "max_webhooks" };

/** Whether the license lets anything be delivered at this moment. What happens meanwhile waits, for a day. */
export function isDelivering(entitlements: Entitlements): boolean {
  return licenseStates[entitlements.state].open && hasFeature(entitlements, webhooksFeature);
}

export const webhookStatuses = ["active", "disabled"] as const;
export type WebhookStatus = (typeof webhookStatuses)[number];
/** Why a webhook is disabled: somebody did it, its receiver said that it is gone (410), or nothing arrived for days. */
export type DisabledReason = "by_hand" | "gone" | "failing";

export interface Webhook {
  readonly id: string;
  readonly display_name: string;
  readonly webhook_url: string;
  /** Always null: a secret is shown when it is made, and never again. */
  readonly webhook_secret: null;
  readonly webhook_secret_prefix: string;
  /** Until when the secret before is good as well; null when it has ended. */
  readonly previous_secret_expires_at: string | null;
  readonly webhook_events: readonly EventType[];
  readonly webhook_status: string;
  readonly disabled_reason: string | null;
  readonly failing_since: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_delivered_at: string | null;
}

const shownTime = (at: number | null) => (at === null ? null : isoTime(at));

export function shownWebhook(row: WebhookRow, now: number): Webhook {
  const { id, display_name, webhook_url, secret_prefix, webhook_status, disabled_reason, previous_expires_at } = row;
  return {
    id,
    display_name,
    webhook_url,
    webhook_secret: null,
    webhook_secret_prefix: secret_prefix,
    previous_secret_expires_at: previous_expires_at !== null && previous_expires_at > now ? isoTime(previous_expires_at) : null,
    webhook_events: readEventTypes(row.webhook_events),
    webhook_status,
    disabled_reason,
    failing_since: shownTime(row.failing_since),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
    last_delivered_at: shownTime(row.last_delivered_at),
  };
}

/** The team's webhook. Throws Fault `not_found` for another team's. */
export async function getWebhook(reader: Reader, { teamId, id }: { readonly teamId: string; readonly id: string }): Promise<WebhookRow> {
  const { webhooks } = reader.tables;
  const [found] = await reader.select().from(webhooks).where(and(eq(webhooks.id, id), eq(webhooks.team_id, teamId)));
  if (found === undefined) throw notFound();
  return found;
}

/** What `max_webhooks` counts: disabled ones too. */
export function countWebhooks(reader: Reader, teamId: string) {
  const { webhooks } = reader.tables;
  return reader.select({ count: count() }).from(webhooks).where(eq(webhooks.team_id, teamId));
}
