/**
 * Signatures that `minisign` reads and writes: Ed25519 over the BLAKE2b-512 of the file, with a trusted comment that is signed too.
 *
 *     untrusted comment: …
 *     base64(algorithm "ED", key id of 8 bytes, signature of 64 bytes)
 *     trusted comment: …
 *     base64(signature over signature and trusted comment)
 *
 * Rule: pure. Knows bytes and keys, and not what is signed. Source: the format that minisign's manual documents.
 */
import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { encodeBase64url } from "../crypto/base64url.ts";
import { JwsError, publicKeyFromX } from "../crypto/jws.ts";

/** Hashed first; the older `Ed` is over the file itself and is not taken. */
const ALGORITHM = "ED";
const KEY_BYTES = 42;
const SIGNATURE_BYTES = 74;
export const SIGNATURE_TEXT_BYTES_MAX = 4_096;

export interface MinisignKey {
  /** Eight bytes as 16 capital hexadecimal digits, as minisign prints them. */
  readonly id: string;
  readonly publicKey: KeyObject;
}

/** Bytes in canonical base64, or undefined. */
function decoded(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : undefined;
}

/** Minisign prints the id as a number, whose lowest byte comes first in the file. */
function shownId(bytes: Buffer): string {
  return Buffer.from(bytes).reverse().toString("hex").toUpperCase();
}

/** The id of a key that was made here: the beginning of the SHA-256 of its public half, so that it needs no place of its own. */
function idBytes(point: Buffer): Buffer {
  return createHash("sha256").update(point).digest().subarray(0, 8);
}

/** A public key as minisign writes it, `RW…`. `x` is the JWK member. */
export function minisignPublicKey(x: string): string {
  const point = Buffer.from(x, "base64url");
  return Buffer.concat([Buffer.from("Ed"), idBytes(point), point]).toString("base64");
}

/** The key in a line `RW…`; undefined when it is none, or a weak one. */
export function findMinisignKey(text: string): MinisignKey | undefined {
  const bytes = decoded(text, KEY_BYTES);
  if (bytes?.toString("latin1", 0, 2) !== "Ed") return undefined;
  try {
    return { id: shownId(bytes.subarray(2, 10)), publicKey: publicKeyFromX(encodeBase64url(bytes.subarray(10))) };
  } catch (error) {
    if (error instanceof JwsError) return undefined;
    throw error;
  }
}

export interface MinisignSignature {
  readonly keyId: string;
  readonly trustedComment: string;
  readonly signature: Buffer;
  readonly commentSignature: Buffer;
}

/** The signature in a `.minisig` file; undefined when it is none of ours. */
export function findSignature(text: string): MinisignSignature | undefined {
  const [untrusted = "", main = "", trusted = "", comment = "", ...rest] = text.split("\n");
  const bytes = decoded(main, SIGNATURE_BYTES);
  const commentSignature = decoded(comment, 64);
  const isForm = untrusted.startsWith("untrusted comment: ") && trusted.startsWith("trusted comment: ") && rest.join("") === "";
  if (!isForm || bytes?.toString("latin1", 0, 2) !== ALGORITHM || commentSignature === undefined) return undefined;
  return { keyId: shownId(bytes.subarray(2, 10)), trustedComment: trusted.slice("trusted comment: ".length), signature: bytes.subarray(10), commentSignature };
}

function hashed(content: Uint8Array): Buffer {
  return createHash("blake2b512").update(content).digest();
}

/** Whether the key signed this content and the trusted comment. */
export function isSignedBy({ publicKey }: MinisignKey, content: Uint8Array, { signature, trustedComment, commentSignature }: MinisignSignature): boolean {
  return verify(null, hashed(content), publicKey, signature) && verify(null, Buffer.concat([signature, Buffer.from(trustedComment)]), publicKey, commentSignature);
}

export interface Signer {
  readonly privateKey: KeyObject;
  /** The JWK member `x` of its public half. */
  readonly x: string;
}

/** The text of a `.minisig` file. `trustedComment` is one line. */
export function signatureText({ privateKey, x }: Signer, content: Uint8Array, trustedComment: string): string {
  const id = idBytes(Buffer.from(x, "base64url"));
  const signature = sign(null, hashed(content), privateKey);
  const comment = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), privateKey);
  const main = Buffer.concat([Buffer.from(ALGORITHM), id, signature]).toString("base64");
  return `untrusted comment: signature of key ${shownId(id)}\n${main}\ntrusted comment: ${trustedComment}\n${comment.toString("base64")}\n`;
}
