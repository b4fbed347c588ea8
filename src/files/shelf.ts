/**
 * The shelf: where the bytes of files lie, on this host's disk (`disk-shelf.ts`) or in an S3-compatible store (`s3-shelf.ts`).
 *
 *     body → received: whole, counted, hashed → row stored, and kept with it → body again → removed
 *
 * Rule: knows bytes and ids, nothing of teams or tasks. What is not wholly there, with the size that was promised, is never
 * kept; what a kill leaves behind has no row, and goes with one of the next sweeps.
 */
import { Fault } from "../fault.ts";

export interface Received {
  /** SHA-256, hex. */
  readonly sha256: string;
  /** Called in the transaction by which the row says that the file is stored: from then on the bytes are in their place, durably. */
  keep(): void;
  /** Called after, whatever came of it. */
  drop(): void;
}

/** Bytes that lie on the shelf, whether or not a row knows them. */
export interface Lying {
  readonly id: string;
  /** Where the bytes' place says it. */
  readonly sha256: string | undefined;
}

export interface Shelf {
  /** Takes a body of exactly `size` bytes. Throws Fault `forbidden` for any other size, and leaves nothing then. */
  receive(id: string, size: number, body: AsyncIterable<Uint8Array>): Promise<Received>;
  /** The bytes of a file that was kept. Throws Fault `unavailable` where the store does not give them. */
  body(file: { readonly id: string; readonly sha256: string }): Promise<Blob | ReadableStream<Uint8Array<ArrayBuffer>>>;
  remove(file: Lying): Promise<void>;
  /** What lies in one of the 256 folders, numbered from 0, and may be removed if no row knows it. */
  lying(folder: number, nowMs: number): Promise<readonly Lying[]>;
  /** Removes what uploads that were cut have left. `nowMs`: wall clock, as the file system's. */
  sweep(nowMs: number): void;
}

export function wrongSize(promised: number): Fault {
  return new Fault("forbidden", `The body does not have the ${promised} bytes that were announced.`, { hint: "Ask for another upload with the size that the file really has." });
}
