/**
 * The data channel of an agent: a second WebSocket, on which streams of bytes go side by side. What is said about tasks never
 * waits behind them.
 *
 *     byte 0     kind: 1 open, 2 head, 3 data, 4 credit, 5 end, 6 reset
 *     bytes 1-4  stream, big-endian; the gateway opens them and counts from 1
 *     then       open, head, reset: JSON · data: one byte of flags and the bytes · credit: 4 bytes, big-endian · end: nothing
 *
 *     gateway                         agent
 *     open {target, request}   →
 *     data …, end              →      what is asked for, on the agent's own host
 *                              ←      head {…}, data …, end
 *     credit                   ⇄      credit
 *     reset {code, message}    ⇄      reset
 *
 * Rule: forms only; `channel.ts` lives by them. `docs/agent-protocol.md` publishes the schemas of the JSON parts.
 */
import { type Static, Type } from "typebox";
import { findJson } from "../json.ts";
import { type Shape, shapeOf } from "../shape.ts";

/** Bytes that a side may send on one stream before the other has made room again. */
export const WINDOW_BYTES = 262_144;
/** What one data frame costs beside its bytes, so that empty ones are not for nothing. */
export const PIECE_COST = 64;
/** Bytes of one data frame. */
export const PIECE_BYTES_MAX = 32_768;
/** Streams of one channel at the same time. */
export const STREAMS_MAX = 128;

const HEADER_BYTES = 5;
const IS_TEXT = 1;
const GOES_ON = 2;

const closed = { additionalProperties: false };
const HeaderList = Type.Array(Type.Tuple([Type.String({ maxLength: 256 }), Type.String({ maxLength: 16_384 })]), { maxItems: 200 });
const Path = Type.String({ pattern: "^/", maxLength: 8_192 });

/** Where on the agent's host: a port that the agent's own file allows, or a service that it runs or may call. */
const Target = Type.Union([
  Type.Object({ kind: Type.Literal("port"), port: Type.Integer({ minimum: 1, maximum: 65_535 }) }, closed),
  Type.Object({ kind: Type.Literal("service"), service_id: Type.String({ maxLength: 100 }) }, closed),
]);
export type ChannelTarget = Static<typeof Target>;

const Asked = Type.Union([
  Type.Object({ kind: Type.Literal("http"), method: Type.String({ pattern: "^[A-Z]{1,20}$" }), path: Path, headers: HeaderList, has_body: Type.Boolean() }, closed),
  Type.Object({ kind: Type.Literal("websocket"), path: Path, headers: HeaderList, protocols: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 20 }) }, closed),
  Type.Object({ kind: Type.Literal("tcp") }, closed),
]);

export const OpenSchema = Type.Object({ target: Target, request: Asked }, closed);
export type Open = Static<typeof OpenSchema>;
export type Asked = Static<typeof Asked>;

export const HeadSchema = Type.Union([
  Type.Object({ kind: Type.Literal("http"), status: Type.Integer({ minimum: 200, maximum: 599 }), headers: HeaderList }, closed),
  Type.Object({ kind: Type.Literal("websocket"), protocol: Type.String({ maxLength: 100 }) }, closed),
  Type.Object({ kind: Type.Literal("tcp") }, closed),
]);
export type Head = Static<typeof HeadSchema>;
export type HeaderPairs = Extract<Head, { readonly kind: "http" }>["headers"];

/** `refused`: the agent's own file does not allow it. `unreachable`: nothing answers there. `over`: the other side went. `failed`: it broke. */
export const ResetSchema = Type.Object(
  { code: Type.Union([Type.Literal("refused"), Type.Literal("unreachable"), Type.Literal("over"), Type.Literal("failed")]), message: Type.String({ maxLength: 500 }) },
  closed,
);
export type Reset = Static<typeof ResetSchema>;

const openShape = shapeOf(OpenSchema);
const headShape = shapeOf(HeadSchema);
const resetShape = shapeOf(ResetSchema);

