/**
 * Finds keys of ours in any bytes: text, a log, a core dump, a database file. Form and checksum decide, so what is
 * found was made by us or by somebody who means it to look so; nothing has to be asked.
 *
 * Rule: streams, and keeps no more than one chunk and the length of a key. It never gives a key away, only its prefix.
 */
import { KEY_CHARACTERS, keyFamilyOf, keyPrefix } from "../crypto/tokens.ts";
import { type CredentialKind, kindOf } from "./kinds.ts";

export interface FoundKey {
  /** From 1; lines end at line feeds. */
  readonly line: number;
  /** Bytes from the start. */
  readonly offset: number;
  readonly kind: CredentialKind;
  readonly keyPrefix: string;
}

interface Encoding {
  /** The second and third character of every key: rare, and searched for faster than any pattern. */
  readonly mark: Buffer;
  readonly bytesPerCharacter: number;
}

/** UTF-16 in either order of bytes, as some systems write text files, has a zero between any two characters. */
const encodings: readonly Encoding[] = [
  { mark: Buffer.from("k-"), bytesPerCharacter: 1 },
  { mark: Buffer.from("k\0-"), bytesPerCharacter: 2 },
];
const CARRY_BYTES = 2 * KEY_CHARACTERS;
const LINE_FEED = 0x0a;

function lineFeeds(bytes: Buffer, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0 && at < end; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}

interface Candidate {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

function* candidates(window: Buffer, { mark, bytesPerCharacter }: Encoding): Generator<Candidate> {
  const length = (KEY_CHARACTERS - 1) * bytesPerCharacter + 1;
  for (let found = window.indexOf(mark); found >= 0; found = window.indexOf(mark, found + 1)) {
    const at = found - bytesPerCharacter;
    const end = at + length;
    if (at < 0 || end > window.length) continue;
    const raw = window.toString("latin1", at, end);
    yield { at, end, text: bytesPerCharacter === 1 ? raw : raw.replace(/([^])\0/g, "$1") };
  }
}

/** One stream of bytes. Give it the chunks in their order. */
export class KeyScan {
  #carry: Buffer = Buffer.alloc(0);
  /** Bytes and line feeds before the carry. */
  #offset = 0;
  #lineFeeds = 0;

  /** The keys that end in this chunk. */
  next(chunk: Uint8Array): readonly FoundKey[] {
    const seen = this.#carry.length;
    const window = Buffer.concat([this.#carry, chunk]);
    const found = encodings
      .flatMap((encoding) => [...candidates(window, encoding)])
      .filter(({ end }) => end > seen)
      .toSorted((left, right) => left.at - right.at)
      .flatMap((candidate) => this.#foundOf(candidate, window));
    const dropped = Math.max(0, window.length - CARRY_BYTES);
    this.#lineFeeds += lineFeeds(window, dropped);
    this.#offset += dropped;
    this.#carry = Buffer.from(window.subarray(dropped));
    return found;
  }

  #foundOf({ at, text }: Candidate, window: Buffer): readonly FoundKey[] {
    const family = keyFamilyOf(text);
    if (family === undefined) return [];
    const line = 1 + this.#lineFeeds + lineFeeds(window, at);
    return [{ line, offset: this.#offset + at, kind: kindOf(family), keyPrefix: keyPrefix(text) }];
  }
}
