/**
 * The log of one attempt on the agent's disk, in pieces as they are sent: what the gateway has not noted yet outlives a cut
 * and a restart of the agent.
 *
 * Rule: pieces are cut once; each is sent from just the same offset whenever it is sent again.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { type Static, Type } from "typebox";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";

/** Characters of a piece. However they are escaped, its frame stays within what the gateway takes. */
export const PIECE_CHARACTERS_MAX = 8_192;
/** UTF-8 bytes of an attempt's log; what comes after is not kept. */
export const LOG_BYTES_MAX = 64 * 1_048_576;

export type StreamName = "stdout" | "stderr";

const PieceSchema = Type.Object({ offset: Type.Integer({ minimum: 0 }), stream: Type.Union([Type.Literal("stdout"), Type.Literal("stderr")]), text: Type.String() });
const pieceShape = shapeOf(PieceSchema);
export type Piece = Readonly<Static<typeof PieceSchema>>;

/** Where a piece lies: bytes of the log and of the file. */
interface Entry {
  readonly offset: number;
  readonly bytes: number;
  readonly at: number;
  readonly length: number;
}

/** Where `text` is cut so that no character is torn. */
function cutAt(text: string): number {
  if (text.length <= PIECE_CHARACTERS_MAX) return text.length;
  const last = text.charCodeAt(PIECE_CHARACTERS_MAX - 1);
  return last >= 0xd800 && last <= 0xdbff ? PIECE_CHARACTERS_MAX - 1 : PIECE_CHARACTERS_MAX;
}

export class LogSpool {
  readonly #path: string;
  readonly #entries: Entry[] = [];
  #fileBytes = 0;
  #bytes = 0;
  #isFull = false;

  constructor(path: string) {
    this.#path = path;
    if (existsSync(path)) this.#load();
  }

  /** UTF-8 bytes of the whole log. */
  get bytes(): number {
    return this.#bytes;
  }

  append(stream: StreamName, text: string): void {
    if (this.#isFull || text === "") return;
    if (this.#bytes + Buffer.byteLength(text) > LOG_BYTES_MAX) {
      this.#isFull = true;
      return this.#write(stream, `\n[output beyond ${LOG_BYTES_MAX} bytes is not kept]\n`);
    }
    let rest = text;
    while (rest !== "") {
      const at = cutAt(rest);
      this.#write(stream, rest.slice(0, at));
      rest = rest.slice(at);
    }
  }

  /** The piece that begins at `offset`, or lies across it; undefined at the end. */
  pieceAt(offset: number): Piece | undefined {
    const entry = this.#entries.find(({ offset: start, bytes }) => offset < start + bytes);
    return entry === undefined ? undefined : this.#read(entry);
  }

  /** Pieces before `offset` are not asked for any more. */
  forgetBefore(offset: number): void {
    const first = this.#entries.findIndex(({ offset: start, bytes }) => offset < start + bytes);
    this.#entries.splice(0, first < 0 ? this.#entries.length : first);
  }

  #write(stream: StreamName, text: string): void {
    const line = Buffer.from(`${JSON.stringify({ offset: this.#bytes, stream, text })}\n`);
    appendFileSync(this.#path, line);
    this.#note(line.length, Buffer.byteLength(text));
  }

  #note(length: number, bytes: number): void {
    this.#entries.push({ offset: this.#bytes, bytes, at: this.#fileBytes, length });
    this.#fileBytes += length;
    this.#bytes += bytes;
  }

  #read({ at, length }: Entry): Piece | undefined {
    const file = openSync(this.#path, "r");
    try {
      const line = Buffer.alloc(length);
      readSync(file, line, 0, length, at);
      const piece = findJson(line.toString("utf8"));
      return pieceShape.Check(piece) ? piece : undefined;
    } finally {
      closeSync(file);
    }
  }

  /** A last line that was not written to its end is not there. */
  #load(): void {
    const content = readFileSync(this.#path, "utf8");
    for (const line of content.slice(0, content.lastIndexOf("\n") + 1).split("\n")) {
      const piece = line === "" ? undefined : findJson(line);
      if (pieceShape.Check(piece)) this.#note(Buffer.byteLength(line) + 1, Buffer.byteLength(piece.text));
    }
  }
}