/** A piece of a stream. For a WebSocket it belongs to a message, which ends with the first piece that does not go on. */
export interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isText: boolean;
  readonly goesOn: boolean;
}

export type ChannelFrame = { readonly stream: number } & (
  | { readonly kind: "open"; readonly open: Open }
  | { readonly kind: "head"; readonly head: Head }
  | { readonly kind: "data"; readonly piece: Piece }
  | { readonly kind: "credit"; readonly bytes: number }
  | { readonly kind: "end" }
  | { readonly kind: "reset"; readonly reset: Reset }
);

const numbers = { open: 1, head: 2, data: 3, credit: 4, end: 5, reset: 6 } as const satisfies Record<ChannelFrame["kind"], number>;

function framed(kind: ChannelFrame["kind"], stream: number, length: number): Buffer<ArrayBuffer> {
  const frame = Buffer.alloc(HEADER_BYTES + length);
  frame[0] = numbers[kind];
  frame.writeUInt32BE(stream, 1);
  return frame;
}

function withJson(kind: ChannelFrame["kind"], stream: number, value: object): Buffer<ArrayBuffer> {
  const text = Buffer.from(JSON.stringify(value));
  const frame = framed(kind, stream, text.length);
  text.copy(frame, HEADER_BYTES);
  return frame;
}

export function encodeFrame(frame: ChannelFrame): Buffer<ArrayBuffer> {
  switch (frame.kind) {
    case "open":
      return withJson("open", frame.stream, frame.open);
    case "head":
      return withJson("head", frame.stream, frame.head);
    case "reset":
      return withJson("reset", frame.stream, frame.reset);
    case "end":
      return framed("end", frame.stream, 0);
    case "credit": {
      const encoded = framed("credit", frame.stream, 4);
      encoded.writeUInt32BE(frame.bytes, HEADER_BYTES);
      return encoded;
    }
    case "data": {
      const { bytes, isText, goesOn } = frame.piece;
      const encoded = framed("data", frame.stream, 1 + bytes.length);
      encoded[HEADER_BYTES] = (isText ? IS_TEXT : 0) | (goesOn ? GOES_ON : 0);
      encoded.set(bytes, HEADER_BYTES + 1);
      return encoded;
    }
    default:
      return frame satisfies never;
  }
}

function jsonOf<T>(shape: Shape<T>, bytes: Buffer): T | undefined {
  const value = findJson(bytes.toString("utf8"));
  return shape.Check(value) ? value : undefined;
}

function pieceOf(bytes: Buffer): Piece | undefined {
  const [flags] = bytes;
  if (flags === undefined || flags > (IS_TEXT | GOES_ON) || bytes.length - 1 > PIECE_BYTES_MAX) return undefined;
  // A copy: the runtime may use the frame's memory again.
  return { bytes: new Uint8Array(bytes.subarray(1)), isText: (flags & IS_TEXT) !== 0, goesOn: (flags & GOES_ON) !== 0 };
}

/** The frame in these bytes; undefined when it is none. */
export function findFrame(bytes: Uint8Array): ChannelFrame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const stream = view.readUInt32BE(1);
  const rest = view.subarray(HEADER_BYTES);
  switch (view[0]) {
    case numbers.open: {
      const open = jsonOf(openShape, rest);
      return open && { kind: "open", stream, open };
    }
    case numbers.head: {
      const head = jsonOf(headShape, rest);
      return head && { kind: "head", stream, head };
    }
    case numbers.reset: {
      const reset = jsonOf(resetShape, rest);
      return reset && { kind: "reset", stream, reset };
    }
    case numbers.data: {
      const piece = pieceOf(rest);
      return piece && { kind: "data", stream, piece };
    }
    case numbers.credit:
      return rest.length === 4 ? { kind: "credit", stream, bytes: rest.readUInt32BE(0) } : undefined;
    case numbers.end:
      return rest.length === 0 ? { kind: "end", stream } : undefined;
    default:
      return undefined;
  }
}
