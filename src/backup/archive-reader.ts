/**
 * Reads a backup file and believes nothing of it: each piece, each hash, the order of the files and the signature.
 *
 * Rule: whoever takes files out of it while it reads uses none of them before {@link readArchive} has returned.
 */
import { createDecipheriv, createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Fault } from "../fault.ts";
import { END_MARK, type Entry, ENTRY_BYTES_MAX, type Head, HEAD_BYTES_MAX, type Manifest, MANIFEST_BYTES_MAX, openHead, parseEntry, parseManifest, PIECE_BYTES, pieceNonce, SIGNATURE_BYTES, signedBytes, TAG_BYTES, TRAILER_BYTES } from "./format.ts";
import { isSignedBy, type Opener } from "./keys.ts";
import { backupFault } from "./refusals.ts";

/** Takes the bytes of one file. */
export interface Sink {
  write(bytes: Buffer): void;
  end(): void;
}

export interface ReadOptions {
  readonly opener: Opener;
  /** Where the bytes of a file go; undefined when they are only checked. */
  readonly sinkFor?: (entry: Entry) => Sink;
}

export interface ReadArchive {
  readonly manifest: Manifest;
  readonly isEncrypted: boolean;
  /** Length of the whole file. */
  readonly bytes: number;
}

function openBackup(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw new Fault(isAbsent ? "not_found" : "unavailable", isAbsent ? `There is no file ${path}.` : `The file ${path} cannot be read.`, { hint: "Name a backup that this user may read.", cause });
  }
}

/** The payload as a stream of plain bytes. */
class Payload {
  readonly #file: number;
  readonly #head: Head;
  readonly #end: number;
  #at: number;
  #plain: Buffer = Buffer.alloc(0);
  #index = 0;

  constructor(file: number, head: Head, bytes: number) {
    this.#file = file;
    this.#head = head;
    this.#at = head.bytes;
    this.#end = bytes - TRAILER_BYTES;
  }

  /** At most `length` bytes, at least one. */
  some(length: number): Buffer {
    if (this.#plain.length === 0) this.#plain = this.#nextPiece();
    const taken = this.#plain.subarray(0, length);
    this.#plain = this.#plain.subarray(taken.length);
    return taken;
  }

  exactly(length: number): Buffer {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      const part = this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  length(max: number): number {
    const length = this.exactly(4).readUInt32BE();
    if (length > max) throw backupFault("tampered");
    return length;
  }

  requireEnd(): void {
    if (this.#plain.length > 0 || this.#at !== this.#end) throw backupFault("tampered", "There is something behind its end.");
  }

  #nextPiece(): Buffer {
    const overhead = this.#head.payloadKey === undefined ? 0 : TAG_BYTES;
    const length = Math.min(PIECE_BYTES + overhead, this.#end - this.#at);
    if (length <= overhead) throw backupFault("tampered");
    const raw = readAt(this.#file, this.#at, length);
    this.#at += length;
    const plain = this.#head.payloadKey === undefined ? raw : opened(raw, this.#head.payloadKey, pieceNonce(this.#index, this.#at === this.#end));
    this.#index += 1;
    return plain;
  }
}

function readAt(file: number, from: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(file, buffer, at, length - at, from + at);
    if (count === 0) throw backupFault("truncated");
    at += count;
  }
  return buffer;
}

function opened(raw: Buffer, key: Buffer, nonce: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  decipher.setAuthTag(raw.subarray(-TAG_BYTES));
  const plain = decipher.update(raw.subarray(0, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw backupFault("tampered");
  }
  return plain;
}

function requireWhole(file: number, bytes: number, head: Pick<Head, "bytes">): void {
  if (bytes < head.bytes + TRAILER_BYTES) throw backupFault("truncated");
  const trailer = readAt(file, bytes - TRAILER_BYTES, TRAILER_BYTES);
  if (!trailer.subarray(8).equals(END_MARK)) throw backupFault("truncated");
  if (trailer.readBigUInt64BE() !== BigInt(bytes)) throw backupFault("tampered", "It has another length than when it was written.");
}

function checkFile(payload: Payload, entry: Entry, sink: Sink | undefined): string {
  const hash = createHash("sha256");
  for (let left = entry.size; left > 0; ) {
    const part = payload.some(Math.min(left, PIECE_BYTES));
    hash.update(part);
    sink?.write(part);
    left -= part.length;
  }
  sink?.end();
  return hash.digest("hex");
}

function requireListed(manifest: Manifest, head: Head, found: readonly (Entry & { readonly sha256: string })[]): void {
  const { files, id, created_at, version } = manifest;
  const { header } = head;
  if (id !== header.id || created_at !== header.created_at || version !== header.version) throw backupFault("tampered");
  const isSame = files.length === found.length && files.every(({ path, size, sha256 }, index) => found[index]?.path === path && found[index].size === size && found[index].sha256 === sha256);
  if (!isSame) throw backupFault("tampered", "A file in it does not have the hash that was signed.");
}

function readPayload(payload: Payload, head: Head, sinkFor: ReadOptions["sinkFor"]): Manifest {
  const found: (Entry & { readonly sha256: string })[] = [];
  for (let length = payload.length(ENTRY_BYTES_MAX); length > 0; length = payload.length(ENTRY_BYTES_MAX)) {
    const entry = parseEntry(payload.exactly(length));
    found.push({ ...entry, sha256: checkFile(payload, entry, sinkFor?.(entry)) });
  }
  const bytes = payload.exactly(payload.length(MANIFEST_BYTES_MAX));
  const signature = payload.exactly(SIGNATURE_BYTES);
  payload.requireEnd();
  const manifest = parseManifest(bytes);
  if (!isSignedBy(manifest.signer, signedBytes(head.digest, bytes), signature)) throw backupFault("tampered", "Its signature does not fit.");
  requireListed(manifest, head, found);
  return manifest;
}

/** Reads all of the file at `path`. Throws the Fault of `refusals.ts` that fits. */
export function readArchive(path: string, { opener, sinkFor }: ReadOptions): ReadArchive {
  const file = openBackup(path);
  try {
    const bytes = fstatSync(file).size;
    const head = openHead(readAt(file, 0, Math.min(bytes, HEAD_BYTES_MAX)), opener);
    requireWhole(file, bytes, head);
    const manifest = readPayload(new Payload(file, head, bytes), head, sinkFor);
    return { manifest, isEncrypted: head.payloadKey !== undefined, bytes };
  } finally {
    closeSync(file);
  }
}
