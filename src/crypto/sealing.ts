/**
 * Secrets at rest: one master key outside the database, and from it one key for each purpose.
 *
 * A stolen database or backup alone opens nothing and confirms no guess: values are sealed with AES-256-GCM, keys and
 * tokens stored as HMAC-SHA-256, both under keys that HKDF (RFC 5869) derives from the master key by purpose.
 * It must not know where the master key is kept (`data-directory.ts`) nor what is sealed.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Random } from "../services.ts";
import { decodeBase64url, encodeBase64url } from "./base64url.ts";

export const MASTER_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Purposes are a closed set, so that no two uses can share a derived key by a slip of spelling. */
export type Purpose =
  | "credential-pepper"
  | "session-pepper"
  | "setup-link"
  | "upstream-secret"
  | "upstream-flow"
  | "signing-key"
  | "federation-seed"
  | "federation-visit"
  | "join-token"
  | "file-link"
  | "tunnel-token"
  | "service-pass"
  | "changes-ticket"
  | "address-bucket"
  | "client-secret"
  | "registration-token"
  | "initial-access-token"
  | "oidc-jti"
  | "oidc-request"
  | "oidc-code"
  | "oidc-refresh-token"
  | "oidc-successor"
  | "oidc-sid"
  | "dpop-nonce"
  | "oidc-subject"
  | "second-factor"
  | "recovery-code"
  | "step-token"
  | "device-code"
  | "user-code"
  | "passkey-challenge"
  | "outbox"
  | "webhook-secret"
  | "invitation"
  | "idempotency"
  | "audit-row"
  | "audit-anchor";

export interface Sealer {
  /** AES-256-GCM under the purpose's key; `context` (an id) is authenticated, so that a sealed value cannot be moved to another row. */
  seal(purpose: Purpose, context: string, plain: Uint8Array | string): string;
  /** The plain bytes; throws a plain Error when the value was altered, moved or sealed under another master key. */
  open(purpose: Purpose, context: string, sealed: string): Buffer;
  /** HMAC-SHA-256 of `text` under the purpose's key, base64url: what is stored in place of a secret. */
  digest(purpose: Purpose, text: string): string;
}

/** True when both texts are equal; takes the same time wherever they differ. */
export function isSameSecret(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A sealer over the 32-byte master key. */
export function createSealer(masterKey: Uint8Array, random: Random): Sealer {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new Error(`the master key is ${MASTER_KEY_BYTES} bytes`);
  const keys = new Map<Purpose, Buffer>();
  const keyFor = (purpose: Purpose) => {
    const known = keys.get(purpose);
    if (known !== undefined) return known;
    const key = Buffer.from(hkdfSync("sha256", masterKey, "", `cyberun/1/${purpose}`, 32));
    keys.set(purpose, key);
    return key;
  };
  return {
    seal(purpose, context, plain) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyFor(purpose), nonce);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(Buffer.from(plain)), cipher.final()]);
      return encodeBase64url(Buffer.concat([nonce, body, cipher.getAuthTag()]));
    },
    open(purpose, context, sealed) {
      const bytes = decodeBase64url(sealed);
      if (bytes === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("a sealed value is malformed");
      const decipher = createDecipheriv("aes-256-gcm", keyFor(purpose), bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    },
    digest: (purpose, text) => createHmac("sha256", keyFor(purpose)).update(text).digest("base64url"),
  };
}
