/**
 * Rotation of a webhook's signing secret. As documented the secret before ends at once; with `overlap_seconds`, ours, calls
 * carry a signature of each until the overlap is over.
 *
 * Rule: one rotation at a time: a second one during an overlap would take the secret that receivers still use.
 */
import { and, eq } from "drizzle-orm";
import { Fault, invalidField } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime } from "../page.ts";
import { requireMembership } from "../teams/membership.ts";
import type { OneWebhook } from "./management.ts";
import { createSecret } from "./signing.ts";
import { getWebhook } from "./webhook-rows.ts";

const OVERLAP_SECONDS_MAX = 86_400;

export interface RotationInput extends OneWebhook {
  /** How long the secret before signs as well: 0, the default, to 86400 (a day). */
  readonly overlap_seconds?: number | undefined;
}

export interface RotatedSecret {
  /** The new secret in clear, here and never again. */
  readonly webhook_secret: string;
  readonly previous_secret_expires_at: string | null;
}

function requireOverlap(seconds: number | undefined): number {
  const overlap = seconds ?? 0;
  if (Number.isInteger(overlap) && overlap >= 0 && overlap <= OVERLAP_SECONDS_MAX) return overlap;
  throw invalidField("overlap_seconds", `is a whole number from 0 to ${OVERLAP_SECONDS_MAX}, or is left out for 0`);
}

/** Makes a new secret. With an overlap of 0 whatever overlapped before ends too: that is the way out after a leak. */
export const rotateWebhookSecret = command("webhook.rotate_secret", async (act, input: RotationInput): Promise<RotatedSecret> => {
  const id = requireId("webhook_id", input.webhook_id);
  const overlap = requireOverlap(input.overlap_seconds);
  const { writer, services, sealer, note } = act;
  const { teamId } = await requireMembership(writer, act.caller, "webhook.rotate_secret");
  const row = await getWebhook(writer, { teamId, id });
  const now = services.clock.now();
  if (overlap > 0 && row.previous_expires_at !== null && row.previous_expires_at > now) {
    throw new Fault("conflict", "The secret is being rotated: the one before still signs.", {
      hint: "Wait until the overlap is over, or rotate with overlap_seconds 0, which ends both secrets at once.",
      details: { previous_secret_expires_at: isoTime(row.previous_expires_at) },
    });
  }
  const secret = createSecret({ sealer, random: services.random }, id);
  const endsAt = overlap === 0 ? null : now + overlap * 1_000;
  const { webhooks } = writer.tables;
  const replaced = await writer
    .update(webhooks)
    .set({ ...secret.columns, previous_secret: endsAt === null ? null : row.secret, previous_expires_at: endsAt, updated_at: now })
    .where(and(eq(webhooks.id, id), eq(webhooks.secret, row.secret)))
    .returning({ id: webhooks.id });
  if (replaced.length !== 1) throw new Fault("conflict", "The webhook was changed meanwhile.", { hint: "Look at it again." });
  note({ subject: `webhook:${id}`, details: { webhook_secret_prefix: secret.columns.secret_prefix, overlap_seconds: overlap } });
  return { webhook_secret: secret.text, previous_secret_expires_at: endsAt === null ? null : isoTime(endsAt) };
});
