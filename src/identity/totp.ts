/**
 * Time-based one-time passwords (RFC 6238 over RFC 4226), in the one profile that every authenticator app knows:
 * HMAC-SHA-1, six digits, thirty seconds. SHA-1's weakness is in collisions; an HMAC has no use for them.
 *
 * Rule: pure. It must not know whose secret it is, nor which codes were used.
 */
import { createHmac } from "node:crypto";
import { isSameSecret } from "../crypto/sealing.ts";

export const STEP_MS = 30_000;
const DIGITS = 6;
/** One step before and after: clocks of phones drift, and people type slowly (RFC 6238 section 5.2). */
const WINDOW = [0, -1, 1] as const;
/** RFC 4226 section 4 R6 recommends 160 bits. */
export const TOTP_SECRET_BYTES = 20;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of a step: RFC 4226 section 5.3. */
export function codeAt(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, "0");
}

/** The step that `code` is of, looking one step around `nowMs`; undefined when it is of none. Takes the same time whichever. */
export function findTotpStep(secret: Uint8Array, code: string, nowMs: number): number | undefined {
  const current = Math.floor(nowMs / STEP_MS);
  const matching = WINDOW.map((offset) => current + offset).filter((step) => step >= 0 && isSameSecret(codeAt(secret, step), code));
  return matching.length === 0 ? undefined : Math.max(...matching);
}

/** RFC 4648 section 6 without padding, as apps want a secret typed. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((held >> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + BASE32.charAt((held << (5 - bits)) & 31);
}

/** What an app reads from a QR code (the de-facto Key URI format). */
export function otpauthUrl(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${encodeBase32(secret)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1_000}`;
}
