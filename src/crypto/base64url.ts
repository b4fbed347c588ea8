/**
 * Base64url without padding (RFC 4648 section 5), strictly.
 *
 * Only the canonical spelling is accepted: a decoder that ignores the unused low bits of the last character would
 * let several spellings of one signature pass, and a flipped bit in a license file go unnoticed.
 */

const ALPHABET = /^[A-Za-z0-9_-]*$/;

export function encodeBase64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString("base64url");
}

/** The bytes, or undefined when `text` is not the canonical spelling of any bytes. */
export function decodeBase64url(text: string): Buffer<ArrayBuffer> | undefined {
  if (!ALPHABET.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
