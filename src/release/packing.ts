/**
 * The compression of a release's tar: gzip (RFC 1952), one member without a name or a time.
 *
 * Rule: strict. The library takes other headers, other endings and what follows them; here each of these bytes is compared.
 */
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import { releaseFault } from "./refusals.ts";

/** Deflate, no flags, no time, the strongest compression, Unix. */
const HEAD = Buffer.from("1f8b0800000000000203", "hex");
const TRAILER_BYTES = 8;
/** Room for three executables: a small file cannot fill a host's memory. */
const UNPACKED_BYTES_MAX = 402_653_184;

function trailerOf(content: Buffer): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(crc32(content));
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return trailer;
}

/** The same bytes for the same content. */
export function packed(content: Buffer): Buffer {
  const bytes = gzipSync(content, { level: 9 });
  return Buffer.concat([HEAD, bytes.subarray(HEAD.length)]);
}

/** Throws the refusals `not_a_release`, `truncated` and `tampered`. */
export function unpacked(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, HEAD.length).equals(HEAD)) throw releaseFault("not_a_release", "It does not begin as one.");
  const content = inflated(bytes);
  if (!bytes.subarray(-TRAILER_BYTES).equals(trailerOf(content))) throw releaseFault("tampered", "Its last bytes do not fit what it holds.");
  return content;
}

function inflated(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "Z_BUF_ERROR") throw releaseFault("truncated");
    if (code === "ERR_BUFFER_TOO_LARGE") throw releaseFault("not_a_release", "It holds more than a release does.");
    throw releaseFault("tampered", "It cannot be unpacked.");
  }
}
