/**
 * Secrets of webhooks, and what a call is signed with.
 *
 *     X-Webhook-Signature-256: sha256=HEX                         documented: HMAC-SHA-256 over the body, keyed with the whole secret as text
 *     webhook-id, webhook-timestamp, webhook-signature: v1,BASE64 Standard Webhooks 1.0.0: over `id.timestamp.body`, keyed with the bytes that the secret encodes
 *
 * Rule: a secret is sealed at rest and shown once. While a rotation overlaps `webhook-signature` has one signature of each
 * secret; the documented header has room for one, and that is the new one's.
 */
import { createHmac } from "node:crypto";
import type { Sealer } from "../crypto/sealing.ts";
import type { Random } from "../services.ts";
import type { Tables } from "../store/schema.ts";

type WebhookRow = Tables["webhooks"]["$inferSelect"];

const FAMILY = "whsec_";
/** Standard Webhooks: 24 to 64. */
const SECRET_BYTES = 32;
const PREFIX_CHARACTERS = FAMILY.length + 4;

export interface NewSecret {
  /** In clear. */
  readonly text: string;
  readonly columns: Pick<WebhookRow, "secret" | "secret_prefix">;
}

/** A new secret for the webhook. */
export function createSecret({ sealer, random }: { readonly sealer: Sealer; readonly random: Random }, webhookId: string): NewSecret {
  const text = `${FAMILY}${Buffer.from(random.bytes(SECRET_BYTES)).toString("base64")}`;
  return { text, columns: { secret: sealer.seal("webhook-secret", webhookId, text), secret_prefix: text.slice(0, PREFIX_CHARACTERS) } };
}

/** The secrets that are good at `now`, the newest first. */
export function openSecrets(sealer: Sealer, row: WebhookRow, now: number): readonly string[] {
  const { id, secret, previous_secret, previous_expires_at } = row;
  const sealed = previous_secret !== null && previous_expires_at !== null && previous_expires_at > now ? [secret, previous_secret] : [secret];
  return sealed.map((each) => sealer.open("webhook-secret", id, each).toString("utf8"));
}

export interface Signed {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly body: string;
}

function standardSignature(secret: string, text: string): string {
  return `v1,${createHmac("sha256", Buffer.from(secret.slice(FAMILY.length), "base64")).update(text).digest("base64")}`;
}

/** The headers of one attempt; `secrets` with the newest first. */
export function signedHeaders(secrets: readonly string[], { id, at, body }: Signed): Readonly<Record<string, string>> {
  const [newest = ""] = secrets;
  const timestamp = String(Math.floor(at / 1_000));
  return {
    "content-type": "application/json",
    "x-webhook-signature-256": `sha256=${createHmac("sha256", newest).update(body).digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": secrets.map((secret) => standardSignature(secret, `${id}.${timestamp}.${body}`)).join(" "),
  };
}
