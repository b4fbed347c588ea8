/**
 * One attempt: the body is signed and posted through the guarded dialler, and what came of it is recorded.
 *
 * Rule: nothing is on the network inside of a transaction. An address that is refused is a failed attempt like others, in the
 * dialler's one wording, so that the log of deliveries tells nobody what this network looks like.
 */
import { and, eq } from "drizzle-orm";
import { dial } from "../dialler.ts";
import { Fault } from "../fault.ts";
import { procedure, type ProcedureAct } from "../gate/operation.ts";
import type { TakenDelivery } from "./due-deliveries.ts";
import { type Outcome, type Recorded, recordOutcome, releaseTaken } from "./outcomes.ts";
import { findRetryAfterMs } from "./retry-ladder.ts";
import { openSecrets, signedHeaders } from "./signing.ts";
import type { WebhookRow } from "./webhook-rows.ts";

/** From the name's resolution to the answer's first kilobyte. */
export const SEND_MS_MAX = 15_000;
/** What is kept of an answer. */
export const ANSWER_BYTES_MAX = 1_024;

export interface Sending {
  readonly taken: TakenDelivery;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
}

export interface Sent {
  readonly recorded: Recorded;
  readonly outcome: Outcome | undefined;
}

/** As text that both engines can store. */
function shownAnswer(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, ANSWER_BYTES_MAX)).replaceAll("\u0000", "\ufffd");
}

async function attempt(act: ProcedureAct, webhook: WebhookRow, { taken, signal }: Sending): Promise<Outcome> {
  const now = act.services.clock.now();
  const headers = signedHeaders(openSecrets(act.sealer, webhook, now), { id: taken.id, at: now, body: taken.body });
  try {
    const answer = await dial(act, { url: webhook.webhook_url, body: taken.body, headers, signal, msMax: SEND_MS_MAX, answerBytes: ANSWER_BYTES_MAX });
    const retryAfterMs = findRetryAfterMs(answer.headers.get("retry-after"), now);
    return { at: now, status: answer.status, answer: shownAnswer(answer.body), error: null, retryAfterMs, cause: undefined };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { at: now, status: null, answer: null, error: error.message, retryAfterMs: undefined, cause: error.cause };
  }
}

/** Makes the attempt that was taken. One whose webhook is gone or disabled meanwhile is not made. */
export const sendDelivery = procedure("webhook_delivery.send", async (act, sending: Sending): Promise<Sent> => {
  const { taken, signal } = sending;
  const [webhook] = await act.read(async (reader) => {
    const { webhooks } = reader.tables;
    return await reader.select().from(webhooks).where(and(eq(webhooks.id, taken.webhook_id), eq(webhooks.webhook_status, "active")));
  });
  if (webhook === undefined) return { recorded: "stale", outcome: undefined };
  const outcome = await attempt(act, webhook, sending);
  if (signal.aborted && outcome.status === null) {
    await act.write<undefined>(async (write) => void (await releaseTaken(write, taken)));
    return { recorded: "retried", outcome };
  }
  return { recorded: await act.write<Recorded>(async (write) => await recordOutcome(write, taken, outcome)), outcome };
});
