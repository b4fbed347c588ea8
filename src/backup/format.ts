/**
 * The file of a backup, from its first byte to its last (`docs/backup.md` documents it for other programs):
 *
 *     cyberun-backup 1 LF
 *     {"id":…,"created_at":…,"version":…,"encryption":…} LF     the header
 *     HMAC of the header under the file's key, base64url, or - LF
 *     SHA-256 of the three lines above, hex LF
 *     payload: in the clear, or pieces of 64 KiB each sealed with AES-256-GCM (STREAM: counter and last flag in the nonce)
 *     length of the whole file, 8 bytes big-endian; the 16 bytes "cyberun-bak-end" LF
 *
 *     payload = for each file: length of its head, 4 bytes; head {"path":…,"size":…}; the bytes
 *               4 bytes of zero; length of the manifest, 4 bytes; the manifest; Ed25519 signature, 64 bytes
 *
 * Rule: knows bytes, and neither what is in a backup nor where it lies.
 */
import { createHmac } from "node:crypto";
import { type Static, Type } from "typebox";
import { isSameSecret } from "../crypto/sealing.ts";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";
import { derivedKey, openKey, type Opener, sha256 } from "./keys.ts";
import { backupFault } from "./refusals.ts";

export const MAGIC = "cyberun-backup 1";
export const END_MARK = Buffer.from("cyberun-bak-end\n");
export const TRAILER_BYTES = 8 + END_MARK.length;
export const SIGNATURE_BYTES = 64;
export const PIECE_BYTES = 65_536;
export const TAG_BYTES = 16;
/** A head of lines is far shorter. */
export const HEAD_BYTES_MAX = 4_096;
export const ENTRY_BYTES_MAX = 4_096;
export const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 200 });

const HeaderSchema = Type.Object(
  {
    id: Text,
    created_at: Type.Integer(),
    version: Text,
    encryption: Type.Union([
      Type.Null(),
      Type.Object({ kind: Type.Literal("passphrase"), salt: Text, cost: Type.Integer() }, closed),
      Type.Object({ kind: Type.Literal("recipient"), recipient: Text, ephemeral: Text }, closed),
    ]),
  },
  closed,
);
export type Header = Static<typeof HeaderSchema>;
const headerShape = shapeOf(HeaderSchema);

const EntrySchema = Type.Object({ path: Type.String({ maxLength: 1_024 }), size: Type.Integer({ minimum: 0 }) }, closed);
export type Entry = Static<typeof EntrySchema>;
const entryShape = shapeOf(EntrySchema);

const ManifestSchema = Type.Object(
  {
    id: Text,
    created_at: Type.Integer(),
    version: Text,
    /** Of the database in the backup; null where the database is backed up by its own means. */
    schema: Type.Union([Type.Null(), Type.Integer()]),
    engine: Type.Union([Type.Literal("sqlite"), Type.Literal("postgres")]),
    files: Type.Array(Type.Object({ path: Type.String({ maxLength: 1_024 }), size: Type.Integer({ minimum: 0 }), sha256: Text }, closed)),
    /** Table → rows. */
    tables: Type.Record(Type.String(), Type.Integer()),
    /** The signer's public key. */
    signer: Text,
  },
  closed,
);
export type Manifest = Static<typeof ManifestSchema>;
const manifestShape = shapeOf(ManifestSchema);

/** The lines that a file begins with. */
export function headBytes(header: Header, key: Buffer | undefined): Buffer {
  const first = `${MAGIC}\n${JSON.stringify(header)}\n`;
  const second = `${first}${key === undefined ? "-" : headerMac(first, key)}\n`;
  return Buffer.from(`${second}${sha256(second).toString("hex")}\n`);
}

function headerMac(first: string, key: Buffer): string {
  return createHmac("sha256", derivedKey(key, Buffer.alloc(0), "header")).update(first).digest("base64url");
}

export interface Head {
  readonly header: Header;
  /** Where the payload begins. */
  readonly bytes: number;
  /** SHA-256 of the lines: what payload key and signature hang on. */
  readonly digest: Buffer;
  /** Undefined when the payload is in the clear. */
  readonly payloadKey: Buffer | undefined;
}

export function payloadKeyOf(key: Buffer | undefined, digest: Buffer): Buffer | undefined {
  return key === undefined ? undefined : derivedKey(key, digest, "payload");
}

/** Reads the lines at the beginning of a file and opens its key. */
export function openHead(beginning: Buffer, opener: Opener): Head {
  const text = beginning.toString("latin1");
  const [magic = "", header = "", mac = "", digest = ""] = text.split("\n", 4);
  const isCut = MAGIC.startsWith(text) || (magic === MAGIC && beginning.length < HEAD_BYTES_MAX && text.split("\n", 5).length < 5);
  if (isCut) throw backupFault("truncated");
  if (magic !== MAGIC) throw backupFault(/^cyberun-backup \d+$/.test(magic) ? "newer_format" : "not_a_backup");
  const first = `${magic}\n${header}\n`;
  const second = `${first}${mac}\n`;
  const value = findJson(header);
  if (!isSameSecret(digest, sha256(Buffer.from(second, "latin1")).toString("hex")) || !headerShape.Check(value)) throw backupFault("tampered", "Its first lines are not as they were written.");
  const key = openKey(value.encryption, opener);
  if (key === undefined && mac !== "-") throw backupFault("tampered");
  if (key !== undefined && !isSameSecret(mac, headerMac(first, key))) throw backupFault("wrong_key");
  const whole = Buffer.from(`${second}${digest}\n`, "latin1");
  return { header: value, bytes: whole.length, digest: sha256(whole), payloadKey: payloadKeyOf(key, sha256(whole)) };
}

/** The nonce of a piece: no piece can be moved, left out or put at the end. */
export function pieceNonce(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

export function trailerBytes(bytesBefore: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytesBefore + TRAILER_BYTES));
  return Buffer.concat([length, END_MARK]);
}

/** What is signed: the manifest, in this very file. */
export function signedBytes(headDigest: Buffer, manifest: Buffer): Buffer {
  return Buffer.concat([Buffer.from("cyberun-backup-manifest/1\n"), headDigest, manifest]);
}

export function parseEntry(bytes: Buffer): Entry {
  const value = findJson(bytes.toString("utf8"));
  if (!entryShape.Check(value)) throw backupFault("tampered");
  return value;
}

export function parseManifest(bytes: Buffer): Manifest {
  const value = findJson(bytes.toString("utf8"));
  if (!manifestShape.Check(value)) throw backupFault("tampered");
  return value;
}

export function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
