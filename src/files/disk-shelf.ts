/**
 * The shelf on this host's disk: one file for each, named by its id.
 *
 *     body ── piece by piece, counted and hashed ── incoming/ID.RANDOM ── flushed ── renamed to stored/AA/ID
 *
 * Rule: what is not wholly there, with the size that was promised, never comes to its place; a kill leaves at most a piece in
 * `incoming`, which the sweep removes.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import { withReason } from "../host-refusal.ts";
import type { Random } from "../services.ts";
import { type Lying, type Received, type Shelf, wrongSize } from "./shelf.ts";

/** What is left in `incoming` for so long is of an upload that was cut. */
const INCOMING_MS = 6 * 3_600_000;

function flushDirectory(folder: string): void {
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

export class DiskShelf implements Shelf {
  readonly #root: string;
  readonly #random: Random;

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  async body({ id }: { readonly id: string }): Promise<Blob> {
    return Bun.file(this.#pathOf(id));
  }

  has(id: string): boolean {
    return existsSync(this.#pathOf(id));
  }

  async receive(id: string, size: number, body: AsyncIterable<Uint8Array>): Promise<Received> {
    const { path, sha256 } = await this.take(id, size, body);
    // The store may run a transaction anew: the same bytes are kept once.
    return { sha256, drop: () => rmSync(path, { force: true }), keep: () => void (this.has(id) || this.#keep(path, id)) };
  }

  /** Writes a body of exactly `size` bytes to a file of its own, durably. Throws Fault `forbidden` for any other size, and leaves nothing then. */
  async take(id: string, size: number, body: AsyncIterable<Uint8Array>): Promise<{ readonly path: string; readonly sha256: string }> {
    const path = join(this.#root, "incoming", `${id}.${Buffer.from(this.#random.bytes(8)).toString("hex")}`);
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return { path, sha256: await this.#write(path, size, body) };
    } catch (error) {
      rmSync(path, { force: true });
      throw asFault(error);
    }
  }

  async remove({ id }: Pick<Lying, "id">): Promise<void> {
    rmSync(this.#pathOf(id), { force: true });
  }

  async lying(folder: number): Promise<readonly Lying[]> {
    const path = join(this.#root, "stored", folder.toString(16).padStart(2, "0"));
    return existsSync(path) ? readdirSync(path).map((id) => ({ id, sha256: undefined })) : [];
  }

  sweep(nowMs: number): void {
    const folder = join(this.#root, "incoming");
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (nowMs - statSync(path).mtimeMs > INCOMING_MS) rmSync(path, { force: true });
    }
  }

  #pathOf(id: string): string {
    return join(this.#root, "stored", id.slice(-2), id);
  }

  async #write(path: string, size: number, body: AsyncIterable<Uint8Array>): Promise<string> {
    const hash = new Bun.CryptoHasher("sha256");
    const file = openSync(path, "wx", 0o600);
    try {
      let written = 0;
      for await (const piece of body) {
        written += piece.length;
        if (written > size) throw wrongSize(size);
        hash.update(piece);
        writeWhole(file, piece);
      }
      if (written !== size) throw wrongSize(size);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return hash.digest("hex");
  }

  #keep(incoming: string, id: string): void {
    const path = this.#pathOf(id);
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      renameSync(incoming, path);
      flushDirectory(dirname(path));
    } catch (error) {
      throw asFault(error);
    }
  }
}

/** What the disk refuses. Its path is the operator's to know, and in the log. */
function asFault(error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new Fault("unavailable", withReason("The server cannot keep the file", error), { hint: "Nothing was kept. Send it again once the operator has mended the disk of the server.", cause: error });
}

/** A write may take less than it was given. */
function writeWhole(file: number, piece: Uint8Array): void {
  for (let from = 0; from < piece.length; ) from += writeSync(file, piece, from);
}
