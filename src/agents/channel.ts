/**
 * A data channel and its streams, the same on both sides: bytes go on while the other side has room for them, and a reader that
 * stalls holds up its own stream and no other.
 *
 *     write → credit of the stream and room on the socket → data      data → read → credit given back
 *
 * Rule: pure but for its own memory; opens nothing and knows no socket. What is not of the protocol breaks the channel.
 */
import { type ChannelFrame, encodeFrame, findFrame, type Head, type Open, type Piece, PIECE_BYTES_MAX, PIECE_COST, type Reset, STREAMS_MAX, WINDOW_BYTES } from "./channel-frames.ts";

/** Credit is given back when so much has been read. */
const CREDIT_BYTES = WINDOW_BYTES / 4;

/** The socket, as a channel uses it. */
export interface ChannelOutput {
  send(frame: Uint8Array): void;
  /** Whether little waits to be sent; {@link Channel.drained} is called when that is so again. */
  hasRoom(): boolean;
}

export interface ChannelParts {
  readonly output: ChannelOutput;
  /** The other side asks for something. Absent on the side that asks. */
  onOpen?(stream: ChannelStream, open: Open): void;
  /** The channel was broken by the other side; its socket is to be closed. */
  onBroken(why: string): void;
}

/** Why a stream ended before its end. */
export class StreamReset extends Error {
  readonly reset: Reset;

  constructor(reset: Reset) {
    super(reset.message);
    this.reset = reset;
  }
}

const costOf = ({ bytes }: Pick<Piece, "bytes">) => bytes.length + PIECE_COST;

export class ChannelStream {
  readonly id: number;
  readonly #channel: Channel;
  readonly #head = Promise.withResolvers<Head>();
  readonly #over = Promise.withResolvers<void>();
  readonly #incoming: Piece[] = [];
  #credit = WINDOW_BYTES;
  #window = WINDOW_BYTES;
  #owed = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #hasEnded = false;
  #hasOtherEnded = false;
  #reset: StreamReset | undefined;
  #wakeReader = () => {};
  #wakeWriter = () => {};
  #written: Promise<void> = Promise.resolve();

  constructor(channel: Channel, id: number) {
    this.#channel = channel;
    this.id = id;
    this.#head.promise.catch(() => {});
  }

  /** What the other side answers. Rejects with {@link StreamReset}. */
  get head(): Promise<Head> {
    return this.#head.promise;
  }

  /** Resolves when the stream has ended in both directions, or was reset. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  sendHead(head: Head): void {
    if (this.#reset === undefined) this.#channel.send({ kind: "head", stream: this.id, head });
  }

  /** Resolves when all of it is on its way. Rejects with {@link StreamReset}. Writes go out in the order of their calls. */
  async write(bytes: Uint8Array<ArrayBuffer>, { isText = false } = {}): Promise<void> {
    const work = this.#written.then(() => this.#write(bytes, isText));
    this.#written = work.catch(() => {});
    await work;
  }

