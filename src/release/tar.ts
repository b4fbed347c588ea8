/**
 * The tar of a release (POSIX ustar): regular files alone, in order, nothing that a tar could do besides.
 *
 * Rule: reads a header only when the whole archive is as we write it. It must not know what the files are.
 */
import { releaseFault } from "./refusals.ts";

const BLOCK = 512;

export interface TarEntry {
  readonly path: string;
  readonly size: number;
}

/** The header of a regular file: owner 0, mode 0644 or 0755, the given time in epoch seconds. */
export function tarHeader({ path, size }: TarEntry, { isExecutable, time }: { readonly isExecutable: boolean; readonly time: number }): Buffer {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(path) > 100) throw new Error(`the path ${path} is too long for a release`);
  const octal = (value: number, at: number, width: number) => header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  header.write(path, 0);
  octal(isExecutable ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(time, 136, 12);
  header.write("0", 156);
  header.write("ustar\u000000", 257, "latin1");
  header.write(`${checksum(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** What follows a file of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

export const tarEnd = Buffer.alloc(2 * BLOCK);

function checksum(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

function textAt(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

function entryOf(header: Buffer): TarEntry {
  const [size, sum] = [textAt(header, 124, 12).trim(), textAt(header, 148, 8).trim()];
  const isOurs = textAt(header, 257, 6) === "ustar" && ["0", ""].includes(textAt(header, 156, 1)) && textAt(header, 345, 155) === "" && textAt(header, 157, 100) === "";
  if (!isOurs || !/^[0-7]{1,11}$/.test(size) || Number.parseInt(sum, 8) !== checksum(header)) throw releaseFault("not_a_release", "It holds what is no plain file of a tar.");
  return { path: textAt(header, 0, 100), size: Number.parseInt(size, 8) };
}

/** What takes an entry's bytes, in parts that are good until it returns. */
export interface TarSink {
  write(part: Buffer): void;
  end(): void;
}

/** Gives the bytes of an archive in order. */
class Source {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Undefined when fewer are left. */
  take(count: number): Buffer | undefined {
    if (this.#at + count > this.#bytes.length) return undefined;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

function pass(source: Source, size: number, sink: TarSink): void {
  const content = source.take(size);
  const padding = source.take(tarPadding(size).length);
  if (content === undefined || padding === undefined) throw releaseFault("truncated");
  if (padding.some((byte) => byte !== 0)) throw releaseFault("not_a_release", "Between its files is what belongs to none.");
  sink.write(content);
  sink.end();
}

/** Hands each file of the archive to the sink that `sinkFor` gives, until its end. Throws the refusals `not_a_release` and `truncated`. */
export function readTar(bytes: Buffer, sinkFor: (entry: TarEntry) => TarSink): void {
  const source = new Source(bytes);
  for (let isFirst = true; ; isFirst = false) {
    const header = source.take(BLOCK);
    if (header === undefined) throw releaseFault(isFirst ? "not_a_release" : "truncated");
    if (header.every((byte) => byte === 0)) break;
    const entry = entryOf(header);
    pass(source, entry.size, sinkFor(entry));
  }
  const second = source.take(BLOCK);
  if (second?.every((byte) => byte === 0) !== true) throw releaseFault("truncated");
  if (!source.isAtEnd) throw releaseFault("not_a_release", "Something follows its end.");
}
