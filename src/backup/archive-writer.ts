/**
 * Writes a backup file from its first byte to its last, piece by piece, with little memory.
 *
 * What was written is handed to the disk every half megabyte: a single flush of a large file at the end would hold up the
 * commits of a running server.
 *
 * Rule: a file with the wanted name is whole. It is written beside it, flushed and renamed.
 */
import { createCipheriv, createHash } from "node:crypto";
import { closeSync, existsSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { flushDirectory } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { type Entry, headBytes, type Header, lengthBytes, type Manifest, payloadKeyOf, PIECE_BYTES, pieceNonce, signedBytes, trailerBytes } from "./format.ts";
import { sha256, signText } from "./keys.ts";

const READ_BYTES = 262_144;
const FLUSH_BYTES = 512 * 1024;
/** After each flush: a second for 100 MB. */
const PAUSE_MS = 5;

export interface WrittenFile extends Entry {
  readonly sha256: string;
}

export interface ArchiveOptions {
  readonly path: string;
  readonly header: Header;
  /** The file's key; undefined for a payload in the clear. */
  readonly key: Buffer | undefined;
}

export class ArchiveWriter implements Disposable {
  readonly #path: string;
  readonly #beside: string;
  readonly #file: number;
  readonly #headDigest: Buffer;
  readonly #payloadKey: Buffer | undefined;
  #piece = Buffer.alloc(PIECE_BYTES);
  #filled = 0;
  #pieces = 0;
  #written = 0;
  #unflushed = 0;

  /** Throws Fault `conflict` when the file exists, `unavailable` when it cannot be made. */
  constructor({ path, header, key }: ArchiveOptions) {
    this.#path = path;
    this.#beside = `${path}.new`;
    if (existsSync(path)) throw new Fault("conflict", `There is a file ${path} already, and it is not overwritten.`, { hint: "Name a new file with --to." });
    this.#file = openNew(this.#beside);
    const head = headBytes(header, key);
    this.#headDigest = sha256(head);
    this.#payloadKey = payloadKeyOf(key, this.#headDigest);
    this.#out(head);
  }

  /** Adds the first `size` bytes of an open file. */
  addFile(path: string, file: number, size: number): WrittenFile {
    const entry = Buffer.from(JSON.stringify({ path, size }));
    this.#put(lengthBytes(entry.length));
    this.#put(entry);
    const hash = createHash("sha256");
    const buffer = Buffer.alloc(READ_BYTES);
    for (let at = 0; at < size; ) {
      const count = readSync(file, buffer, 0, Math.min(READ_BYTES, size - at), at);
      if (count === 0) throw new Fault("unavailable", `The file ${path} became shorter while it was read.`, { hint: "Make the backup again." });
      hash.update(buffer.subarray(0, count));
      this.#put(buffer.subarray(0, count));
      at += count;
    }
    return { path, size, sha256: hash.digest("hex") };
  }

  /** Ends the file with its signed manifest and brings it to its name. Gives back its length. */
  finish(manifest: Manifest, seed: Uint8Array): number {
    const bytes = Buffer.from(JSON.stringify(manifest));
    this.#put(lengthBytes(0));
    this.#put(lengthBytes(bytes.length));
    this.#put(bytes);
    this.#put(signText(seed, signedBytes(this.#headDigest, bytes)));
    this.#endPiece(true);
    this.#out(trailerBytes(this.#written));
    fsyncSync(this.#file);
    renameSync(this.#beside, this.#path);
    flushDirectory(dirname(this.#path));
    return this.#written;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    rmSync(this.#beside, { force: true });
  }

  #put(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      // A full piece is kept until it is known not to be the last.
      if (this.#filled === PIECE_BYTES) this.#endPiece(false);
      const count = bytes.copy(this.#piece, this.#filled, at);
      this.#filled += count;
      at += count;
    }
  }

  #endPiece(isLast: boolean): void {
    const plain = this.#piece.subarray(0, this.#filled);
    this.#out(this.#payloadKey === undefined ? plain : sealed(plain, this.#payloadKey, pieceNonce(this.#pieces, isLast)));
    this.#pieces += 1;
    this.#filled = 0;
  }

  #out(bytes: Uint8Array): void {
    writeWhole(this.#file, bytes);
    this.#written += bytes.length;
    this.#unflushed += bytes.length;
    if (this.#unflushed < FLUSH_BYTES) return;
    fdatasyncSync(this.#file);
    // The disk belongs to whoever waits for a commit meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    this.#unflushed = 0;
  }
}

function sealed(plain: Uint8Array, key: Buffer, nonce: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openNew(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "w", 0o600);
  } catch (cause) {
    throw new Fault("unavailable", `The file ${path} cannot be made.`, { hint: "Name a file in a folder that the user the server runs as may write to.", cause });
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } catch (cause) {
    throw new Fault("unavailable", "The backup cannot be written.", { hint: "Check the free space and the health of the disk that it goes to.", cause });
  }
}
