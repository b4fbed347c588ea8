/**
 * The keys of a backup: the one that signs it, and the one that it is encrypted to.
 *
 * A passphrase goes through scrypt. A recipient is an X25519 public key (`cbr1_…`), whose private half (`cbk1_…`) can be
 * kept far from the host: who makes backups cannot read them. The file's key comes from a Diffie-Hellman with a key pair
 * made for this one file, through HKDF-SHA-256 (RFC 5869), as age does it.
 *
 * Rule: pure but for chance that is handed in. A secret is never part of a message.
 */
import { createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, type KeyObject, scryptSync, sign, verify } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "../crypto/base64url.ts";
import { Fault } from "../fault.ts";
import type { Random } from "../services.ts";
import { backupFault } from "./refusals.ts";

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** scrypt with 64 MiB: a quarter of a second for us, and for every guess. */
const SCRYPT_COST = 65_536;
const SCRYPT_COST_MAX = 1_048_576;
const SCRYPT_BLOCK = 8;
const RECIPIENT = "cbr1_";
const IDENTITY = "cbk1_";

/** What a new backup is encrypted to; undefined for none. */
export type Lock = { readonly passphrase: string } | { readonly recipient: string } | undefined;
/** What a backup is opened with; undefined when nothing was given. */
export type Opener = { readonly passphrase: string } | { readonly identity: string } | undefined;

/** What the header says about the encryption. */
export type EncryptionHeader =
  | { readonly kind: "passphrase"; readonly salt: string; readonly cost: number }
  | { readonly kind: "recipient"; readonly recipient: string; readonly ephemeral: string };

/** DER before 32 raw bytes (RFC 8410). */
const der = {
  x25519: { private: "302e020100300506032b656e04220420", public: "302a300506032b656e032100" },
  ed25519: { private: "302e020100300506032b657004220420", public: "302a300506032b6570032100" },
} as const;
type Curve = keyof typeof der;

function privateKey(curve: Curve, seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([Buffer.from(der[curve].private, "hex"), seed]), format: "der", type: "pkcs8" });
}

function publicKey(curve: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([Buffer.from(der[curve].public, "hex"), raw]), format: "der", type: "spki" });
}

function rawPublic(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-KEY_BYTES);
}

function parsed(prefix: string, text: string): Buffer | undefined {
  const bytes = text.startsWith(prefix) ? decodeBase64url(text.slice(prefix.length)) : undefined;
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}

/** A new pair: the identity is secret, the recipient is not. */
export function createIdentity(random: Random): { readonly identity: string; readonly recipient: string } {
  const seed = random.bytes(KEY_BYTES);
  return { identity: `${IDENTITY}${encodeBase64url(seed)}`, recipient: `${RECIPIENT}${encodeBase64url(rawPublic(privateKey("x25519", seed)))}` };
}

/** Throws Fault `invalid_request` for what is no recipient. */
export function requireRecipient(text: string): string {
  if (parsed(RECIPIENT, text) !== undefined) return text;
  throw new Fault("invalid_request", "The recipient is not one that cyberun backup key printed.", { hint: `It begins with ${RECIPIENT}.` });
}

function passphraseKey(passphrase: string, salt: Uint8Array, cost: number): Buffer {
  const maxmem = 2 * 128 * cost * SCRYPT_BLOCK;
  return scryptSync(passphrase.normalize("NFKC"), salt, KEY_BYTES, { N: cost, r: SCRYPT_BLOCK, p: 1, maxmem });
}

function agreedKey(own: KeyObject, other: Buffer, { ephemeral, recipient }: { readonly ephemeral: Buffer; readonly recipient: Buffer }): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: publicKey("x25519", other) });
  return Buffer.from(hkdfSync("sha256", shared, Buffer.concat([ephemeral, recipient]), "cyberun-backup/1/recipient", KEY_BYTES));
}

export interface FileKey {
  readonly header: EncryptionHeader | null;
  readonly key: Buffer | undefined;
}

/** The key of a new file, with what its header says about it. */
export function lockKey(lock: Lock, random: Random): FileKey {
  if (lock === undefined) return { header: null, key: undefined };
  if ("passphrase" in lock) {
    const salt = random.bytes(SALT_BYTES);
    return { header: { kind: "passphrase", salt: encodeBase64url(salt), cost: SCRYPT_COST }, key: passphraseKey(lock.passphrase, salt, SCRYPT_COST) };
  }
  const recipient = parsed(RECIPIENT, requireRecipient(lock.recipient)) ?? Buffer.alloc(0);
  const own = privateKey("x25519", random.bytes(KEY_BYTES));
  const ephemeral = rawPublic(own);
  return {
    header: { kind: "recipient", recipient: encodeBase64url(recipient), ephemeral: encodeBase64url(ephemeral) },
    key: agreedKey(own, recipient, { ephemeral, recipient }),
  };
}

function identityKey(header: EncryptionHeader & { readonly kind: "recipient" }, identity: string): Buffer {
  const seed = parsed(IDENTITY, identity);
  if (seed === undefined) throw new Fault("invalid_request", "The identity file holds no key that cyberun backup key made.", { hint: `Its first line begins with ${IDENTITY}.` });
  const own = privateKey("x25519", seed);
  const ephemeral = decodeBase64url(header.ephemeral) ?? Buffer.alloc(0);
  const recipient = rawPublic(own);
  if (encodeBase64url(recipient) !== header.recipient || ephemeral.length !== KEY_BYTES) throw backupFault("wrong_key");
  return agreedKey(own, ephemeral, { ephemeral, recipient });
}

/** The key of a file with this header; undefined when it is not encrypted. */
export function openKey(header: EncryptionHeader | null, opener: Opener): Buffer | undefined {
  if (header === null) return undefined;
  if (opener === undefined) throw backupFault("key_needed", header.kind === "passphrase" ? "It was made for a passphrase." : "It was made for a recipient.");
  if (header.kind === "recipient" && "identity" in opener) return identityKey(header, opener.identity);
  if (header.kind === "passphrase" && "passphrase" in opener) {
    const { cost } = header;
    if (cost < 2 || cost > SCRYPT_COST_MAX || (cost & (cost - 1)) !== 0) throw backupFault("tampered");
    return passphraseKey(opener.passphrase, decodeBase64url(header.salt) ?? Buffer.alloc(0), cost);
  }
  throw backupFault("wrong_key", header.kind === "passphrase" ? "It was made for a passphrase." : "It was made for a recipient.");
}

/** A key derived from the file's own, for one purpose. */
export function derivedKey(key: Buffer, salt: Uint8Array, purpose: "header" | "payload"): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, `cyberun-backup/1/${purpose}`, KEY_BYTES));
}

/** The signer's public key as it is printed and compared. */
export function signerOf(seed: Uint8Array): string {
  return encodeBase64url(rawPublic(privateKey("ed25519", seed)));
}

export function signText(seed: Uint8Array, content: Uint8Array): Buffer {
  return sign(null, content, privateKey("ed25519", seed));
}

export function isSignedBy(signer: string, content: Uint8Array, signature: Uint8Array): boolean {
  const raw = decodeBase64url(signer);
  return raw?.length === KEY_BYTES && verify(null, content, publicKey("ed25519", raw), signature);
}

export function sha256(content: Uint8Array | string): Buffer {
  return createHash("sha256").update(content).digest();
}
