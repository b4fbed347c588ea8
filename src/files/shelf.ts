/**
 * The shelf: where the bytes of files lie, one file on the disk for each, named by its id.
 *
 *     body ── piece by piece, counted and hashed ── incoming/ID.RANDOM ── flushed ── renamed to stored/AA/ID
 *
 * Rule: knows bytes and ids, nothing of teams or tasks. What is not wholly there, with the size that was promised, never
 * comes to its place; a kill leaves at most a piece in `incoming`, which the sweep removes.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import type { Random } from "../services.ts";

/** What is left in `incoming` for so long is of an upload that was cut. */
const INCOMING_MS = 6 * 3_600_000;

export interface Received {
  /** SHA-256, hex. */
  readonly sha256: string;
  /** Puts the bytes in their place, durably. */
  keep(): void;
  /** Throws them away. */
  drop(): void;
}

function wrongSize(promised: number): Fault {
  return new Fault("forbidden", `The body does not have the ${promised} bytes that were announced.`, { hint: "Ask for another upload with the size that the file really has." });
}

function flushDirectory(folder: string): void {
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

export class Shelf {
  readonly #root: string;
  readonly #random: Random;

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  /** Where the bytes of the file lie. */
  pathOf(id: string): string {
    return join(this.#root, "stored", id.slice(-2), id);
  }

  has(id: string): boolean {
    return existsSync(this.pathOf(id));
  }

  /** Takes a body of exactly `size` bytes. Throws Fault `forbidden` for any other size, and leaves nothing then. */
  async receive(id: string, size: number, body: AsyncIterable<Uint8Array>): Promise<Received> {
    const incoming = join(this.#root, "incoming", `${id}.${Buffer.from(this.#random.bytes(8)).toString("hex")}`);
    mkdirSync(dirname(incoming), { recursive: true, mode: 0o700 });
    const drop = () => rmSync(incoming, { force: true });
    try {
      const sha256 = await this.#write(incoming, size, body);
      return { sha256, drop, keep: () => this.#keep(incoming, id) };
    } catch (error) {
      drop();
      throw error;
    }
  }

  remove(id: string): void {
    rmSync(this.pathOf(id), { force: true });
  }

  /** The ids whose bytes lie in one of the 256 folders, numbered from 0. */
  idsIn(folder: number): readonly string[] {
    const path = join(this.#root, "stored", folder.toString(16).padStart(2, "0"));
    return existsSync(path) ? readdirSync(path) : [];
  }

  /** Removes what uploads that were cut have left. `nowMs`: wall clock, as the file system's. */
  sweep(nowMs: number): void {
    const folder = join(this.#root, "incoming");
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (nowMs - statSync(path).mtimeMs > INCOMING_MS) rmSync(path, { force: true });
    }
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
    const path = this.pathOf(id);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    renameSync(incoming, path);
    flushDirectory(dirname(path));
  }
}

/** A write may take less than it was given. */
function writeWhole(file: number, piece: Uint8Array): void {
  for (let from = 0; from < piece.length; ) from += writeSync(file, piece, from);
}