  /** The end of what is written, after what was written before. */
  async end(): Promise<void> {
    await this.#written;
    if (this.#hasEnded || this.#reset !== undefined) return;
    this.#hasEnded = true;
    this.#channel.send({ kind: "end", stream: this.id });
    this.#endIfBoth();
  }

  /** The next piece; undefined at the end. Rejects with {@link StreamReset}. */
  async read(): Promise<Piece | undefined> {
    while (this.#incoming.length === 0) {
      if (this.#reset !== undefined) throw this.#reset;
      if (this.#hasOtherEnded) return undefined;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
    const piece = this.#incoming.shift();
    if (piece !== undefined) this.#giveBack(piece);
    return piece;
  }

  /** Ends the stream at once, in both directions, and tells the other side why. */
  abort(reset: Reset): void {
    if (this.#isOver) return;
    this.#channel.send({ kind: "reset", stream: this.id, reset });
    this.fail(reset);
  }

  /** The other side ended it, or the channel is gone. */
  fail(reset: Reset): void {
    if (this.#isOver) return;
    this.#reset = new StreamReset(reset);
    this.#incoming.length = 0;
    this.#head.reject(this.#reset);
    this.#finish();
  }

  /** Takes a frame of the stream. False when it is not of the protocol. */
  take(frame: Exclude<ChannelFrame, { readonly kind: "open" }>): boolean {
    switch (frame.kind) {
      case "head":
        this.#head.resolve(frame.head);
        return true;
      case "data":
        return this.#takeData(frame.piece);
      case "credit":
        this.#credit += frame.bytes;
        this.#wakeWriter();
        return this.#credit <= WINDOW_BYTES;
      case "end":
        this.#hasOtherEnded = true;
        this.#wakeReader();
        this.#endIfBoth();
        return true;
      case "reset":
        this.fail(frame.reset);
        return true;
      default:
        return frame satisfies never;
    }
  }

  /** Writers look again whether they may go on. */
  wake(): void {
    this.#wakeWriter();
  }

  get #isOver(): boolean {
    return this.#reset !== undefined || (this.#hasEnded && this.#hasOtherEnded);
  }

  #takeData(piece: Piece): boolean {
    this.#window -= costOf(piece);
    if (this.#window < 0 || this.#hasOtherEnded) return false;
    this.#bytesRead += piece.bytes.length;
    this.#incoming.push(piece);
    this.#wakeReader();
    return true;
  }

  #giveBack(piece: Piece): void {
    this.#owed += costOf(piece);
    if (this.#owed < CREDIT_BYTES || this.#hasOtherEnded) return;
    this.#window += this.#owed;
    this.#channel.send({ kind: "credit", stream: this.id, bytes: this.#owed });
    this.#owed = 0;
  }

  async #write(bytes: Uint8Array<ArrayBuffer>, isText: boolean): Promise<void> {
    let from = 0;
    do {
      const part = bytes.subarray(from, from + PIECE_BYTES_MAX);
      from += part.length;
      await this.#mayWrite(part.length + PIECE_COST);
      this.#credit -= part.length + PIECE_COST;
      this.#bytesWritten += part.length;
      this.#channel.send({ kind: "data", stream: this.id, piece: { bytes: part, isText, goesOn: from < bytes.length } });
    } while (from < bytes.length);
  }

  async #mayWrite(cost: number): Promise<void> {
    while (this.#reset === undefined && (this.#credit < cost || !this.#channel.hasRoom)) {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
    if (this.#reset !== undefined) throw this.#reset;
  }

  #endIfBoth(): void {
    if (this.#hasEnded && this.#hasOtherEnded) this.#finish();
  }

  #finish(): void {
    this.#channel.forget(this);
    this.#over.resolve();
    this.#wakeReader();
    this.#wakeWriter();
  }
}

export class Channel {
  readonly #parts: ChannelParts;
  readonly #streams = new Map<number, ChannelStream>();
  #lastOpened = 0;
  #isClosed = false;

  constructor(parts: ChannelParts) {
    this.#parts = parts;
  }

  get hasRoom(): boolean {
    return this.#parts.output.hasRoom();
  }

  /** Whether one more stream can be opened. */
  get isFull(): boolean {
    return this.#streams.size >= STREAMS_MAX;
  }

  /** Asks the other side for something. */
  open(open: Open): ChannelStream {
    const stream = new ChannelStream(this, (this.#lastOpened += 1));
    if (this.#isClosed || this.isFull) {
      stream.fail({ code: "failed", message: this.#isClosed ? "The agent's data channel is closed." : `The agent's data channel carries ${STREAMS_MAX} streams already.` });
      return stream;
    }
    this.#streams.set(stream.id, stream);
    this.send({ kind: "open", stream: stream.id, open });
    return stream;
  }

  /** Takes what came over the socket. */
  receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const frame = findFrame(bytes);
    if (frame === undefined) return this.#break("a frame is not of the protocol");
    if (frame.kind === "open") return this.#takeOpen(frame.stream, frame.open);
    // The stream may be over here while the other side does not know it yet.
    if (this.#streams.get(frame.stream)?.take(frame) === false) this.#break("more came on a stream than there was room for");
  }

  /** What was sent is on its way: writers go on. */
  drained(): void {
    for (const stream of [...this.#streams.values()]) stream.wake();
  }

  /** The socket is gone. */
  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.#streams.values()]) stream.fail({ code: "over", message: "The agent's data channel was closed." });
  }

  send(frame: ChannelFrame): void {
    if (!this.#isClosed) this.#parts.output.send(encodeFrame(frame));
  }

  forget(stream: ChannelStream): void {
    this.#streams.delete(stream.id);
  }

  #takeOpen(id: number, open: Open): void {
    const { onOpen } = this.#parts;
    if (onOpen === undefined || id <= this.#lastOpened) return this.#break("a stream cannot be opened from this side, or twice");
    this.#lastOpened = id;
    const stream = new ChannelStream(this, id);
    if (this.isFull) return this.send({ kind: "reset", stream: id, reset: { code: "failed", message: `The channel carries ${STREAMS_MAX} streams already.` } });
    this.#streams.set(id, stream);
    onOpen(stream, open);
  }

  #break(why: string): void {
    this.close();
    this.#parts.onBroken(why);
  }
}
